"""Files that several writers change: nothing lost, nothing half, nothing stale."""

import json
import multiprocessing
import os
import signal

import pytest

from codenex.store.documents import STALE, Conflict, Document, revision_of, sweep


def incremented(content):
    return b"%d" % (int(content or b"0") + 1)


def test_a_change_is_made_to_the_newest_content(tmp_path):
    document = Document(tmp_path / "folder" / "counter")
    assert document.read() is None
    revision = document.update(incremented)
    assert document.read() == b"1"
    assert revision == revision_of(b"1")
    assert document.update(incremented, revision) == revision_of(b"2")
    assert document.path.stat().st_mode & 0o777 == 0o600


def test_a_stale_writer_is_told_and_changes_nothing(tmp_path):
    document = Document(tmp_path / "counter")
    stale = revision_of(document.read())
    document.update(incremented, stale)
    with pytest.raises(Conflict, match="somebody else"):
        document.update(incremented, stale)
    assert document.read() == b"1"


def test_an_unchanged_content_is_not_written(tmp_path):
    document = Document(tmp_path / "file")
    document.update(lambda _: b"same")
    before = document.path.stat()
    document.update(lambda content: content)
    assert document.path.stat().st_ino == before.st_ino


def test_what_the_change_raises_leaves_the_file_and_the_lock_alone(tmp_path):
    document = Document(tmp_path / "file")
    document.update(lambda _: b"old")

    def broken(_):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        document.update(broken)
    document.update(lambda content: content + b"!")
    assert document.read() == b"old!"


def _increment(path, times):
    document = Document(path)
    for _ in range(times):
        document.update(incremented)


@pytest.mark.parametrize("times", [250, pytest.param(2500, marks=[pytest.mark.deep, pytest.mark.timeout(600)])])
def test_four_writers_lose_nothing(tmp_path, times):
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_increment, args=(tmp_path / "counter", times)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert (tmp_path / "counter").read_bytes() == b"%d" % (4 * times)


#: The kinds of files that the server writes, and how a reader checks one.
KINDS = {
    "config.json": json.loads,
    "provider_pools.json": json.loads,
    "admin_password": lambda content: content.decode().splitlines(),
    "oauth_creds.json": json.loads,
}


def _write_for_ever(path, begun):
    document = Document(path)
    number = 0
    while True:
        number += 1
        text = json.dumps({"number": number, "filler": ["x" * 100] * (number % 200)})
        document.update(lambda _, text=text: text.encode())
        begun.set()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kills", [15, pytest.param(1000, marks=[pytest.mark.deep, pytest.mark.timeout(3600)])])
def test_a_killed_writer_leaves_a_whole_file(tmp_path, kind, kills):
    path = tmp_path / kind
    context = multiprocessing.get_context("fork")
    for number in range(kills):
        begun = context.Event()
        process = context.Process(target=_write_for_ever, args=(path, begun))
        process.start()
        begun.wait()
        # Each kill meets another moment of a write.
        process.join(timeout=0.0005 * (number % 17))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert KINDS[kind](path.read_bytes())
    Document(path).update(lambda _: b"{}")
    assert path.read_bytes() == b"{}"


def test_leftovers_are_swept_and_nothing_else(tmp_path):
    old, new, lock = tmp_path / ".a.json.00.tmp", tmp_path / "sub" / ".b.json.11.tmp", tmp_path / ".a.json.lock"
    new.parent.mkdir()
    kept = tmp_path / "a.tmp"
    for path in (old, new, lock, kept):
        path.write_bytes(b"x")
    now = new.stat().st_mtime + STALE
    os.utime(old, (now - 2 * STALE, now - 2 * STALE))
    assert sweep(tmp_path, now) == 1
    assert not old.exists()
    assert new.exists()
    assert lock.exists()
    assert kept.exists()
    assert sweep(tmp_path, now + 1) == 1
    assert not new.exists()
