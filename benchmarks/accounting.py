"""Processor time and memory of a process tree, from the kernel's own books."""

from __future__ import annotations

import os
from pathlib import Path


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").iterdir():
            try:
                found += [int(child) for child in (task / "children").read_text().split()]
            except FileNotFoundError:
                continue
    return found


def cpu_ns(pid: int) -> int:
    """Nanoseconds that the threads of a process tree have run. Ended threads are not in it."""
    total = 0
    for member in family(pid):
        for task in os.listdir(f"/proc/{member}/task"):
            try:
                total += int(Path(f"/proc/{member}/task/{task}/schedstat").read_text().split()[0])
            except FileNotFoundError:
                continue
    return total


def memory_bytes(pid: int) -> int:
    """Private memory of a process tree plus each member's share of what is shared (proportional set size)."""
    total = 0
    for member in family(pid):
        for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def pin(pid: int, cores: set[int]) -> None:
    """Bind all threads of a process tree to cores."""
    for member in family(pid):
        for task in os.listdir(f"/proc/{member}/task"):
            os.sched_setaffinity(int(task), cores)
