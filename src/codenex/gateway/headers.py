"""Which headers travel, by rule: in the passthrough lane all end-to-end ones but credentials and hop-by-hop; in
translation none of the client's."""

from __future__ import annotations

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
    }
)
_PRIVATE_PREFIXES = ("sec-", "x-forwarded-", "cf-", "access-control-")

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


def passed_up(headers: Headers) -> Headers:
    """Return what of a client's headers goes to an upstream of the same protocol."""
    named: set[str] = set()
    for name, value in headers:
        if name == "connection":
            named.update(token.strip().lower() for token in value.split(","))
    return [
        (name, value)
        for name, value in headers
        if name not in _HOP_BY_HOP
        and name not in _PRIVATE
        and name not in named
        and not name.startswith(_PRIVATE_PREFIXES)
    ]


def passed_down(headers: list[tuple[str, str]]) -> Headers:
    """Return what of an upstream's response headers goes to a client of the same protocol."""
    return [(name, value) for name, value in headers if name in _RESPONSE or name.startswith(_RESPONSE_PREFIXES)]
