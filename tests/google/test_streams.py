"""Streams of both services, however their bytes come: cut inside characters, with other line ends, over several lines,
with an error in place of the stream or within it, and without an end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.google.accounts import google_account
from tests.google.test_requests import ask, gemini
from tests.support.gateway import running_gateway, settings_for
from tests.support.google.oauth import json_reply
from tests.support.google.server import ScriptedGoogle
from tests.support.replies import Stream, Unary, sliced

MODEL = "gemini-2.5-flash"
TEXT = "Grüße, 漢字 und 👩‍👩‍👧."


def chunk(text: str, **candidate: Any) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": text}]}
    return {"response": {"candidates": [{"content": content, **candidate}]}, "traceId": "t"}


CHUNKS = (chunk(TEXT[:9]), chunk(TEXT[9:], finishReason="STOP"))


def written(value: Any, *, end: str = "\n", lines: bool = False) -> bytes:
    text = json.dumps(value, ensure_ascii=False, indent=1 if lines else None)
    return "".join(f"data: {line}{end}" for line in text.split("\n")).encode() + end.encode()


FORMS: dict[str, bytes] = {
    "as usual": b"".join(written(value) for value in CHUNKS),
    "CRLF": b"".join(written(value, end="\r\n") for value in CHUNKS),
    "CR": b"".join(written(value, end="\r") for value in CHUNKS),
    "several lines": b"".join(written(value, lines=True) for value in CHUNKS),
    "several lines with CRLF": b"".join(written(value, end="\r\n", lines=True) for value in CHUNKS),
    "comments and other fields": b": ping\n\nid: 1\nevent: x\n" + b"\n".join(written(value) for value in CHUNKS),
    "no blank line at the end": b"".join(written(value) for value in CHUNKS).rstrip(b"\n"),
    "wrapped in lists": b"".join(written([value]) for value in CHUNKS),
    "a byte order mark": b"\xef\xbb\xbf" + b"".join(written(value) for value in CHUNKS),
}


def texts(answer: Any) -> str:
    events = [json.loads(block[6:]) for block in answer.body.decode().split("\n\n") if block]
    parts = [part for event in events for part in event["candidates"][0]["content"].get("parts", [])]
    return "".join(part["text"] for part in parts)


async def streamed(tmp_path: Path, reply: Any, request: Callable[..., Any], **body: Any) -> Any:
    async with ScriptedGoogle() as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            google.on("POST", "/v1internal:streamGenerateContent", lambda _: reply)
            if request is gemini:
                return await gemini(gateway, MODEL, "streamGenerateContent?alt=sse")
            return await ask(gateway, MODEL, stream=True, **body)


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("form", FORMS)
async def test_every_form_in_pieces_of_every_size(tmp_path: Path, form: str, size: int) -> None:
    reply = sliced(Stream([FORMS[form]], framing="close"), size)
    answer = await streamed(tmp_path, reply, gemini)
    assert (answer.status, texts(answer)) == (200, TEXT)


@pytest.mark.parametrize("request_", [gemini, ask])
async def test_a_stream_that_ends_too_early_is_no_whole_answer(tmp_path: Path, request_: Callable[..., Any]) -> None:
    answer = await streamed(tmp_path, Stream([written(CHUNKS[0])]), request_)
    assert answer.status == 200
    assert b'"error"' in answer.body
    assert b"[DONE]" not in answer.body


@pytest.mark.parametrize("request_", [gemini, ask])
async def test_an_error_within_a_stream(tmp_path: Path, request_: Callable[..., Any]) -> None:
    failure = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    answer = await streamed(tmp_path, Stream([written(CHUNKS[0]), written(failure)]), request_)
    assert answer.status == 200
    assert b"The model is overloaded." in answer.body


@pytest.mark.parametrize("wrapped", [False, True])
async def test_an_error_in_place_of_a_stream(tmp_path: Path, wrapped: bool) -> None:
    failure = {"error": {"code": 400, "message": "That can't be asked.", "status": "INVALID_ARGUMENT"}}
    answer = await streamed(tmp_path, json_reply([failure] if wrapped else failure, 400), ask)
    assert answer.status == 400
    assert answer.json["error"]["message"] == "That can't be asked."


async def test_a_whole_answer_in_place_of_a_stream(tmp_path: Path) -> None:
    whole = json_reply(chunk(TEXT, finishReason="STOP"))
    answer = await streamed(tmp_path, whole, ask)
    assert answer.status == 200
    pieces = [json.loads(line[6:]) for line in answer.body.decode().split("\n\n") if line.startswith("data: {")]
    assert "".join(piece["choices"][0]["delta"].get("content") or "" for piece in pieces if piece["choices"]) == TEXT


async def test_nonsense_in_place_of_a_stream(tmp_path: Path) -> None:
    page = Unary(b"<html>", 200, {"content-type": "text/html"})
    answer = await streamed(tmp_path, page, ask)
    assert answer.status == 502
