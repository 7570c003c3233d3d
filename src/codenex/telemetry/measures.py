"""What one process counts, in words of the shared memory that the other processes read.

Records are counted in groups that have their series in common. Counters stay when their process ends: its successor in
the same column goes on with them, so that they never fall.
"""

from __future__ import annotations

from bisect import bisect_left
from enum import IntEnum
from typing import Any

from codenex.core.usage import Usage
from codenex.telemetry.access_log import Record
from codenex.telemetry.series import Table

#: Upper bounds in microseconds: of durations (those that OpenTelemetry recommends for generative AI), and of the event
#: loop's lag.
DURATIONS = tuple(10_000 * 2**power for power in range(14))
LAGS = (1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000)

#: Kinds of tokens, disjoint, as the hub counts them.
TOKENS = ("input_uncached", "input_cache_read", "input_cache_write", "input_tool", "output_text", "output_reasoning")

OUTCOME_LABELS = ("protocol", "provider", "model", "status", "error")
TRAFFIC_LABELS = ("protocol", "provider", "model")
_OUTCOMES = 1024
_TRAFFICS = 256
#: Error classes of records that name none: of a client that left, and by status.
CANCELLED = "cancelled"
_UNNAMED = {4: "refused", 5: "internal"}


class Fixed(IntEnum):
    """Words of a process: values at the moment, then counters, then the histogram of the loop's lag."""

    CONNECTIONS = 0
    IN_PROGRESS = 1
    UPSTREAM_OPEN = 2
    UPSTREAM_IN_USE = 3
    ROWS_QUEUED = 4
    LINES_QUEUED = 5
    ROWS_DROPPED = 16
    LINES_DROPPED = 17
    PROMPTS_DROPPED = 18
    REFUSED = 19
    LAG = 32


#: Those that mean nothing once the process has ended.
MOMENTARY = tuple(word for word in Fixed if word < Fixed.ROWS_DROPPED)
_FIXED_WORDS = 64


class Traffic(IntEnum):
    """Numbers of a series of traffic: sums in microseconds and bytes, histograms as one count for each bound and one
    beyond, what it cost in billionths of a dollar."""

    DURATION_SUM = 0
    DURATION = 1
    FIRST_SUM = DURATION + len(DURATIONS) + 1
    FIRST = FIRST_SUM + 1
    TOKEN = FIRST + len(DURATIONS) + 1
    BYTES_IN = TOKEN + len(TOKENS)
    BYTES_OUT = BYTES_IN + 1
    COST = BYTES_OUT + 1
    FIELDS = COST + 1


# Members of an enumeration cost more than the additions, and every request makes a dozen.
_FIRST_SUM, _TOKEN = int(Traffic.FIRST_SUM), int(Traffic.TOKEN)
_BYTES_IN, _BYTES_OUT = int(Traffic.BYTES_IN), int(Traffic.BYTES_OUT)
_OUTCOME_WORDS = Table.words_for(_OUTCOMES, 1)
_TRAFFIC_WORDS = Table.words_for(_TRAFFICS, Traffic.FIELDS)
#: What a process needs.
WORDS = _FIXED_WORDS + _OUTCOME_WORDS + _TRAFFIC_WORDS


class Columns:
    """The parts of a process's words, for its writer and for readers."""

    def __init__(self, words: memoryview) -> None:
        self.fixed = words[:_FIXED_WORDS]
        self.outcomes = Table(words[_FIXED_WORDS : _FIXED_WORDS + _OUTCOME_WORDS], _OUTCOMES, len(OUTCOME_LABELS), 1)
        rest = words[_FIXED_WORDS + _OUTCOME_WORDS : WORDS]
        self.traffic = Table(rest, _TRAFFICS, len(TRAFFIC_LABELS), Traffic.FIELDS)


def _tokens(usages: list[Usage]) -> tuple[int, ...]:
    """Sum up what answers took, in the order of ``TOKENS``."""
    uncached = read = written = tool = text = reasoning = 0
    for usage in usages:
        cost = usage if usage.cost is None else usage.cost
        # Most answers have few of them.
        if count := cost.input_uncached:
            uncached += count
        if count := cost.input_cache_read:
            read += count
        if count := cost.input_cache_write_5m:
            written += count
        if count := cost.input_cache_write_1h:
            written += count
        if count := cost.input_tool:
            tool += count
        if count := cost.output_text:
            text += count
        if count := cost.output_reasoning:
            reasoning += count
    return uncached, read, written, tool, text, reasoning


class Measures:
    """The counters of this process in ``words``, of which there are at least ``WORDS``; it alone writes them."""

    def __init__(self, words: memoryview) -> None:
        self._columns = columns = Columns(words)
        self._fixed = columns.fixed
        for word in MOMENTARY:
            self._fixed[word] = 0
        # Where a predecessor's series are, which go on.
        self._outcomes = dict(columns.outcomes.series())
        self._traffic = dict(columns.traffic.series())
        #: models that have answered: no other name that a client made up becomes a label
        self._models = {labels[2] for labels in self._traffic}
        self._outcome_words = columns.outcomes.words
        self._traffic_words = columns.traffic.words
        #: what records have in common → where they are counted
        self._places: dict[tuple[Any, ...], tuple[int, int]] = {}
        self._bases = {word: int(self._fixed[word]) for word in Fixed if word not in MOMENTARY}

    # --- requests -------------------------------------------------------------------------------------------------

    def record(self, *records: Record) -> None:
        """Count requests. Never blocks and never fails."""
        # Those that are counted in one place together: to add to a word of memory costs more than to sum up.
        alike: dict[tuple[Any, ...], list[Record]] = {}
        for record in records:
            notes = record.notes
            key = (
                notes.protocol,
                notes.provider,
                notes.model,
                record.status,
                notes.more.get("error_class") if notes.more else None,
                record.complete,
            )
            try:
                alike[key].append(record)
            except KeyError:
                alike[key] = [record]
        for key, group in alike.items():
            outcome, start = self._places[key] if key in self._places else self._placed(key)
            self._outcome_words[outcome] += len(group)
            if start >= 0:
                self._count(start, group)

    def _count(self, start: int, records: list[Record]) -> None:
        words = self._traffic_words
        words[start + _BYTES_IN] += sum([record.bytes_in for record in records])
        words[start + _BYTES_OUT] += sum([record.bytes_out for record in records])
        self._count_times(start, [record.duration_us for record in records])
        firsts = [int(first * 1e6) for record in records if (first := record.notes.first_output) is not None]
        if firsts:
            self._count_times(start + _FIRST_SUM, firsts)
        usages = [usage for record in records if (usage := record.notes.usage) is not None]
        for place, count in enumerate(_tokens(usages), start + _TOKEN):
            if count:
                words[place] += count

    def _count_times(self, start: int, microseconds: list[int]) -> None:
        words = self._traffic_words
        words[start] += sum(microseconds)
        bounds = [bisect_left(DURATIONS, time) for time in microseconds]
        for bound in {*bounds}:
            words[start + 1 + bound] += bounds.count(bound)

    def add_cost(self, protocol: str | None, provider: str | None, model: str | None, dollars: float) -> None:
        """Count what a request cost."""
        start = self._traffic_place((protocol or "", provider or "", model or ""))
        self._traffic_words[start + Traffic.COST] += round(dollars * 1e9)

    def _placed(self, key: tuple[Any, ...]) -> tuple[int, int]:
        protocol, provider, model, status, error, complete = key
        model = model or ""
        if status < 400:
            self._models.add(model)
        elif model not in self._models:
            model = ""
        if not error:
            error = _UNNAMED.get(status // 100, "") if complete else CANCELLED
        names = (protocol or "", provider or "", model)
        labels = (*names, str(status), error)
        outcome = self._outcomes.get(labels)
        if outcome is None:
            outcome = self._outcomes[labels] = self._columns.outcomes.place(labels)
        place = (outcome, self._traffic_place(names) if provider else -1)
        if len(self._places) >= 4 * _OUTCOMES:
            self._places.clear()
        self._places[key] = place
        return place

    def _traffic_place(self, labels: tuple[str, str, str]) -> int:
        start = self._traffic.get(labels)
        if start is None:
            start = self._traffic[labels] = self._columns.traffic.place(labels)
        return start

    # --- the process ----------------------------------------------------------------------------------------------

    def show(self, word: Fixed, value: int) -> None:
        """Tell a value of the moment, or a counter as this process has counted it."""
        self._fixed[word] = value + self._bases.get(word, 0)

    def lagged(self, microseconds: int) -> None:
        """Count one turn of the event loop that came so late."""
        self._fixed[Fixed.LAG] += microseconds
        self._fixed[Fixed.LAG + 1 + bisect_left(LAGS, microseconds)] += 1
