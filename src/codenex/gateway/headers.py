"""Which headers travel, by rule: in the passthrough lane all end-to-end ones but credentials and hop-by-hop; in
translation none of the client's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import compress
from operator import itemgetter

from codenex.gateway.exchange import Headers

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
        "content-length",
        "content-encoding",
        "host",
    }
)
#: Identity of the client towards this gateway, or of its network: never an upstream's business.
_PRIVATE = frozenset(
    {
        "authorization",
        "x-api-key",
        "x-goog-api-key",
        "cookie",
        "origin",
        "referer",
        "accept-encoding",
        "forwarded",
        "via",
        "model-provider",
        "x-request-id",
        "x-real-ip",
        "x-codenex-strict",
        # May name users, by its own standard's warning (W3C Baggage); trace ids don't (gateway/tracing.py).
        "baggage",
    }
)
_PRIVATE_PREFIXES = ("sec-", "x-forwarded-", "cf-", "access-control-")
#: What names of credentials end in, and what ends so and is none.
_PRIVATE_ENDS = ("-token", "-key", "-secret", "-password")
_NO_CREDENTIALS = frozenset({"idempotency-key", "x-idempotency-key"})

_RESPONSE = frozenset(
    {
        "content-type",
        "retry-after",
        "retry-after-ms",
        "x-should-retry",
        "request-id",
        "openai-processing-ms",
        "openai-version",
        "openai-organization",
        "anthropic-organization-id",
        "x-codex-turn-state",
        "x-models-etag",
        "etag",
        "server-timing",
    }
)
_RESPONSE_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-", "x-codex-")


_REMEMBERED = 4096
#: Values of ``connection`` that name no header.
NAMELESS = frozenset({"keep-alive", "Keep-Alive", "close"})


class _Names(dict[str, bool]):
    """Whether a name goes, remembered: clients and upstreams send the same few names again and again."""

    def __init__(self, goes: Callable[[str], bool]) -> None:
        super().__init__()
        self._goes = goes

    def __missing__(self, name: str) -> bool:
        goes = self._goes(name)
        if len(self) < _REMEMBERED:
            self[name] = goes
        return goes


def _goes_up(name: str) -> bool:
    if name in _HOP_BY_HOP or name in _PRIVATE or name.startswith(_PRIVATE_PREFIXES):
        return False
    return name in _NO_CREDENTIALS or not name.endswith(_PRIVATE_ENDS)


def _goes_down(name: str) -> bool:
    return name in _RESPONSE or name.startswith(_RESPONSE_PREFIXES)


_up = _Names(_goes_up)
#: Whether a response header goes down, by its name.
goes_down = _Names(_goes_down)


_goes_beside = _Names(lambda name: name != "content-type" and _goes_down(name)).__getitem__
_name_of = itemgetter(0)


def passed_up(headers: Headers) -> Headers:
    """Return what of a client's headers goes to an upstream of the same protocol."""
    out = [pair for pair in headers if _up[pair[0]]]
    named: set[str] | None = None
    for name, value in headers:
        if name == "connection" and value not in NAMELESS:
            named = named or set()
            named.update(token.strip().lower() for token in value.split(","))
    return out if named is None else [pair for pair in out if pair[0] not in named]


def passed_down(headers: Headers) -> Headers:
    """Return what of an upstream's response headers goes to a client of the same protocol."""
    return [pair for pair in headers if goes_down[pair[0]]]


def passed_beside(headers: Headers) -> Iterable[tuple[str, str]]:
    """Return the same but for the type, where that is known. To be gone through once."""
    return compress(headers, map(_goes_beside, map(_name_of, headers)))
