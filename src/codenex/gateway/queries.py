"""The query string of a request: what of it goes on to an upstream of the same protocol."""

from __future__ import annotations

#: The client's key, and the form of a stream, which the gateway chooses itself.
_OWN = frozenset({"key", "alt", "%24alt", "$alt"})


def forwarded_query(query: str) -> str:
    """Return the query without the client's key and without what the gateway sets itself, otherwise as received."""
    if not query:
        return ""
    return "&".join(pair for pair in query.split("&") if pair and pair.partition("=")[0] not in _OWN)


def wants_array(query: str) -> bool:
    """Whether a Gemini stream is wanted as one JSON array: anything but ``alt=sse``."""
    return "alt=sse" not in query.split("&")
