"""Messages and lines of logs: their forms, and readers that have stopped."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.notes import noted
from tests.telemetry.test_access_log import Output, Record

from codenex.supervisor.voice import Voice
from codenex.telemetry.access_log import texts_of
from codenex.telemetry.messages import QUEUE_LIMIT, Messages
from codenex.telemetry.outlet import Outlet, pieces


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    found = logging.getLogger("codenex.tests.messages")
    found.propagate = False
    yield found
    for handler in tuple(found.handlers):
        found.removeHandler(handler)


def test_a_message_is_a_line_of_json_and_a_traceback_is_in_it(logger: logging.Logger) -> None:
    output = Output()
    handler = Messages(outlet=output)  # type: ignore[arg-type]
    logger.addHandler(handler)
    logger.warning("about %s\nand more", "something")
    try:
        raise KeyError("missing")
    except KeyError:
        logger.exception("it failed")
    handler.close()
    first, second = output.lines
    assert (first["level"], first["message"]) == ("warning", "about something\nand more")
    assert first["logger"] == "codenex.tests.messages"
    assert second["traceback"].endswith("KeyError: 'missing'")


def test_the_console_gets_text(logger: logging.Logger) -> None:
    reading, writing = os.pipe()
    handler = Messages("console", Outlet(writing))
    logger.addHandler(handler)
    logger.error("the %s", "reason")
    handler.close()
    os.close(writing)
    with os.fdopen(reading) as file:
        assert file.read() == "codenex: error: the reason\n"


def test_a_reader_that_has_stopped_costs_messages_and_no_time(logger: logging.Logger) -> None:
    output = Output()
    output.gate.clear()
    handler = Messages(outlet=output)  # type: ignore[arg-type]
    logger.addHandler(handler)
    logger.error("first")
    assert output.entered.wait(10)
    for number in range(QUEUE_LIMIT + 7):
        logger.error("number %d", number)
    assert handler.dropped == 7
    output.gate.set()
    handler.close()
    assert output.lines[-1]["messages_dropped"] == 7
    assert len(output.lines) == QUEUE_LIMIT + 2


def test_a_message_that_can_not_be_written_down_is_counted() -> None:
    handler = Messages(outlet=Output())  # type: ignore[arg-type]
    handler.emit(logging.makeLogRecord({"msg": "%d", "args": ("no number",)}))
    handler.close()
    assert handler.dropped == 1


def test_the_masters_voice_waits_for_nobody() -> None:
    reading, writing = os.pipe()
    voice = Voice(writing)
    for number in range(900):
        voice.say(f"line {number} " + "x" * 100)
    voice.close(0.05)
    received = b""
    while b"line 899" not in received:
        received += os.read(reading, 65536)
    assert received.startswith(b"line 0 ")
    os.close(reading)
    os.close(writing)


@given(st.lists(st.binary(max_size=9000).map(lambda one: one.replace(b"\n", b"") + b"\n"), max_size=20))
def test_pieces_end_with_lines_and_are_written_whole(lines: list[bytes]) -> None:
    text = b"".join(lines)
    found = list(pieces(text))
    assert b"".join(found) == text
    for piece in found:
        assert piece.endswith(b"\n")
        assert len(piece) <= 4096 or piece.count(b"\n") == 1


def test_lines_of_two_writers_at_a_slow_pipe_do_not_mix() -> None:
    reading, writing = os.pipe()
    line = json.dumps({"text": "y" * 300}) + "\n"

    def write() -> None:
        for _ in range(20):
            Outlet(writing).write(line * 100)

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    received = b""
    while len(received) < 2 * 20 * 100 * len(line):
        received += os.read(reading, 1000)
    for thread in threads:
        thread.join()
    assert {len(one) for one in received.splitlines(keepends=True)} == {len(line)}
    os.close(reading)
    os.close(writing)


def test_people_get_a_line_without_control_characters() -> None:
    record = Record(path="/a\n\x1b[31m", notes=noted(provider="demo", cancelled=True))
    line = texts_of([(1_790_000_000.5, record)])
    assert line == (
        "2026-09-21 14:13:20.500 POST /a\\n\\x1b[31m 200 1.2ms request_id=abc-1 peer=127.0.0.1"
        " provider=demo cancelled=true\n"
    )
