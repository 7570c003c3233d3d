"""Connects a socket to one of several addresses: raced, so that a family that leads nowhere costs a quarter second.

After RFC 8305 (happy eyeballs). uvloop's own ``create_connection`` tries addresses one after the other.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable

from codenex.providers.transport.resolver import Address

#: Seconds that an attempt has for itself before the next one begins.
HEAD_START = 0.25


def alternating(addresses: Iterable[Address]) -> list[Address]:
    """Order addresses so that the families alternate, beginning with the resolver's favourite."""
    groups: dict[int, list[Address]] = {}
    for address in addresses:
        groups.setdefault(address[0], []).append(address)
    ordered: list[Address] = []
    while groups:
        for family in list(groups):
            ordered.append(groups[family].pop(0))
            if not groups[family]:
                del groups[family]
    return ordered


async def dial(addresses: list[Address], head_start: float = HEAD_START) -> socket.socket:
    """Return a connected socket. Raises the :class:`OSError` of the first attempt that failed."""
    if not addresses:
        raise OSError("no address")
    if len(addresses) == 1:
        return await _connected(addresses[0])
    waiting = alternating(addresses)
    running: set[asyncio.Task[socket.socket]] = set()
    failure: OSError | None = None
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.ensure_future(_connected(waiting.pop(0))))
            done, running = await asyncio.wait(
                running, timeout=head_start if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            winner: socket.socket | None = None
            for task in done:
                error = task.exception()
                if error is None:
                    if winner is None:
                        winner = task.result()
                    else:
                        task.result().close()
                elif not isinstance(error, OSError):
                    raise error
                elif failure is None:
                    failure = error
            if winner is not None:
                return winner
    finally:
        await _abandon(running)
    raise OSError("no address") if failure is None else failure


async def _abandon(running: set[asyncio.Task[socket.socket]]) -> None:
    for task in running:
        task.cancel()
    for result in await asyncio.gather(*running, return_exceptions=True):
        if isinstance(result, socket.socket):
            # It won in the moment in which it was given up.
            result.close()


async def _connected(address: Address) -> socket.socket:
    sock = socket.socket(address[0], socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        await asyncio.get_running_loop().sock_connect(sock, address[1])
    except BaseException:
        sock.close()
        raise
    return sock
