"""The way of usage rows and events from a worker to the control process: a bounded queue, sent in batches, kept until
they are acknowledged.

A request only appends here. Without a control process the queue fills up, then what comes is dropped and counted;
nothing waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
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


class Outbox:
    """Rows and events on their way to the control process, to which ``connect`` opens a connection. They wait for
    others for ``gather`` seconds."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]],
        gather: float = GATHER,
    ) -> None:
        self._connect = connect
        self._gather = gather
        self._sender = uuid4().hex
        self._queue: deque[UsageRow | Event] = deque()
        self._number = 0
        self._wake = asyncio.Event()
        self._closed = asyncio.Event()
        #: Set where nobody waits for more rows.
        self._enough = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0

    def start(self) -> None:
        """Begin to send, in the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="outbox")

    def record(self, records: Iterable[Timed]) -> None:
        """Queue the rows of those requests that reached a provider. Never blocks."""
        room = QUEUE_LIMIT - len(self._queue)
        for at, record in records:
            if "provider" not in record.notes:
                continue
            if room <= 0:
                self.dropped += 1
                continue
            room -= 1
            self._number += 1
            self._queue.append(usage_row(self._number, at, record))
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

    async def close(self, patience: float = 2.0) -> None:
        """Send what is queued, for at most ``patience`` seconds, and stop."""
        self._closed.set()
        self._enough.set()
        self._wake.set()
        if self._task is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._task, patience)

    def _has_room(self) -> bool:
        if len(self._queue) < QUEUE_LIMIT:
            return True
        self.dropped += 1
        return False

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            await self._gathered()
            self._wake.clear()
            try:
                await self._deliver()
                if not self._closed.is_set():
                    self._enough.clear()
            except (OSError, EOFError, json.MalformedJson, TimeoutError):
                if self._closed.is_set():
                    return
                self._wake.set()
                await asyncio.sleep(RETRY)
            if self._closed.is_set() and not self._queue:
                return

    async def _gathered(self) -> None:
        """Wait for more to come, until there are enough, or for the end."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._enough.wait(), self._gather)

    async def _deliver(self) -> None:
        """Send until nothing is left. A connection lasts as long as there is something to say: an idle worker holds
        none."""
        reader, writer = await self._connect()
        try:
            while self._queue:
                items = [self._queue[index] for index in range(min(BATCH_LIMIT, len(self._queue)))]
                batch = Batch(
                    self._sender,
                    [item for item in items if isinstance(item, UsageRow)],
                    [item for item in items if isinstance(item, Event)],
                    self.dropped,
                )
                writer.write(json.encode(batch) + b"\n")
                await writer.drain()
                line = await asyncio.wait_for(reader.readline(), _ANSWER_LIMIT)
                if not line.endswith(b"\n"):
                    raise EOFError
                through = json.decode_as(Acknowledgement, line).through
                while self._queue and self._queue[0].number <= through:
                    self._queue.popleft()
        finally:
            writer.close()
