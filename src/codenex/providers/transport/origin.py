"""What is sent where: origins, requests and their deadlines."""

from __future__ import annotations

import re
from dataclasses import dataclass

from codenex.wire.head import HeaderInvalid, header_lines

_DEFAULT_PORTS = {"http": 80, "https": 443}
_TARGET = re.compile(r"/[!-~]*")
_METHOD = re.compile(r"[A-Z]+")
_HOST = re.compile(r"[^\x00-\x20/?#@\\\x7f]+")
_WITH_BODY = frozenset(("PATCH", "POST", "PUT"))

#: The transport writes these itself, or they concern one hop only.
_OWN = frozenset(
    (
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections go: they are shared only between requests to an equal origin.

    ``scheme`` is ``http`` or ``https``; ``unix_path`` dials a Unix socket instead of ``host`` and ``port``.
    """

    scheme: str
    host: str
    port: int
    unix_path: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no origin. Raises :class:`ValueError`."""
        if self.scheme not in _DEFAULT_PORTS:
            raise ValueError(f"not an HTTP scheme: {self.scheme!r}")
        if _HOST.fullmatch(self.host) is None or not 0 < self.port < 65536:
            raise ValueError(f"not a host and port: {self.host!r}, {self.port}")

    @property
    def authority(self) -> str:
        """The ``host`` header's value: without the default port, IPv6 addresses in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(slots=True)
class UpstreamRequest:
    """One request. ``target`` is path and query, as it stands in the request line."""

    method: str
    origin: Origin
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""

    def head(self) -> bytes:
        """Format the head, with ``host`` and ``content-length``. Raises :class:`HeaderInvalid`."""
        if _METHOD.fullmatch(self.method) is None or _TARGET.fullmatch(self.target) is None:
            raise HeaderInvalid("invalid method or request target")
        lines = header_lines(self.headers, _OWN)
        if self.body or self.method in _WITH_BODY:
            lines = f"{lines}content-length: {len(self.body)}\r\n"
        head = f"{self.method} {self.target} HTTP/1.1\r\nhost: {self.origin.authority}\r\n{lines}\r\n"
        return head.encode("latin-1")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a request may take, in seconds. ``total`` counts from the sending to the end of the body."""

    #: Resolving, connecting and the TLS handshake together.
    connect: float = 10.0
    #: From sending the request to the whole head of its response.
    first_byte: float = 300.0
    #: Between two reads of the body.
    idle: float = 120.0
    total: float | None = None
