"""Opens connections: resolve, race the addresses, a tunnel where a proxy is on the way, TLS."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from codenex.core.errors import Fault, FaultKind
from codenex.providers.transport.dial import dial
from codenex.providers.transport.origin import Origin
from codenex.providers.transport.proxy import ProxyRefused, open_tunnel, parsed_proxy
from codenex.providers.transport.resolver import Resolver

#: What this machine lacks: descriptors, ports, memory. The upstream has no part in it.
_OUR_OWN = frozenset((errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM))

ProtocolType = TypeVar("ProtocolType", bound=asyncio.BaseProtocol)


def default_ssl_context(origin: Origin) -> ssl.SSLContext:
    """Return the context for an origin: certificates and names verified, TLS 1.2 or later, HTTP/1.1 only."""
    return _shared_context(None)


def trusting(ca_file: str | None) -> Callable[[Origin], ssl.SSLContext]:
    """Return a factory of contexts that trust the system's authorities and those in a PEM file.

    The file is read with the first connection that needs it; what is wrong with it is then that connection's fault.
    Not at the start: those who never use TLS need not hold the authorities of the system.
    """
    return lambda origin: _shared_context(ca_file)


@lru_cache(4)
def _shared_context(ca_file: str | None) -> ssl.SSLContext:
    # One for all origins: each holds all the authorities of the system, and reading them takes 20 ms.
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _reason(error: Exception) -> tuple[str, str]:
    """Return the finer code and the reason in words."""
    match error:
        case ProxyRefused():
            return "proxy_refused", str(error)
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
    """Opens connections to origins within a deadline. ``context_factory`` is called outside the event loop, once for
    each origin: reading the system's authorities would hold up all others for 40 ms."""

    __slots__ = ("_context_factory", "_contexts", "_making", "_resolver")

    def __init__(
        self,
        context_factory: Callable[[Origin], ssl.SSLContext] = default_ssl_context,
        resolver: Resolver | None = None,
    ) -> None:
        self._context_factory = context_factory
        self._contexts: dict[Origin, ssl.SSLContext] = {}
        self._making = asyncio.Lock()
        self._resolver = Resolver() if resolver is None else resolver

    async def connect(self, origin: Origin, factory: Callable[[], ProtocolType], timeout: float) -> ProtocolType:
        """Open a connection. Raises :class:`Fault` ``UPSTREAM_CONNECT``, naming the host and the reason, and
        ``OVERLOADED`` where it is this machine that can't."""
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
            if isinstance(error, OSError) and error.errno in _OUR_OWN:
                raise Fault(
                    FaultKind.OVERLOADED,
                    f"No further connection to an upstream can be opened: {os.strerror(error.errno).lower()}.",
                    code="upstream_connections",
                    retry_after=1,
                ) from None
            code, reason = _reason(error)
            raise Fault(FaultKind.UPSTREAM_CONNECT, f"Could not connect to {where}: {reason}.", code=code) from None

    async def _open(self, origin: Origin, factory: Callable[[], ProtocolType]) -> ProtocolType:
        loop = asyncio.get_running_loop()
        context = await self._context(origin) if origin.scheme == "https" else None
        name = origin.host if context is not None else None
        if origin.unix_path is not None:
            _, protocol = await loop.create_unix_connection(
                factory, origin.unix_path, ssl=context, server_hostname=name
            )
            return protocol
        sock = await self._reach(origin)
        try:
            _, protocol = await loop.create_connection(factory, sock=sock, ssl=context, server_hostname=name)
        except BaseException:
            # Depending on how far it came the loop has closed the socket already; closing twice is harmless.
            with contextlib.suppress(OSError):
                sock.close()
            raise
        return protocol

    async def _reach(self, origin: Origin) -> socket.socket:
        """Return a socket whose other end is the origin, maybe through a tunnel."""
        if origin.proxy is None:
            return await dial(await self._resolver.resolve(origin.host, origin.port))
        try:
            proxy = parsed_proxy(origin.proxy)
        except ValueError as error:
            raise ProxyRefused(f"the proxy's URL is not valid: {error}") from None
        host = origin.host
        if not proxy.resolves:
            # A SOCKS proxy that is given addresses gets the first one, as other clients do.
            host = (await self._resolver.resolve(host, origin.port))[0][1][0]
        try:
            sock = await dial(await self._resolver.resolve(proxy.host, proxy.port))
        except OSError as error:
            raise ProxyRefused(f"the proxy can't be reached: {_reason(error)[1]}") from None
        try:
            await open_tunnel(sock, proxy, host, origin.port)
        except BaseException:
            sock.close()
            raise
        return sock

    async def _context(self, origin: Origin) -> ssl.SSLContext:
        context = self._contexts.get(origin)
        if context is not None:
            return context
        async with self._making:
            context = self._contexts.get(origin)
            if context is None:
                context = await asyncio.to_thread(self._context_factory, origin)
                self._contexts[origin] = context
        return context
