"""One line for each request, of JSON or for people, written by a thread of its own, so that a slow reader of the log
never slows a request.

The thread only writes. If it formatted lines as well, it would want the interpreter between any two steps of the event
loop, and each time it asks costs the loop more than a line does.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from codenex.core import json
from codenex.core.notes import Notes
from codenex.telemetry.messages import Format
from codenex.telemetry.outlet import Outlet

#: Lines that wait for the log at most; more are dropped, and a line of the log says how many.
QUEUE_LIMIT = 10_000
_PAUSE = 0.1
#: What would make long lines; the management API shows it.
_LEFT_OUT = "attempts"
_LONGEST_PATH = 300
_STANDARD_OUTPUT = 1


class Record(Protocol):
    """What a server tells of a request. ``path`` is without query, ``duration_us`` in microseconds."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def status(self) -> int: ...
    @property
    def bytes_in(self) -> int: ...
    @property
    def bytes_out(self) -> int: ...
    @property
    def duration_us(self) -> int: ...
    @property
    def request_id(self) -> str: ...
    @property
    def peer(self) -> str: ...
    @property
    def complete(self) -> bool: ...
    @property
    def notes(self) -> Notes: ...


#: A record with the time of its end, in seconds since 1970.
Timed = tuple[float, Record]


class Output(Protocol):
    """Where lines go. Either may raise ``OSError``."""

    def write(self, text: str, /) -> int: ...
    def flush(self) -> None: ...


class AccessLog:
    """Takes records from the event loop and writes them in batches elsewhere."""

    def __init__(self, stream: Output | None = None, form: Format = "json") -> None:
        self._stream = stream if stream is not None else Outlet(_STANDARD_OUTPUT)
        self._lines = lines_of if form == "json" else texts_of
        #: numbers of lines, and those lines
        self._queue: deque[tuple[int, str]] = deque()
        #: lines that wait to be written
        self.queued = 0
        self._counting = threading.Lock()
        self._wake = threading.Event()
        self._closed = False
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    def record(self, records: Sequence[Timed]) -> None:
        """Queue the lines of records. Never blocks."""
        room = QUEUE_LIMIT - self.queued
        if room < len(records):
            self.dropped += len(records) - max(room, 0)
            records = records[: max(room, 0)]
        try:
            count, lines = len(records), self._lines(records)
        except (TypeError, ValueError):
            count, lines = self._writable(records)
        with self._counting:
            self.queued += count
        self._queue.append((count, lines))
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Write what is queued and stop."""
        self._closed = True
        self._wake.set()
        self._thread.join(timeout=2)

    def _writable(self, records: Sequence[Timed]) -> tuple[int, str]:
        """Return the lines of those records that can be written, and their number."""
        lines: list[str] = []
        for timed in records:
            try:
                lines.append(self._lines((timed,)))
            except (TypeError, ValueError):
                self.dropped += 1
        return len(lines), "".join(lines)

    def _run(self) -> None:
        told = 0
        while True:
            self._wake.wait()
            self._wake.clear()
            waiting: list[tuple[int, str]] = []
            while self._queue:
                waiting.append(self._queue.popleft())
            count = sum(number for number, _ in waiting)
            with self._counting:
                self.queued -= count
            lines = "".join(text for _, text in waiting)
            if self.dropped > told:
                told, missing = self.dropped, self.dropped - told
                lines += json.encode_text({"time": round(time.time(), 3), "dropped": missing}) + "\n"
            try:
                self._stream.write(lines)
                self._stream.flush()
            except (OSError, ValueError):
                self.dropped += count
            if self._closed and not self._queue:
                return
            if not self._closed:
                time.sleep(_PAUSE)


class _Line(msgspec.Struct, omit_defaults=True):
    """The fields of nearly all lines, in their order."""

    time: float
    method: str
    path: str
    status: int
    ms: float
    bytes_in: int
    bytes_out: int
    request_id: str
    peer: str
    complete: bool = True
    key: str | None = None
    protocol: str | None = None
    provider: str | None = None
    account: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    finish: str | None = None
    first_output: float | None = None
    losses: int | None = None


#: Those that lines for people leave out, or have at their beginning without a name.
_NAMELESS = frozenset({"time", "method", "path", "status", "ms", "bytes_in", "bytes_out"})


def lines_of(records: Iterable[Timed]) -> str:
    """Return records as lines of JSON; control characters are escaped by the format itself."""
    lines = [_more(at, record) if record.notes.more else _line(at, record) for at, record in records]
    return json.encode_lines(lines).decode()


def texts_of(records: Iterable[Timed]) -> str:
    """Return records as lines for people, without control characters."""
    return "".join([_text(at, record) for at, record in records])


def _line(at: float, record: Record) -> _Line:
    notes, path = record.notes, record.path
    usage, finish, first, lost = notes.usage, notes.finish, notes.first_output, notes.lost
    taken = given = None
    if usage is not None:
        taken, given = usage.input_uncached, usage.output_text
        # Most answers know no other tokens.
        if (
            usage.input_cache_read is not None
            or usage.input_cache_write_5m is not None
            or usage.input_cache_write_1h is not None
            or usage.input_tool is not None
        ):
            taken = usage.input_total
        if usage.output_reasoning is not None:
            given = usage.output_total
    return _Line(
        # Both are rounded down without a call.
        at * 1000 // 1 / 1000,
        record.method,
        path if len(path) <= _LONGEST_PATH else path[:_LONGEST_PATH],
        record.status,
        record.duration_us // 10 / 100,
        record.bytes_in,
        record.bytes_out,
        record.request_id,
        record.peer,
        record.complete,
        notes.key,
        notes.protocol,
        notes.provider,
        notes.account,
        notes.model,
        taken,
        given,
        None if finish is None else finish.reason._value_,
        None if first is None else first * 10000 // 1 / 10000,
        None if lost is None else len(lost),
    )


def _more(at: float, record: Record) -> dict[str, Any]:
    """Return the fields of a line with what is noted of few requests."""
    fields: dict[str, Any] = msgspec.to_builtins(_line(at, record))
    for name, value in record.notes.more.items():
        if value is not None and name != _LEFT_OUT:
            fields[name] = value
    return fields


def _text(at: float, record: Record) -> str:
    moment = datetime.fromtimestamp(at, UTC).isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
    words = [moment, record.method or "-", record.path[:_LONGEST_PATH] or "-", str(record.status)]
    words.append(f"{record.duration_us / 1000:.1f}ms")
    fields = {name: value for name, value in _more(at, record).items() if name not in _NAMELESS}
    words += [
        f"{name}={value if isinstance(value, str) else json.encode_text(value)}" for name, value in fields.items()
    ]
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in " ".join(words)) + "\n"
