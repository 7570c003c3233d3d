"""Name lookups in threads of their own, so that hung ones stop nobody else."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from typing import Any

#: ``(family, sockaddr)`` in the order in which they are to be tried.
Address = tuple[int, Any]
Lookup = Callable[[str, int], list[Address]]


def system_lookup(host: str, port: int) -> list[Address]:
    """Look a name up with the system's resolver. Blocks. Raises :class:`OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [(family, address) for family, _, _, _, address in found]


def _literal(host: str, port: int) -> list[Address] | None:
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_NUMERICHOST
        )
    except OSError:
        return None
    return [(family, address) for family, _, _, _, address in found]


class Resolver:
    """Looks names up, one lookup at a time per name, at most ``concurrency`` at once.

    Each runs in a daemon thread: a pool's threads would be joined at exit, and a hung lookup would hold it up.
    """

    __slots__ = ("_free", "_lookup", "_running")

    def __init__(self, lookup: Lookup = system_lookup, concurrency: int = 32) -> None:
        self._lookup = lookup
        self._running: dict[tuple[str, int], asyncio.Future[list[Address]]] = {}
        self._free = asyncio.Semaphore(concurrency)

    async def resolve(self, host: str, port: int) -> list[Address]:
        """Return the addresses of a name, or of an address as it stands. Raises :class:`OSError`."""
        literal = _literal(host, port)
        if literal is not None:
            return literal
        running = self._running.get((host, port))
        if running is None:
            async with self._free:
                running = self._running.get((host, port))
                if running is None:
                    running = self._begin(host, port)
        # Shielded: others may be waiting for the same name.
        return await asyncio.shield(running)

    def _begin(self, host: str, port: int) -> asyncio.Future[list[Address]]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Address]] = loop.create_future()
        # Nobody may be left to take the exception.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._running[host, port] = future

        def deliver(addresses: list[Address], error: Exception | None) -> None:
            self._running.pop((host, port), None)
            if future.done():
                return
            if error is None:
                future.set_result(addresses)
            else:
                future.set_exception(error)

        def run() -> None:
            try:
                addresses, error = self._lookup(host, port), None
            except Exception as failure:
                addresses, error = [], failure
            try:
                loop.call_soon_threadsafe(deliver, addresses, error)
            except RuntimeError:
                return  # the loop has been closed meanwhile

        threading.Thread(target=run, name=f"resolve {host}", daemon=True).start()
        return future
