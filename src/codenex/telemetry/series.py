"""Numbers by labels in memory that other processes read: a table with one writer, and how tables add up.

A record is the length of its label text in bytes, the text (labels joined by NUL, UTF-8) and its numbers, all in words
of 8 bytes. A record is written before the table says that it is there, so that readers need no lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

#: Words of a label text: room for the longest name of a model and what stands beside it.
_LABEL_WORDS = 48
_LABEL_BYTES = 8 * _LABEL_WORDS
#: What the labels of the last record are, which takes whatever finds no other.
OTHER = "other"

Labels = tuple[str, ...]


class Table:
    """At most ``room`` series of ``fields`` numbers each, under ``labels`` texts, in ``words`` (``words_for``)."""

    def __init__(self, words: memoryview, room: int, labels: int, fields: int) -> None:
        self.words = words
        self.fields = fields
        self._room = room
        self._labels = labels
        self._record = 1 + _LABEL_WORDS + fields

    @staticmethod
    def words_for(room: int, fields: int) -> int:
        """Return how many words such a table takes."""
        return 1 + room * (1 + _LABEL_WORDS + fields)

    def place(self, labels: Labels) -> int:
        """Return where the numbers of a new series begin in :attr:`words`; labels that are too long, or too many,
        share one series that is called "other"."""
        text = "\0".join(labels).encode()
        used: int = self.words[0]
        if len(text) > _LABEL_BYTES or used >= self._room - 1:
            return self._last()
        return self._add(used, text)

    def _add(self, number: int, text: bytes) -> int:
        start = 1 + number * self._record
        padded = text.ljust(_LABEL_BYTES, b"\0")
        self.words[start + 1 : start + 1 + _LABEL_WORDS] = memoryview(padded).cast("Q")
        self.words[start] = len(text)
        self.words[0] = max(self.words[0], number + 1)
        return start + 1 + _LABEL_WORDS

    def _last(self) -> int:
        start = 1 + (self._room - 1) * self._record
        if not self.words[start]:
            # The count of records stays: this one is beyond them, and found by its text.
            text = "\0".join([OTHER] * self._labels).encode()
            used = self.words[0]
            self._add(self._room - 1, text)
            self.words[0] = used
        return start + 1 + _LABEL_WORDS

    def series(self) -> Iterator[tuple[Labels, int]]:
        """Return the labels of each series and where its numbers begin."""
        words, record = self.words, self._record
        numbers = [*range(min(words[0], self._room - 1)), self._room - 1]
        for start in (1 + number * record for number in numbers):
            length = words[start]
            if 0 < length <= _LABEL_BYTES:
                text = words[start + 1 : start + 1 + _LABEL_WORDS].tobytes()[:length]
                yield tuple(text.decode(errors="replace").split("\0")), start + 1 + _LABEL_WORDS

    def values(self) -> Iterator[tuple[Labels, list[int]]]:
        """Return the labels and numbers of each series."""
        for labels, start in self.series():
            yield labels, self.words[start : start + self.fields].tolist()


def added(tables: Iterable[Table]) -> dict[Labels, list[int]]:
    """Add up the series of several tables of one kind."""
    total: dict[Labels, list[int]] = {}
    for table in tables:
        for labels, values in table.values():
            known = total.get(labels)
            if known is None:
                total[labels] = values
            else:
                for index, value in enumerate(values):
                    known[index] += value
    return total
