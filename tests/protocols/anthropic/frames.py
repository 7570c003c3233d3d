"""Anthropic streams for tests: events to bytes, and every way to cut the bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from tests.support.runs import spread

from codenex.core import events as e
from codenex.core.render import RenderContext
from codenex.core.stream_validator import StreamValidator
from codenex.protocols.anthropic import SPOKE

Object = dict[str, Any]


def frame(value: Object) -> bytes:
    """One event as the vendor writes it."""
    return f"event: {value['type']}\ndata: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


def stream(*values: Object) -> bytes:
    """Several events."""
    return b"".join(frame(value) for value in values)


def start(**changes: Any) -> Object:
    """``message_start``."""
    message = {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 3, "output_tokens": 1},
    }
    return {"type": "message_start", "message": {**message, **changes}}


def begin(index: int, block: Object) -> Object:
    """``content_block_start``."""
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields: Any) -> Object:
    """``content_block_delta``."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def stop(index: int) -> Object:
    """``content_block_stop``."""
    return {"type": "content_block_stop", "index": index}


def ending(reason: str | None = "end_turn", tokens: int = 25, **fields: Any) -> tuple[Object, Object]:
    """``message_delta`` and ``message_stop``."""
    update = {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None, **fields}}
    return {**update, "usage": {"output_tokens": tokens}}, {"type": "message_stop"}


def text_block(index: int, *pieces: str) -> tuple[Object, ...]:
    """A whole text block."""
    deltas = (delta(index, "text_delta", text=piece) for piece in pieces)
    return (begin(index, {"type": "text", "text": ""}), *deltas, stop(index))


def call_block(index: int, call_id: str, name: str, *pieces: str) -> tuple[Object, ...]:
    """A whole tool call."""
    deltas = (delta(index, "input_json_delta", partial_json=piece) for piece in pieces)
    return (begin(index, {"type": "tool_use", "id": call_id, "name": name, "input": {}}), *deltas, stop(index))


def decoded(data: bytes) -> list[e.StreamEvent]:
    """Decode a whole stream and check the order of its events."""
    decoder = SPOKE.stream_decoder()
    events = spread([*decoder.feed(data), *decoder.eof()])
    check(events)
    return events


def check(events: list[e.StreamEvent]) -> None:
    """Demand that the events are a legal stream."""
    validator = StreamValidator()
    for event in events:
        validator.check(event)
    validator.end()


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """Every way of cutting that a test tries: byte by byte, and at random places."""
    yield [data[number : number + 1] for number in range(len(data))]
    source = random.Random(len(data))
    for _ in range(8):
        places = sorted(source.sample(range(len(data) + 1), min(len(data), 7)))
        yield [data[low:high] for low, high in zip([0, *places], [*places, len(data)], strict=True)]


def context(**changes: Any) -> RenderContext:
    """A context for encoders."""
    values: Object = {"id": "A" * 24, "created": 1, "requested_model": "claude-alias", **changes}
    return RenderContext(**values)


def encoded(events: list[e.StreamEvent], given: RenderContext | None = None) -> bytes:
    """Encode a whole stream."""
    encoder = SPOKE.stream_encoder(given if given is not None else context())
    return b"".join([*(encoder.send(event) for event in events), encoder.end()])


def values(data: bytes) -> list[Object]:
    """Read back the events of an encoded stream, checking that each is named as its type."""
    out: list[Object] = []
    for block in data.decode().split("\n\n")[:-1]:
        name, content = block.split("\n")
        value = json.loads(content.removeprefix("data: "))
        assert name == f"event: {value['type']}"
        out.append(value)
    return out


def message_of(data: bytes) -> Object:
    """Put an encoded stream together as a client does, checking the rules of its order."""
    message: Object = {}
    opened: int | None = None
    inputs: dict[int, str] = {}
    finished = stopped = False
    for value in values(data):
        assert not stopped, "an event after message_stop"
        match value["type"]:
            case "message_start":
                assert not message, "a second message_start"
                message = value["message"]
                assert isinstance(message["usage"]["input_tokens"], int)
                assert isinstance(message["usage"]["output_tokens"], int)
            case "content_block_start":
                assert message
                assert opened is None, "two open blocks"
                opened = value["index"]
                assert opened == len(message["content"])
                message["content"].append(value["content_block"])
            case "content_block_delta":
                assert value["index"] == opened
                _add(message["content"][opened], value["delta"], inputs, opened)
            case "content_block_stop":
                assert value["index"] == opened
                opened = None
            case "message_delta":
                assert opened is None
                assert not finished, "a second message_delta"
                finished = True
                message.update(value["delta"])
                message["usage"].update(value["usage"])
            case "message_stop":
                assert finished
                stopped = True
            case "ping":
                assert message
            case other:
                raise AssertionError(other)
    assert stopped
    for index, text in inputs.items():
        if text:
            message["content"][index]["input"] = text
    return message


_KIND_OF_DELTA = {
    "text_delta": "text",
    "citations_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
}


def _add(block: Object, piece: Object, inputs: dict[int, str], index: int) -> None:
    kind = piece["type"]
    if kind == "input_json_delta":
        assert block["type"].endswith("tool_use")
        inputs[index] = inputs.get(index, "") + piece["partial_json"]
        return
    assert block["type"] == _KIND_OF_DELTA[kind]
    match kind:
        case "text_delta":
            block["text"] += piece["text"]
        case "thinking_delta":
            block["thinking"] += piece["thinking"]
        case "signature_delta":
            block["signature"] = piece["signature"]
        case _:
            block.setdefault("citations", []).append(piece["citation"])
