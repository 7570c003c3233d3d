"""Brings one answer to the client: the head at the right moment, whole events, keep-alives, the end or the error.

One delivery serves all attempts of a request, so that what has been promised is known in one place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from codenex.core.errors import Fault, FaultKind
from codenex.core.spoke import ErrorBody, StreamEncoder
from codenex.core.text_stream import TextStream
from codenex.gateway.commit import CommitGate, Recovery, Stage
from codenex.gateway.exchange import Exchange, Headers
from codenex.gateway.lanes import Lane, Observation, truncated
from codenex.gateway.vigil import Vigil
from codenex.providers.transport import UpstreamResponse
from codenex.providers.transport.deadlines import NEVER
from codenex.wire.head import RepeatedHeaders
from codenex.wire.sse import EVENT_LIMIT

#: Bytes of events without content that are held back before the first that has some.
HELD_LIMIT = EVENT_LIMIT

STREAM_HEADERS: Headers = [("cache-control", "no-cache"), ("x-accel-buffering", "no")]

# As names of this module: looking up a member of an enumeration costs a call.
_HELD, _SILENT, _ENDED = Stage.HELD, Stage.SILENT, Stage.ENDED


class Delivery:
    """The client's side of an answer. ``encoder`` makes what renders the client protocol's keep-alive and in-band
    error; most answers need neither. ``on_commit`` is called when the first content goes out; ``vigil`` looks after
    silence."""

    #: what the head has beside type and the headers of streams; all of it where it is the same for many answers
    headers: Headers | RepeatedHeaders = []  # noqa: RUF012 - replaced, never changed
    #: seconds from the request to the first output of a stream
    first_output: float | None = None
    #: takes the last bytes of a whole answer before they are sent, and returns what is sent; never fails
    settle: Callable[[bytes], Awaitable[bytes]] | None = None
    _made: StreamEncoder | None = None
    #: renders an error after what a lane has sent
    _fail: Callable[[Fault], bytes] | None = None
    _clock: Callable[[], float]
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
        vigil: Vigil | None = None,
    ) -> None:
        self.gate = gate
        self._exchange = exchange
        self._content_type = content_type
        self._encoder = encoder
        self._on_commit = on_commit
        self._interval = keep_alive_interval
        self._vigil = Vigil() if vigil is None else vigil

    def __enter__(self) -> Delivery:
        if self.gate.streaming:
            vigil = self._vigil
            if not vigil.awake:
                vigil.wake()
            self._clock = vigil.clock
            self._began = self._last_write = now = vigil.clock()
            vigil.watched.add(self)
            due = now + self.gate.commit_after
            if due < vigil.sweep.next:
                vigil.sweep.watch(due)
        return self

    def __exit__(self, *_: object) -> None:
        if self.gate.streaming:
            self._vigil.watched.discard(self)

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
        seen, gate = lane.seen, self.gate
        held: list[bytes] = []
        size = 0
        try:
            while gate.stage is _HELD or gate.stage is _SILENT:
                data = response.ready() or await response.chunk()
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
                    out = b"".join(held)
                    if whole and (seen.done or not data):
                        self._write(out if self.settle is None else await self._settled(out, seen), last=True)
                        return
                    self._write(out)
                    if not whole and seen.fault is not None:
                        raise seen.fault
            # What the beginning brought was sent, and would be held until the end by a client that reads slowly.
            data = out = b""
            held.clear()
            await self._flow(response, lane)
        except Fault as fault:
            if gate.recovery in (Recovery.RETRY, Recovery.RETRY_IN_BAND):
                raise
            self.fail(fault)

    async def _flow(self, response: UpstreamResponse, lane: Lane) -> None:
        """Move bytes by callback from the upstream's connection to the client's."""
        exchange, seen, gate, feed, clock = self._exchange, lane.seen, self.gate, lane.feed, self._clock
        exchange.on_flow(response.pause, response.resume)

        ending: asyncio.Future[None] | None = None

        def forward(data: bytes) -> None:
            nonlocal ending
            if gate.stage is _ENDED or ending is not None:
                return
            out = feed(data)
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
                self._last_write = clock()
            if seen.fault is not None:
                self.fail(seen.fault)
                response.close()

        try:
            await response.pipe(forward)
        except Fault:
            # What comes after the end of an answer doesn't matter any more.
            if ending is None and gate.stage is not _ENDED:
                raise
        except asyncio.CancelledError:
            if ending is not None:
                ending.cancel()
            raise
        if ending is not None:
            await ending
        if gate.stage is _ENDED:
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

    def whole(self, body: bytes, told: TextStream) -> None:
        """Send an answer that is all there, and note what it has told."""
        gate, notes = self.gate, self._exchange.notes
        notes.usage, notes.finish = told.usage, told.finish
        if gate.stage is not _HELD:
            # Its head has gone out, since it has taken long.
            self._write(body, last=True)
            notes.first_output = self.first_output
            return
        notes.first_output = self.first_output = self._clock() - self._began
        gate.ended()
        self._exchange.respond(200, self._head(), body)

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
        self._exchange.notes.more.update(error=fault.kind.value, error_class=fault.kind.value)
        self._finish(self.render_failure(fault) if self._fail is None else self._fail(fault))

    def _write(self, data: bytes, *, last: bool = False) -> None:
        stage = self.gate.stage
        if self._on_commit is not None and (stage is _HELD or stage is _SILENT):
            self._on_commit()
        if stage is _SILENT:
            data = self._renderer().after_ping(data)
        if self.gate.content():
            self._start()
        self._last_write = now = self._clock()
        if self.first_output is None:
            self.first_output = now - self._began
        if last:
            self.gate.stage = _ENDED
            self._exchange.finish(data)
        else:
            self._exchange.write(data)

    def _start(self) -> None:
        """Begin the answer; something is written at once after it."""
        self._exchange.start(200, self._head(), hold=True)

    def _head(self) -> Headers:
        headers = self.headers
        if type(headers) is RepeatedHeaders:
            return headers
        return [("content-type", self._content_type), *STREAM_HEADERS, *headers]

    def _finish(self, last: bytes = b"") -> None:
        self.gate.ended()
        self._exchange.finish(last)

    def look(self, now: float) -> float:
        """Break a silence that has been too long; return when it will be next."""
        gate = self.gate
        if gate.stage is _ENDED:
            return NEVER
        if gate.silence(now - self._began):
            self._start()
            self._exchange.write(self._renderer().ping())
            self._last_write = now
        elif gate.stage is _HELD:
            return self._began + gate.commit_after
        elif now - self._last_write >= self._interval:
            self._exchange.write(self._renderer().ping())
            self._last_write = now
        return self._last_write + self._interval


def error_headers(error: ErrorBody) -> Headers:
    """Return the head of an error answer."""
    return [("content-type", "application/json"), *error.headers]
