"""Counters in common memory: what is counted under which labels, what a successor goes on with, and how it is told."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.metrics import Scrape
from tests.support.notes import noted
from tests.telemetry.test_access_log import Record

from codenex.core.usage import Usage
from codenex.store.shared_memory import MEASURE_WORDS
from codenex.telemetry.exposition import exposed
from codenex.telemetry.families import families
from codenex.telemetry.measures import TOKENS, WORDS, Columns, Fixed, Measures
from codenex.telemetry.series import OTHER, Table, added

NAMES = {"protocol": "anthropic", "provider": "claude-custom", "model": "m"}


def memory(words: int = MEASURE_WORDS) -> memoryview:
    return memoryview(bytearray(8 * words)).cast("Q")


def scraped(*columns: memoryview, living: tuple[int, ...] = ()) -> Scrape:
    owners = dict.fromkeys(living, 0)
    return Scrape(exposed(families(dict(enumerate(columns)), owners, None)))


def record(status: int = 200, **fields: Any) -> Record:
    notes = fields.pop("notes", {})
    return Record(status=status, notes=noted(**{**NAMES, **notes}), **fields)


def test_a_process_has_room_for_what_it_measures() -> None:
    assert WORDS <= MEASURE_WORDS


def test_a_request_is_counted_by_outcome_time_tokens_and_bytes() -> None:
    words = memory()
    measures = Measures(words)
    usage = Usage(input_uncached=10, input_cache_read=5, output_text=7)
    measures.record(record(duration_us=30_000, notes={"first_output": 0.015, "usage": usage}))
    measures.record(record(429, duration_us=1_000, notes={"error_class": "rate_limit"}))
    measures.record(record(200, complete=False))
    measures.add_cost("anthropic", "claude-custom", "m", 0.25)
    seen = scraped(words)
    value = seen.value
    assert value("codenex_requests_total", **NAMES, status="200", error="") == 1
    assert value("codenex_requests_total", **NAMES, status="429", error="rate_limit") == 1
    assert value("codenex_requests_total", **NAMES, status="200", error="cancelled") == 1
    assert value("codenex_request_duration_seconds_count", **NAMES) == 3
    assert value("codenex_request_duration_seconds_bucket", **NAMES, le="0.02") == 2
    assert value("codenex_request_duration_seconds_bucket", **NAMES, le="0.04") == 3
    assert value("codenex_time_to_first_output_seconds_sum", **NAMES) == 0.015
    assert value("codenex_tokens_total", **NAMES, type="input_cache_read") == 5
    assert value("codenex_tokens_total", **NAMES) == 22
    assert value("codenex_cost_dollars_total", **NAMES) == 0.25
    assert value("codenex_body_bytes_total", **NAMES, direction="out") == 6000


def test_every_kind_of_token_has_its_place() -> None:
    words = memory()
    fields = (
        "input_uncached",
        "input_cache_read",
        "input_cache_write_5m",
        "input_tool",
        "output_text",
        "output_reasoning",
    )
    for number, name in enumerate(fields, 1):
        Measures(words).record(record(notes={"usage": Usage(**{name: number})}))
    Measures(words).record(record(notes={"usage": Usage(input_cache_write_1h=100)}))
    seen = {kind: scraped(words).value("codenex_tokens_total", type=kind) for kind in TOKENS}
    assert list(seen.values()) == [1, 2, 103, 4, 5, 6]


def test_the_usage_that_was_paid_for_is_counted() -> None:
    words = memory()
    Measures(words).record(record(notes={"usage": Usage(output_text=1, cost=Usage(output_text=30))}))
    assert scraped(words).value("codenex_tokens_total", type="output_text") == 30


def test_names_that_only_failed_are_no_labels() -> None:
    """Clients may ask for any model: a name becomes a label once it has answered."""
    words = memory()
    measures = Measures(words)
    for number in range(100):
        measures.record(record(404, notes={"model": f"made-up-{number}", "error_class": "model_not_found"}))
    seen = scraped(words)
    assert seen.value("codenex_requests_total", model="", status="404") == 100
    assert len(seen.labels("codenex_requests_total")) == 1
    measures.record(record())
    measures.record(record(502, notes={"error_class": "upstream"}))
    assert scraped(words).value("codenex_requests_total", model="m", status="502") == 1


def test_too_many_and_too_long_names_share_one_series() -> None:
    words = memory()
    measures = Measures(words)
    measures.record(record(notes={"model": "ä" * 256}))
    for number in range(2000):
        measures.record(record(notes={"model": f"m{number}"}))
    seen = scraped(words)
    assert seen.value("codenex_requests_total") == 2001
    assert seen.value("codenex_requests_total", model=OTHER) == 2001 - 1023
    assert seen.value("codenex_request_duration_seconds_count") == 2001


def test_a_successor_goes_on_and_dead_processes_count() -> None:
    first, second = memory(), memory()
    for words in (first, second):
        measures = Measures(words)
        measures.record(record())
        measures.show(Fixed.CONNECTIONS, 3)
        measures.show(Fixed.ROWS_DROPPED, 5)
    seen = scraped(memory(), first, second, living=(0, 1))
    assert seen.value("codenex_requests_total") == 2
    assert seen.value("codenex_open_connections") == 3
    assert seen.value("codenex_queue_dropped_total", queue="usage") == 10
    successor = Measures(second)
    assert scraped(memory(), first, second, living=(0, 1, 2)).value("codenex_open_connections") == 3
    successor.record(record())
    successor.show(Fixed.ROWS_DROPPED, 2)
    seen = scraped(memory(), first, second, living=(0, 1, 2))
    assert seen.value("codenex_requests_total") == 3
    assert seen.value("codenex_queue_dropped_total", queue="usage") == 12


def test_lag_is_told_of_each_process() -> None:
    words = memory()
    measures = Measures(words)
    for lag in (0, 900, 60_000, 9_000_000):
        measures.lagged(lag)
    seen = scraped(memory(), words, living=(1,))
    assert seen.value("codenex_event_loop_lag_seconds_bucket", slot="1", le="0.001") == 2
    assert seen.value("codenex_event_loop_lag_seconds_bucket", slot="1", le="0.1") == 3
    assert seen.value("codenex_event_loop_lag_seconds_count", slot="1") == 4


@settings(max_examples=max(200, settings.default.max_examples // 10))
@given(st.lists(st.tuples(st.integers(0, 2), st.text(max_size=150), st.text(max_size=40), st.integers(0, 2**40))))
def test_tables_add_up_to_what_was_counted(steps: list[tuple[int, str, str, int]]) -> None:
    """Any texts, in any of several columns: nothing is lost, nothing is counted twice."""
    room, fields = 8, 2
    tables = [Table(memory(Table.words_for(room, fields)), room, 2, fields) for _ in range(3)]
    places: list[dict[tuple[str, str], int]] = [{} for _ in tables]
    expected: dict[tuple[str, str], int] = {}
    for number, (column, first, second, amount) in zip(count(), steps, strict=False):
        labels = (first.replace("\0", ""), second.replace("\0", ""))
        table, known = tables[column], places[column]
        if number % 5 == 0:
            # As a successor finds it.
            known.clear()
            known.update(table.series())  # type: ignore[misc]
        start = known.get(labels)
        if start is None:
            start = known[labels] = table.place(labels)
        table.words[start + 1] += amount
        expected[labels] = expected.get(labels, 0) + amount
    found = {labels: values[1] for labels, values in added(tables).items()}
    assert sum(found.values()) == sum(expected.values())
    for labels, value in found.items():
        if labels != (OTHER, OTHER):
            assert value <= expected[labels]  # type: ignore[index]


def test_columns_that_nobody_wrote_tell_nothing() -> None:
    assert list(Columns(memory()).outcomes.series()) == []
