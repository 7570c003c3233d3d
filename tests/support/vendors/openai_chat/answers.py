"""A scenario as OpenAI's Chat Completions answers it, whole and streamed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tests.support.scenario import Finish, Reasoning, Refusal, Scenario, Text, ToolCall, Usage
from tests.support.vendors.framing import Json, body, derived, event

FINISH: Final[dict[Finish, str]] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    # A model that declines in words has finished; what it said stands in the field of its own.
    "refusal": "stop",
}

DONE: Final = b"data: [DONE]\n\n"


def usage(counts: Usage) -> Json:
    return {
        "prompt_tokens": counts.input_total,
        "completion_tokens": counts.output_total,
        "total_tokens": counts.total,
        "prompt_tokens_details": {
            "cached_tokens": counts.cache_read,
            "audio_tokens": 0,
            "cache_write_tokens": counts.cache_write,
        },
        "completion_tokens_details": {
            "reasoning_tokens": counts.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _reasoning_fields(scenario: Scenario) -> Json:
    shown = [part for part in scenario.parts if isinstance(part, Reasoning)]
    if not shown or scenario.chat_reasoning == "hidden":
        return {}
    if scenario.chat_reasoning == "reasoning_content":
        return {"reasoning_content": scenario.reasoning}
    details = [
        detail for index, part in enumerate(shown) for detail in _details(part, part.text, index, part.signature)
    ]
    return {"reasoning": scenario.reasoning, "reasoning_details": details}


def _details(part: Reasoning, text: str, index: int, signature: str | None) -> list[Json]:
    if part.redacted:
        return [{"type": "reasoning.encrypted", "data": signature, "index": index, "format": "unknown", "id": None}]
    return [
        {
            "type": "reasoning.text",
            "text": text,
            "signature": signature,
            "index": index,
            "format": "unknown",
            "id": None,
        }
    ]


def message(scenario: Scenario) -> Json:
    """The assistant message of a whole answer."""
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in scenario.tool_calls
    ]
    return {
        "role": "assistant",
        "content": None if not scenario.text and (calls or scenario.refusal) else scenario.text,
        "refusal": scenario.refusal or None,
        "annotations": [],
        **_reasoning_fields(scenario),
        **({"tool_calls": calls} if calls else {}),
    }


def unary(scenario: Scenario, request: Json) -> bytes:
    choice = {
        "index": 0,
        "message": message(scenario),
        "logprobs": None,
        "finish_reason": FINISH[scenario.finish],
    }
    return body(
        {
            "id": f"chatcmpl-{scenario.id}",
            "object": "chat.completion",
            "created": scenario.created,
            "model": scenario.model,
            "choices": [choice],
            "usage": usage(scenario.usage),
            "service_tier": "default",
            "system_fingerprint": "fp_5c217ed0aa",
        }
    )


def deltas(scenario: Scenario) -> Iterator[Json]:
    """The deltas of the stream in order, without the last, empty one."""
    starts_with_call = bool(scenario.parts) and isinstance(scenario.parts[0], ToolCall)
    yield {"role": "assistant", "content": None if starts_with_call else "", "refusal": None}
    calls = thoughts = 0
    for part in scenario.parts:
        match part:
            case Text():
                yield from ({"content": piece} for piece in part.pieces)
            case Refusal():
                yield from ({"refusal": piece} for piece in part.pieces)
            case Reasoning():
                yield from _reasoning_deltas(part, thoughts, scenario)
                thoughts += 1
            case ToolCall():
                function = {"name": part.name, "arguments": ""}
                yield {"tool_calls": [{"index": calls, "id": part.id, "type": "function", "function": function}]}
                for piece in part.pieces:
                    yield {"tool_calls": [{"index": calls, "function": {"arguments": piece}}]}
                calls += 1


def _reasoning_deltas(part: Reasoning, index: int, scenario: Scenario) -> Iterator[Json]:
    match scenario.chat_reasoning:
        case "hidden":
            return
        case "reasoning_content":
            yield from ({"reasoning_content": piece} for piece in part.pieces)
        case "reasoning_details":
            for piece in part.pieces:
                yield {"reasoning": piece, "reasoning_details": _details(part, piece, index, None)}
            if part.signature is not None:
                # The signature comes last, in a fragment without text.
                yield {"reasoning_details": _details(part, "", index, part.signature)}


def stream(scenario: Scenario, request: Json) -> list[bytes]:
    options = request.get("stream_options") or {}
    include_usage = options.get("include_usage") is True
    obfuscated = options.get("include_obfuscation") is not False

    def chunk(choices: Sequence[Json], counts: Json | None = None) -> bytes:
        value: Json = {
            "id": f"chatcmpl-{scenario.id}",
            "object": "chat.completion.chunk",
            "created": scenario.created,
            "model": scenario.model,
            "service_tier": "default",
            "system_fingerprint": "fp_5c217ed0aa",
            "choices": list(choices),
        }
        if include_usage:
            value["usage"] = counts
        if obfuscated:
            value["obfuscation"] = derived(scenario.id, choices, size=12)
        return event(value)

    def choice(delta: Json, finish: str | None = None) -> Json:
        return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}

    events = [chunk([choice(delta)]) for delta in deltas(scenario)]
    events.append(chunk([choice({}, FINISH[scenario.finish])]))
    if include_usage:
        events.append(chunk([], usage(scenario.usage)))
    return [*events, DONE]


def models(names: Sequence[str]) -> bytes:
    return body({"object": "list", "data": [_model(name) for name in names]})


def model(name: str) -> bytes:
    return body(_model(name))


def _model(name: str) -> Json:
    return {"id": name, "object": "model", "created": 1_780_000_000, "owned_by": "system"}
