"""Cross-origin access, by allow-list and off by default."""

from __future__ import annotations

from codenex.gateway.exchange import Exchange, Headers

_EXPOSED = "x-request-id, request-id, retry-after, x-codenex-provider, x-codenex-losses"
_METHODS = "GET, POST, DELETE, OPTIONS"
_LONGEST = 4096


def cors_headers(exchange: Exchange, origins: tuple[str, ...]) -> Headers:
    """Return the headers that let an allowed origin read the answer; ``*`` in the list allows every origin."""
    if not origins:
        return []
    origin = exchange.header("origin")
    if origin is None or ("*" not in origins and origin not in origins):
        return [("vary", "Origin")]
    return [("access-control-allow-origin", origin), ("access-control-expose-headers", _EXPOSED), ("vary", "Origin")]


def preflight(exchange: Exchange, origins: tuple[str, ...]) -> tuple[int, Headers]:
    """Return the answer to ``OPTIONS``. An origin that isn't allowed gets no permission, and no error either."""
    headers = cors_headers(exchange, origins)
    if any(name == "access-control-allow-origin" for name, _ in headers):
        wanted = exchange.header("access-control-request-headers") or ""
        if len(wanted) <= _LONGEST and wanted.isprintable():
            headers.append(("access-control-allow-headers", wanted or "authorization, content-type"))
        headers += [("access-control-allow-methods", _METHODS), ("access-control-max-age", "600")]
    headers.append(("allow", _METHODS))
    return 204, headers
