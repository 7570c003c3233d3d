"""Upstream streams and helpers for the tests of the Responses spoke, written for them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from codenex.core import events as e
from codenex.core.answer import Answer, fold
from codenex.core.render import RenderContext
from codenex.core.request import Request
from codenex.core.stream_validator import StreamValidator
from codenex.models.openai import RESPONSES_BASE
from codenex.protocols.openai_responses import SPOKE

CONTEXT_ID = "0123456789abcdefghijklmn"

Fields = dict[str, Any]


def sse(*events: Fields | str | bytes, end: str = "\n", named: bool = True) -> bytes:
    """Frame events as an upstream sends them."""
    out = bytearray()
    for event in events:
        if isinstance(event, dict):
            if named:
                out += f"event: {event['type']}{end}".encode()
            out += f"data: {json.dumps(event, ensure_ascii=False)}{end}{end}".encode()
        else:
            out += event.encode() if isinstance(event, str) else event
    return bytes(out)


def response(status: str = "in_progress", **fields: Any) -> Fields:
    return {"id": "resp_1", "object": "response", "created_at": 1700000000, "model": "gpt-x", "status": status} | {
        "output": [],
        **fields,
    }


USAGE = {
    "input_tokens": 20,
    "input_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 2},
    "output_tokens": 12,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 32,
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Grüße 👋", "annotations": []}],
}
REASONING = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "First."}, {"type": "summary_text", "text": "Second."}],
    "encrypted_content": "secret",
}
CALL = {
    "id": "fc_1",
    "type": "function_call",
    "status": "completed",
    "call_id": "call_1",
    "name": "look_up",
    "arguments": '{"q":"a"}',
}
CUSTOM = {
    "id": "ctc_1",
    "type": "custom_tool_call",
    "status": "completed",
    "call_id": "call_2",
    "name": "patch",
    "input": "*** Begin\n+x\n",
}

CREATED = {"type": "response.created", "response": response()}
COMPLETED = {"type": "response.completed", "response": response("completed", usage=USAGE)}


def item_events(index: int, item: Fields) -> list[Fields]:
    """Return the events of one item as OpenAI sends them."""
    place = {"output_index": index, "item_id": item["id"]}
    head: Fields = {**item, "status": "in_progress"}
    inner: list[Fields] = []
    match item["type"]:
        case "message":
            head["content"] = []
            for position, part in enumerate(item["content"]):
                key = "text" if part["type"] == "output_text" else "refusal"
                at = {**place, "content_index": position}
                kind = "response.output_text" if key == "text" else "response.refusal"
                inner.append({"type": "response.content_part.added", **at, "part": {**part, key: ""}})
                inner += [{"type": f"{kind}.delta", **at, "delta": letter} for letter in part[key]]
                inner.append({"type": f"{kind}.done", **at, key: part[key]})
                inner.append({"type": "response.content_part.done", **at, "part": part})
        case "reasoning":
            head = {"id": item["id"], "type": "reasoning", "summary": []}
            for position, part in enumerate(item["summary"]):
                at = {**place, "summary_index": position}
                inner.append({"type": "response.reasoning_summary_part.added", **at, "part": {**part, "text": ""}})
                inner.append({"type": "response.reasoning_summary_text.delta", **at, "delta": part["text"][:2]})
                inner.append({"type": "response.reasoning_summary_text.delta", **at, "delta": part["text"][2:]})
                inner.append({"type": "response.reasoning_summary_text.done", **at, "text": part["text"]})
                inner.append({"type": "response.reasoning_summary_part.done", **at, "part": part})
            for position, part in enumerate(item.get("content") or []):
                at = {**place, "content_index": position}
                inner.append({"type": "response.reasoning_text.delta", **at, "delta": part["text"]})
                inner.append({"type": "response.reasoning_text.done", **at, "text": part["text"]})
        case "function_call" | "custom_tool_call":
            key = "input" if item["type"] == "custom_tool_call" else "arguments"
            name = "custom_tool_call_input" if key == "input" else "function_call_arguments"
            head[key] = ""
            inner += [{"type": f"response.{name}.delta", **place, "delta": letter} for letter in item[key]]
            inner.append({"type": f"response.{name}.done", **place, key: item[key]})
    return [
        {"type": "response.output_item.added", "output_index": index, "item": head},
        *inner,
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]


def stream(*items: Fields, last: Fields | None = None) -> list[Fields]:
    """Return the events of a whole answer."""
    events = [CREATED, {"type": "response.in_progress", "response": response()}]
    for index, item in enumerate(items):
        events += item_events(index, item)
    events.append(
        last
        if last is not None
        else {"type": "response.completed", "response": response("completed", output=list(items), usage=USAGE)}
    )
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def decoded(data: bytes, *, step: int | None = None, cuts: Iterable[int] = ()) -> list[e.StreamEvent]:
    """Decode a stream, whole, in steps or at cuts, and check the order of its events."""
    decoder = SPOKE.stream_decoder()
    if step is not None:
        cuts = range(step, len(data), step)
    out: list[e.StreamEvent] = []
    position = 0
    for cut in [*cuts, len(data)]:
        out += decoder.feed(data[position:cut])
        position = cut
    out += decoder.eof()
    assert decoder.done
    assert decoder.feed(b'data: {"type":"response.created"}\n\n') == [] == decoder.eof()
    validator = StreamValidator()
    for event in out:
        validator.check(event)
    validator.end()
    return out


def answered(data: bytes) -> Answer:
    return fold(decoded(data))


def context(**fields: Any) -> RenderContext:
    return RenderContext(CONTEXT_ID, 1700000000, "alias", **fields)


def request(**fields: Any) -> Request:
    """Decode a client's request."""
    return SPOKE.decode_request(json.dumps({"model": "m", "input": "hi", **fields}).encode(), None)


def echoed(asked: Request, capabilities: Any = RESPONSES_BASE) -> Fields:
    """Encode a request for an upstream of the same protocol."""
    from codenex.core.losses import Losses

    body: Fields = json.loads(SPOKE.encode_request(asked, capabilities, Losses()).body)
    return body


def rendered(events: Iterable[e.StreamEvent], **fields: Any) -> list[Fields]:
    """Encode events for a client; return the data of every wire event, checked for its frame."""
    encoder = SPOKE.stream_encoder(context(**fields))
    data = b"".join([*(encoder.send(event) for event in events), encoder.end()])
    return unframed(data)


def unframed(data: bytes) -> list[Fields]:
    out: list[Fields] = []
    for frame in data.split(b"\n\n")[:-1]:
        name, _, body = frame.partition(b"\n")
        event = json.loads(body.removeprefix(b"data: "))
        assert name == b"event: " + event["type"].encode()
        assert event["sequence_number"] == len(out)
        out.append(event)
    return out
