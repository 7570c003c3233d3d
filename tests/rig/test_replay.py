"""The judge by real traffic itself: what it reads, what it lets pass, what it complains of, and how it ends."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ASKED = {"model": "m-1", "messages": [{"role": "user", "content": "Hello"}]}
SEARCH = {"contents": [{"parts": [{"text": "news"}]}], "tools": [{"googleSearch": {}}]}


def captured(path: str, body: Any, *, method: str = "POST", key: str = "authorization", query: str = "") -> bytes:
    record = {"method": method, "path": path, "query": query, "headers": [[key, "Bearer x"]], "body": body}
    return json.dumps(record).encode()


def answered(protocol: str, raw: str, *, status: int = 200, stream: bool = False, req: Any = None) -> bytes:
    record = {"protocol": protocol, "host": "h", "req": req, "status": status, "stream": stream, "resp_raw": raw}
    return json.dumps(record).encode()


def replay(**folders: Path) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CODENEX_")}
    environment = {**inherited, **{f"CODENEX_{name.upper()}": str(path) for name, path in folders.items()}}
    command = [sys.executable, "-W", "error", "-m", "tests.replay"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100)


def test_without_folders_it_says_what_to_set() -> None:
    done = replay()
    assert done.returncode == 2
    assert "CODENEX_CAPTURES" in done.stderr
    assert "CODENEX_RECORDINGS" in done.stderr


def requests_that_pass(folder: Path) -> None:
    """Requests that the gateway serves, and refusals of the table."""
    lines = [
        captured("/v1/chat/completions", ASKED),
        captured("/v1/messages?beta=true", {**ASKED, "max_tokens": 50, "stream": True}, key="x-api-key"),
        captured("/v1/messages/count_tokens", ASKED, key="x-api-key"),
        captured("/v1beta/models/gemini-2.5-pro:generateContent", SEARCH, key="x-goog-api-key"),
        captured("/v1/embeddings", {"model": "m", "input": "x"}),
        captured("/v1/images/generations", {"model": "m", "prompt": "x"}),
        captured("/v1/models", None, method="GET"),
        captured("/", None, method="HEAD"),
    ]
    (folder / "one.jsonl").write_bytes(b"\n".join(lines[:3]))
    (folder / "more.jsonl.gz").write_bytes(gzip.compress(b"\n".join(lines[3:])))


def answers_that_pass(folder: Path) -> None:
    """Answers that say the same in every protocol."""
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    message = {"role": "assistant", "content": "**4**", "reasoning": "2 + 2"}
    whole = {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    call = {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "QUJD"}
    found = {"content": {"role": "model", "parts": [call]}, "finishReason": "STOP", "index": 0}
    chunk = {"candidates": [found], "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 3}}
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    asked = {"model": "m", "messages": [{"role": "user", "content": "2 + 2?"}], "temperature": 0.5}
    lines = [
        answered("openai-chat", json.dumps({**whole, "usage": usage}), req=asked),
        answered("gemini", f"data: {json.dumps(chunk)}\n\n", stream=True),
        answered("anthropic-messages", json.dumps(error), status=529),
        answered("anthropic-count-tokens", '{"input_tokens":43}'),
        answered("models", '{"object":"list","data":[{"id":"m-1","object":"model"}]}'),
    ]
    (folder / "all.jsonl").write_bytes(b"\n".join(lines))


@pytest.mark.timeout(120)
def test_what_agrees_passes_and_what_is_no_conversation_is_left_alone(tmp_path: Path) -> None:
    # One run for all: to load the SDKs takes longer than to judge.
    captures, recordings = tmp_path / "captures", tmp_path / "recordings"
    captures.mkdir()
    recordings.mkdir()
    requests_that_pass(captures)
    answers_that_pass(recordings)
    (recordings / "one.jsonl").write_bytes(answered("telegraph", "."))
    done = replay(captures=captures, recordings=recordings)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[-1].endswith(" passed, 0 failed")
    assert "refused as documented: no such endpoint" in done.stdout
    assert "refused as documented: a tool that only its vendor runs" in done.stdout
    assert "8 decoded" in done.stdout
    kinds = ("recorded request", "decoded answer", "passed on", "next turn", "error", "count", "models")
    assert all(f" {kind}" in done.stdout for kind in kinds)
    assert "1 not judged: recordings of 'telegraph'" in done.stdout


@pytest.mark.timeout(120)
def test_a_refusal_that_nobody_documented_and_a_record_that_can_not_be_read_are_failures(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_bytes(captured("/v1/chat/completions", {**ASKED, "messages": 5}))
    (tmp_path / "two.jsonl").write_bytes(b'{"path": 5}\n' + captured("/v1/models", None, method="GET"))
    done = replay(captures=tmp_path)
    assert done.returncode == 1
    assert "FAILED decoded: one:1 POST /v1/chat/completions" in done.stdout
    assert "FAILED read: two:1" in done.stdout
    # The first is read, and as it is it goes to its own vendor; everywhere else it is refused. The line that can't be
    # read stops nothing: the one after it is judged.
    assert done.stdout.splitlines()[-1] == "5 passed, 14 failed"
