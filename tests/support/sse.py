"""A slow, plain decoder of server-sent events, written from the WHATWG text to be compared with.

It takes the whole stream at once and looks at one character at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class ServerSentEvent:
    """A dispatched event; ``type`` is ``message`` where the stream names none."""

    type: str
    data: str
    last_event_id: str = ""


def lines_of(text: str, *, unfinished: bool) -> Iterator[str]:
    """Lines ended by CRLF, LF or CR, and by nothing else; an ``unfinished`` last line counts if asked for."""
    line = ""
    index = 0
    while index < len(text):
        character = text[index]
        if character == "\r" or character == "\n":
            if character == "\r" and text[index + 1 : index + 2] == "\n":
                index += 1
            yield line
            line = ""
        else:
            line += character
        index += 1
    if unfinished and line:
        yield line


def decode(stream: bytes, *, keep_unfinished: bool = False) -> list[ServerSentEvent]:
    """The events of a stream.

    The text discards an event that no blank line ends; with ``keep_unfinished`` it is dispatched at the end, as
    clients of vendors that forget the blank line do.
    """
    text = stream.decode("utf-8", errors="replace")
    if text.startswith("\ufeff"):
        text = text[1:]
    events: list[ServerSentEvent] = []
    data = kind = last_id = ""

    def dispatch() -> None:
        nonlocal data, kind
        if data:
            # One LF is removed from the end; each data line has added one.
            events.append(ServerSentEvent(kind or "message", data[:-1], last_id))
        data = kind = ""

    for line in lines_of(text, unfinished=keep_unfinished):
        if line == "":
            dispatch()
            continue
        if line.startswith(":"):
            continue
        field, colon, value = line.partition(":")
        if colon and value.startswith(" "):
            value = value[1:]
        if field == "event":
            kind = value
        elif field == "data":
            data += value + "\n"
        elif field == "id" and "\0" not in value:
            last_id = value
    if keep_unfinished:
        dispatch()
    return events
