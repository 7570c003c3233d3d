"""What the official SDKs make of an answer's bytes: the judges of everything that the gateway writes.

Each function takes the body as it went over the wire and returns plain JSON values in the protocol's own form: one
object for OpenAI and Anthropic, the list of responses for Gemini. An SDK's complaint is raised as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import anthropic
import httpx2 as httpx
import openai
from google import genai
from google.genai import types
from tests.replay.report import expect_equal
from tests.support.vendors.dialects import ProtocolName

_ADDRESS: Final = "http://replay.invalid"
_QUESTION: Final[list[Any]] = [{"role": "user", "content": "?"}]

Json = dict[str, Any]


class _Canned:
    """An HTTP transport of the SDKs that answers every request with the same bytes."""

    def __init__(self) -> None:
        self.body = b""
        self.type = "application/json"
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(self.status, headers={"content-type": self.type}, content=self.body)

    def load(self, body: bytes, stream: bool, status: int = 200) -> None:
        self.body, self.status = body, status
        self.type = "text/event-stream; charset=utf-8" if stream else "application/json"


@cache
def _canned() -> tuple[_Canned, httpx.Client]:
    canned = _Canned()
    return canned, httpx.Client(transport=httpx.MockTransport(canned))


@cache
def _openai() -> openai.OpenAI:
    return openai.OpenAI(base_url=_ADDRESS + "/v1", api_key="k", max_retries=0, http_client=_canned()[1])


@cache
def _anthropic() -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=_ADDRESS, api_key="k", max_retries=0, http_client=_canned()[1])


@cache
def _gemini() -> Any:
    options = types.HttpOptions(base_url=_ADDRESS, httpx_client=_canned()[1])
    return genai.Client(api_key="k", http_options=options)


def _chat(stream: bool) -> Json:
    completions = _openai().chat.completions
    if not stream:
        return completions.create(model="m", messages=_QUESTION).to_dict(mode="json", warnings=False)
    with completions.stream(model="m", messages=_QUESTION, stream_options={"include_usage": True}) as events:
        for _ in events:
            pass
        return events.current_completion_snapshot.to_dict(mode="json", warnings=False)


def _responses(stream: bool) -> Json:
    if not stream:
        return _openai().responses.create(model="m", input="?").to_dict(mode="json", warnings=False)
    final: Any = None
    told: dict[tuple[str, int], str] = {}
    with _openai().responses.stream(model="m", input="?") as events:
        for event in events:
            if event.type.endswith(".delta") and isinstance(getattr(event, "delta", None), str):
                key = (event.type, event.output_index)  # type: ignore[union-attr]
                told[key] = told.get(key, "") + event.delta  # type: ignore[union-attr]
            if event.type in ("response.completed", "response.incomplete", "response.failed"):
                final = event.response.to_dict(mode="json", warnings=False)
    if final is None:
        raise ValueError("the stream has no terminal event")
    _same_as_deltas(final, told)
    return final


def _same_as_deltas(final: Json, told: Mapping[tuple[str, int], str]) -> None:
    """The complete response at the end says what the pieces said."""
    pieces: Mapping[str, Callable[[Json], str]] = {
        "response.output_text.delta": lambda item: _joined(item.get("content"), "text"),
        "response.refusal.delta": lambda item: _joined(item.get("content"), "refusal"),
        "response.function_call_arguments.delta": lambda item: item.get("arguments", ""),
        "response.custom_tool_call_input.delta": lambda item: item.get("input", ""),
        "response.reasoning_summary_text.delta": lambda item: _joined(item.get("summary"), "text"),
        "response.reasoning_text.delta": lambda item: _joined(item.get("content"), "text"),
    }
    output = final.get("output") or []
    for (kind, index), text in told.items():
        if kind in pieces:
            expect_equal(f"{kind} of output {index}", text, pieces[kind](output[index]) if index < len(output) else "")


def _joined(parts: Any, key: str) -> str:
    return "".join(part.get(key) or "" for part in parts or [])


def _messages(stream: bool) -> Json:
    messages = _anthropic().messages
    wanted: Any = {"model": "m", "max_tokens": 1, "messages": _QUESTION}
    if not stream:
        return messages.create(**wanted).to_dict(mode="json", warnings=False)
    with messages.stream(**wanted) as events:
        return events.get_final_message().to_dict(mode="json", warnings=False)


def _beta_messages(stream: bool) -> Json:
    messages = _anthropic().beta.messages
    wanted: Any = {"model": "m", "max_tokens": 1, "messages": _QUESTION}
    if not stream:
        return messages.create(**wanted).to_dict(mode="json", warnings=False)
    with messages.stream(**wanted) as events:
        return events.get_final_message().to_dict(mode="json", warnings=False)


def _contents(stream: bool) -> list[Json]:
    off = types.AutomaticFunctionCallingConfig(disable=True)
    asked: Any = {
        "model": "gemini-m",
        "contents": "?",
        "config": types.GenerateContentConfig(automatic_function_calling=off),
    }
    if stream:
        answers = list(_gemini().models.generate_content_stream(**asked))
    else:
        answers = [_gemini().models.generate_content(**asked)]
    return [answer.model_dump(mode="json", by_alias=True, exclude_none=True) for answer in answers]


_ANSWERS: Final[Mapping[str, Callable[[bool], Any]]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic": _messages,
    "anthropic_beta": _beta_messages,
    "gemini": _contents,
}


def answer(protocol: str, body: bytes, *, stream: bool) -> Any:
    """The SDK's reading of a generated answer; ``anthropic_beta`` knows more kinds of blocks than ``anthropic``."""
    _canned()[0].load(body, stream)
    return _ANSWERS[protocol](stream)


def array(body: bytes) -> list[Json]:
    """The SDK's reading of a Gemini stream that is one JSON array, element by element."""
    elements = json.loads(body)
    assert isinstance(elements, list)
    return [_contents_of(element) for element in elements]


def _contents_of(element: Json) -> Json:
    _canned()[0].load(json.dumps(element).encode(), False)
    return _contents(False)[0]


def count(protocol: ProtocolName, body: bytes) -> int | None:
    """The tokens that an SDK reads from a counter's answer."""
    _canned()[0].load(body, False)
    match protocol:
        case "anthropic":
            return _anthropic().messages.count_tokens(model="m", messages=_QUESTION).input_tokens
        case "gemini":
            tokens = _gemini().models.count_tokens(model="m", contents="?").total_tokens
            return None if tokens is None else int(tokens)
        case _:
            return _openai().responses.input_tokens.count(model="m", input="?").input_tokens


def vectors(protocol: ProtocolName, body: bytes) -> list[list[float]]:
    """The vectors that an SDK reads from an answer to a request for embeddings."""
    _canned()[0].load(body, False)
    if protocol == "gemini":
        found = _gemini().models.embed_content(model="m", contents="?").embeddings or []
        return [entry.values or [] for entry in found]
    return [entry.embedding for entry in _openai().embeddings.create(model="m", input="?").data]


def models(protocol: ProtocolName, body: bytes) -> list[str]:
    """The names of the models that an SDK reads from the first page of a list."""
    _canned()[0].load(body, False)
    match protocol:
        case "anthropic":
            return [model.id for model in _anthropic().models.list().data]
        case "gemini":
            return [model.name or "" for model in _gemini().models.list(config={"query_base": True}).page]
        case _:
            return [model.id for model in _openai().models.list().data]


def model(protocol: ProtocolName, body: bytes) -> str:
    """The name of a single model."""
    _canned()[0].load(body, False)
    match protocol:
        case "anthropic":
            return _anthropic().models.retrieve("m").id
        case "gemini":
            return str(_gemini().models.get(model="m").name)
        case _:
            return _openai().models.retrieve("m").id


def failure(protocol: ProtocolName, body: bytes) -> str:
    """The message of the error that an SDK meets in a stream. Raises :class:`ValueError` where it meets none."""
    _canned()[0].load(body, True)
    try:
        answer = _ANSWERS[protocol](True)
    except (openai.APIError, anthropic.APIError, genai.errors.APIError) as met:
        body: Any = getattr(met, "body", None)
        inner = body.get("error", body) if isinstance(body, dict) else {}
        return f"{met.message} {inner.get('message')}"
    if protocol == "openai_responses" and answer.get("status") == "failed":
        return str((answer.get("error") or {}).get("message"))
    raise ValueError("the SDK takes the stream for an answer")


def error(protocol: ProtocolName, status: int, body: bytes) -> tuple[int, str]:
    """Status and message of the exception that an SDK raises for an error."""
    _canned()[0].load(body, False, status)
    try:
        _ANSWERS[protocol](False)
    except (openai.APIStatusError, anthropic.APIStatusError) as refusal:
        said: Any = refusal.body
        inner = said.get("error", said) if isinstance(said, dict) else {}
        return refusal.status_code, str(inner.get("message"))
    except genai.errors.APIError as refusal:
        return refusal.code, str(refusal.message)
    raise ValueError("the SDK took an error for an answer")
