"""Ids of requests that bring none of their own."""

from __future__ import annotations

import itertools
import os

#: Of all ids of this process.
ID_PREFIX = os.urandom(8).hex()
id_numbers = itertools.count(1)


def new_request_id() -> str:
    """Return an id that is unique over all processes: a random prefix and a number."""
    return f"{ID_PREFIX}-{next(id_numbers):x}"
