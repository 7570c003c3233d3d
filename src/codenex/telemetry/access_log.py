"""One line for each request, of JSON or for people, written by a thread of its own, so that a slow reader of the log
never slows a request.

The thread only writes. If it formatted lines as well, it would want the interpreter between any two steps of the event
loop, and each time it asks costs the loop more than a line does.
"""
# ruff: noqa: SIM401 - dict.get() is a call, which every request would make a dozen times

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from codenex.core import json
from codenex.core.finish import FinishDetail
from codenex.core.usage import Usage
from codenex.telemetry.messages import Format
from codenex.telemetry.outlet import Outlet

#: Lines that wait for the log at most; more are dropped, and a line of the log says how many.
QUEUE_LIMIT = 10_000
_PAUSE = 0.1
#: Notes that would make long lines; the management API shows them.
_LEFT_OUT = frozenset({"lost", "attempts"})
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
    def notes(self) -> dict[str, Any]: ...


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
        self._line = line_of if form == "json" else text_of
        self._queue: deque[str] = deque()
        self._wake = threading.Event()
        self._closed = False
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    def record(self, records: Sequence[Timed]) -> None:
        """Queue the lines of records. Never blocks."""
        room = QUEUE_LIMIT - len(self._queue)
        if room < len(records):
            self.dropped += len(records) - max(room, 0)
            records = records[: max(room, 0)]
        line = self._line
        try:
            self._queue.extend([line(at, record) for at, record in records])
        except (TypeError, ValueError):
            self._queue.extend(self._writable(records))
        if not self._wake.is_set():
            self._wake.set()

    @property
    def queued(self) -> int:
        """Lines that wait to be written."""
        return len(self._queue)

    def close(self) -> None:
        """Write what is queued and stop."""
        self._closed = True
        self._wake.set()
        self._thread.join(timeout=2)

    def _writable(self, records: Sequence[Timed]) -> list[str]:
        """Return the lines of those records that can be written."""
        lines: list[str] = []
        for at, record in records:
            try:
                lines.append(self._line(at, record))
            except (TypeError, ValueError):
                self.dropped += 1
        return lines

    def _run(self) -> None:
        told = 0
        while True:
            self._wake.wait()
            self._wake.clear()
            lines: list[str] = []
            while self._queue:
                lines.append(self._queue.popleft())
            count = len(lines)
            if self.dropped > told:
                told, missing = self.dropped, self.dropped - told
                lines.append(json.encode_text({"time": round(time.time(), 3), "dropped": missing}) + "\n")
            try:
                self._stream.write("".join(lines))
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


#: The notes that these fields are made of.
_USUAL = frozenset(
    {"key", "protocol", "provider", "account", "model", "usage", "finish", "first_output", "losses", *_LEFT_OUT}
)
_NOTHING: dict[str, Any] = {}


def line_of(at: float, record: Record) -> str:
    """Return a record as a line of JSON; control characters are escaped by the format itself."""
    notes = record.notes
    usual = notes.keys() <= _USUAL
    told = notes if usual else _NOTHING
    usage = told["usage"] if "usage" in told else None
    finish = told["finish"] if "finish" in told else None
    line = _Line(
        # Both are rounded down without a call.
        at * 1000 // 1 / 1000,
        record.method,
        record.path[:300],
        record.status,
        record.duration_us // 10 / 100,
        record.bytes_in,
        record.bytes_out,
        record.request_id,
        record.peer,
        record.complete,
        told["key"] if "key" in told else None,
        told["protocol"] if "protocol" in told else None,
        told["provider"] if "provider" in told else None,
        told["account"] if "account" in told else None,
        told["model"] if "model" in told else None,
        None if usage is None else usage.input_total,
        None if usage is None else usage.output_total,
        None if finish is None else finish.reason._value_,
        told["first_output"] * 10000 // 1 / 10000 if "first_output" in told else None,
        told["losses"] if "losses" in told else None,
    )
    if usual:
        return json.encode_text(line) + "\n"
    fields: dict[str, Any] = {}
    _add_notes(fields, record)
    return json.encode_text(line)[:-1] + "," + json.encode_text(fields)[1:] + "\n"


def text_of(at: float, record: Record) -> str:
    """Return a record as a line for people, without control characters."""
    moment = datetime.fromtimestamp(at, UTC).isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
    path = record.path[:300]
    words = [moment, record.method or "-", path or "-", str(record.status), f"{record.duration_us / 1000:.1f}ms"]
    fields: dict[str, Any] = {"request_id": record.request_id, "peer": record.peer}
    if not record.complete:
        fields["complete"] = False
    _add_notes(fields, record)
    words += [
        f"{name}={value if isinstance(value, str) else json.encode_text(value)}" for name, value in fields.items()
    ]
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in " ".join(words)) + "\n"


def _add_notes(fields: dict[str, Any], record: Record) -> None:
    """Add what was noted."""
    for name, value in record.notes.items():
        kind = type(value)
        if kind is str or kind is int:
            fields[name] = value
        elif kind is Usage:
            fields["input_tokens"], fields["output_tokens"] = value.input_total, value.output_total
        elif kind is FinishDetail:
            fields["finish"] = value.reason._value_
        elif kind is float:
            fields[name] = round(value, 4)
        elif value is not None and name not in _LEFT_OUT:
            fields[name] = value
