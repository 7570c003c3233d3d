"""Proxies on the way to an upstream: HTTP CONNECT and SOCKS5. The tunnel carries plain connections and TLS alike.

An HTTP proxy is asked for a tunnel for plain HTTP too, so that it never sees a request or a key.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from base64 import b64encode
from functools import lru_cache
from urllib.parse import unquote, urlsplit

import msgspec

_SCHEMES = {"http": 80, "socks5": 1080, "socks5h": 1080}
_HEAD_LIMIT = 16 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: ([^\r\n]*))?\r?\n")
_REPLIES = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "time to live expired",
    7: "command not supported",
    8: "address type not supported",
}


class ProxyRefused(OSError):
    """The proxy does not give the tunnel. The message says why, without credentials."""


class Proxy(msgspec.Struct, frozen=True):
    """A proxy. ``resolves`` says that it is given names, and not addresses."""

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str = ""

    @property
    def resolves(self) -> bool:
        """Whether the upstream's name is looked up by the proxy."""
        return self.scheme != "socks5"


@lru_cache(256)
def parsed_proxy(url: str) -> Proxy:
    """Read the URL of a proxy: ``http://``, ``socks5://`` or ``socks5h://``, with user and password if need be.

    Raises :class:`ValueError`, whose message doesn't show the URL: it may hold a password.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise ValueError("it is no URL") from None
    scheme = {"socks": "socks5h"}.get(parts.scheme, parts.scheme)
    if scheme not in _SCHEMES:
        raise ValueError(f"it must begin with {', '.join(f'{name}://' for name in _SCHEMES)}")
    if not parts.hostname:
        raise ValueError("it names no host")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("there must be nothing behind host and port")
    user = None if parts.username is None else unquote(parts.username)
    return Proxy(scheme, parts.hostname, port or _SCHEMES[scheme], user, unquote(parts.password or ""))


async def open_tunnel(sock: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Ask the proxy at the other end of ``sock`` for a tunnel. Raises :class:`OSError`."""
    if proxy.scheme == "http":
        await _connect(sock, proxy, host, port)
    else:
        await _socks(sock, proxy, host, port)


async def _connect(sock: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    name = host.encode("idna").decode() if not host.isascii() else host
    authority = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if proxy.user is not None:
        credentials = b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {credentials}")
    await loop.sock_sendall(sock, "\r\n".join([*lines, "", ""]).encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = await loop.sock_recv(sock, 4096)
        head += piece
        if not piece or len(head) > _HEAD_LIMIT:
            raise ProxyRefused("the proxy gave no valid answer")
    found = _STATUS.match(head)
    if found is None:
        raise ProxyRefused("the proxy gave no valid answer")
    if not found[1].startswith(b"2"):
        phrase = "".join(c for c in (found[2] or b"").decode("latin-1")[:100] if c.isprintable())
        raise ProxyRefused(f"the proxy refused with status {found[1].decode()} {phrase}".rstrip())
    if not head.endswith(b"\r\n\r\n"):
        raise ProxyRefused("the proxy sent more than its answer")


async def _socks(sock: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    methods = b"\x00" if proxy.user is None else b"\x00\x02"
    await loop.sock_sendall(sock, b"\x05" + bytes((len(methods),)) + methods)
    version, method = await _exactly(sock, 2)
    if version != 5:
        raise ProxyRefused("the proxy does not speak SOCKS5")
    if method == 2 and proxy.user is not None:
        user, password = proxy.user.encode()[:255], proxy.password.encode()[:255]
        await loop.sock_sendall(sock, b"\x01%c%b%c%b" % (len(user), user, len(password), password))
        if (await _exactly(sock, 2))[1] != 0:
            raise ProxyRefused("the proxy refused the credentials")
    elif method != 0:
        raise ProxyRefused("the proxy wants credentials")
    await loop.sock_sendall(sock, b"\x05\x01\x00" + _destination(host) + port.to_bytes(2, "big"))
    _, reply, _, kind = await _exactly(sock, 4)
    if reply != 0:
        raise ProxyRefused(f"the proxy refused: {_REPLIES.get(reply, f'code {reply}')}")
    length = {1: 4, 4: 16}.get(kind)
    if length is None:
        length = (await _exactly(sock, 1))[0]
    await _exactly(sock, length + 2)


def _destination(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("idna") if not host.isascii() else host.encode()
        if len(name) > 255:
            raise ProxyRefused("the name is too long for a SOCKS proxy") from None
        return b"\x03%c%b" % (len(name), name)
    return (b"\x01" if address.version == 4 else b"\x04") + address.packed


async def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = await asyncio.get_running_loop().sock_recv(sock, size - len(data))
        if not piece:
            raise ProxyRefused("the proxy closed the connection")
        data += piece
    return data
