"""A scenario as OpenAI's Responses answers it: items, and the stream of their making."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from tests.support.scenario import Finish, Reasoning, Refusal, Scenario, Text, ToolCall, Usage
from tests.support.vendors.framing import Json, body, derived, event

INCOMPLETE: Final[dict[Finish, str]] = {"length": "max_output_tokens", "content_filter": "content_filter"}

ECHOED: Final[dict[str, Any]] = {
    "background": False,
    "completed_at": None,
    "error": None,
    "frequency_penalty": 0.0,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "model": "",
    "moderation": None,
    "output": [],
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "prompt_cache_retention": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "auto",
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "usage": None,
    "user": None,
    "metadata": {},
}
"""Every field of the object in the vendor's order; those that the request sets are echoed from it."""


def usage(counts: Usage) -> Json:
    return {
        "input_tokens": counts.input_total,
        "input_tokens_details": {"cache_write_tokens": counts.cache_write, "cached_tokens": counts.cache_read},
        "output_tokens": counts.output_total,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning},
        "total_tokens": counts.total,
    }


def _tool(tool: Json) -> Json:
    if tool.get("type") != "function":
        return tool
    return {
        "type": "function",
        "description": tool.get("description"),
        "name": tool["name"],
        "parameters": tool.get("parameters"),
        "strict": tool.get("strict", True),
    }


def response(scenario: Scenario, request: Json, status: str, output: list[Json]) -> Json:
    """The response object in the given status."""
    echo = {key: request[key] for key in ECHOED if request.get(key) is not None}
    if "tools" in echo:
        echo["tools"] = [_tool(tool) for tool in echo["tools"]]
    if "text" in echo:
        echo["text"] = {**ECHOED["text"], **echo["text"]}
    if "reasoning" in echo:
        echo["reasoning"] = {**ECHOED["reasoning"], **echo["reasoning"]}
    done = status != "in_progress"
    return {
        "id": f"resp_{scenario.id}",
        "object": "response",
        "created_at": scenario.created,
        "status": status,
        **ECHOED,
        **echo,
        "model": scenario.model,
        "output": output,
        "completed_at": scenario.created + 1 if status == "completed" else None,
        "incomplete_details": {"reason": INCOMPLETE[scenario.finish]} if status == "incomplete" else None,
        "usage": usage(scenario.usage) if done else None,
        "service_tier": "default" if done else "auto",
    }


def final_status(scenario: Scenario) -> str:
    return "incomplete" if scenario.finish in INCOMPLETE else "completed"


def content_part(part: Text | Refusal, text: str) -> Json:
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


Group = tuple[Reasoning | ToolCall | tuple[Text | Refusal, ...], str, str]
"""What an item is made of, its id, its final status."""


def groups(scenario: Scenario) -> list[Group]:
    """The items to come: texts that follow each other share a message. The last one bears an early end."""
    found: list[Reasoning | ToolCall | tuple[Text | Refusal, ...]] = []
    for is_message, parts in groupby(scenario.parts, lambda part: isinstance(part, Text | Refusal)):
        if is_message:
            found.append(tuple(part for part in parts if isinstance(part, Text | Refusal)))
        else:
            found.extend(part for part in parts if isinstance(part, Reasoning | ToolCall))
    return [
        (
            content,
            f"{_prefix(content)}_{derived(scenario.id, index, size=48)}",
            final_status(scenario) if index == len(found) - 1 else "completed",
        )
        for index, content in enumerate(found)
    ]


def _prefix(content: Reasoning | ToolCall | tuple[Text | Refusal, ...]) -> str:
    match content:
        case Reasoning():
            return "rs"
        case ToolCall():
            return "ctc" if content.custom else "fc"
        case _:
            return "msg"


def item(group: Group, status: str, *, begun: bool = False) -> Json:
    """The item whole, or as it is announced (``begun``)."""
    content, id_, _ = group
    match content:
        case Reasoning():
            summary = [{"type": "summary_text", "text": content.text}] if content.text and not begun else []
            value: Json = {"id": id_, "type": "reasoning", "content": [], "summary": summary}
            if content.signature is not None:
                value["encrypted_content"] = content.signature
            return value
        case ToolCall():
            kind, field = ("custom_tool_call", "input") if content.custom else ("function_call", "arguments")
            return {
                "id": id_,
                "type": kind,
                "status": status,
                field: "" if begun else content.arguments,
                "call_id": content.id,
                "name": content.name,
                **({} if content.namespace is None else {"namespace": content.namespace}),
            }
        case _:
            parts = [] if begun else [content_part(part, part.text) for part in content]
            return {"id": id_, "type": "message", "status": status, "content": parts, "role": "assistant"}


def output(scenario: Scenario) -> list[Json]:
    return [item(group, group[2]) for group in groups(scenario)]


def unary(scenario: Scenario, request: Json) -> bytes:
    return body(response(scenario, request, final_status(scenario), output(scenario)))


def _reasoning_events(part: Reasoning, at: Json) -> Iterator[Json]:
    if not part.text:
        return
    where = {**at, "summary_index": 0}
    yield {"type": "response.reasoning_summary_part.added", **where, "part": {"type": "summary_text", "text": ""}}
    for piece in part.pieces:
        yield {"type": "response.reasoning_summary_text.delta", **where, "delta": piece}
    yield {"type": "response.reasoning_summary_text.done", **where, "text": part.text}
    yield {"type": "response.reasoning_summary_part.done", **where, "part": {"type": "summary_text", "text": part.text}}


def _content_events(part: Text | Refusal, at: Json) -> Iterator[Json]:
    yield {"type": "response.content_part.added", **at, "part": content_part(part, "")}
    if isinstance(part, Refusal):
        yield from ({"type": "response.refusal.delta", **at, "delta": piece} for piece in part.pieces)
        yield {"type": "response.refusal.done", **at, "refusal": part.text}
    else:
        for piece in part.pieces:
            yield {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []}
        yield {"type": "response.output_text.done", **at, "text": part.text, "logprobs": []}
    yield {"type": "response.content_part.done", **at, "part": content_part(part, part.text)}


def _item_events(group: Group, index: int) -> Iterator[Json]:
    content, id_, status = group
    at = {"item_id": id_, "output_index": index}
    announced = item(group, "in_progress", begun=True)
    yield {"type": "response.output_item.added", "item": announced, "output_index": index}
    match content:
        case Reasoning():
            yield from _reasoning_events(content, at)
        case ToolCall(custom=True):
            for piece in content.pieces:
                yield {"type": "response.custom_tool_call_input.delta", **at, "delta": piece}
            yield {"type": "response.custom_tool_call_input.done", **at, "input": content.arguments}
        case ToolCall():
            for piece in content.pieces:
                yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
            yield {"type": "response.function_call_arguments.done", **at, "arguments": content.arguments}
        case _:
            for number, part in enumerate(content):
                yield from _content_events(part, {**at, "content_index": number})
    yield {"type": "response.output_item.done", "item": item(group, status), "output_index": index}


def handshake(scenario: Scenario, request: Json) -> list[Json]:
    """The two events sent before the model has produced anything."""
    begun = response(scenario, request, "in_progress", [])
    return [{"type": "response.created", "response": begun}, {"type": "response.in_progress", "response": begun}]


def numbered(values: list[Json], request: Json) -> list[bytes]:
    """The events with sequence numbers, and with padding in deltas unless the request declines it."""
    obfuscated = (request.get("stream_options") or {}).get("include_obfuscation") is not False
    for number, value in enumerate(values):
        value["sequence_number"] = number
        if "delta" in value and obfuscated:
            value["obfuscation"] = derived(number, size=12)
    return [event(value, name=value["type"]) for value in values]


def events(scenario: Scenario, request: Json) -> list[Json]:
    """The events of a whole stream, not numbered yet."""
    status = final_status(scenario)
    made = [made for index, group in enumerate(groups(scenario)) for made in _item_events(group, index)]
    last = {"type": f"response.{status}", "response": response(scenario, request, status, output(scenario))}
    return [*handshake(scenario, request), *made, last]


def stream(scenario: Scenario, request: Json) -> list[bytes]:
    return numbered(events(scenario, request), request)


def count(tokens: int) -> bytes:
    return body({"object": "response.input_tokens", "input_tokens": tokens})
