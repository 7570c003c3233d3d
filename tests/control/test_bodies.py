"""What was asked and answered, read from the prompt log as the workers write it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.control.managed import Managed

from codenex.control.bodies_api import TOLD_LIMIT
from codenex.store import rotating
from codenex.telemetry.prompt_log import PromptLog

SECRET = "a-secret-that-looks-like-words"


def path_of(managed: Managed) -> Path:
    return Path(managed.part.settings.prompt_log_file)


async def logging(managed: Managed, mode: str = "file", **more: Any) -> None:
    """Let the settings say how prompts are logged."""
    managed.home.config({"PROMPT_LOG_MODE": mode, **more})
    await managed.part.supervision.reload()


def written(managed: Managed, limit: int = 10**9, **conversations: tuple[bytes, bytes]) -> None:
    """Log prompts and answers by the ids of their requests, as a worker does."""
    log = PromptLog("file", lambda lines: rotating.append(path_of(managed), lines, limit))
    for name, (prompt, answer) in conversations.items():
        log.record({"kind": "prompt", "request_id": name, "key": "k"}, prompt)
        log.record({"kind": "answer", "request_id": name, "key": "k", "status": 200, "error": "x"}, answer)
    log.close()


async def test_prompt_and_answer_are_told(managed: Managed) -> None:
    await logging(managed)
    # One whose text names another request is not taken for it.
    misleading = json.dumps({"kind": "prompt", "request_id": "b"}).encode()
    written(managed, a=(misleading, b"no"), b=(b'{"messages":[]}', b'data: {"x":1}\n\n'), c=(misleading, b"no"))
    told = await managed.get("/api/requests/b/bodies")
    assert told["prompt"]["content"] == {"messages": []}
    assert told["answer"]["content"] == 'data: {"x":1}\n\n'
    assert (told["answer"]["status"], told["answer"]["error"], told["answer"]["cut"]) == (200, "x", False)
    assert managed.log[-1].headers["cache-control"] == "no-store"


async def test_over_the_files_of_a_log_that_was_rotated(managed: Managed) -> None:
    await logging(managed)
    written(managed, 5000, **{f"r{n}": (b"x " * 100, b"y " * 100) for n in range(20)})
    files = sorted(path_of(managed).parent.glob("conversation.log*"))
    assert len(files) > 3
    assert (await managed.get("/api/requests/r19/bodies"))["prompt"]["content"] == "x " * 100
    kept = [line for file in files for line in file.read_text().splitlines()]
    ids = {json.loads(line)["request_id"] for line in kept}
    for number in range(20):
        status = (await managed.ask("GET", f"/api/requests/r{number}/bodies")).status_code
        assert status == (200 if f"r{number}" in ids else 404)
    assert "r0" not in ids


async def test_secrets_are_masked_also_those_of_later(managed: Managed) -> None:
    await logging(managed)
    written(managed, a=(f'{{"text": "it is {SECRET}", "{SECRET}": 1}}'.encode(), f"it is {SECRET}".encode()))
    assert SECRET in path_of(managed).read_text()
    managed.home.pools({"openai-custom": [{"uuid": "u", "OPENAI_API_KEY": SECRET}]})
    await managed.part.supervision.reload()
    told = await managed.get("/api/requests/a/bodies")
    assert told["prompt"]["content"] == {"text": "it is ***", "***": 1}
    assert told["answer"]["content"] == "it is ***"


async def test_a_long_one_is_cut(managed: Managed) -> None:
    await logging(managed)
    content = json.dumps([["words " * 30_000] for _ in range(10)]).encode()
    written(managed, a=(content, b"short"))
    prompt = (await managed.get("/api/requests/a/bodies"))["prompt"]
    assert prompt["cut"] is True
    assert len(prompt["content"]) == TOLD_LIMIT
    assert content.replace(b'", "', b'","').decode().startswith(prompt["content"][:1000])


@pytest.mark.parametrize(
    ("mode", "words"), [("none", "is off"), ("console", "goes to the console"), ("file", "any more, or not yet")]
)
async def test_why_there_is_nothing(managed: Managed, mode: str, words: str) -> None:
    await logging(managed, mode)
    status, message = await managed.refusal("GET", "/api/requests/a/bodies")
    assert status == 404
    assert words in message


async def test_a_log_that_is_a_link_is_not_read(managed: Managed, tmp_path: Path) -> None:
    await logging(managed)
    path_of(managed).parent.mkdir(parents=True, exist_ok=True)
    other = tmp_path / "other"
    other.write_text('{"kind":"prompt","request_id":"a","content":"somebody else\'s"}\n')
    path_of(managed).symlink_to(other)
    assert (await managed.refusal("GET", "/api/requests/a/bodies"))[0] == 500
