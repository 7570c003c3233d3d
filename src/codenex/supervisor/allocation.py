"""How the C library of a process that serves clients keeps memory: large bodies come again and again.

glibc gives blocks from 128 KiB on, and what is free at the end of its heap, back to the kernel at once, and faults
every page of them in again with the next request: for a translated request of 1 MB that took twice as long as all the
rest. What is kept instead is bounded by what is set here. Other C libraries don't look at it.
Source: mallopt(3), read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping

_MIB = 1024 * 1024
_KEPT = {
    # Larger blocks are the kernel's, one by one.
    "MALLOC_MMAP_THRESHOLD_": str(4 * _MIB),
    # So much of the heap's end stays.
    "MALLOC_TRIM_THRESHOLD_": str(16 * _MIB),
}


def serving(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for such a process; what operators have set stays as it is."""
    return {**_KEPT, **environment}
