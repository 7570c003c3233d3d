"""What is sent where: origins, requests and their deadlines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from codenex.core.errors import Fault, FaultKind
from codenex.providers.transport.deadlines import NEVER
from codenex.wire.head import HeaderInvalid, header_lines

_DEFAULT_PORTS = {"http": 80, "https": 443}
_TARGET = re.compile(r"/[!-~]*")
_METHOD = re.compile(r"[A-Z]+")
_HOST = re.compile(r"[^\x00-\x20/?#@\\\x7f]+")
_WITH_BODY = frozenset(("PATCH", "POST", "PUT"))

#: The transport writes these itself, or they concern one hop only.
OWN_HEADERS = frozenset(
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


_methods = frozenset(("GET", "POST"))
#: Targets that were found valid, so that each is matched once; a query may hold a key, and is matched each time.
_targets: set[str] = set()
_TARGETS_LIMIT = 1024
_LONGEST_TARGET = 128


def _check(method: str, target: str) -> None:
    if _METHOD.fullmatch(method) is None or _TARGET.fullmatch(target) is None:
        raise HeaderInvalid("invalid method or request target")
    if len(target) <= _LONGEST_TARGET and len(_targets) < _TARGETS_LIMIT and "?" not in target:
        _targets.add(target)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections go: they are shared only between requests to an equal origin.

    ``scheme`` is ``http`` or ``https``; ``unix_path`` dials a Unix socket instead of ``host`` and ``port``; ``proxy``
    is the URL of a proxy on the way (``http``, ``socks5`` or ``socks5h``, see :mod:`.proxy`).
    """

    scheme: str
    host: str
    port: int
    unix_path: str | None = None
    proxy: str | None = None
    #: The ``host`` header's value: without the default port, IPv6 addresses in brackets.
    authority: str = field(init=False, compare=False, repr=False)
    #: The same text for equal origins, and another one for any other. It may hold a proxy's password.
    key: str = field(init=False, compare=False, repr=False)
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no origin. Raises :class:`ValueError`."""
        if self.scheme not in _DEFAULT_PORTS:
            raise ValueError(f"not an HTTP scheme: {self.scheme!r}")
        if _HOST.fullmatch(self.host) is None or not 0 < self.port < 65536:
            raise ValueError(f"not a host and port: {self.host!r}, {self.port}")
        host = f"[{self.host}]" if ":" in self.host else self.host
        authority = host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"
        object.__setattr__(self, "authority", authority)
        # An origin is looked up with every request.
        fields = (self.scheme, self.host, self.port, self.unix_path, self.proxy)
        object.__setattr__(self, "key", repr(fields))
        object.__setattr__(self, "_hash", hash(fields))

    def __hash__(self) -> int:
        return self._hash


@dataclass(slots=True)
class UpstreamRequest:
    """One request. ``target`` is path and query, as it stands in the request line.

    ``lines`` are further headers, already formatted by :func:`~codenex.wire.head.header_lines`: those of an account
    are the same for all its requests.
    """

    method: str
    origin: Origin
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    lines: str = ""

    def head(self) -> bytes:
        """Format the head, with ``host`` and ``content-length``. Raises :class:`Fault` ``INTERNAL`` where it can't be
        sent."""
        length = b"content-length: %d\r\n" % len(self.body) if self.body or self.method in _WITH_BODY else b""
        return b"%b%b\r\n" % (self.beginning(), length)

    def beginning(self) -> bytes:
        """Format the head up to the length of the body: whole lines, to which others may be added. Raises as
        :meth:`head`."""
        try:
            if self.target not in _targets or self.method not in _methods:
                _check(self.method, self.target)
            lines = header_lines(self.headers, OWN_HEADERS)
            return (
                f"{self.method} {self.target} HTTP/1.1\r\nhost: {self.origin.authority}\r\n{self.lines}{lines}"
            ).encode("latin-1")
        except (HeaderInvalid, UnicodeEncodeError) as error:
            # An encoding error's text would show the value.
            reason = str(error) if isinstance(error, HeaderInvalid) else "a header value is not latin-1"
            raise Fault(FaultKind.INTERNAL, f"The upstream request can't be sent: {reason}.") from None


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
    #: Both from the sending on: to the whole head, whichever of the two ends it, and to the end; infinite without any.
    first: float = field(init=False, compare=False, repr=False)
    in_all: float = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Derive what each request asks for."""
        in_all = NEVER if self.total is None else self.total
        object.__setattr__(self, "in_all", in_all)
        object.__setattr__(self, "first", min(self.first_byte, in_all))
