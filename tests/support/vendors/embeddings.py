"""Embeddings of the two vendors that have them: rules and answers. Anthropic has none."""

from __future__ import annotations

import hashlib
import struct
from base64 import b64encode
from typing import Any, Final

from tests.support.upstream import Request
from tests.support.vendors.checks import Problems, words
from tests.support.vendors.framing import Json, body

DIMENSIONS: Final = 8
MOST_GEMINI: Final = 100
MOST_OPENAI: Final = 2048


def vector_of(value: object, dimensions: int | None = None) -> list[float]:
    """The vector of a text or of tokens; its numbers are the same in 32 and in 64 bits."""
    pattern = hashlib.sha256(repr(value).encode()).digest() * 200
    return [(byte - 128) / 256 for byte in pattern[: DIMENSIONS if dimensions is None else dimensions]]


def openai_problems(request: Request) -> list[str]:
    problems = Problems()
    value = request.json
    problems.unknown("body", value, words("model input dimensions encoding_format user"))
    problems.text("model", value.get("model"))
    problems.one_of("encoding_format", value.get("encoding_format", "float"), ["float", "base64"])
    problems.number("dimensions", value.get("dimensions"), 1, 3072, whole=True)
    inputs = value.get("input")
    if isinstance(inputs, str):
        problems.text("input", inputs, blank=False)
    else:
        problems.require(len(problems.listing("input", inputs)) <= MOST_OPENAI, "input: too many")
    return problems


def openai_answer(request: Request, *, counts: bool) -> bytes:
    value = request.json
    inputs = value["input"]
    if isinstance(inputs, str) or isinstance(inputs[0], int):
        inputs = [inputs]
    vectors = [vector_of(entry, value.get("dimensions")) for entry in inputs]
    packed = value.get("encoding_format") == "base64"
    data: list[Any] = [
        {"object": "embedding", "index": place, "embedding": _base64(vector) if packed else vector}
        for place, vector in enumerate(vectors)
    ]
    answer: Json = {"object": "list", "data": data, "model": value["model"]}
    if counts:
        answer["usage"] = {"prompt_tokens": 5 * len(inputs), "total_tokens": 5 * len(inputs)}
    return body(answer)


def _base64(vector: list[float]) -> str:
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def gemini_problems(request: Request) -> list[str]:
    problems = Problems()
    value = request.json
    if not _is_batch(request):
        _check_entry(problems, "body", value, request.params["model"], named=False)
        return problems
    problems.unknown("body", value, ["requests"])
    entries = problems.listing("requests", value.get("requests"))
    problems.require(
        len(entries) <= MOST_GEMINI, f"BatchEmbedContentsRequest.requests: at most {MOST_GEMINI} requests can be in one"
    )
    for place, entry in enumerate(entries):
        _check_entry(problems, f"requests[{place}]", entry, request.params["model"], named=True)
    return problems


def _check_entry(problems: Problems, where: str, entry: Json, model: str, *, named: bool) -> None:
    problems.unknown(where, entry, words("model content taskType title outputDimensionality"))
    if named or "model" in entry:
        problems.require(
            entry.get("model") == f"models/{model}", f"{where}.model: {entry.get('model')!r} isn't {model}"
        )
    problems.number(f"{where}.outputDimensionality", entry.get("outputDimensionality"), 1, 3072, whole=True)
    for part in problems.listing(f"{where}.content.parts", (entry.get("content") or {}).get("parts")):
        problems.text(f"{where}.content.parts.text", part.get("text"))


def gemini_answer(request: Request, *, counts: bool) -> bytes:
    entries = request.json["requests"] if _is_batch(request) else [request.json]
    vectors = [
        {"values": vector_of(entry["content"]["parts"][0]["text"], entry.get("outputDimensionality"))}
        for entry in entries
    ]
    answer: Json = {"embeddings": vectors} if _is_batch(request) else {"embedding": vectors[0]}
    if counts:
        answer["usageMetadata"] = {"promptTokenCount": 5 * len(entries)}
    return body(answer)


def _is_batch(request: Request) -> bool:
    return request.path.endswith(":batchEmbedContents")
