"""Lines of bytes."""

from __future__ import annotations

from io import BytesIO


def lines_from(data: bytes, start: int) -> list[bytes]:
    """Return the lines of ``data`` from ``start`` on, each with its end, which is LF alone. A file in memory looks for
    that in many bytes at once, where a split looks at one after the other."""
    file = BytesIO(data)
    if start:
        file.seek(start)
    return file.readlines()
