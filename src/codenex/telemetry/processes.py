"""What the kernel says of the processes of a gateway (proc(5)). Reads a few small files for each."""

from __future__ import annotations

import os
from typing import NamedTuple

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
#: Fields of /proc/PID/stat behind the name, which may hold anything: time in user and kernel mode.
_USER, _KERNEL = 11, 12


class Consumption(NamedTuple):
    """Resident memory in bytes, processor time in seconds, open descriptors (None: not ours to see)."""

    memory: int
    processor: float
    descriptors: int | None


def consumption(pid: int) -> Consumption | None:
    """Return what a process takes; ``None`` where it has ended."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except (OSError, IndexError, ValueError):
        return None
    try:
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        descriptors = None
    return Consumption(pages * _PAGE, (int(fields[_USER]) + int(fields[_KERNEL])) / _TICKS, descriptors)
