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


#: Whether a name goes up or down, remembered: clients and upstreams send the same few names again and again.
_up: dict[str, bool] = {}
_down: dict[str, bool] = {}
_REMEMBERED = 4096


def passed_up(headers: Headers) -> Headers:
    """Return what of a client's headers goes to an upstream of the same protocol."""
    named: set[str] = set()
    out: Headers = []
    for pair in headers:
        name = pair[0]
        goes = _up.get(name)
        if goes is None:
            goes = _remember(_up, name, _goes_up(name))
        if goes:
            out.append(pair)
        elif name == "connection":
            named.update(token.strip().lower() for token in pair[1].split(","))
    return [pair for pair in out if pair[0] not in named] if named else out


def passed_down(headers: list[tuple[str, str]]) -> Headers:
    """Return what of an upstream's response headers goes to a client of the same protocol."""
    out: Headers = []
    for pair in headers:
        name = pair[0]
        goes = _down.get(name)
        if goes is None:
            goes = _remember(_down, name, name in _RESPONSE or name.startswith(_RESPONSE_PREFIXES))
        if goes:
            out.append(pair)
    return out


def _goes_up(name: str) -> bool:
    if name in _HOP_BY_HOP or name in _PRIVATE or name.startswith(_PRIVATE_PREFIXES):
        return False
    return name in _NO_CREDENTIALS or not name.endswith(_PRIVATE_ENDS)


def _remember(table: dict[str, bool], name: str, goes: bool) -> bool:
    if len(table) < _REMEMBERED:
        table[name] = goes
    return goes
