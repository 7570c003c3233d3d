"""Ids of requests that bring none of their own."""

from __future__ import annotations

import itertools
import os

_prefix = os.urandom(8).hex()
_numbers = itertools.count(1)


def new_request_id() -> str:
    """Return an id that is unique over all processes: a random prefix and a number."""
    return f"{_prefix}-{next(_numbers):x}"
