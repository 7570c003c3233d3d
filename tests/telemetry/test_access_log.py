"""The access log: one line of JSON for each request, and a request that never waits for it."""

from __future__ import annotations

import io
import json
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.support.notes import noted

from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.notes import Notes, no_notes
from codenex.core.usage import Usage
from codenex.telemetry import access_log
from codenex.telemetry.access_log import AccessLog, lines_of


@dataclass
class Record:
    method: str = "POST"
    path: str = "/v1/messages"
    status: int = 200
    bytes_in: int = 10
    bytes_out: int = 2000
    duration_us: int = 1234
    request_id: str = "abc-1"
    peer: str = "127.0.0.1"
    complete: bool = True
    notes: Notes = field(default_factory=no_notes)


class Output(io.StringIO):
    """Keeps what was written, also after closing; ``gate`` holds writers up."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.failures: list[Exception] = []

    def write(self, text: str, /) -> int:
        self.entered.set()
        assert self.gate.wait(10)
        if self.failures:
            raise self.failures.pop(0)
        assert text == "" or text.endswith("\n")
        self.lines += [json.loads(line) for line in text.splitlines()]
        return len(text)


def line_of(at: float, record: Record) -> str:
    return lines_of([(at, record)])


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "_PAUSE", 0.0)


def test_a_request_is_a_line() -> None:
    line = line_of(1_790_000_000.12345, Record())

    assert line.endswith("}\n")
    assert line.count("\n") == 1
    assert json.loads(line) == {
        "time": 1_790_000_000.123,
        "method": "POST",
        "path": "/v1/messages",
        "status": 200,
        "ms": 1.23,
        "bytes_in": 10,
        "bytes_out": 2000,
        "request_id": "abc-1",
        "peer": "127.0.0.1",
    }


def test_an_answer_that_was_cut_says_so() -> None:
    assert json.loads(line_of(0, Record(complete=False)))["complete"] is False


@pytest.mark.parametrize("unusual", [{}, {"nothing": None, "cancelled": True}])
def test_notes_become_fields(unusual: dict[str, Any]) -> None:
    notes = {
        "provider": "claude-custom",
        "lost": (),
        **unusual,
        "first_output": 0.123456789,
        "usage": Usage(input_uncached=3, input_cache_read=4, output_text=5),
        "finish": FinishDetail(FinishReason.STOP, "end_turn"),
    }
    fields = json.loads(line_of(0, Record(notes=noted(**notes))))

    assert {name: fields[name] for name in fields if name not in json.loads(line_of(0, Record()))} == {
        "provider": "claude-custom",
        "losses": 0,
        **({"cancelled": True} if unusual else {}),
        "first_output": pytest.approx(0.1235, abs=0.00011),
        "input_tokens": 7,
        "output_tokens": 5,
        "finish": "stop",
    }


@pytest.mark.parametrize("path", ["/a\nb", "/a\r\nb", "/\x1b[31mred", '/"quoted"\\', "/\x00", "/\u2028"])
def test_no_path_makes_a_second_line(path: str) -> None:
    line = line_of(0, Record(path=path))
    assert line.count("\n") == 1
    assert "\x1b" not in line
    assert json.loads(line)["path"] == path


def test_a_long_path_is_cut() -> None:
    assert len(json.loads(line_of(0, Record(path="/" + "x" * 5000)))["path"]) == 300


def test_lines_come_in_order_and_all_of_them() -> None:
    output = Output()
    log = AccessLog(output)
    for number in range(3000):
        log.record([(0.0, Record(status=number))])
    log.close()

    assert [line["status"] for line in output.lines] == list(range(3000))
    assert log.dropped == 0


def test_many_threads_may_record() -> None:
    output = Output()
    log = AccessLog(output)
    threads = [threading.Thread(target=lambda: [log.record([(0.0, Record())]) for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert len(output.lines) == 2000


def test_a_reader_that_stops_costs_lines_and_never_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "QUEUE_LIMIT", 100)
    output = Output()
    output.gate.clear()
    log = AccessLog(output)
    log.record([(0.0, Record(status=0))])
    assert output.entered.wait(10)
    for number in range(1, 251):
        log.record([(0.0, Record(status=number))])
    assert log.dropped == 150

    output.gate.set()
    log.close()
    assert [line.get("status") for line in output.lines] == [*range(101), None]
    assert output.lines[-1]["dropped"] == 150


@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(28, "full"), ValueError("closed")])
def test_a_log_that_fails_is_tried_again_and_says_what_is_missing(error: Exception) -> None:
    output = Output()
    output.gate.clear()
    log = AccessLog(output)
    output.failures.append(error)
    log.record([(0.0, Record(status=1))])
    assert output.entered.wait(10)
    log.record([(0.0, Record(status=2))])
    log.record([(0.0, Record(status=3))])
    output.gate.set()
    log.close()

    assert [line["status"] for line in output.lines if "status" in line] == [2, 3]
    assert [line["dropped"] for line in output.lines if "dropped" in line] == [1]


@pytest.mark.parametrize("bad", [object(), "\ud800", {1: {2: object()}}])
def test_a_record_that_cannot_be_written_does_not_end_the_log(bad: Any) -> None:
    output = Output()
    log = AccessLog(output)
    log.record([(0.0, Record(status=1))])
    log.record([(0.0, Record(status=2, notes=noted(bad=bad)))])
    log.record([(0.0, Record(status=3))])
    log.close()

    assert [line["status"] for line in output.lines if "status" in line] == [1, 3]
    assert [line["dropped"] for line in output.lines if "dropped" in line] == [1]


def test_closing_does_not_wait_for_a_reader_that_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    output = Output()
    output.gate.clear()
    log = AccessLog(output)
    log.record([(0.0, Record())])
    assert output.entered.wait(10)
    join = log._thread.join
    monkeypatch.setattr(log._thread, "join", lambda timeout: join(min(timeout, 0.05)))
    log.close()
    assert output.lines == []
    output.gate.set()
    join(10)
    assert not log._thread.is_alive()


def test_without_a_stream_it_is_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    log = AccessLog()
    log.record([(0.0, Record())])
    log.close()
    assert json.loads(capfd.readouterr().out)["status"] == 200
