"""The way of usage rows and events from a worker to the control process: a bounded queue, sent in batches, kept until
they are acknowledged.

A request only appends here. Without a control process the queue fills up, then what comes is dropped and counted;
nothing waits. A process that is its own control process gives requests precedence: rows that come faster than
:data:`BUSY` are put aside on disk, and are worked off when it is quieter, when somebody asks, or when they have waited
for long enough.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol
from uuid import uuid4

from codenex.core import json
from codenex.telemetry.access_log import Timed
from codenex.telemetry.rows import Acknowledgement, Batch, Event, UsageRow, usage_row

#: Rows and events that wait at most, and that go in one batch.
QUEUE_LIMIT = 10_000
BATCH_LIMIT = 500
#: Seconds that a row waits for others, and between attempts to reach the control process.
GATHER = 0.2
RETRY = 0.5
_ANSWER_LIMIT = 10.0
#: Rows and events from which on they wait for no others: the queue must not be full before they are sent.
_ENOUGH = 2000
#: Rows a second from which on requests have precedence, and seconds that rows are put aside at most.
BUSY = 250
PATIENCE = 60.0
#: Seconds that rows wait for others once the receiver has been reached: only its beginning is dear.
_GATHER_LATER = 1.0
_logger = logging.getLogger(__name__)


class Spool(Protocol):
    """Where batches wait on disk. Methods block; all but :meth:`done` and :meth:`close` raise ``OSError``."""

    @property
    def size(self) -> int:
        """Bytes that wait."""

    def adopt(self) -> None:
        """Take over what an earlier process has left."""

    def put(self, lines: bytes) -> None:
        """Let batches wait, each of them with a line end behind it."""

    def next(self) -> bytes | None:
        """Return the batch that has waited longest."""

    def done(self) -> None:
        """Forget that batch."""

    def close(self) -> None:
        """Leave to the next process what waits."""


class Outbox:
    """Rows and events on their way to the control process, to which ``connect`` opens a connection. They wait for
    others for ``gather`` seconds. With a spool, rows are put aside in it while ``may_wait`` says that they may."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]],
        gather: float = GATHER,
        spool: Spool | None = None,
        may_wait: Callable[[], bool] = lambda: True,
    ) -> None:
        self._connect = connect
        self._gather = gather
        self._may_wait = may_wait
        self._sender = uuid4().hex
        #: Rows that were put aside have a sender of their own: each one's numbers have to come in their order.
        self._late_sender = uuid4().hex
        self._spool = spool
        #: Since when rows wait that were put aside, in the loop's time; why some could not be.
        self._aside_since: float | None = None
        self._trouble = ""
        self._queue: deque[UsageRow | Event] = deque()
        self._number = 0
        self._wake = asyncio.Event()
        self._closed = asyncio.Event()
        #: Set where nobody waits for more rows.
        self._enough = asyncio.Event()
        #: Up to which number all is delivered; somebody asks for it, or is told that there was another delivery.
        self._delivered = 0
        self._asked = asyncio.Event()
        self._told = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0

    def start(self) -> None:
        """Begin to send, in the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="outbox")

    def record(self, records: Iterable[Timed]) -> None:
        """Queue the rows of those requests that reached a provider. Never blocks."""
        reached = [timed for timed in records if timed[1].notes.provider is not None]
        room = max(QUEUE_LIMIT - len(self._queue), 0)
        if room < len(reached):
            self.dropped += len(reached) - room
            del reached[room:]
        first = self._number + 1
        self._queue.extend([usage_row(number, at, record) for number, (at, record) in enumerate(reached, first)])
        self._number += len(reached)
        if self._queue and not self._wake.is_set():
            self._wake.set()
        if len(self._queue) >= _ENOUGH and not self._enough.is_set():
            self._enough.set()

    def event(self, name: str, data: dict[str, Any]) -> None:
        """Queue an event. Never blocks."""
        if self._has_room():
            self._number += 1
            self._queue.append(Event(self._number, time.time(), name, data))
            self._wake.set()

    @property
    def queued(self) -> int:
        """Rows and events that wait."""
        return len(self._queue)

    async def settle(self, patience: float) -> None:
        """Wait until all that has come so far is delivered, for at most ``patience`` seconds."""
        wanted = self._number
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self._delivered < wanted or self._aside_since is not None:
                    self._told.clear()
                    for event in (self._asked, self._enough, self._wake):
                        event.set()
                    await self._told.wait()

    async def close(self, patience: float = 2.0) -> None:
        """Send what is queued, for at most ``patience`` seconds, and stop. What can't be sent by then is put aside for
        the next process."""
        for event in (self._closed, self._asked, self._enough, self._wake):
            event.set()
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._task, patience)
        if self._spool is not None:
            await self._put_aside(self._spool)
            await asyncio.to_thread(self._spool.close)

    def _has_room(self) -> bool:
        if len(self._queue) < QUEUE_LIMIT:
            return True
        self.dropped += 1
        return False

    async def _run(self) -> None:
        if self._spool is not None:
            await self._adopt(self._spool)
        while True:
            await self._awaken()
            began = asyncio.get_running_loop().time()
            await self._gathered()
            self._wake.clear()
            try:
                await self._work_off(began)
                if not self._closed.is_set():
                    self._enough.clear()
            except (OSError, EOFError, json.MalformedJson, TimeoutError):
                if self._closed.is_set():
                    return
                if self._spool is not None and len(self._queue) >= _ENOUGH:
                    await self._put_aside(self._spool)
                self._wake.set()
                await asyncio.sleep(RETRY)
            if self._closed.is_set() and not self._queue and self._aside_since is None:
                return

    async def _work_off(self, began: float) -> None:
        """Deliver all that there is by now, or put the rows aside where it has come too fast since ``began``."""
        if self._spool is not None and self._is_busy(began) and await self._put_aside(self._spool):
            if self._queue and isinstance(self._queue[0], Event):
                await self._deliver()
            return
        last = self._number
        await self._deliver()
        if self._spool is not None and self._aside_since is not None:
            await self._deliver_late(self._spool)
        self._gather = min(self._gather, _GATHER_LATER)
        self._delivered = last
        self._asked.clear()
        self._told.set()

    async def _adopt(self, spool: Spool) -> None:
        with contextlib.suppress(OSError):
            await asyncio.to_thread(spool.adopt)
        self._aside_since = asyncio.get_running_loop().time() if spool.size else None

    async def _awaken(self) -> None:
        """Wait for something to come, or, while rows are put aside, for it to be quiet."""
        if self._aside_since is None:
            await self._wake.wait()
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), self._gather)

    async def _gathered(self) -> None:
        """Wait for more to come, until there are enough, or for the end."""
        if not self._queue:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._enough.wait(), self._gather)

    def _is_busy(self, began: float) -> bool:
        """Whether what has come since then came so fast that requests have precedence."""
        now = asyncio.get_running_loop().time()
        since = now if self._aside_since is None else self._aside_since
        return (
            len(self._queue) >= max(min(_ENOUGH, BUSY), BUSY * (now - began))
            and now - since < PATIENCE
            and not self._asked.is_set()
            and self._may_wait()
        )

    async def _put_aside(self, spool: Spool) -> bool:
        """Let the rows wait on disk; events go on waiting here. Return whether there is room for them."""
        items = [*self._queue]
        rows = [item for item in items if isinstance(item, UsageRow)]
        if not rows:
            return True
        batches = [rows[place : place + BATCH_LIMIT] for place in range(0, len(rows), BATCH_LIMIT)]
        lines = b"".join(json.encode(Batch(self._late_sender, batch)) + b"\n" for batch in batches)
        try:
            await asyncio.to_thread(spool.put, lines)
        except OSError as error:
            if str(error) != self._trouble:
                _logger.error("usage can't be put aside: %s", error)
            self._trouble = str(error)
            return False
        self._trouble = ""
        # Nor is the first quiet moment missed because it is the first.
        self._gather = min(self._gather, _GATHER_LATER)
        for _ in items:
            self._queue.popleft()
        self._queue.extendleft(reversed([item for item in items if isinstance(item, Event)]))
        if self._aside_since is None:
            self._aside_since = asyncio.get_running_loop().time()
        return True

    async def _deliver(self) -> None:
        """Send what there is. What comes meanwhile waits for others, or each batch would be a few rows, which take the
        same time. A connection lasts as long as there is something to say: an idle worker holds none."""
        if not self._queue:
            return
        last = self._queue[-1].number
        reader, writer = await self._connect()
        try:
            while self._queue and self._queue[0].number <= last:
                items = [self._queue[index] for index in range(min(BATCH_LIMIT, len(self._queue)))]
                batch = Batch(
                    self._sender,
                    [item for item in items if isinstance(item, UsageRow)],
                    [item for item in items if isinstance(item, Event)],
                    self.dropped,
                )
                through = await _exchange(reader, writer, json.encode(batch) + b"\n")
                while self._queue and self._queue[0].number <= through:
                    self._queue.popleft()
        finally:
            writer.close()

    async def _deliver_late(self, spool: Spool) -> None:
        """Send what was put aside."""
        reader, writer = await self._connect()
        try:
            while (line := await asyncio.to_thread(spool.next)) is not None:
                if _is_batch(line):
                    await _exchange(reader, writer, line)
                await asyncio.to_thread(spool.done)
                if len(self._queue) >= _ENOUGH:
                    await self._put_aside(spool)
            self._aside_since = None
        finally:
            writer.close()


def _is_batch(line: bytes) -> bool:
    """Return whether the receiver can take a line: a machine that lost its power may have written half of a file, and
    nothing behind it would ever be delivered."""
    try:
        json.decode_as(Batch, line)
    except json.MalformedJson as error:
        _logger.error("usage that was put aside can't be read: %s", error)
        return False
    return True


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: bytes) -> int:
    """Send a batch, and return up to which number its sender's reports are kept."""
    writer.write(line)
    await writer.drain()
    answer = await asyncio.wait_for(reader.readline(), _ANSWER_LIMIT)
    if not answer.endswith(b"\n"):
        raise EOFError
    return json.decode_as(Acknowledgement, answer).through
