"""The HTTP client: kept connections per origin, one resend on a stale one, deadlines, counts."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from codenex.core.errors import Fault, FaultKind
from codenex.providers.transport.budget import BodyBudget
from codenex.providers.transport.connect import Connector, default_ssl_context
from codenex.providers.transport.connection import UpstreamConnection
from codenex.providers.transport.deadlines import NEVER, DeadlineSweep
from codenex.providers.transport.faults import ConnectionStale
from codenex.providers.transport.known_heads import LastHead
from codenex.providers.transport.light_task import in_task
from codenex.providers.transport.origin import Deadlines, Origin, UpstreamRequest
from codenex.providers.transport.resolver import Resolver
from codenex.providers.transport.response import UpstreamResponse

_DEFAULT_DEADLINES = Deadlines()


@dataclass(slots=True)
class OriginCounts:
    """Connections to one origin: all that are open, and how many of them are idle and in use."""

    open: int = 0
    idle: int = 0
    in_use: int = 0


class Transport:
    """Sends requests over kept connections. Belongs to the event loop that it first sends on.

    ``idle_seconds``: a connection unused for longer is closed; servers commonly close theirs after 60 s.
    ``idle_per_origin``: kept connections per origin. ``head_bytes``: largest response head. ``high_water``: body bytes
    held for a slow consumer before reading is paused. ``connections_per_origin``: open and opening ones; a request
    that would need one more is refused with ``OVERLOADED``.
    """

    def __init__(
        self,
        *,
        idle_seconds: float = 55.0,
        idle_per_origin: int = 256,
        connections_per_origin: int = 4096,
        head_bytes: int = 64 * 1024,
        high_water: int = 256 * 1024,
        connections: int = 65_536,
        budget: BodyBudget | None = None,
        ssl_context_factory: Callable[[Origin], ssl.SSLContext] = default_ssl_context,
        resolver: Resolver | None = None,
    ) -> None:
        self.head_bytes = head_bytes
        self.budget = BodyBudget() if budget is None else budget
        self._connections_limit = connections
        self.high_water = high_water
        self.loop: asyncio.AbstractEventLoop
        self.sweep: DeadlineSweep
        self.idle_seconds = idle_seconds
        #: 0 once it is closed
        self.idle_per_origin = idle_per_origin
        self._connections_per_origin = connections_per_origin
        #: Connections of each origin that are open or being opened.
        self._taken: dict[Origin, int] = {}
        self._opening = 0
        self._connector = Connector(ssl_context_factory, resolver)
        #: The most recently used connection is the last of its list.
        self._idle: dict[str, list[UpstreamConnection]] = {}
        self._last_heads: dict[str, LastHead] = {}
        self._connections: set[UpstreamConnection] = set()
        #: It has begun to send, and may send.
        self._open = False
        self._closed = False
        #: called when one read has brought many chunks of an answer
        self.on_crowd: Callable[[], None] = _nothing
        #: what else ends with this transport
        self.closing: list[Callable[[], Awaitable[None]]] = []
        #: what providers know as long as this transport lives, by their names
        self.companions: dict[str, object] = {}

    def send(
        self, request: UpstreamRequest, deadlines: Deadlines = _DEFAULT_DEADLINES
    ) -> Coroutine[Any, Any, UpstreamResponse]:
        """Send a request and return its response as soon as the head is there. Redirects are not followed.

        Cancelling the awaiting task closes the connection at once. Raises :class:`Fault`: ``UPSTREAM_CONNECT``,
        ``UPSTREAM_TIMEOUT``, ``UPSTREAM`` (no valid answer), ``INTERNAL`` (the request can't be sent as it is).
        """
        # No coroutine around the other one: it would cost each request two calls.
        return self.send_formatted(
            request.origin, request.head(), request.body, deadlines, head_only=request.method == "HEAD"
        )

    async def send_formatted(
        self,
        origin: Origin,
        head: bytes,
        body: bytes,
        deadlines: Deadlines,
        *,
        head_only: bool = False,
        with_body: bool = False,
    ) -> UpstreamResponse:
        """Do as :meth:`send`, with a head as :meth:`UpstreamRequest.head` formats it. ``with_body``: return only when
        some of the answer's body is there as well, or all that will ever come."""
        if not self._open:
            self._start()
        connection, key = None, origin.key
        # By the origin's text: an origin itself is hashed and compared by calls.
        if key in self._idle:
            idle = self._idle[key]
            while idle:
                connection = idle.pop()
                if not connection.transport.is_closing():
                    break
                connection = None
        if connection is not None:
            try:
                response = connection.send(head, body, deadlines, head_only, with_body)
                light = response.light
                try:
                    if light is not None:
                        await light
                    elif response.waiter is not None:
                        await response.waiter
                except asyncio.CancelledError:
                    response.close()
                    raise
                if response.status == 0:
                    await response.wait_for_head()
                return response
            except ConnectionStale:
                # The upstream closed it as we sent. No byte of an answer came: sending once more, anew, is safe.
                pass
        # A connection is opened with a timeout, which needs a task.
        await in_task()
        connection = await self._connect(origin, deadlines.connect)
        if connection.closed or connection.transport.is_closing():
            raise Fault(
                FaultKind.UPSTREAM_CONNECT,
                f"Could not connect to {origin.authority}: the connection was closed at once.",
                code="connection_reset",
            )
        response = connection.send(head, body, deadlines, head_only, with_body)
        await response.wait_for_head()
        return response

    async def _connect(self, origin: Origin, timeout: float) -> UpstreamConnection:
        taken = self._taken.get(origin, 0)
        if len(self._connections) + self._opening >= self._connections_limit and not self._drop_idle():
            raise Fault(
                FaultKind.OVERLOADED,
                "There are too many connections to upstreams.",
                code="upstream_connections",
                retry_after=1,
            )
        if taken >= self._connections_per_origin:
            raise Fault(
                FaultKind.OVERLOADED,
                f"There are too many connections to {origin.authority}.",
                code="upstream_connections",
                retry_after=1,
            )
        self._taken[origin] = taken + 1
        self._opening += 1
        try:
            connection = await self._connector.connect(origin, lambda: UpstreamConnection(self, origin), timeout)
        except BaseException:
            self._release(origin)
            raise
        finally:
            self._opening -= 1
        if connection.closed:
            self._release(origin)
        else:
            connection.counted = True
        return connection

    def _drop_idle(self) -> bool:
        for idle in self._idle.values():
            if idle:
                idle[0].drop()
                return True
        return False

    def _release(self, origin: Origin) -> None:
        left = self._taken.get(origin, 0) - 1
        if left > 0:
            self._taken[origin] = left
        else:
            self._taken.pop(origin, None)
            self._idle.pop(origin.key, None)
            self._last_heads.pop(origin.key, None)

    def counts(self) -> dict[Origin, OriginCounts]:
        """Return the numbers of connections, for metrics and for finding leaks."""
        found: dict[Origin, OriginCounts] = {}
        for connection in self._connections:
            counts = found.setdefault(connection.origin, OriginCounts())
            counts.open += 1
            if connection.response is None:
                counts.idle += 1
            else:
                counts.in_use += 1
        return found

    @property
    def open_count(self) -> int:
        """Open connections to all origins."""
        return len(self._connections)

    @property
    def in_use_count(self) -> int:
        """Those of them that a request uses."""
        return sum(connection.response is not None for connection in self._connections)

    async def close(self) -> None:
        """Close all connections; requests under way fail."""
        started, self._open, self._closed, self.idle_per_origin = self._open, False, True, 0
        for connection in tuple(self._connections):
            response = connection.response
            if response is None:
                connection.drop()
            else:
                response.close()
        for close in self.closing:
            await close()
        # Transports that were aborted let go of their sockets in the next turns of the loop.
        for _ in range(3):
            await asyncio.sleep(0)
        if started:
            self.sweep.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # --- for connections ----------------------------------------------------------------------------------------

    def connection_opened(self, connection: UpstreamConnection) -> None:
        """Count a connection."""
        connection.deadline = self.loop.time() + self.idle_seconds
        self._connections.add(connection)

    def idle_of(self, origin: Origin) -> list[UpstreamConnection]:
        """Return where connections to an origin wait for a request: the same list as long as there are any."""
        return self._idle.setdefault(origin.key, [])

    def last_head_of(self, origin: Origin) -> LastHead:
        """Return where connections to an origin remember a head of its answers, for as long as there are any. With a
        new connection it is tried anew."""
        last = self._last_heads.setdefault(origin.key, LastHead())
        last.be_patient()
        return last

    def connection_unusable(self, connection: UpstreamConnection) -> None:
        """Never hand out this connection again."""
        idle = connection.siblings
        if connection in idle:
            idle.remove(connection)

    def connection_closed(self, connection: UpstreamConnection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)
        if connection.counted:
            connection.counted = False
            self._release(connection.origin)
        self.connection_unusable(connection)

    # --- inside -------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        """Take the running loop. Raises :class:`Fault` once the transport is closed."""
        if self._closed:
            raise Fault(FaultKind.UNAVAILABLE, "The gateway is shutting down.")
        self._open = True
        self.loop = asyncio.get_running_loop()
        self.sweep = DeadlineSweep(self.loop, self._expire)

    def _expire(self, now: float) -> float:
        earliest = NEVER
        for connection in tuple(self._connections):
            if connection.deadline <= now:
                connection.expire(now)
            elif connection.deadline < earliest:
                earliest = connection.deadline
        return earliest


def _nothing() -> None:
    """Do nothing."""
