"""A TCP proxy that damages what passes, one plan for each connection, and notes how both sides closed.

It stands between the gateway and a scripted vendor, or between a client and the gateway. It moves bytes and knows
nothing of HTTP; under TLS it sees ciphertext.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, Self

from tests.support.peer import Closing, Peer
from tests.support.ports import listener

Stop = Literal["reset", "fin", "half_close", "stall", "swallow"]
"""What happens after the last byte that is let through: RST to both sides, FIN to both sides, FIN to the receiver
alone, silence without reading on, or silence while the rest is read and thrown away."""


@dataclass(frozen=True)
class Way:
    """What happens to the bytes of one direction. Offsets count from the first byte of the connection."""

    latency: float = 0.0
    """Seconds by which every byte is late; later bytes don't wait for earlier ones."""
    bandwidth: int | None = None
    """Bytes per second."""
    slices: int | None = None
    """Bytes in a write."""
    cuts: tuple[int, ...] = ()
    """Offsets at which a new write begins."""
    pause: float = 0.0
    """Seconds between two writes of what came in one piece; a reader in another process needs some."""
    corrupt: tuple[int, ...] = ()
    """Offsets of bytes to be inverted."""
    stop_at: int | None = None
    """Bytes let through before ``stop``; with 0 the first byte to arrive sets it off."""
    stop: Stop = "reset"

    def pieces(self, data: bytes, offset: int) -> Iterator[bytes]:
        """The writes for ``data``, which stands at ``offset``, as far as it may pass."""
        if self.stop_at is not None:
            data = data[: max(0, self.stop_at - offset)]
        if self.corrupt:
            changed = bytearray(data)
            for place in self.corrupt:
                if offset <= place < offset + len(data):
                    changed[place - offset] ^= 0xFF
            data = bytes(changed)
        bounds = {cut - offset for cut in self.cuts}
        if self.slices is not None:
            # Slices are counted from the start of the connection, so that they don't depend on how bytes arrive.
            bounds |= set(range(-offset % self.slices, len(data), self.slices))
        edges = [0, *sorted(bound for bound in bounds if 0 < bound < len(data)), len(data)]
        yield from (data[start:end] for start, end in pairwise(edges) if start < end)


@dataclass(frozen=True)
class Plan:
    """The faults of one connection."""

    up: Way = field(default_factory=Way)
    """Client to target."""
    down: Way = field(default_factory=Way)
    """Target to client."""
    refuse: bool = False
    """Accept and reset at once; a listener that is gone is ``FaultProxy.shut``."""
    connect_delay: float = 0.0
    """Seconds before the target is dialled."""


CLEAN = Plan()


@dataclass
class Link:
    """One connection through the proxy."""

    number: int
    plan: Plan
    client: Peer
    target: Peer | None = None
    passed_up: int = 0
    passed_down: int = 0
    stopped_at: float | None = None
    """When a ``stop`` went off."""

    @property
    def client_closing(self) -> Closing | None:
        """How and when the client closed."""
        return self.client.closing

    @property
    def target_closing(self) -> Closing | None:
        """How and when the target closed."""
        return None if self.target is None else self.target.closing


class FaultProxy:
    """``async with FaultProxy("127.0.0.1", vendor.port) as proxy: proxy.plan = Plan(down=Way(stop_at=100))``.

    ``plans`` are used up first, one for each connection; ``plan`` serves all others, and may be a function of the
    connection's number.
    """

    def __init__(self, host: str, port: int, plan: Plan | Callable[[int], Plan] = CLEAN) -> None:
        self.plan = plan
        self.plans: deque[Plan] = deque()
        self.links: list[Link] = []
        self.port = 0
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    async def open(self) -> None:
        """Listen, on the same port as before if there was one."""
        listening = listener(self.port)
        self.port = listening.getsockname()[1]
        self._server = await asyncio.get_running_loop().create_server(self._accept, sock=listening)

    def shut(self) -> None:
        """Stop listening: new connections are refused, old ones live on."""
        if self._server is not None:
            self._server.close()

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        self.shut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for link in self.links:
            for peer in (link.client, link.target):
                if peer is not None and peer.alive:
                    peer.abort()
                    await peer.lost.wait()

    async def wait_for(self, condition: Callable[[], bool], timeout: float = 5.0) -> None:
        """Wait until ``condition()`` holds; looked at whenever bytes pass or a connection changes."""

        async def watch() -> None:
            async with self._news:
                await self._news.wait_for(condition)

        await asyncio.wait_for(watch(), timeout)

    # connections

    def _accept(self) -> Peer:
        number = len(self.links)
        chosen = self.plan(number) if callable(self.plan) else self.plan
        link = Link(number, self.plans.popleft() if self.plans else chosen, Peer())
        self.links.append(link)
        task = asyncio.get_running_loop().create_task(self._join(link))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return link.client

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _join(self, link: Link) -> None:
        await link.client.made.wait()
        if link.plan.refuse:
            link.client.reset()
            return
        await asyncio.sleep(link.plan.connect_delay)
        try:
            _, link.target = await asyncio.get_running_loop().create_connection(Peer, *self._target)
        except OSError:
            link.client.reset()
            return
        await self._tell()
        up = _Pump(link, link.client, link.target, link.plan.up, self._passed_up, self._tell)
        down = _Pump(link, link.target, link.client, link.plan.down, self._passed_down, self._tell)
        async with asyncio.TaskGroup() as group:
            group.create_task(up.run())
            group.create_task(down.run())
        for peer in (link.client, link.target):
            peer.close()
        await self._tell()

    @staticmethod
    def _passed_up(link: Link, count: int) -> None:
        link.passed_up += count

    @staticmethod
    def _passed_down(link: Link, count: int) -> None:
        link.passed_down += count


@dataclass
class _Pump:
    """One direction: a reader that takes bytes as they come and a writer that lets them out when they are due."""

    link: Link
    source: Peer
    target: Peer
    way: Way
    count: Callable[[Link, int], None]
    tell: Callable[[], Awaitable[None]]
    passed: int = 0

    async def run(self) -> None:
        queue: asyncio.Queue[tuple[float, bytes | None]] = asyncio.Queue(maxsize=64)
        async with self._reading(queue):
            try:
                ended = await self._write(queue)
            except ConnectionError:
                # The receiver is gone, so the sender has nobody to talk to.
                self.source.reset()
                return
        if not ended:
            return
        if self.source.closing is not None and self.source.closing.manner != "fin":
            self.target.reset()
        else:
            self.target.half_close()

    @asynccontextmanager
    async def _reading(self, queue: asyncio.Queue[tuple[float, bytes | None]]) -> AsyncIterator[None]:
        async def read() -> None:
            try:
                while data := await self.source.read(65536):
                    await queue.put((time.monotonic() + self.way.latency, data))
            except ConnectionResetError:
                # A reset overtakes what is still on its way.
                self.target.reset()
            await queue.put((time.monotonic() + self.way.latency, None))

        task = asyncio.get_running_loop().create_task(read())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _write(self, queue: asyncio.Queue[tuple[float, bytes | None]]) -> bool:
        """Let bytes through; True at the end of the stream, False after a stop."""
        while True:
            due, data = await queue.get()
            if self.way.latency:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            if data is None:
                return True
            for piece in list(self.way.pieces(data, self.passed)):
                await self.target.write(piece)
                self.passed += len(piece)
                self.count(self.link, len(piece))
                await asyncio.sleep(self.way.pause + (len(piece) / self.way.bandwidth if self.way.bandwidth else 0))
                await self.tell()
            if self.way.stop_at is not None and self.passed >= self.way.stop_at:
                await self._stop(queue)
                return False

    async def _stop(self, queue: asyncio.Queue[tuple[float, bytes | None]]) -> None:
        self.link.stopped_at = time.monotonic()
        await self.tell()
        match self.way.stop:
            case "reset":
                self.target.reset()
                self.source.reset()
            case "fin":
                self.target.close()
                self.source.close()
            case "half_close":
                self.target.half_close()
                await self._swallow(queue)
            case "stall":
                # The reader goes on until the queue and the buffer are full: the sender feels it, late as on a real
                # network, and its closing is still noticed.
                await self.target.left.wait()
            case "swallow":
                await self._swallow(queue)

    async def _swallow(self, queue: asyncio.Queue[tuple[float, bytes | None]]) -> None:
        while (await queue.get())[1] is not None:
            pass
