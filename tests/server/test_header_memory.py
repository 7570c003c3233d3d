"""Headers that are remembered are formatted as those are that are not."""

from __future__ import annotations

import random

from codenex.server import header_memory
from codenex.server.header_memory import HeaderMemory
from codenex.server.responses import FRAMING
from codenex.wire.head import HeaderInvalid, header_lines

NAMES = ("x-a", "x-b", "X-C", "Date", "date", "set-cookie", "content-type", "no token", "", "x-long", "x-number")
VALUES = ("", "a", "ä", "json; charset=utf-8", "a\r\nx: y", "a\n", "b\0", "v" * 300, " a ")


def _formatted(form, headers):
    try:
        return form(headers)
    except HeaderInvalid:
        return None


def test_the_memory_changes_nothing_and_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr(header_memory, "_LIMIT", 40)
    monkeypatch.setattr(header_memory, "_VALUES", 4)
    chance, memory = random.Random(7), HeaderMemory(FRAMING)
    for number in range(3000):
        headers = [
            (name, f"{number}" if name == "x-number" else chance.choice(VALUES[: 4 if chance.randrange(4) else 9]))
            for name in chance.choices((*NAMES, f"x-{number % 100}"), k=chance.randrange(6))
            if name != "" or not chance.randrange(50)
        ]
        assert _formatted(memory.lines_of, headers) == _formatted(lambda some: header_lines(some, FRAMING), headers)
    assert len(memory._lines) <= 40
    assert len(memory._varied) <= 40
    assert "x-number" in memory._varied
    assert not any(name == "set-cookie" or len(value) > 200 for name, value in memory._lines)
    assert max(memory._counts.values()) <= 4
