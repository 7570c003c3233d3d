"""What a client without an SDK's kindness makes of an answer: whole, failed in-band, refused, or (never) anything else.

One terminal, in the client's own protocol, nothing after it; a text that is a beginning of what was said.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from tests.support.client import RawClient, RawResponse
from tests.support.gateway import RunningGateway
from tests.support.sse import decode

PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/m:generateContent",
}
STREAM_PATHS = {**PATHS, "gemini": "/v1beta/models/m:streamGenerateContent?alt=sse"}
MESSAGES = [{"role": "user", "content": "hello"}]
BODIES: dict[str, dict[str, Any]] = {
    "openai_chat": {"model": "m", "messages": MESSAGES},
    "openai_responses": {"model": "m", "input": "hello"},
    "anthropic": {"model": "m", "max_tokens": 50, "messages": MESSAGES},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]},
}


@dataclass
class Outcome:
    """``text`` is what a reader has of the answer."""

    kind: Literal["whole", "failed", "refused"]
    text: str
    status: int
    message: str = ""


def request_of(protocol: str, stream: bool) -> tuple[str, dict[str, Any]]:
    """Path and body of a question."""
    body = BODIES[protocol]
    if protocol == "gemini":
        return (STREAM_PATHS if stream else PATHS)[protocol], body
    return PATHS[protocol], {**body, "stream": stream}


async def asked(gateway: RunningGateway, protocol: str, stream: bool) -> Outcome:
    """Ask over a connection of its own, and judge the answer. Raises ``AssertionError`` for one that isn't legal."""
    path, body = request_of(protocol, stream)
    async with await RawClient.connect(gateway.port) as client:
        return judged(protocol, stream, await client.ask("POST", path, body, gateway.headers))


def judged(protocol: str, stream: bool, response: RawResponse) -> Outcome:
    """Judge an answer. Raises ``AssertionError`` for one that isn't legal."""
    if response.status != 200:
        error = response.json["error"]
        assert isinstance(error["message"], str)
        assert error["message"]
        return Outcome("refused", "", response.status, error["message"])
    if not stream:
        return Outcome("whole", _UNARY[protocol](response.json), 200)
    events = decode(response.body)
    data = [event.data for event in events]
    if protocol == "openai_chat" and data and data[-1] == "[DONE]":
        data.pop()
        done = True
    else:
        done = False
    values = [json.loads(one) for one in data]
    text, ends, errors = "", [], []
    for place, value in enumerate(values):
        text += _TEXT[protocol](value)
        if _ENDS[protocol](value):
            ends.append(place)
        if _is_error(value):
            errors.append(place)
    last = len(values) - 1
    if errors:
        assert errors == [last], f"not the last, or not the only one: {errors} of {last}"
        assert not done, "an error, and then a good end"
        # The other two tell the finish before the last event.
        assert protocol in ("openai_chat", "gemini") or ends == [], "two ends"
        return Outcome("failed", text, 200)
    assert ends, "a silent truncation"
    assert len(ends) == 1 or protocol == "gemini", "two ends"
    assert done == (protocol == "openai_chat"), "no end of the stream"
    return Outcome("whole", text, 200)


def _is_error(value: dict[str, Any]) -> bool:
    return ("error" in value and value["error"] is not None) or value.get("type") in ("error", "response.failed")


def _chat_text(value: dict[str, Any]) -> str:
    return "".join(choice.get("delta", {}).get("content") or "" for choice in value.get("choices", ()))


def _gemini_text(value: dict[str, Any]) -> str:
    return "".join(
        part.get("text", "")
        for candidate in value.get("candidates", ())
        for part in candidate.get("content", {}).get("parts", ())
        if not part.get("thought")
    )


_TEXT = {
    "openai_chat": _chat_text,
    "openai_responses": lambda value: value["delta"] if value["type"] == "response.output_text.delta" else "",
    "anthropic": lambda value: value["delta"].get("text", "") if value["type"] == "content_block_delta" else "",
    "gemini": _gemini_text,
}
_ENDS = {
    "openai_chat": lambda value: any(choice.get("finish_reason") for choice in value.get("choices", ())),
    "openai_responses": lambda value: value["type"] in ("response.completed", "response.incomplete"),
    "anthropic": lambda value: value["type"] == "message_stop",
    "gemini": lambda value: any(candidate.get("finishReason") for candidate in value.get("candidates", ())),
}
_UNARY = {
    "openai_chat": lambda value: value["choices"][0]["message"]["content"] or "",
    "openai_responses": lambda value: "".join(
        part["text"] for item in value["output"] if item["type"] == "message" for part in item["content"]
    ),
    "anthropic": lambda value: "".join(block.get("text", "") for block in value["content"]),
    "gemini": _gemini_text,
}
