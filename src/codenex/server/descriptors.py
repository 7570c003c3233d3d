"""How many connections the process can hold: each takes a file descriptor, and running out of them must not stop it."""

from __future__ import annotations

import os
import resource

import msgspec

#: Descriptors that are left for files, lookups, the control part where it shares the process, and whatever else is
#: opened now and then.
_RESERVED = 36


class Room(msgspec.Struct, frozen=True):
    """Connections of clients and of upstreams that may be open at once, and those of clients that are being refused."""

    clients: int
    refused: int
    upstreams: int


def descriptors_left() -> int:
    """Raise the limit of this process as far as it goes; return how many descriptors it may still open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError):
            pass
    return max(0, soft - len(os.listdir("/proc/self/fd")))


def room_for(left: int, clients: int) -> Room:
    """Share descriptors out: as many for clients as for upstreams, and a few so that the others can be told.

    ``clients`` is the most that is wanted. All three together leave the reserve alone, unless there is next to nothing.
    """
    usable = max(6, left - min(_RESERVED, left * 2 // 5))
    refused = max(2, usable // 8)
    each = max(2, (usable - refused) // 2)
    return Room(min(clients, each), refused, each)
