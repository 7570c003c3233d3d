"""The memory that processes share: counters that add up, events that arrive, columns that outlive their process."""

import mmap
import multiprocessing
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codenex.store.rows import assigned_rows, row_tag
from codenex.store.shared_memory import EVENTS, GAUGE, LARGEST_EVENT, LAYOUT, ROWS, SharedMemory

COUNT = 1
TAG = row_tag("somebody")


@pytest.fixture
def file():
    descriptor = os.memfd_create("shared")
    os.ftruncate(descriptor, LAYOUT["bytes"])
    yield descriptor
    os.close(descriptor)


def owner(file, slot, pid):
    """What the master writes."""
    words = memoryview(mmap.mmap(file, LAYOUT["header_words"] * 8)).cast("Q")
    words[LAYOUT["used_word"]] = max(words[LAYOUT["used_word"]], slot + 1)
    words[LAYOUT["alive_word"] + slot] = pid


def joined(file, *slots):
    for slot in slots:
        owner(file, slot, 1000 + slot)
    return [SharedMemory(file, slot) for slot in slots]


def test_counters_of_all_columns_are_seen_by_everybody(file):
    first, second = joined(file, 1, 2)
    for memory, value in ((first, 3), (second, 4)):
        memory.claim(7, TAG)
        memory.write(7, COUNT, value)
    assert sorted(first.values(7, COUNT, TAG)) == sorted(second.values(7, COUNT, TAG)) == [3, 4]
    assert first.own(7, COUNT) == 3


def test_a_dead_process_counts_on_but_has_nothing_in_progress(file):
    first, second = joined(file, 1, 2)
    for memory in (first, second):
        memory.claim(0, TAG)
        memory.write(0, COUNT, 5)
        memory.write(0, GAUGE, 1)
    owner(file, 2, 0)
    assert first.values(0, COUNT, TAG) == [5, 5]
    assert first.values(0, GAUGE, TAG, living=True) == [1]
    owner(file, 2, 1002)
    successor = SharedMemory(file, 2)
    assert successor.own(0, COUNT) == 5
    assert successor.own(0, GAUGE) == 0


def test_a_row_that_went_to_another_key_holds_nothing_of_the_old_one(file):
    first, second = joined(file, 1, 2)
    for memory in (first, second):
        memory.claim(0, TAG)
        memory.write(0, COUNT, 9)
    other = row_tag("somebody else")
    first.claim(0, other)
    assert first.own(0, COUNT) == 0
    assert first.values(0, COUNT, other) == [0]
    assert second.values(0, COUNT, TAG) == [9]


def test_claiming_again_changes_nothing(file):
    (memory,) = joined(file, 1)
    memory.claim(3, TAG)
    memory.write(3, COUNT, 2)
    memory.claim(3, TAG)
    assert memory.own(3, COUNT) == 2


def test_events_reach_the_others_once_and_in_order(file):
    first, second, third = joined(file, 1, 2, 3)
    assert second.poll() == []
    for number in range(5):
        first.append(b"first %d" % number)
    second.append(b"second")
    assert second.poll() == [b"first %d" % number for number in range(5)]
    assert second.poll() == []
    assert sorted(third.poll()) == sorted([*(b"first %d" % number for number in range(5)), b"second"])
    assert first.poll() == [b"second"]


def test_who_falls_far_behind_gets_what_is_left(file):
    first, second = joined(file, 1, 2)
    for number in range(EVENTS + 100):
        first.append(b"%d" % number)
    assert second.poll() == [b"%d" % number for number in range(100, EVENTS + 100)]


def test_history_is_there_for_newcomers_also_of_the_dead(file):
    first, second = joined(file, 1, 2)
    first.append(b"one")
    second.append(b"two")
    owner(file, 1, 0)
    (third,) = joined(file, 3)
    assert sorted(third.history()) == [b"one", b"two"]
    assert sorted(third.poll()) == [b"one", b"two"]


def test_a_successor_goes_on_where_the_column_stands(file):
    first, second = joined(file, 1, 2)
    first.append(b"before")
    assert second.poll() == [b"before"]
    owner(file, 1, 4321)
    SharedMemory(file, 1).append(b"after")
    assert second.poll() == [b"after"]


def test_events_have_a_size(file):
    first, second = joined(file, 1, 2)
    first.append(b"x" * LARGEST_EVENT)
    assert second.poll() == [b"x" * LARGEST_EVENT]
    with pytest.raises(ValueError, match="too long"):
        first.append(b"x" * (LARGEST_EVENT + 1))


def test_an_event_that_is_half_written_is_not_read(file):
    first, second = joined(file, 1, 2)
    first.append(b"whole")
    start = 8 * first._event(1, 1)
    first._bytes[start + 16] ^= 0xFF
    assert second.poll() == []
    first._bytes[start + 16] ^= 0xFF
    assert second.poll() == [b"whole"]


def _count(file, slot, rounds, start):
    memory = SharedMemory(file, slot)
    memory.claim(0, TAG)
    start.wait()
    for number in range(rounds):
        memory.write(0, COUNT, memory.own(0, COUNT) + 1)
        if number % 100 == 0:
            memory.append(b"%d:%d" % (slot, number))


def test_four_processes_lose_nothing(file):
    rounds, slots = 20_000, (1, 2, 3, 4)
    for slot in slots:
        owner(file, slot, slot)
    context = multiprocessing.get_context("fork")
    start = context.Event()
    processes = [context.Process(target=_count, args=(file, slot, rounds, start)) for slot in slots]
    for process in processes:
        process.start()
    owner(file, 5, 5)
    reader = SharedMemory(file, 5)
    start.set()
    seen, last = [], 0
    while any(process.is_alive() for process in processes):
        total = sum(reader.values(0, COUNT, TAG))
        assert total >= last
        last = total
        seen += reader.poll()
    for process in processes:
        process.join()
    seen += reader.poll()
    assert sum(reader.values(0, COUNT, TAG)) == rounds * len(slots)
    expected = [b"%d:%d" % (slot, number) for slot in slots for number in range(0, rounds, 100)]
    assert sorted(seen) == sorted(expected)
    for slot in slots:
        own = [event for event in seen if event.startswith(b"%d:" % slot)]
        assert own == [event for event in expected if event.startswith(b"%d:" % slot)]


def test_rows_stay_with_their_keys():
    first = assigned_rows(["a", "b", "c"], {})
    assert sorted(first.values()) == [0, 1, 2]
    second = assigned_rows(["c", "d", "a"], first)
    assert second["a"] == first["a"]
    assert second["c"] == first["c"]
    assert second["d"] not in first.values()


@settings(max_examples=max(200, settings.default.max_examples))
@given(st.lists(st.text(max_size=4), max_size=30), st.lists(st.text(max_size=4), max_size=30))
def test_no_two_keys_share_a_row(before, after):
    rows = assigned_rows(after, assigned_rows(before, {}))
    assert set(rows) == set(after)
    assert len(set(rows.values())) == len(rows)


def test_more_keys_than_rows():
    rows = assigned_rows(map(str, range(ROWS + 10)), {})
    assert len(rows) == ROWS
