"""Files that must never be half written, whatever fails and whoever looks."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from codenex.store.files import create_once, write_atomically

OLD, NEW = b"the old content", b"the new content, which is longer than the old one"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


# --- what is there afterwards


def test_a_file_is_written_and_replaced(folder: Path) -> None:
    path = folder / "file"
    for content in (OLD, NEW, b"", b"\x00\xff\r\n"):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert names(folder) == ["file"]


def test_a_file_is_made_once(folder: Path) -> None:
    path = folder / "file"
    assert create_once(path, OLD) is True
    assert create_once(path, NEW) is False
    assert path.read_bytes() == OLD
    assert names(folder) == ["file"]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_the_owner_can_read_whatever_the_umask(folder: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_atomically(folder / "a" / "b" / "written", OLD)
        create_once(folder / "c" / "d" / "made", OLD)
        write_atomically(folder / "public", OLD, 0o644)
    finally:
        os.umask(before)
    assert mode(folder / "a" / "b" / "written") == mode(folder / "c" / "d" / "made") == 0o600
    for made in ("a", "a/b", "c", "c/d"):
        assert mode(folder / made) == 0o700, made
    assert mode(folder / "public") == 0o644 & ~umask


def test_replacing_a_readable_file_makes_it_private(folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(OLD)
    path.chmod(0o666)
    write_atomically(path, NEW)
    assert mode(path) == 0o600


def test_folders_that_exist_keep_their_mode(folder: Path) -> None:
    folder.chmod(0o755)
    write_atomically(folder / "file", OLD)
    assert mode(folder) == 0o755


def test_what_a_link_points_to_is_left_alone(folder: Path) -> None:
    target, link = folder / "target", folder / "link"
    target.write_bytes(OLD)
    link.symlink_to(target)
    assert create_once(link, NEW) is False
    write_atomically(link, NEW)
    assert target.read_bytes() == OLD
    assert link.read_bytes() == NEW


def test_the_content_is_on_the_disk_before_it_has_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def noting(name: str, real: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: object) -> None:
            done.append(name)
            real(*arguments)

        return call

    for name in ("fsync", "replace", "link"):
        monkeypatch.setattr(os, name, noting(name, getattr(os, name)))
    write_atomically(folder / "written", OLD)
    create_once(folder / "made", OLD)
    assert done == ["fsync", "replace", "fsync", "fsync", "link", "fsync"]


# --- failures


FAULTS = {
    "open": ("open", errno.EACCES),
    "write": ("write", errno.ENOSPC),
    "fsync": ("fsync", errno.EIO),
    "rename": ("replace", errno.EXDEV),
    "link": ("link", errno.EPERM),
}


class Failing:
    """Stands before a file object and fails where it writes."""

    def __init__(self, file: object) -> None:
        self._file = file

    def __enter__(self) -> Failing:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()  # type: ignore[attr-defined]

    def write(self, data: bytes) -> None:
        self._file.write(data[: len(data) // 2])  # type: ignore[attr-defined]
        self._file.flush()  # type: ignore[attr-defined]
        raise OSError(errno.ENOSPC, "no space")


def spoil(monkeypatch: pytest.MonkeyPatch, call: str, number: int) -> None:
    """Let one system call fail; ``write`` fails when half is written."""
    if call == "write":
        real = os.fdopen
        monkeypatch.setattr(os, "fdopen", lambda *arguments: Failing(real(*arguments)))
        return

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fail)


@pytest.mark.parametrize("fault", ["open", "write", "fsync", "rename"])
def test_a_failed_replacement_leaves_the_old_content_and_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    path = folder / "file"
    write_atomically(path, OLD)
    with monkeypatch.context() as patched:
        spoil(patched, *FAULTS[fault])
        with pytest.raises(OSError):
            write_atomically(path, NEW)
    assert path.read_bytes() == OLD
    assert names(folder) == ["file"]
    write_atomically(path, NEW)
    assert path.read_bytes() == NEW


@pytest.mark.parametrize("fault", ["open", "write", "fsync", "link"])
def test_a_failed_making_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    path = folder / "file"
    with monkeypatch.context() as patched:
        spoil(patched, *FAULTS[fault])
        with pytest.raises(OSError):
            create_once(path, NEW)
    assert names(folder) == []
    assert create_once(path, NEW) is True


@pytest.mark.parametrize("write", [write_atomically, create_once])
def test_a_folder_that_cannot_be_synced_is_no_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, bytes], object]
) -> None:
    """Some file systems can't; the content is in its place then, and saying otherwise would be wrong."""
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.EINVAL, "not here")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    assert write(folder / "file", NEW) in (None, True)
    assert (folder / "file").read_bytes() == NEW


@pytest.mark.parametrize("write", [write_atomically, create_once])
def test_no_descriptor_stays_open(
    folder: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, bytes], object]
) -> None:
    before = len(os.listdir("/proc/self/fd"))
    write(folder / "one", OLD)
    with monkeypatch.context() as patched:
        spoil(patched, "fsync", errno.EIO)
        with pytest.raises(OSError):
            write(folder / "two", OLD)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_in_the_place_of_the_folder(folder: Path) -> None:
    (folder / "file").write_bytes(OLD)
    for write in (write_atomically, create_once):
        with pytest.raises(OSError):
            write(folder / "file" / "below", NEW)
        with pytest.raises(OSError):
            write(folder / "file" / "deep" / "below", NEW)
    assert names(folder) == ["file"]


def test_an_interruption_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", interrupt)
        for write in (write_atomically, create_once):
            with pytest.raises(KeyboardInterrupt):
                write(folder / "file", NEW)
    assert names(folder) == []


# --- others at the same time


def test_a_reader_sees_the_old_or_the_new_content_and_never_a_part(folder: Path) -> None:
    path = folder / "file"
    contents = [bytes([letter]) * 200_000 for letter in b"ab"]
    write_atomically(path, contents[0])
    stop = threading.Event()
    seen: set[bytes] = set()

    def read() -> None:
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(200):
            write_atomically(path, contents[number % 2])
    finally:
        stop.set()
        reader.join()
    assert seen <= set(contents)


def test_of_many_that_make_a_file_one_does(folder: Path) -> None:
    path = folder / "new" / "folder" / "file"
    start = threading.Barrier(8)
    results: list[tuple[int, bool]] = []

    def make(number: int) -> None:
        start.wait()
        results.append((number, create_once(path, b"%d" % number)))

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = (number for number, made in results if made)
    assert len(results) == 8
    assert path.read_bytes() == b"%d" % winner
    assert names(path.parent) == ["file"]


def test_a_process_that_is_killed_leaves_a_whole_file(folder: Path) -> None:
    path = folder / "file"
    program = """
import sys
from pathlib import Path
from codenex.store.files import write_atomically
path, number = Path(sys.argv[1]), 0
while True:
    write_atomically(path, bytes([97 + number % 26]) * 300_000)
    number += 1
    if number == 5:
        print("running", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"running\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    content = path.read_bytes()
    assert len(content) == 300_000
    assert len(set(content)) == 1
