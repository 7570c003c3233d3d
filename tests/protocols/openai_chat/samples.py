"""Chat streams and answers for tests: objects to bytes, every way to cut the bytes, and the official SDK as reader."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
from tests.support.runs import spread

from codenex.core import events as e
from codenex.core.answer import Answer, fold
from codenex.core.losses import Losses
from codenex.core.parts import Text, ToolCall
from codenex.core.render import RenderContext
from codenex.core.request import Request
from codenex.core.stream_validator import StreamValidator
from codenex.models.capabilities import Capabilities
from codenex.models.openai import chat_capabilities
from codenex.protocols.openai_chat import SPOKE

Object = dict[str, Any]

OPENAI = chat_capabilities("gpt-4o", "api.openai.com")
UNKNOWN = chat_capabilities("some-model", "llm.example")


def chunk(delta: Object | None = None, finish: str | None = None, **fields: Any) -> Object:
    """One chunk with one choice; ``choice_fields`` go beside the delta."""
    choice = {"index": 0, "delta": delta if delta is not None else {}, "finish_reason": finish}
    choice.update(fields.pop("choice_fields", {}))
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "gpt-4o"}
    return {**head, "choices": [choice], **fields}


def call(index: int | None, *, id: Any = None, name: Any = None, arguments: Any = None, **fields: Any) -> Object:
    """A delta with one fragment of a call; what is ``None`` is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    entry = {"index": index, "id": id, "type": "function" if id else None, "function": function or None, **fields}
    return {"tool_calls": [{key: value for key, value in entry.items() if value is not None}]}


def usage_chunk(**usage: Any) -> Object:
    """The last chunk, which has no choice."""
    return {**chunk(), "choices": [], "usage": usage}


def stream(*values: Object, done: bool = True) -> bytes:
    """Bytes of a stream."""
    text = "".join(f"data: {json.dumps(value, ensure_ascii=False)}\n\n" for value in values)
    return (text + ("data: [DONE]\n\n" if done else "")).encode()


def answer(message: Object, finish: str | None = "stop", **fields: Any) -> bytes:
    """A whole answer."""
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": "gpt-4o"}
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return json.dumps({**head, "choices": [choice], **fields}).encode()


def decoded(data: bytes, pieces: Iterator[bytes] | None = None) -> list[e.StreamEvent]:
    """Decode a stream, checking the order of its events."""
    decoder = SPOKE.stream_decoder()
    events: list[e.StreamEvent] = []
    for piece in pieces if pieces is not None else iter([data]):
        events += spread(decoder.feed(piece))
    events += spread(decoder.eof())
    assert decoder.done
    assert decoder.feed(b"data: {}\n\n") == []
    validator = StreamValidator()
    for event in events:
        validator.check(event)
    validator.end()
    return events


def every_cut(data: bytes) -> list[e.StreamEvent]:
    """Decode whole, byte by byte and at random places; all must agree."""
    whole = decoded(data)
    assert decoded(data, (data[n : n + 1] for n in range(len(data)))) == whole
    for seed in range(5):
        assert decoded(data, _random_pieces(data, seed)) == whole
    return whole


def _random_pieces(data: bytes, seed: int) -> Iterator[bytes]:
    generator, position = random.Random(seed), 0
    while position < len(data):
        length = generator.randint(1, 90)
        yield data[position : position + length]
        position += length


def folded(*values: Object, done: bool = True) -> Answer:
    """Decode a stream, cut in every way, to an answer."""
    return fold(every_cut(stream(*values, done=done)))


def text_of(found: Answer, choice: int = 0) -> str:
    """All visible text of a choice."""
    return "".join(part.text for part in found.choices[choice].parts if isinstance(part, Text))


def calls_of(found: Answer, choice: int = 0) -> list[tuple[str, str, str]]:
    """The calls of a choice: id, name, arguments."""
    parts = found.choices[choice].parts
    return [(part.id, part.name, part.arguments) for part in parts if isinstance(part, ToolCall)]


def context(**fields: Any) -> RenderContext:
    """Circumstances of an answer."""
    return RenderContext("k" * 24, 1700000000, "asked-model", **fields)


def unary(found: Answer, **fields: Any) -> Object:
    """Encode an answer."""
    return dict(json.loads(SPOKE.encode_response(found, context(**fields))))


def streamed(events: list[e.StreamEvent], **fields: Any) -> bytes:
    """Encode events as a stream."""
    encoder = SPOKE.stream_encoder(context(**fields))
    return b"".join(encoder.send(event) for event in events) + encoder.end()


def chunks_of(data: bytes) -> list[Object]:
    """The objects of a stream, without its end."""
    lines = data.decode().split("\n\n")
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def request(body: Object, **fields: Any) -> Request:
    """Decode a request with ``fields`` over a minimal one."""
    minimal = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    return SPOKE.decode_request(json.dumps({**minimal, **body, **fields}).encode(), None)


def encoded(asked: Request, capabilities: Capabilities = OPENAI, losses: Losses | None = None) -> Object:
    """Encode a request."""
    noted = losses if losses is not None else Losses()
    return dict(json.loads(SPOKE.encode_request(asked, capabilities, noted).body))


def sdk(reply: bytes, *, status: int = 200, kind: str = "text/event-stream", headers: Any = None) -> openai.OpenAI:
    """The official SDK in front of a server that always gives the same reply."""

    def handle(asked: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, headers={"content-type": kind, **dict(headers or ())}, content=reply)

    client = httpx2.Client(transport=httpx2.MockTransport(handle))
    return openai.OpenAI(api_key="test", base_url="http://llm.example/v1", http_client=client, max_retries=0)


def sdk_message(data: bytes) -> Any:
    """Assemble a stream by the SDK's own helper; return the finished completion."""
    with sdk(data).chat.completions.stream(model="m", messages=[{"role": "user", "content": "hi"}]) as opened:
        opened.until_done()
        return opened.current_completion_snapshot
