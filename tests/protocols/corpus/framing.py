"""Ways in which servers frame the same stream of events, none of which may change what it says."""

from __future__ import annotations

import re
from collections.abc import Callable

BOM = b"\xef\xbb\xbf"


def _comments(data: bytes) -> bytes:
    return b": OPENROUTER PROCESSING\n\n" + data.replace(b"\n\n", b"\n\n: keep-alive \xe2\x80\xa8\n\n")


def _lines(data: bytes) -> bytes:
    """Several ``data`` lines for one event, cut between two fields of its JSON."""
    return re.sub(rb", (?=\"[a-z_A-Z]+\": )", b",\ndata: ", data)


#: Framings of a stream that is written with LF; each is another way to write the very same events.
FRAMINGS: dict[str, Callable[[bytes], bytes]] = {
    "crlf": lambda data: data.replace(b"\n", b"\r\n"),
    "cr": lambda data: data.replace(b"\n", b"\r"),
    "comments": _comments,
    "bom": lambda data: BOM + data,
    "bom and blank lines": lambda data: BOM + b"\n\r\n\n" + data,
    "no final newline": lambda data: data.rstrip(b"\n"),
    "one final newline": lambda data: data[:-1],
    "no space": lambda data: data.replace(b"data: ", b"data:").replace(b"event: ", b"event:"),
    "other fields": lambda data: data.replace(b"data: ", b"id: 1\nretry: 3000\nfield\ndata: "),
    "blank lines": lambda data: b"\n" + data.replace(b"\n\n", b"\n\n\n\n"),
    "several lines": _lines,
}


def framed(name: str, data: bytes) -> dict[str, bytes]:
    """The stream in every framing, by names that begin with its own."""
    return {f"{name} ({way})": frame(data) for way, frame in FRAMINGS.items()}
