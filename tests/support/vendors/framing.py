"""Bytes of events and JSON, as the vendors write them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

Json = dict[str, Any]


def compact(value: object) -> str:
    """JSON in one line, non-ASCII characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def body(value: object) -> bytes:
    """JSON as the vendors indent it in unary answers."""
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def event(value: object, *, name: str | None = None, end: str = "\n\n", padding: int = 0) -> bytes:
    """One server-sent event; ``padding`` blanks are put before the closing brace, as one vendor does."""
    data = compact(value)
    if padding:
        data = data[:-1] + " " * padding + data[-1]
    return ("" if name is None else f"event: {name}\n").encode() + f"data: {data}{end}".encode()


def derived(*parts: object, size: int = 24) -> str:
    """A stable identifier made from the parts."""
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:size]
