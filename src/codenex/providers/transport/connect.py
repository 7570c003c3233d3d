"""Opens connections: resolve, try the addresses in order, TLS. Proxies and racing addresses belong here too."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

from codenex.core.errors import Fault, FaultKind
from codenex.providers.transport.origin import Origin
from codenex.providers.transport.resolver import Address, Resolver

ProtocolType = TypeVar("ProtocolType", bound=asyncio.Protocol)


def default_ssl_context(origin: Origin) -> ssl.SSLContext:
    """Build the context for an origin: certificates and names verified, TLS 1.2 or later, HTTP/1.1 only."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _reason(error: Exception) -> tuple[str, str]:
    """Return the finer code and the reason in words."""
    match error:
        case ssl.SSLCertVerificationError():
            return "tls_certificate", f"its TLS certificate is not valid: {error.verify_message}"
        case ssl.SSLError():
            return (
                "tls_error",
                f"the TLS handshake failed: {(error.reason or 'unknown reason').replace('_', ' ').lower()}",
            )
        case socket.gaierror():
            return "name_resolution", f"its name could not be resolved: {error.strerror or 'unknown reason'}"
        case ConnectionRefusedError():
            return "connection_refused", "connection refused"
        case ConnectionResetError() | ConnectionAbortedError():
            return "connection_reset", "the connection was closed while it was being opened"
        case OSError() if error.errno is not None:
            return "connection_failed", os.strerror(error.errno).lower()
    return "connection_failed", "the connection could not be opened"


class Connector:
    """Opens connections to origins within a deadline."""

    __slots__ = ("_context_factory", "_contexts", "_resolver")

    def __init__(
        self,
        context_factory: Callable[[Origin], ssl.SSLContext] = default_ssl_context,
        resolver: Resolver | None = None,
    ) -> None:
        self._context_factory = context_factory
        self._contexts: dict[Origin, ssl.SSLContext] = {}
        self._resolver = Resolver() if resolver is None else resolver

    async def connect(self, origin: Origin, factory: Callable[[], ProtocolType], timeout: float) -> ProtocolType:
        """Open a connection. Raises :class:`Fault` ``UPSTREAM_CONNECT``, naming the host and the reason."""
        where = origin.authority if origin.unix_path is None else origin.unix_path
        try:
            async with asyncio.timeout(timeout):
                return await self._open(origin, factory)
        except TimeoutError:
            raise Fault(
                FaultKind.UPSTREAM_CONNECT,
                f"Could not connect to {where} within {timeout:g} s.",
                status=504,
                code="connect_timeout",
            ) from None
        except (OSError, UnicodeError, ssl.CertificateError) as error:
            code, reason = _reason(error)
            raise Fault(FaultKind.UPSTREAM_CONNECT, f"Could not connect to {where}: {reason}.", code=code) from None

    async def _open(self, origin: Origin, factory: Callable[[], ProtocolType]) -> ProtocolType:
        loop = asyncio.get_running_loop()
        context = self._context(origin) if origin.scheme == "https" else None
        name = origin.host if context is not None else None
        if origin.unix_path is not None:
            _, protocol = await loop.create_unix_connection(
                factory, origin.unix_path, ssl=context, server_hostname=name
            )
            return protocol
        sock = await self._dial(await self._resolver.resolve(origin.host, origin.port))
        try:
            _, protocol = await loop.create_connection(factory, sock=sock, ssl=context, server_hostname=name)
        except BaseException:
            # Depending on how far it came the loop has closed the socket already; closing twice is harmless.
            with contextlib.suppress(OSError):
                sock.close()
            raise
        return protocol

    async def _dial(self, addresses: list[Address]) -> socket.socket:
        loop = asyncio.get_running_loop()
        failure: OSError | None = None
        for family, address in addresses:
            sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            try:
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                await loop.sock_connect(sock, address)
            except OSError as error:
                sock.close()
                failure = error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise OSError("no address") if failure is None else failure

    def _context(self, origin: Origin) -> ssl.SSLContext:
        context = self._contexts.get(origin)
        if context is None:
            context = self._contexts[origin] = self._context_factory(origin)
        return context
