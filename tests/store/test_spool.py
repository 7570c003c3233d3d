"""Batches that wait on disk: in order, once, over the end of a process, and never more than there is room for."""

import pytest

from codenex.store import spool as module
from codenex.store.spool import Spool


def taken(spool):
    lines = []
    while (line := spool.next()) is not None:
        lines.append(line)
        spool.done()
    return lines


def test_batches_come_in_the_order_in_which_they_were_put(tmp_path):
    spool = Spool(tmp_path / "data")
    assert (spool.next(), spool.size) == (None, 0)
    spool.put(b"one\ntwo\n")
    assert spool.next() == b"one\n"
    assert spool.next() == b"one\n"
    spool.done()
    spool.put(b"three\n")
    assert spool.size == len(b"two\nthree\n")
    assert taken(spool) == [b"two\n", b"three\n"]
    assert [*(tmp_path / "data").iterdir()] == []
    spool.put(b"four\n")
    assert taken(spool) == [b"four\n"]


def test_batches_are_longer_than_what_is_read_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    spool = Spool(tmp_path)
    lines = [b"x" * length + b"\n" for length in range(12)]
    spool.put(b"".join(lines))
    assert taken(spool) == lines


def test_the_next_process_takes_over_what_is_left_by_the_dead_alone(tmp_path):
    dead, living, next_one = Spool(tmp_path), Spool(tmp_path), Spool(tmp_path)
    dead.put(b"one\ntwo\n")
    assert dead.next() == b"one\n"
    dead.done()
    living.put(b"three\n")
    dead.close()
    next_one.adopt()
    next_one.put(b"four\n")
    # What was read before the end is read again: rows are kept once, however often they come.
    assert taken(next_one) == [b"one\n", b"two\n", b"four\n"]
    assert taken(living) == [b"three\n"]


def test_nothing_is_half_put(tmp_path, monkeypatch):
    spool = Spool(tmp_path)
    spool.put(b"one\n")
    write = module.os.write
    monkeypatch.setattr(module.os, "write", lambda descriptor, data: write(descriptor, data[:2]))
    with pytest.raises(OSError, match="space"):
        spool.put(b"two\n")
    monkeypatch.undo()
    spool.put(b"three\n")
    assert taken(spool) == [b"one\n", b"three\n"]


def test_there_is_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LIMIT", 8)
    spool = Spool(tmp_path)
    spool.put(b"one\n")
    spool.put(b"two\n")
    with pytest.raises(OSError, match="wait in"):
        spool.put(b"3\n")
    assert taken(spool) == [b"one\n", b"two\n"]


def test_what_was_read_leaves_the_disk_also_where_there_is_always_more(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_FILE_SIZE", 100)
    spool = Spool(tmp_path)
    numbers = iter(range(1000))
    seen = []
    spool.put(b"first\n")
    for _ in range(300):
        spool.put(b"%d\n%d\n" % (next(numbers), next(numbers)))
        for _ in range(2):
            seen.append(spool.next())
            spool.done()
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 250
    assert [*seen, *taken(spool)] == [b"first\n", *(b"%d\n" % number for number in range(600))]
    assert [*tmp_path.iterdir()] == []
