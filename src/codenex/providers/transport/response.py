"""A response whose body is still coming: read whole, in pieces, or piped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from codenex.core.errors import Fault, FaultKind
from codenex.providers.transport.budget import BodyBudget, no_room
from codenex.providers.transport.known_heads import KnownHead
from codenex.providers.transport.light_task import driven
from codenex.wire.coding import CodingBroken, CodingTooLarge, CodingUnknown, content_codings, decode_content

MIB = 1024 * 1024

#: Compressed bodies up to this size are decoded in the loop.
_INLINE_BYTES = 8 * 1024


class Source(Protocol):
    """What a response comes from: a connection, or a program of this machine."""

    loop: asyncio.AbstractEventLoop

    @property
    def budget(self) -> BodyBudget:
        """What counts bodies that are read whole."""
        ...

    def regulate(self) -> None:
        """Bring on more, or wait, as the response is ``held`` or ``full``."""
        ...

    def drop(self) -> None:
        """End at once: nobody wants the rest."""
        ...

    def settle(self) -> None:
        """End soon, if the response doesn't by itself: nobody wants the rest."""
        ...


class Rewriting(Protocol):
    """Changes a body as it comes."""

    def feed(self, data: bytes) -> bytes:
        """Return what takes the place of these bytes; may be empty."""
        ...

    def eof(self) -> bytes:
        """Return what is still to come at the body's proper end."""
        ...


class UpstreamResponse:
    """Status and headers of a response, and its body by exactly one of ``read``, ``chunk`` (repeated) and ``pipe``.

    Use it as an asynchronous context manager, or call ``close``: an unread body holds its connection.
    """

    __slots__ = (
        "_connection",
        "_error",
        "_high_water",
        "_on_data",
        "_parts",
        "_rewriting",
        "_size",
        "_source",
        "_wants_all",
        "awaits_body",
        "charged",
        "close_delimited",
        "complete",
        "content",
        "fields",
        "headers",
        "held",
        "known",
        "light",
        "pieces",
        "reused",
        "status",
        "waiter",
    )

    #: Names are lower-case; order and repetition are kept. There are none before there is a status.
    headers: list[tuple[str, str]]
    #: Where there is ``content``: the head, if it is remembered. The length of the body then may lack in ``headers``.
    known: KnownHead | None
    #: Where there is ``content``: the chunks in which it came, if it did in any.
    pieces: list[bytes]

    def __init__(self, source: Source, high_water: int, reused: bool = False, awaits_body: bool = False) -> None:
        self.status = 0
        #: The first value of each header, where they are known already.
        self.fields: dict[str, str] | None = None
        #: The body ends with the connection, so its end says nothing about its being whole.
        self.close_delimited = False
        #: The body has arrived to its end.
        self.complete = False
        #: Whether it came on a connection that had served before.
        self.reused = reused
        #: Who waits for the head has no use for it before some of the body is there.
        self.awaits_body = awaits_body
        #: Reading is paused by the consumer.
        self.held = False
        self._source = source
        #: The same, as long as anything is still to come from it.
        self._connection: Source | None = source
        self._high_water = high_water
        self._parts: list[bytes] = []
        self._size = 0
        #: The body, where it has come together with the head, and has no coding. Only for who takes nothing else of it.
        self.content: bytes | None = None
        self._wants_all = False
        #: Bytes of a body that is read whole, charged until the response is closed.
        self.charged = 0
        self._on_data: Callable[[bytes], None] | None = None
        self._rewriting: Rewriting | None = None
        self._error: Exception | None = None
        #: Who waits for something new without a task: it takes its next step then, within the read that brings it.
        self.light = driven.light_task
        #: For who waits in a task: done when there is something new; a new one is made when the next one waits.
        self.waiter: asyncio.Future[None] | None = None

    def header(self, name: str) -> str | None:
        """Return the first value of a header, by its lower-case name."""
        fields = self.fields if self.fields is not None else self.first_values()
        return fields.get(name)

    def first_values(self) -> dict[str, str]:
        """Find out and keep the first value of each header."""
        self.fields = fields = dict(reversed(self.headers))
        return fields

    # --- for the consumer ---------------------------------------------------------------------------------------

    def rewrite(self, rewriting: Rewriting) -> None:
        """Let the body, of which nothing has been read yet, come rewritten."""
        data = self._take()
        self._rewriting = rewriting
        if data:
            self.take_body(data)
        if self.complete:
            self._end_rewriting()

    def whole(self, limit: int = 64 * MIB) -> bytes | None:
        """Return the body as :meth:`read` does, where it is all there and has no coding. Nothing is charged for it: the
        caller hands it on at once."""
        fields = self.fields if self.fields is not None else self.first_values()
        if not self.complete or self._size > limit or self._error is not None or "content-encoding" in fields:
            return None
        parts = self._parts
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def read(self, limit: int = 64 * MIB) -> bytes:
        """Read the whole body, its content codings undone.

        Raises :class:`Fault`: ``UPSTREAM_TRUNCATED``, ``UPSTREAM_TIMEOUT``, ``UPSTREAM`` (beyond ``limit`` bytes,
        broken coding).
        """
        if not self.complete or self._error is not None or self._size > limit:
            await self._collect(limit)
        else:
            # As _charge does.
            size, budget = self._size, self._source.budget
            if size and budget.limit and budget.used + size > budget.limit:
                budget.refused += 1
                raise self._no_room()
            budget.used += size
            self.charged += size
        parts = self._parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        self._parts = []
        self._size = 0
        fields = self.fields if self.fields is not None else self.first_values()
        if "content-encoding" not in fields or not data:
            return data
        coding = fields["content-encoding"]
        plain = await self._decode(data, coding, limit)
        if not self._charge(len(plain) - len(data)):
            raise self._no_room()
        return plain

    async def _collect(self, limit: int) -> None:
        """Wait until the whole body is there. Raises as :meth:`read`."""
        self._wants_all = True
        self._high_water = limit
        if not self._charge(self._size):
            raise self._no_room()
        if self._connection is not None:
            self._connection.regulate()
        while not self.complete and self._error is None and self._size <= limit:
            await self._wait()
        if self._size > limit:
            self.close()
            raise self._too_large(limit)
        if self._error is not None:
            if not (isinstance(self._error, Fault) and self._error.code == "body_budget"):
                self._take()
            raise self._error

    def _charge(self, size: int) -> bool:
        if size <= 0:
            # Plain text may be shorter than its compressed form: what was charged is enough.
            return True
        if not self._source.budget.charge(size):
            return False
        self.charged += size
        return True

    def _no_room(self) -> Fault:
        self.close()
        return no_room()

    async def chunk(self) -> bytes:
        """Return what has arrived since the last call, as it was sent, waiting for some; ``b""`` at the end.

        Raises :class:`Fault`: ``UPSTREAM_TRUNCATED``, ``UPSTREAM_TIMEOUT``, ``UPSTREAM``.
        """
        while not (data := self.ready()):
            if self._error is not None:
                raise self._error
            if self.complete:
                return b""
            await self._wait()
        return data

    def ready(self) -> bytes:
        """Return what has arrived since the last call without waiting for any."""
        parts, full = self._parts, self._size > self._high_water
        if not parts:
            return b""
        self._parts, self._size = [], 0
        if full and self._connection is not None:
            self._connection.regulate()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def pipe(self, on_data: Callable[[bytes], None]) -> None:
        """Hand the body to ``on_data`` as it arrives, once per read from the socket; return at its proper end.

        Raises as :meth:`chunk`, and whatever ``on_data`` raises (the connection is dropped then).
        """
        if self._parts:
            try:
                on_data(self._take())
            except BaseException:
                self.close()
                raise
            if self._connection is not None:
                self._connection.regulate()
        self._on_data = on_data
        while not self.complete and self._error is None:
            await self._wait()
        if self._error is not None:
            raise self._error

    def pause(self) -> None:
        """Stop reading; the idle deadline rests meanwhile."""
        self.held = True
        if self._connection is not None:
            self._connection.regulate()

    def settle(self) -> None:
        """Say that the rest of the body matters to nobody. It may come to its end, which saves the connection, but not
        for long."""
        if self._connection is not None:
            self._connection.settle()

    def resume(self) -> None:
        """Go on reading."""
        self.held = False
        if self._connection is not None:
            self._connection.regulate()

    def close(self) -> None:
        """Give back what was charged, and drop the connection at once, unless it is back in the pool: then the body
        has come to its end."""
        if self.charged:
            self._source.budget.used -= self.charged
            self.charged = 0
        connection = self._connection
        if connection is not None:
            self._connection = None
            if self._error is None:
                self._error = Fault(FaultKind.CANCELLED, "The upstream call was closed.")
            connection.drop()
            self._wake()
        self._parts = []
        self.content = None
        self._on_data = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- for the connection -------------------------------------------------------------------------------------

    async def wait_for_head(self) -> None:
        """Wait until status and headers are there. Raises what the connection failed with."""
        while self.status == 0 and self._error is None:
            await self._wait()
        if self.status == 0 and self._error is not None:
            raise self._error

    def take_body(self, piece: bytes) -> None:
        """Take what one read has brought."""
        if self._rewriting is not None:
            piece = self._rewriting.feed(piece)
            if not piece:
                return
        on_data = self._on_data
        if on_data is not None:
            try:
                on_data(piece)
            except Exception as error:
                self._fail_consumer(error)
            return
        if self._wants_all and not self._charge(len(piece)):
            self._fail_consumer(no_room())
            return
        self._parts.append(piece)
        self._size += len(piece)
        if not self._wants_all or self._size > self._high_water:
            self._wake()

    def arrived(
        self,
        status: int,
        headers: list[tuple[str, str]],
        fields: dict[str, str],
        body: bytes,
        known: KnownHead | None,
        pieces: list[bytes] | None = None,
    ) -> None:
        """Take a head with the whole body behind it: nobody has asked for any of it yet."""
        self.status = status
        self.headers = headers
        self.fields = fields
        if body:
            self._parts = [body]
            self._size = len(body)
        if "content-encoding" not in fields:
            self.content = body
            self.known = known
            self.pieces = [body] if pieces is None else pieces
        self.complete = True
        self._connection = None
        # As _wake does.
        light = self.light
        if light is not None and light.waiting:
            light.step()
        elif self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    def head_arrived(self) -> None:
        """Wake who waits for the head alone."""
        if not self.awaits_body:
            self._wake()

    def body_ended(self, piece: bytes = b"") -> None:
        """Take the last piece of the body, if it is not there yet. The connection belongs to the pool again: whoever is
        woken here has all that it will ever bring."""
        self._connection = None
        if self._on_data is None and self._rewriting is None and not self._wants_all:
            if piece:
                self._parts.append(piece)
                self._size += len(piece)
        else:
            if piece:
                self.take_body(piece)
            if self._rewriting is not None:
                self._end_rewriting()
        self.complete = self._error is None
        self._wake()

    def fail(self, error: Exception) -> None:
        """Record why the body (or the head) will never be whole."""
        self._connection = None
        if self._error is None:
            self._error = error
        self._wake()

    @property
    def full(self) -> bool:
        """Whether more is waiting for the consumer than it may hold up."""
        return self._size > self._high_water

    # --- inside -------------------------------------------------------------------------------------------------

    def _end_rewriting(self) -> None:
        rewriting, self._rewriting = self._rewriting, None
        if rewriting is not None and (rest := rewriting.eof()):
            self.take_body(rest)

    def _fail_consumer(self, error: Exception) -> None:
        self._error = error
        connection = self._connection
        self._connection = None
        self._on_data = None
        if connection is not None:
            connection.drop()
        self._wake()

    def _wake(self) -> None:
        if self.light is not None and self.light.waiting:
            self.light.step()
        elif self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def _wait(self) -> None:
        light = self.light = driven.light_task
        waiter = self.waiter
        if light is None and (waiter is None or waiter.done()):
            # Not asyncio.get_running_loop(): it asks the kernel for the process id each time.
            waiter = self.waiter = self._source.loop.create_future()
        try:
            if light is not None:
                await light
            elif waiter is not None:
                await waiter
        except asyncio.CancelledError:
            # Nobody will read on: the upstream has to learn it now, not when its idle deadline passes.
            self.close()
            raise

    def _take(self) -> bytes:
        parts = self._parts
        self._parts = []
        self._size = 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _too_large(self, limit: int) -> Fault:
        return Fault(
            FaultKind.UPSTREAM, f"The upstream's answer is larger than {limit} bytes.", code="upstream_too_large"
        )

    async def _decode(self, data: bytes, coding: str, limit: int) -> bytes:
        try:
            codings = content_codings(coding)
            if len(data) <= _INLINE_BYTES:
                return decode_content(data, codings, limit)
            return await asyncio.get_running_loop().run_in_executor(None, decode_content, data, codings, limit)
        except CodingTooLarge:
            raise self._too_large(limit) from None
        except (CodingBroken, CodingUnknown) as error:
            raise Fault(
                FaultKind.UPSTREAM,
                f"The upstream's answer could not be decompressed: {error}.",
                code="upstream_content_encoding",
            ) from None
