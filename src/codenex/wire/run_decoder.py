"""The part of a stream decoder that takes runs of events at once, and what stands between them event by event."""

from __future__ import annotations

from codenex.wire.sse import Frame, SseDecoder
from codenex.wire.text_runs import FAILED_LESSON, LESSONS, Form, Run, TextRuns, learned

#: Events of an unusual look that are taken at once before an ordinary one is expected again, and the factor by which
#: they become more where none comes.
FEW, MORE = 2, 4


class RunDecoder:
    """Takes the bytes of a stream of events whose name, if they have any, and data have one line each; what looks
    different is for the frames of the standard. ``done`` says whether the answer has ended."""

    def __init__(self, frames: SseDecoder) -> None:
        self.done = False
        self._frames = frames
        #: the form of the events that go on with what is open and do nothing else, where there is such a form
        self._flow: Form | None = None
        #: how they look in this stream, once one has been seen
        self._runs: TextRuns | None = None
        self._lessons = LESSONS

    def _take_run(self, run: Run) -> None:
        """Take events of the form that flows."""
        raise NotImplementedError

    def _one(self, name: bytes, data: bytes, lead: bytes) -> None:
        """Take an event of any form; ``lead`` is what stands before its data."""
        raise NotImplementedError

    def _take(self, frames: list[Frame]) -> None:
        """Take events of any form, from which no form is learned."""
        raise NotImplementedError

    def _events(self, data: bytes) -> None:
        """Take a piece of the stream. Raises :class:`~codenex.core.errors.Fault` where an event is too large."""
        step, frames = FEW, self._frames
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
        start = 0
        while not self.done:
            runs = self._runs
            if runs is not None and self._flow is not None and data.startswith(runs.before, start):
                run = runs.take(data[start:] if start else data)
                if run is not None:
                    self._take_run(run)
                    self._lessons = LESSONS
                    data, start = run.rest, 0
                    if not data:
                        return data
                    continue
                self._runs = None
            end = data.find(b"\n\n", start)
            if end < 0:
                break
            event = data[start:end]
            at = 0
            if event[:7] == b"event: ":
                at = event.find(b"\n") + 1
            behind = at + 6
            lead = event[:behind]
            if (
                b"\r" in event
                or (at < 1 and lead[:6] != b"data: ")
                or (at > 0 and lead[at:] != b"data: ")
                or event.find(b"\n", behind) > 0
            ):
                return data[start:]
            self._one(lead[7 : at - 1] if at else b"", event[behind:], lead)
            start = end + 2
        rest = data[start:]
        return rest if self.done or not rest or not self._frames.hold(rest) else b""

    def _learn(self, data: bytes, lead: bytes) -> None:
        """Learn the form that flows from an event that came by itself: what is known describes others."""
        if self._flow is not None and self._lessons > 0:
            self._runs = learned(self._flow, data, lead)
            self._lessons -= 1 if self._runs is not None else FAILED_LESSON
