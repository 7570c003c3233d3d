"""What processes that serve clients are told of memory."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from codenex.supervisor.allocation import serving
from codenex.supervisor.child import Child, Role


def test_what_operators_have_set_stays() -> None:
    assert serving({"PATH": "/bin", "MALLOC_TRIM_THRESHOLD_": "1"})["MALLOC_TRIM_THRESHOLD_"] == "1"
    assert serving({"PATH": "/bin"})["PATH"] == "/bin"
    assert int(serving({})["MALLOC_TRIM_THRESHOLD_"]) > 0


@pytest.mark.parametrize("role", ["worker", "control"])
def test_workers_keep_memory_and_others_give_it_back(role: Role) -> None:
    child = Child(role, 0, 0, time.monotonic())
    try:
        kept = b"MALLOC_TRIM_THRESHOLD_=" in Path(f"/proc/{child.pid}/environ").read_bytes()
        assert kept is (role == "worker" or "MALLOC_TRIM_THRESHOLD_" in os.environ)
    finally:
        child.kill()
        child.process.wait(10)
        child.channel.close()
