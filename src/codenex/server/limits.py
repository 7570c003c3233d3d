"""What one client may take: sizes, counts and times of the HTTP edge."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the edge. Sizes are in bytes, times in seconds."""

    #: Request line and headers together; more is a 431.
    head_bytes: int = 64 * KIB
    #: The request target; more is a 414.
    target_bytes: int = 16 * KIB
    #: Number of header fields; more is a 431.
    header_count: int = 128
    #: The body, both as sent and decompressed; more is a 413.
    body_bytes: int = 64 * MIB
    #: Open connections; for one more an idle one is closed, and without any it is answered with 503 and closed.
    connections: int = 10_000
    #: Connections that have been answered so and are not closed yet; one more and the oldest goes at once.
    refused_connections: int = 1_000
    #: Connections of one address that have not brought a whole head; one more and the oldest goes.
    half_open_per_address: int = 200
    #: Requests that may wait behind the one being answered before the connection is read no further.
    pipelined: int = 16
    #: Body bytes held for a handler that has not asked for the body yet, before the connection is read no further.
    unread_bytes: int = 256 * KIB
    #: An unread remainder of a body up to this size is read and dropped to keep the connection; more closes it.
    discard_bytes: int = 64 * KIB
    #: Answer bytes held for a slow client before the source is paused.
    write_bytes: int = 32 * KIB
    #: From the first byte of a request (or the connection's start) to the end of its head.
    head_seconds: float = 10.0
    #: A body has to bring at least ``body_window_bytes`` in each window of this length.
    body_window_seconds: float = 10.0
    body_window_bytes: int = KIB
    #: A kept connection without a request.
    idle_seconds: float = 75.0
    #: The same where no request on it had a valid key: those who only hold connections open are soon rid of them.
    stranger_idle_seconds: float = 10.0
    #: A client that takes nothing of a waiting answer for so long is cut off.
    stall_seconds: float = 60.0
    #: How long what the client still sends is dropped after an answer that ends the connection, so that the answer
    #: isn't lost to a reset.
    linger_seconds: float = 2.0
