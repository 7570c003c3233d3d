"""Brings one answer to the client: the head at the right moment, whole events, keep-alives, the end or the error.

One delivery serves all attempts of a request, so that what has been promised is known in one place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from codenex.core.errors import Fault, FaultKind
from codenex.core.spoke import ErrorBody, StreamEncoder
from codenex.gateway.commit import CommitGate, Recovery, Stage
from codenex.gateway.exchange import Exchange, Headers
from codenex.gateway.lanes import Lane, Observation, truncated
from codenex.providers.transport import UpstreamResponse
from codenex.wire.sse import EVENT_LIMIT

#: Bytes of events without content that are held back before the first that has some.
HELD_LIMIT = EVENT_LIMIT

STREAM_HEADERS: Headers = [("cache-control", "no-cache"), ("x-accel-buffering", "no")]


class Delivery:
    """The client's side of an answer. ``encoder`` makes what renders the client protocol's keep-alive and in-band
    error; most answers need neither. ``on_commit`` is called when the first content goes out."""

    headers: Headers = []  # noqa: RUF012 - replaced, never changed
    #: seconds from the request to the first output of a stream
    first_output: float | None = None
    #: takes the last bytes of a whole answer before they are sent, and returns what is sent; never fails
    settle: Callable[[bytes], Awaitable[bytes]] | None = None
    _made: StreamEncoder | None = None
    #: renders an error after what a lane has sent
    _fail: Callable[[Fault], bytes] | None = None
    _timer: asyncio.TimerHandle | None = None
    _loop: asyncio.AbstractEventLoop
    _began = 0.0
    _last_write = 0.0

    def __init__(
        self,
        exchange: Exchange,
        gate: CommitGate,
        *,
        content_type: str,
        encoder: Callable[[], StreamEncoder],
        keep_alive_interval: float,
        on_commit: Callable[[], None] | None = None,
    ) -> None:
        self.gate = gate
        self._exchange = exchange
        self._content_type = content_type
        self._encoder = encoder
        self._on_commit = on_commit
        self._interval = keep_alive_interval

    def __enter__(self) -> Delivery:
        if self.gate.streaming:
            self._loop = asyncio.get_running_loop()
            self._began = self._last_write = self._loop.time()
            self._arm()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def render_failure(self, fault: Fault) -> bytes:
        """Render an error where nothing of the answer has been sent."""
        return self._renderer().fail(fault)

    def _renderer(self) -> StreamEncoder:
        if self._made is None:
            self._made = self._encoder()
        return self._made

    async def relay(self, response: UpstreamResponse, lane: Lane, begin: Callable[[], None] = lambda: None) -> None:
        """Relay one attempt; ``begin`` is called before its first output. Raises its :class:`Fault` while another
        attempt may still take over; afterwards errors go in-band."""
        seen = lane.seen
        held: list[bytes] = []
        size = 0
        try:
            while self.gate.may_fail_over:
                data = await response.chunk()
                out = lane.feed(data) if data else lane.eof()
                if out:
                    held.append(out)
                    size += len(out)
                    if size > HELD_LIMIT:
                        raise Fault(FaultKind.UPSTREAM, f"the upstream sent {size} bytes without any content")
                if seen.fault is not None and not seen.content:
                    raise seen.fault
                if not data and seen.fault is None and not seen.done:
                    raise truncated()
                if seen.content or seen.done:
                    begin()
                    if lane.fail is not None:
                        self._fail = lane.fail
                    whole = seen.fault is None or seen.told
                    if whole and (seen.done or not data):
                        self._write(await self._settled(b"".join(held), seen), last=True)
                        return
                    self._write(b"".join(held))
                    if not whole and seen.fault is not None:
                        raise seen.fault
            # What the beginning brought was sent, and would be held until the end by a client that reads slowly.
            data = out = b""
            held.clear()
            await self._flow(response, lane)
        except Fault as fault:
            if self.gate.recovery in (Recovery.RETRY, Recovery.RETRY_IN_BAND):
                raise
            self.fail(fault)

    async def _flow(self, response: UpstreamResponse, lane: Lane) -> None:
        """Move bytes by callback from the upstream's connection to the client's."""
        exchange, seen = self._exchange, lane.seen
        exchange.on_flow(response.pause, response.resume)

        ending: asyncio.Future[None] | None = None

        def forward(data: bytes) -> None:
            nonlocal ending
            if self.gate.stage is Stage.ENDED or ending is not None:
                return
            out = lane.feed(data)
            if seen.done or seen.told:
                # The connection is good for another request, if what is left of this answer comes at once.
                response.settle()
                if self.settle is None:
                    self._finish(out)
                else:
                    ending = asyncio.ensure_future(self._end(out, seen))
                return
            if out:
                exchange.write(out)
                self._last_write = self._loop.time()
            if seen.fault is not None:
                self.fail(seen.fault)
                response.close()

        try:
            await response.pipe(forward)
        except Fault:
            # What comes after the end of an answer doesn't matter any more.
            if ending is None and self.gate.stage is not Stage.ENDED:
                raise
        except asyncio.CancelledError:
            if ending is not None:
                ending.cancel()
            raise
        if ending is not None:
            await ending
        if self.gate.stage is Stage.ENDED:
            return
        out = lane.eof()
        if not seen.told and (seen.fault is not None or not seen.done):
            exchange.write(out)
            self.fail(seen.fault if seen.fault is not None else truncated())
        else:
            self._finish(await self._settled(out, seen))

    async def _end(self, last: bytes, seen: Observation) -> None:
        self._finish(await self._settled(last, seen))

    async def _settled(self, last: bytes, seen: Observation) -> bytes:
        return last if self.settle is None or seen.fault is not None else await self.settle(last)

    def play(self, data: bytes) -> None:
        """Send a piece of an answer that has no upstream connection."""
        if data:
            self._write(data)

    def finish(self) -> None:
        """End an answer that was played."""
        if self.gate.stage is Stage.HELD:
            self._write(b"", last=True)
        else:
            self._finish()

    def fail(self, fault: Fault) -> None:
        """Send the protocol's error event and end: never a silent truncation."""
        if self.gate.stage is Stage.ENDED:
            return
        self._exchange.notes["error"] = self._exchange.notes["error_class"] = fault.kind.value
        self._finish(self.render_failure(fault) if self._fail is None else self._fail(fault))

    def _write(self, data: bytes, *, last: bool = False) -> None:
        if self.gate.may_fail_over and self._on_commit is not None:
            self._on_commit()
        if self.gate.content():
            self._start()
        if self.first_output is None:
            self.first_output = self._loop.time() - self._began
        if last:
            self._finish(data)
            return
        self._last_write = self._loop.time()
        self._exchange.write(data)

    def _start(self) -> None:
        """Begin the answer; something is written at once after it."""
        self._exchange.start(200, [("content-type", self._content_type), *STREAM_HEADERS, *self.headers], hold=True)

    def _finish(self, last: bytes = b"") -> None:
        self.gate.ended()
        self._exchange.finish(last)

    def _arm(self) -> None:
        now = self._loop.time()
        if self.gate.stage is Stage.HELD:
            due = self._began + self.gate.commit_after
        else:
            due = self._last_write + self._interval
        self._timer = self._loop.call_at(max(due, now + 0.001), self._tick)

    def _tick(self) -> None:
        now = self._loop.time()
        if self.gate.stage is Stage.ENDED:
            return
        if self.gate.silence(now - self._began):
            self._start()
            self._exchange.write(self._renderer().ping())
            self._last_write = now
        elif self.gate.stage is not Stage.HELD and now - self._last_write >= self._interval:
            self._exchange.write(self._renderer().ping())
            self._last_write = now
        self._arm()


def error_headers(error: ErrorBody) -> Headers:
    """Return the head of an error answer."""
    return [("content-type", "application/json"), *error.headers]
