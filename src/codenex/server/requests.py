"""What a request head must be: the checks that the parser leaves to us, and the split of the target."""

from __future__ import annotations

import re

from codenex.core.errors import Fault, FaultKind, invalid_request
from codenex.server.exchange import EdgeExchange, Form

_HOST = re.compile(r"[A-Za-z0-9.\-_~%!$&'()*+,;=]+(?::\d{0,5})?|\[[0-9A-Fa-f:.]+(?:%25[\w.~-]+)?\](?::\d{0,5})?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)

#: Headers whose underscore form another server could take for the real one: refused, not guessed at.
_GUARDED = frozenset(
    name.replace("-", "_")
    for name in (
        "content-length",
        "model-provider",
        "proxy-authorization",
        "transfer-encoding",
        "x-api-key",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-goog-api-key",
    )
)

#: Headers that the edge itself looks at.
_EDGE_HEADERS = (
    frozenset(("content-encoding", "content-length", "expect", "host", "transfer-encoding", "x-request-id")) | _GUARDED
)

#: The methods that the parser knows, decoded once.
_methods: dict[bytes, str] = {}


def method_name(raw: bytes) -> str:
    """Return a method as text."""
    name = _methods.get(raw)
    if name is None:
        name = _methods[raw] = raw.decode()
    return name


def request_id_of(value: str | None) -> str:
    """Return the id that a client sent, or an empty text where it can't be used."""
    return value if value is not None and _REQUEST_ID.fullmatch(value) is not None else ""


def split_target(target: bytes, method: str) -> tuple[str, str]:
    """Split a request target into path and query, both as received.

    Takes the origin form, the absolute form (whose authority is ignored) and ``*`` for OPTIONS.
    Raises :class:`Fault` 400.
    """
    text = target.decode("latin-1")
    if "#" in text:
        raise invalid_request("The request target has a fragment.")
    path, _, query = text.partition("?")
    if path.startswith("/") or (path == "*" and method == "OPTIONS"):
        return path, query
    absolute = _ABSOLUTE.match(path)
    if absolute is None:
        raise invalid_request("The request target is neither a path nor an http URL.")
    return path[absolute.end() :] or "/", query


def check_head(exchange: EdgeExchange, version: str) -> None:
    """Take what the edge needs from the headers and refuse what could be read in two ways.

    The parser has refused Content-Length beside Transfer-Encoding, repeated lengths, folded lines and bare line ends.
    Raises :class:`Fault` 400 or 505.
    """
    hosts, coding, expects, chunked = 0, None, False, False
    for name, value in exchange.headers:
        if name not in _EDGE_HEADERS:
            continue
        if name == "host":
            hosts += 1
            if _HOST.fullmatch(value) is None:
                raise invalid_request("The Host header is malformed.")
        elif name == "content-length":
            exchange.length = int(value)
        elif name == "content-encoding":
            coding = value if coding is None else f"{coding}, {value}"
        elif name == "x-request-id":
            exchange.request_id = exchange.request_id or request_id_of(value)
        elif name == "expect":
            expects = value.lower() == "100-continue"
        elif name == "transfer-encoding":
            if value.strip().lower() != "chunked":
                raise invalid_request("The only supported transfer encoding is chunked.")
            chunked = True
        else:
            raise invalid_request(f"The header {name} is spelled with underscores.")
    if hosts > 1:
        raise invalid_request("There is more than one Host header.")
    if version == "1.1":
        if hosts == 0:
            raise invalid_request("The Host header is missing.")
    elif version == "1.0":
        expects = False
        if chunked:
            raise invalid_request("HTTP/1.0 has no transfer encodings.")
    else:
        raise Fault(FaultKind.INVALID_REQUEST, "This server speaks HTTP/1.1 and HTTP/1.0.", status=505)
    if exchange.method == "CONNECT":
        raise Fault(FaultKind.METHOD_NOT_ALLOWED, "This server is no forward proxy.")
    if coding is not None or expects or chunked or version == "1.0":
        exchange.form = Form(
            head_only=exchange.method == "HEAD",
            http_1_0=version == "1.0",
            chunked=chunked,
            expects_continue=expects,
            coding=coding,
        )
