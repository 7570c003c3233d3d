"""What the scripted upstream answers: a reply is a list of steps, and a fault is a reply with its steps changed.

``Unary`` and ``Stream`` write well-formed answers; ``Script`` writes exactly the bytes it is given. ``cut``,
``stall``, ``slowed`` and ``gated`` take any reply and return one with the fault in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal, Protocol

from tests.support.http import LAST_CHUNK, HeaderSource, chunk, pairs_of, render_head


@dataclass(frozen=True)
class Write:
    """Send these bytes in one write. ``part`` says what they are, for faults that count events."""

    data: bytes
    part: Literal["head", "body", "end"] = "body"


@dataclass(frozen=True)
class Sleep:
    seconds: float


@dataclass(frozen=True)
class Wait:
    """Go on when the event is set."""

    event: asyncio.Event


@dataclass(frozen=True)
class Hang:
    """Send nothing more and keep the connection open until the client leaves."""


@dataclass(frozen=True)
class Reset:
    """End the connection with RST."""


@dataclass(frozen=True)
class Close:
    """End the connection with FIN."""


@dataclass(frozen=True)
class HalfClose:
    """Send FIN and keep reading until the client leaves."""


Ending = Hang | Reset | Close | HalfClose
Step = Write | Sleep | Wait | Ending


class Reply(Protocol):
    """Anything that can be turned into steps. A reply whose steps have no ending leaves the connection alive."""

    def steps(self) -> list[Step]: ...


@dataclass(frozen=True)
class Script:
    """Exactly these steps."""

    program: Sequence[Step]

    def steps(self) -> list[Step]:
        return list(self.program)


def status_line(status: int) -> str:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Overloaded" if status == 529 else "Unknown"
    return f"HTTP/1.1 {status} {phrase}"


def _has(headers: HeaderSource, name: str) -> bool:
    return any(key.lower() == name for key, _ in pairs_of(headers))


@dataclass(frozen=True)
class Unary:
    """A whole answer. ``content-type`` (JSON) and ``content-length`` are added where missing."""

    body: bytes = b""
    status: int = 200
    headers: HeaderSource = field(default_factory=list)

    def steps(self) -> list[Step]:
        pairs = pairs_of(self.headers)
        if not _has(pairs, "content-type") and self.body:
            pairs.append(("content-type", "application/json"))
        if not _has(pairs, "content-length") and not _has(pairs, "transfer-encoding"):
            pairs.append(("content-length", str(len(self.body))))
        head = Write(render_head(status_line(self.status), pairs), "head")
        return [head, Write(self.body)] if self.body else [head]


@dataclass(frozen=True)
class Stream:
    """An answer in pieces, ``delay`` seconds apart, each in a write of its own.

    ``framing``: ``chunked``, ``length`` (the length is known beforehand) or ``close`` (ends with the connection).
    """

    chunks: Sequence[bytes]
    status: int = 200
    headers: HeaderSource = field(default_factory=list)
    delay: float = 0.0
    framing: Literal["chunked", "length", "close"] = "chunked"

    def steps(self) -> list[Step]:
        pairs = pairs_of(self.headers)
        if not _has(pairs, "content-type"):
            pairs.append(("content-type", "text/event-stream; charset=utf-8"))
        if self.framing == "chunked":
            pairs.append(("transfer-encoding", "chunked"))
        elif self.framing == "length":
            pairs.append(("content-length", str(sum(map(len, self.chunks)))))
        else:
            pairs.append(("connection", "close"))
        steps: list[Step] = [Write(render_head(status_line(self.status), pairs), "head")]
        for index, data in enumerate(self.chunks):
            if index and self.delay:
                steps.append(Sleep(self.delay))
            steps.append(Write(chunk(data) if self.framing == "chunked" else data))
        if self.framing == "chunked":
            steps.append(Write(LAST_CHUNK, "end"))
        elif self.framing == "close":
            steps.append(Close())
        return steps


def hang() -> Script:
    """Take the request and never answer."""
    return Script([Hang()])


def cut(reply: Reply, *, at: int, ending: Ending | None = None) -> Script:
    """Send the first ``at`` bytes of the answer, head and framing included, then end (RST by default)."""
    steps: list[Step] = []
    left = at
    for step in reply.steps():
        if isinstance(step, Write):
            if len(step.data) >= left:
                steps.append(Write(step.data[:left], step.part))
                break
            left -= len(step.data)
        steps.append(step)
    return Script([*steps, Reset() if ending is None else ending])


def cut_after(reply: Reply, *, chunks: int, extra: int = 0, ending: Ending | None = None) -> Script:
    """Send the head, ``chunks`` body writes and ``extra`` bytes of the next one, then end (RST by default)."""
    return cut(reply, at=offset_of(reply, chunks=chunks) + extra, ending=ending)


def stall(reply: Reply, *, chunks: int, extra: int = 0) -> Script:
    """Send the head, ``chunks`` body writes and ``extra`` bytes more, then nothing, with the connection open."""
    return cut_after(reply, chunks=chunks, extra=extra, ending=Hang())


def gated(reply: Reply, event: asyncio.Event, *, chunks: int | None = None) -> Script:
    """Wait for ``event`` before the head, or after ``chunks`` body writes."""
    if chunks is None:
        return Script([Wait(event), *reply.steps()])
    offset, steps = offset_of(reply, chunks=chunks), reply.steps()
    sent = 0
    for index, step in enumerate(steps):
        sent += len(step.data) if isinstance(step, Write) else 0
        if sent >= offset:
            return Script([*steps[: index + 1], Wait(event), *steps[index + 1 :]])
    raise ValueError("the reply is shorter than that")


def slowed(reply: Reply, delay: float) -> Script:
    """Wait ``delay`` seconds before every write."""
    return Script(list(_interleaved(reply.steps(), Sleep(delay))))


def sliced(reply: Reply, size: int, delay: float = 0.0) -> Script:
    """Send the same bytes in writes of ``size`` bytes."""
    steps: list[Step] = []
    for step in reply.steps():
        if not isinstance(step, Write):
            steps.append(step)
            continue
        for start in range(0, len(step.data), size):
            steps.extend([Write(step.data[start : start + size], step.part), Sleep(delay)])
    return Script(steps)


def offset_of(reply: Reply, *, chunks: int) -> int:
    """Bytes sent when the head and ``chunks`` body writes are out."""
    sent = seen = 0
    for step in reply.steps():
        if isinstance(step, Write):
            if step.part != "head":
                if seen == chunks:
                    break
                seen += 1
            sent += len(step.data)
    if seen < chunks:
        raise ValueError(f"the reply has {seen} body writes only")
    return sent


def _interleaved(steps: Iterable[Step], pause: Sleep) -> Iterable[Step]:
    for step in steps:
        if isinstance(step, Write):
            yield pause
        yield step
