"""A scenario as Anthropic's Messages answers it, whole and streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tests.support.scenario import Finish, Part, Reasoning, Refusal, Scenario, Text, ToolCall, Usage
from tests.support.vendors.framing import Json, compact, event

FINISH: Final[dict[Finish, str]] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
}


def _input_counts(counts: Usage) -> Json:
    return {
        "input_tokens": counts.input_fresh,
        "cache_creation_input_tokens": counts.cache_write,
        "cache_read_input_tokens": counts.cache_read,
    }


def _output_counts(counts: Usage) -> Json:
    details = {"output_tokens_details": {"thinking_tokens": counts.reasoning}} if counts.reasoning else {}
    return {"output_tokens": counts.output_total, **details}


def usage(counts: Usage, *, begun: bool = False) -> Json:
    """The complete object; ``begun`` is its state at the start of a stream, with one token out."""
    return {
        **_input_counts(counts),
        "cache_creation": {"ephemeral_5m_input_tokens": counts.cache_write, "ephemeral_1h_input_tokens": 0},
        **({"output_tokens": 1} if begun else _output_counts(counts)),
        "service_tier": "standard",
        "inference_geo": "not_available",
    }


def parsed(arguments: str) -> Any:
    """The input object of a call; a call that was cut short has an empty one in a whole answer."""
    try:
        return json.loads(arguments)
    except ValueError:
        return {}


def block(part: Part) -> Json:
    """A content block, whole."""
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Reasoning(redacted=True):
            return {"type": "redacted_thinking", "data": part.signature}
        case Reasoning():
            return {"type": "thinking", "thinking": part.text, "signature": part.signature or ""}
        case ToolCall():
            return {
                "type": "tool_use",
                "id": part.id,
                "name": part.name,
                "input": parsed(part.arguments),
                "caller": {"type": "direct"},
            }
        case Refusal():
            raise ValueError("a refusal is told in the stop details, not in a block")


def blocks(scenario: Scenario) -> list[Part]:
    return [part for part in scenario.parts if not isinstance(part, Refusal)]


def stop(scenario: Scenario) -> Json:
    """Stop reason, sequence and details."""
    details = None
    if scenario.refusal:
        details = {"type": "refusal", "category": "cyber", "explanation": scenario.refusal}
    return {
        "stop_reason": FINISH[scenario.finish],
        "stop_sequence": scenario.stop_sequence,
        "stop_details": details,
    }


def message(scenario: Scenario, content: list[Json], stopped: Json, counts: Json) -> Json:
    return {
        "model": scenario.model,
        "id": f"msg_{scenario.id}",
        "type": "message",
        "role": "assistant",
        "content": content,
        **stopped,
        "usage": counts,
    }


def unary(scenario: Scenario, request: Json) -> bytes:
    content = [block(part) for part in blocks(scenario)]
    return compact(message(scenario, content, stop(scenario), usage(scenario.usage))).encode()


def _start_of(part: Part) -> Json:
    match part:
        case Text():
            return {"type": "text", "text": ""}
        case Reasoning(redacted=False):
            return {"type": "thinking", "thinking": "", "signature": ""}
        case ToolCall():
            return {**block(part), "input": {}}
        case _:
            return block(part)


def _deltas_of(part: Part) -> Iterator[Json]:
    match part:
        case Text():
            yield from ({"type": "text_delta", "text": piece} for piece in part.pieces)
        case Reasoning(redacted=False):
            yield from ({"type": "thinking_delta", "thinking": piece} for piece in part.pieces)
            if part.signature is not None:
                yield {"type": "signature_delta", "signature": part.signature}
        case ToolCall():
            yield {"type": "input_json_delta", "partial_json": ""}
            # A call without arguments gets no more than the empty delta.
            if part.arguments != "{}":
                yield from ({"type": "input_json_delta", "partial_json": piece} for piece in part.pieces)
        case _:
            return


def events(scenario: Scenario) -> Iterator[Json]:
    """The events of the stream in order."""
    unstopped = {"stop_reason": None, "stop_sequence": None, "stop_details": None}
    yield {
        "type": "message_start",
        "message": message(scenario, [], unstopped, usage(scenario.usage, begun=True)),
    }
    for index, part in enumerate(blocks(scenario)):
        yield {"type": "content_block_start", "index": index, "content_block": _start_of(part)}
        if index == 0:
            yield {"type": "ping"}
        for delta in _deltas_of(part):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    counts = {**_input_counts(scenario.usage), **_output_counts(scenario.usage)}
    yield {"type": "message_delta", "delta": stop(scenario), "usage": counts}
    yield {"type": "message_stop"}


def stream(scenario: Scenario, request: Json) -> list[bytes]:
    # The vendor pads some events with blanks before the last brace; any parser must bear it.
    return [
        event(value, name=value["type"], padding=number % 5 if value["type"] != "ping" else 0)
        for number, value in enumerate(events(scenario))
    ]


def count(tokens: int) -> bytes:
    return compact({"input_tokens": tokens}).encode()


def models(names: Sequence[str]) -> bytes:
    return compact(
        {
            "data": [_model(name) for name in names],
            "has_more": False,
            "first_id": names[0] if names else None,
            "last_id": names[-1] if names else None,
        }
    ).encode()


def model(name: str) -> bytes:
    return compact(_model(name)).encode()


def _model(name: str) -> Json:
    return {
        "type": "model",
        "id": name,
        "display_name": name.replace("-", " ").title(),
        "created_at": "2026-02-01T00:00:00Z",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
    }
