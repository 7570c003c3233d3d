"""The log of prompts and answers: off by default, without secrets and pictures, bounded, never in a request's way."""

from __future__ import annotations

import base64
import json
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.service.test_access import GENERATING
from tests.support.client import RawClient
from tests.support.gateway import KEY, running_gateway

from codenex.store import rotating
from codenex.telemetry import prompt_log
from codenex.telemetry.prompt_log import PromptLog, cleaned

SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz"
PICTURE = base64.b64encode(bytes(range(256)) * 4).decode()


def lines_of(written: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in b"".join(written).splitlines()]


async def conversations(mode: Any, stream: bool = False) -> tuple[list[dict[str, Any]], list[int]]:
    """Have every kind of client talk to the demo; return what was logged and the statuses."""
    written: list[bytes] = []
    log = PromptLog(mode, written.append)
    statuses = []
    async with running_gateway() as running, await RawClient.connect(running.port) as client:
        running.gateway._prompts = log
        for path, body in GENERATING.items():
            if stream and "generateContent" in path:
                path = path.replace("generateContent", "streamGenerateContent") + "?alt=sse"
            content = {**body, "stream": True} if stream and "Content" not in path else body
            statuses.append((await client.ask("POST", path, content, running.headers)).status)
        statuses.append(
            (await client.ask("POST", "/v1/messages", {"model": "nobody/x", "messages": 1}, running.headers)).status
        )
    log.close()
    return lines_of(written), statuses


@pytest.mark.parametrize("stream", [False, True])
async def test_prompts_and_answers_are_logged_in_every_format(stream: bool) -> None:
    lines, statuses = await conversations("file", stream)
    assert statuses[:-1] == [200] * len(GENERATING)
    assert len(lines) == 2 * len(statuses)
    for prompt, answer in zip(lines[::2], lines[1::2], strict=True):
        assert (prompt["kind"], answer["kind"]) == ("prompt", "answer")
        assert prompt["request_id"] == answer["request_id"]
        assert prompt["key"] == "tests"
    assert "hi" in json.dumps(lines[0]["content"])
    assert lines[1]["status"] == 200 and "chat.completion" in json.dumps(lines[1]["content"])
    assert lines[1]["provider"] == "demo"
    assert statuses[-1] >= 400 and lines[-1]["error"]
    assert KEY not in json.dumps(lines)


async def test_nothing_is_logged_by_default() -> None:
    assert (await conversations("none"))[0] == []
    log = PromptLog()
    log.record({}, b"x")
    assert log._thread is None


@pytest.mark.parametrize(
    "content",
    [
        {"messages": [{"content": [{"image_url": {"url": f"data:image/png;base64,{PICTURE}"}}]}]},
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": PICTURE}}]}]},
        {"text": f"my key is {SECRET}, and <img src='data:image/png;base64,{PICTURE}'>"},
        {"headers": {"authorization": "Bearer abcdefghijklmnop"}, "said": "the upstream's-own-key"},
        f'data: {{"delta": "{SECRET}"}}\n\ndata: {{"image": "{PICTURE}"}}\n\n',
    ],
)
def test_secrets_and_pictures_are_left_out(content: Any) -> None:
    data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
    told = json.dumps(cleaned(data, ("upstream's-own-key",)))
    for hidden in (SECRET, PICTURE, "abcdefghijklmnop", "upstream's-own-key"):
        assert hidden not in told


def test_what_is_very_long_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_log, "LARGEST", 1000)
    monkeypatch.setattr(prompt_log, "TEXT_LIMIT", 10)
    assert cleaned(b"x" * 1001) == "(1001 bytes, too many to be written)"
    assert cleaned(b'["' + b"a b " * 10 + b'"]') == ["a b a b a … (40 characters)"]
    assert cleaned(b"\xff{") == "\ufffd{"
    assert isinstance(cleaned(b"[" * 900), str)


def test_a_slow_disk_makes_nobody_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_log, "WAITING_LIMIT", 10_000)
    written: list[bytes] = []
    release = threading.Event()

    def slow(lines: bytes) -> None:
        release.wait(20)
        written.append(lines)

    log = PromptLog("file", slow)
    began = time.monotonic()
    for number in range(1000):
        log.record({"number": number}, b"x" * 100)
    assert time.monotonic() - began < 5
    assert log.dropped > 0
    release.set()
    log.close()
    lines = lines_of(written)
    assert sum("number" in line for line in lines) == 1000 - log.dropped
    assert sum(line.get("dropped", 0) for line in lines) == log.dropped


def test_a_full_disk_harms_nobody() -> None:
    def full(lines: bytes) -> None:
        raise OSError("no space left")

    log = PromptLog("file", full)
    log.record({}, b"x")
    log.close()
    assert log.dropped == 1


# --- the file


def test_files_are_private_and_bounded(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "conversation.log"
    limit = 10_000
    for number in range(1000):
        rotating.append(path, f"{number:>99}\n".encode(), limit)
    files = [file for file in path.parent.iterdir() if not file.name.startswith(".")]
    assert len(files) == rotating.COUNT
    assert sum(file.stat().st_size for file in files) <= limit
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in path.parent.iterdir())
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert int(path.read_text().splitlines()[-1]) == 999
    newest = [
        int(line) for file in sorted(files, key=lambda file: file.name)[::-1] for line in file.read_text().split()
    ]
    assert sorted(newest) == list(range(1000 - len(newest), 1000))


def test_several_writers_lose_no_line(tmp_path: Path) -> None:
    path = tmp_path / "conversation.log"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: rotating.append(path, f"{number:>99}\n".encode(), 50_000), range(400)))
    lines = [line for file in tmp_path.glob("conversation.log*") for line in file.read_text().splitlines()]
    assert sorted(map(int, lines)) == list(range(400))


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "conversation.log").symlink_to(tmp_path / "other")
    with pytest.raises(OSError):
        rotating.append(tmp_path / "conversation.log", b"x\n", 10_000)
    assert not (tmp_path / "other").exists()
