"""The seam between a server and the gateway: one client request and the means to answer it.

Any server that offers these two protocols can host the data plane: the project's own edge, or an ASGI adapter.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from codenex.core.notes import Notes

#: Header names are lower-case; values are as received. Order and repetition are kept.
Headers = list[tuple[str, str]]


class Repetition:
    """A head that a client sends again and again on one connection: nothing in it changes but the length of the body,
    and it brings no request id.

    ``memory`` is for what the handler derives from such a head. It lives no longer than the connection does.
    """

    __slots__ = ("memory",)

    def __init__(self) -> None:
        self.memory: Any = None


class Exchange(Protocol):
    """One request of a client. A client that leaves cancels the task that handles its exchange."""

    method: str
    #: The path as received, without query and still percent-encoded.
    path: str
    #: The query string as received, without the question mark.
    query: str
    #: Address of the client, for logs and limits. Reverse proxies are believed only where they are configured.
    peer: str
    #: ``http`` or ``https``, as the client used it.
    scheme: str
    #: Assigned by the server, echoed in ``x-request-id`` and sent to the upstream.
    request_id: str
    #: What the gateway adds to the access-log line of this request.
    notes: Notes
    #: Set by a handler whose coroutine needs no task as long as it doesn't ask for one.
    light: bool
    #: What :meth:`body` returns, where it is there already.
    plain: bytes | None

    @property
    def headers(self) -> Headers:
        """All of them."""
        ...

    @property
    def repetition(self) -> Repetition | None:
        """What is kept beside the request's head, where that is one that came before."""
        ...

    def header(self, name: str) -> str | None:
        """Return the first value of a header, by its lower-case name."""
        ...

    async def body(self) -> bytes:
        """Read the whole decoded body. Raises :class:`~codenex.core.errors.Fault` (400, 408, 413, 415)."""
        ...

    def forget_body(self, held: int = 0) -> None:
        """Let go of the body: no attempt can need it again. Somebody holds on to ``held`` bytes of it until the
        request ends, which are still counted."""
        ...

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer; the server adds ``content-length``, ``date`` and ``x-request-id``."""
        ...

    def start(self, status: int, headers: Headers, *, hold: bool = False) -> None:
        """Send the head of a streamed answer (chunked for HTTP/1.1, closed at the end for HTTP/1.0).

        With ``hold`` it goes out together with what is written next, which has to follow at once.
        """
        ...

    def write(self, data: bytes) -> None:
        """Send a piece of a streamed answer at once. Does nothing when the client has left."""
        ...

    def finish(self, last: bytes = b"") -> None:
        """End a streamed answer properly, after a last piece of it."""
        ...

    def abort(self) -> None:
        """Cut the connection, so that a truncated answer can't be taken for a whole one."""
        ...

    async def drain(self) -> None:
        """Wait until the client has taken enough of what was written."""
        ...

    def on_flow(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        """Register what stops and restarts the source of ``write`` when the client is slower than it."""
        ...

    @property
    def started(self) -> bool:
        """Whether the head of the answer has been sent."""
        ...


Handler = Callable[[Exchange], Coroutine[Any, Any, None]]
