"""Memory that all processes of one gateway share: one column for each of them, which it alone writes.

There are no locks. Readers add up the columns; words of 8 bytes are read and written whole; longer records carry a
checksum. The column of a killed process stays and counts on. Layout: a header of words (revision, owners of the
columns, how many columns were ever used, heads of the event logs, how
many rows of a column were ever claimed), then the columns: a table of counters, what is remembered, a ring of events,
and what the process measures, whose form its reader and writer know.
"""

from __future__ import annotations

import mmap
import os
import zlib
from collections.abc import Iterator
from copy import copy

#: Columns: one for the control process, the others for workers, those that are still draining included.
SLOTS = 64
ROWS = 16_384
#: Words of a row; the first one is the tag of the key that the row belongs to.
FIELDS = 8
#: Places of a column for what is remembered.
MEMORIES = 4096
EVENTS = 1024
EVENT_BYTES = 512
#: Words of a column for what its process measures.
MEASURE_WORDS = 80_000

_REVISION = 1
_USED = 2
_ALIVE = 8
_HEADS = _ALIVE + SLOTS
_CLAIMED = _HEADS + SLOTS
_HEADER_WORDS = 512
_TABLE_WORDS = ROWS * FIELDS
_EVENT_WORDS = EVENT_BYTES // 8
_MEMORY_WORDS = 2 * MEMORIES
_MEASURES_AT = _TABLE_WORDS + _MEMORY_WORDS + EVENTS * _EVENT_WORDS
_COLUMN_WORDS = _MEASURES_AT + MEASURE_WORDS
#: sequence, length and checksum
_EVENT_HEAD_WORDS = 2
LARGEST_EVENT = EVENT_BYTES - 8 * _EVENT_HEAD_WORDS

#: What the master needs to know, which writes the revision and the owners.
LAYOUT = {
    "bytes": 8 * (_HEADER_WORDS + SLOTS * _COLUMN_WORDS),
    "header_words": _HEADER_WORDS,
    "revision_word": _REVISION,
    "used_word": _USED,
    "alive_word": _ALIVE,
    "slots": SLOTS,
}


class SharedMemory:
    """The memory as the process in ``slot`` sees it. ``descriptor`` is a file of ``LAYOUT["bytes"]`` bytes; without one
    the memory is this process's own."""

    def __init__(self, descriptor: int | None, slot: int) -> None:
        self.slot = slot
        #: Whether other processes have it too.
        self.common = descriptor is not None
        self._bytes = memoryview(mmap.mmap(-1 if descriptor is None else descriptor, LAYOUT["bytes"]))
        self._words = self._bytes.cast("Q")
        if descriptor is None:
            # There is no master to say so.
            self._words[_USED] = slot + 1
            self._words[_ALIVE + slot] = os.getpid()
        self._heads = self._words[_HEADS : _HEADS + SLOTS]
        self._read_heads = [0] * SLOTS
        self._seen = b""
        self._head = self._words[_HEADS + slot]
        self._forget_gauges()

    def beside(self, slot: int) -> SharedMemory:
        """Return the same memory as another part of this process sees it, whose column is ``slot``."""
        other = copy(self)
        other.slot = slot
        other._words[_USED] = max(other._words[_USED], slot + 1)
        other._words[_ALIVE + slot] = os.getpid()
        other._read_heads = [0] * SLOTS
        other._seen = b""
        other._head = other._words[_HEADS + slot]
        return other

    # --- header ---------------------------------------------------------------------------------------------------

    @property
    def revision(self) -> int:
        """The number of the current generation of settings."""
        return self._words[_REVISION]

    def owners(self) -> dict[int, int]:
        """Return the process of each column that has a living one."""
        return {slot: pid for slot, pid in enumerate(self._words[_ALIVE : _ALIVE + SLOTS]) if pid}

    # --- measures -------------------------------------------------------------------------------------------------

    def measures(self) -> memoryview:
        """Return the words in which the own process measures."""
        return self._measures(self.slot)

    def all_measures(self) -> dict[int, memoryview]:
        """Return those of every column that was ever used, its process living or not."""
        return {slot: self._measures(slot) for slot in range(self._words[_USED])}

    def _measures(self, slot: int) -> memoryview:
        start = _HEADER_WORDS + slot * _COLUMN_WORDS + _MEASURES_AT
        return self._words[start : start + MEASURE_WORDS]

    # --- counters -------------------------------------------------------------------------------------------------

    def claim(self, row: int, tag: int) -> None:
        """Give a row of the own column to the key with this tag; what another key had there is forgotten."""
        start = self._row(self.slot, row)
        words = self._words
        if row >= words[_CLAIMED + self.slot]:
            words[_CLAIMED + self.slot] = row + 1
        if words[start] != tag:
            words[start] = 0
            for field in range(1, FIELDS):
                words[start + field] = 0
            words[start] = tag

    def own(self, row: int, field: int) -> int:
        """Return a field of the own column."""
        return self._words[self._row(self.slot, row) + field]

    def own_row(self, row: int) -> memoryview:
        """Return the words of a row of the own column, for what is counted with every request."""
        start = self._row(self.slot, row)
        return self._words[start : start + FIELDS]

    def write(self, row: int, field: int, value: int) -> None:
        """Set a field of the own column."""
        self._words[self._row(self.slot, row) + field] = value

    def values(self, row: int, field: int, tag: int, *, living: bool = False) -> list[int]:
        """Return a field in every column that holds the key; with ``living`` only in those of living processes."""
        words = self._words
        found: list[int] = []
        start = _HEADER_WORDS + row * FIELDS
        for slot in range(words[_USED]):
            if words[start] == tag and (not living or words[_ALIVE + slot]):
                found.append(words[start + field])
            start += _COLUMN_WORDS
        return found

    def _row(self, slot: int, row: int) -> int:
        return _HEADER_WORDS + slot * _COLUMN_WORDS + row * FIELDS

    def _forget_gauges(self) -> None:
        """Take over a column: what its last owner had in progress has ended with it."""
        for row in range(self._words[_CLAIMED + self.slot]):
            if self.own(row, GAUGE):
                self.write(row, GAUGE, 0)

    # --- memories -------------------------------------------------------------------------------------------------

    def remember(self, key: int, value: int) -> None:
        """Keep a word under a key (64 bits, not 0) until another key needs its place."""
        start = self._memory(self.slot, key)
        words = self._words
        words[start] = 0
        words[start + 1] = value
        words[start] = key

    def recall(self, key: int) -> list[int]:
        """Return what each column keeps under a key."""
        words = self._words
        found: list[int] = []
        for slot in range(words[_USED]):
            start = self._memory(slot, key)
            if words[start] == key:
                value = words[start + 1]
                if words[start] == key:
                    found.append(value)
        return found

    def _memory(self, slot: int, key: int) -> int:
        return _HEADER_WORDS + slot * _COLUMN_WORDS + _TABLE_WORDS + 2 * (key % MEMORIES)

    # --- events ---------------------------------------------------------------------------------------------------

    def append(self, event: bytes) -> None:
        """Write an event for the other processes. Raises :class:`ValueError` for one that is too long."""
        if len(event) > LARGEST_EVENT:
            raise ValueError(f"an event of {len(event)} bytes is too long")
        number = self._head + 1
        start = self._event(self.slot, number)
        words = self._words
        words[start] = 0
        at = 8 * (start + _EVENT_HEAD_WORDS)
        self._bytes[at : at + len(event)] = event
        words[start + 1] = len(event) << 32 | zlib.crc32(event, number & 0xFFFFFFFF)
        words[start] = number
        self._head = number
        words[_HEADS + self.slot] = number

    def poll(self) -> list[bytes]:
        """Return the events of the other processes since the last poll, in the order of each; cheap without any."""
        heads = self._heads.tobytes()
        if heads == self._seen:
            return []
        found: list[bytes] = []
        complete = True
        for slot, head in enumerate(self._heads[: self._words[_USED]].tolist()):
            if slot == self.slot:
                self._read_heads[slot] = head
                continue
            first = max(self._read_heads[slot], head - EVENTS)
            for number in range(first + 1, head + 1):
                event = self._read(slot, number)
                if event is not None:
                    found.append(event)
                elif number == head:
                    # Still being written as other cores see it: the next poll finds it.
                    head, complete = number - 1, False
                    break
            self._read_heads[slot] = head
        self._seen = heads if complete else b""
        return found

    def history(self) -> Iterator[bytes]:
        """Return what is left of the events of all processes, living or not, the own column's included."""
        for slot, head in enumerate(self._heads[: self._words[_USED]].tolist()):
            for number in range(max(0, head - EVENTS) + 1, head + 1):
                event = self._read(slot, number)
                if event is not None:
                    yield event

    def _event(self, slot: int, number: int) -> int:
        return _HEADER_WORDS + slot * _COLUMN_WORDS + _TABLE_WORDS + _MEMORY_WORDS + (number % EVENTS) * _EVENT_WORDS

    def _read(self, slot: int, number: int) -> bytes | None:
        start = self._event(slot, number)
        words = self._words
        if words[start] != number:
            return None
        length, check = divmod(words[start + 1], 1 << 32)
        if length > LARGEST_EVENT:
            return None
        at = 8 * (start + _EVENT_HEAD_WORDS)
        event = bytes(self._bytes[at : at + length])
        return event if zlib.crc32(event, number & 0xFFFFFFFF) == check and words[start] == number else None


#: The field that counts what is in progress: it means nothing once its process has ended.
GAUGE = 2
