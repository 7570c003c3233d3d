"""The part of a stream decoder that takes runs of events at once, and what stands between them event by event."""

from __future__ import annotations

from collections.abc import Callable

from codenex.wire.lines import CR
from codenex.wire.sse import Frame, SseDecoder
from codenex.wire.text_runs import FAILED_LESSON, LESSONS, Form, TextRuns, learned

#: Events of an unusual look that are taken at once before an ordinary one is expected again, and the factor by which
#: they become more where none comes.
FEW, MORE = 2, 4


class RunDecoder:
    """Takes the bytes of a stream of events whose name, if they have any, and data have one line each; what looks
    different is for the frames of the standard. ``done`` says whether the answer has ended."""

    def __init__(self, frames: SseDecoder) -> None:
        self.done = False
        self._frames = frames
        #: the form of the events that go on with what is open and do nothing else, where there is such a form, and what
        #: takes them: what they say, and each of their strings as JSON wrote it
        self._flow: Form | None = None
        self._sink: Callable[[str, list[bytes]], None] = _nowhere
        #: how they look in this stream, once one has been seen
        self._runs: TextRuns | None = None
        self._lessons = LESSONS
        self._padded = False
        #: whether all bytes so far have been taken, so that an event begins
        self._clear = False

    def _one(self, name: bytes, data: bytes, lead: bytes) -> None:
        """Take an event of any form; ``lead`` is what stands before its data."""
        raise NotImplementedError

    def _take(self, frames: list[Frame]) -> None:
        """Take events of any form, from which no form is learned."""
        raise NotImplementedError

    def _events(self, data: bytes) -> None:
        """Take a piece of the stream. Raises :class:`~codenex.core.errors.Fault` where an event is too large."""
        runs, frames, step = self._runs, self._frames, FEW
        if self._clear and runs is not None and self._flow is not None and (found := runs.one(data)) is not None:
            self._sink(found[0], [found[1]])
            self._lessons = LESSONS
            return
        self._clear = False
        while data and not self.done:
            joined = frames.joined(data)
            if joined is not None:
                data = self._ordinary(joined)
                if not data or self.done:
                    return
            unusual, data = frames.some(data, step)
            self._take(unusual)
            step *= MORE

    def _ordinary(self, data: bytes) -> bytes:
        """Take events from bytes that begin with one; return those from the first unusual one on."""
        start, plain = 0, CR not in data
        while not self.done:
            runs = self._runs
            if runs is not None and self._flow is not None and data.startswith(runs.before, start):
                run = runs.take(data, start)
                if run is not None:
                    self._sink(run.text, run.pieces)
                    self._lessons = LESSONS
                    data, start = run.data, run.end
                    if start == len(data):
                        self._clear = True
                        return b""
                    continue
                self._runs = None
            # The line of a name, if there is one, and the line of the data. One character is found faster than two are.
            at, name, end = start, b"", data.find(b"\n", start)
            if end >= 0 and data[start : start + 7] == b"event: ":
                at, name = end + 1, data[start + 7 : end]
                end = data.find(b"\n", at)
            usual = end >= 0 and data[at : at + 6] == b"data: " and data[end + 1 : end + 2] == b"\n"
            if not usual or not (plain or CR not in data[start:end]):
                if data.find(b"\n\n", start) < 0:
                    break
                return data[start:]
            self._one(name, data[at + 6 : end], data[start : at + 6])
            start = end + 2
        rest = data[start:]
        if self.done or not rest:
            self._clear = True
            return b""
        return rest if not self._frames.hold(rest) else b""

    def _learn(self, data: bytes, lead: bytes) -> None:
        """Learn the form that flows from an event that came by itself: what is known describes others."""
        if self._flow is not None and self._lessons > 0:
            runs = self._runs = learned(self._flow, data, lead)
            self._lessons -= 1 if runs is not None else FAILED_LESSON
            if runs is not None:
                # Padding may be empty in one event and not in the next.
                self._padded = runs.padded = runs.padded or self._padded


def _nowhere(text: str, pieces: list[bytes]) -> None:
    """Take nothing: no form flows."""
