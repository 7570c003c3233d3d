"""What a process says where nobody listens: it ends all the same."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.process import small_environment

#: Ways to the end, each with what is said on the way.
ENDS = {
    "exit": ("import sys; sys.exit('last words')", "last words\n"),
    "traceback": ("raise ValueError('last words')", "ValueError: last words\n"),
    "half a line": ("import sys; sys.stderr.write('half'); sys.stderr.flush()", "half\n"),
    "warning": ("import warnings; warnings.warn('last words')", "last words\n"),
}


def started(code: str, folder: Path, stderr: int) -> subprocess.Popen[bytes]:
    program = f"from codenex.supervisor.voice import speak_unhurried; speak_unhurried(); {code}"
    return subprocess.Popen([sys.executable, "-c", program], stderr=stderr, env=small_environment(folder))


@pytest.mark.parametrize("name", ENDS)
def test_everything_is_said_to_whoever_reads(tmp_path: Path, name: str) -> None:
    code, words = ENDS[name]
    process = started(code, tmp_path, subprocess.PIPE)
    said = process.communicate(timeout=20)[1].decode()
    assert said.endswith(words) or words in said
    assert said.endswith("\n")


def test_nobody_waits_for_a_reader_that_has_stopped(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, bytes(fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ)))
    begun = time.monotonic()
    processes = [started(code, tmp_path, writing) for code, _ in ENDS.values()]
    statuses = [process.wait(20) for process in processes]
    assert statuses == [1, 1, 0, 0]
    assert time.monotonic() - begun < 15
    os.close(reading)
    os.close(writing)
