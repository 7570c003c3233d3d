"""Random ids for what the gateway renders: many from one look at the system's source of randomness, which takes longer
than all else about an id."""

from __future__ import annotations

import os

#: Ids that are drawn at once.
_DRAWN = 256
_DIGITS = 32

_left: list[str] = []
# A process that is split off draws its own.
os.register_at_fork(after_in_child=_left.clear)


def new_id() -> str:
    """Return 32 hexadecimal digits that nobody can guess. Belongs to one thread."""
    if not _left:
        drawn = os.urandom(_DRAWN * _DIGITS // 2).hex()
        _left.extend(drawn[start : start + _DIGITS] for start in range(0, len(drawn), _DIGITS))
    return _left.pop()
