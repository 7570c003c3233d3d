"""Which row of the shared memory belongs to which key (an account's uuid, a client key's digest). Pure.

A key keeps its row over all generations of settings, because other processes may be a generation behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from codenex.store.shared_memory import ROWS


def assigned_rows(keys: Iterable[str], previous: Mapping[str, int]) -> dict[str, int]:
    """Return a row for each key: its previous one, else the lowest that nobody has or had. Keys beyond the table get
    none."""
    wanted = list(dict.fromkeys(keys))
    rows = {key: previous[key] for key in wanted if key in previous}
    taken = set(previous.values())
    free = iter([*(row for row in range(ROWS) if row not in taken), *sorted(taken - set(rows.values()))])
    for key in wanted:
        if key not in rows:
            row = next(free, None)
            if row is None:
                break
            rows[key] = row
    return rows


def row_tag(key: str) -> int:
    """Return the mark of a key in its row, never 0."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little") | 1
