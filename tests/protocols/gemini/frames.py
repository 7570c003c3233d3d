"""Gemini streams for tests: chunks to bytes in Google's ways of framing, and the official SDK as reader."""

from __future__ import annotations

import json
from typing import Any

import httpx2
from google import genai
from google.genai import types

from codenex.core import events as e
from codenex.core.answer import Answer, fold, unfold
from codenex.core.errors import Fault
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import Part
from codenex.core.render import RenderContext
from codenex.core.stream_validator import StreamValidator
from codenex.protocols.gemini import SPOKE

Object = dict[str, Any]

MODEL = "gemini-3.1-pro-preview"
CONTEXT_ID = "R" * 24
STOP = FinishDetail(FinishReason.STOP, "STOP")


def chunk(*parts: Object, finish: str | None = None, usage: Object | None = None, **candidate: Any) -> Object:
    """One chunk with one candidate."""
    content: Object = {"parts": list(parts), "role": "model"} if parts else {"role": "model"}
    body: Object = {"content": content, **({"finishReason": finish} if finish is not None else {}), "index": 0}
    whole: Object = {"candidates": [{**body, **candidate}]}
    if usage is not None:
        whole["usageMetadata"] = usage
    return {**whole, "modelVersion": MODEL, "responseId": "resp-1"}


def text(*pieces: str, **fields: Any) -> list[Object]:
    """Parts of text."""
    return [{"text": piece, **fields} for piece in pieces]


def thought(*pieces: str, **fields: Any) -> list[Object]:
    """Parts of thinking."""
    return text(*pieces, thought=True, **fields)


def call(name: str, args: Any = None, **fields: Any) -> Object:
    """A part with a function call; what is neither its name, its id nor its arguments goes beside it."""
    inner = {"name": name, **({"args": args} if args is not None else {})}
    if "id" in fields:
        inner["id"] = fields.pop("id")
    return {"functionCall": inner, **fields}


def sse(*chunks: Object | str, end: str = "\r\n\r\n") -> bytes:
    """A stream of events as Google sends it; a string stands for itself."""
    return "".join(
        each if isinstance(each, str) else f"data: {json.dumps(each, ensure_ascii=False)}{end}" for each in chunks
    ).encode()


def array(*chunks: Object) -> bytes:
    """The same as one JSON array."""
    return ("[" + "\n,\r\n".join(json.dumps(each, ensure_ascii=False, indent=2) for each in chunks) + "\n]").encode()


def check(events: list[e.StreamEvent]) -> None:
    """Demand that the events are a legal stream."""
    validator = StreamValidator()
    for event in events:
        validator.check(event)
    validator.end()


def decoded(data: bytes) -> list[e.StreamEvent]:
    """Decode a whole stream and check the order of its events."""
    decoder = SPOKE.stream_decoder()
    events = [*decoder.feed(data), *decoder.eof()]
    assert decoder.done
    assert decoder.feed(sse(chunk(*text("late"), finish="STOP"))) == [] == decoder.eof()
    check(events)
    return events


def answered(*chunks: Object | str) -> Answer:
    """Decode a stream to its answer."""
    return fold(decoded(sse(*chunks)))


def whole(body: Object) -> Answer:
    """Decode a unary answer."""
    events = SPOKE.decode_response(json.dumps(body).encode())
    check(events)
    return fold(events)


def parts_of(*chunks: Object | str) -> tuple[Part, ...]:
    """Decode a stream to the parts of its only choice."""
    answer = answered(*chunks)
    assert [choice.index for choice in answer.choices] == [0]
    return answer.choices[0].parts


def finish_of(answer: Answer, choice: int = 0) -> FinishDetail:
    """Why a choice ended."""
    detail = answer.choices[choice].finish
    assert detail is not None
    return detail


def fault_of(data: bytes) -> Fault:
    """The fault with which a stream ends."""
    last = decoded(data)[-1]
    assert isinstance(last, e.Error)
    return last.fault


def context(**fields: Any) -> RenderContext:
    """Circumstances of an answer."""
    return RenderContext(CONTEXT_ID, 1_700_000_000, "gemini-alias", **fields)


def encoded(events: list[e.StreamEvent], given: RenderContext | None = None) -> bytes:
    """Encode a whole stream."""
    encoder = SPOKE.stream_encoder(given if given is not None else context())
    return b"".join([*(encoder.send(event) for event in events), encoder.end()])


def chunks_of(data: bytes) -> list[Object]:
    """Read back an encoded stream, which holds nothing but ``data:`` events; the SDK's types accept each."""
    assert data.endswith(b"\n\n")
    out: list[Object] = []
    for frame in data[:-2].split(b"\n\n"):
        assert frame.startswith(b"data: {")
        assert b"\n" not in frame
        assert b"\r" not in frame
        out.append(accepted(json.loads(frame[6:])))
    return out


def accepted(value: Object) -> Object:
    """Demand that the SDK's types take a chunk, without a field that they don't know."""
    types.GenerateContentResponse.model_validate(value, extra="forbid")
    return value


def streamed(answer: Answer, **fields: Any) -> list[Object]:
    """Play an answer as a stream and return its chunks."""
    return chunks_of(encoded(list(unfold(answer)), context(**fields)))


def unary(answer: Answer, given: RenderContext | None = None) -> Object:
    """Encode a whole answer."""
    body = SPOKE.encode_response(answer, given if given is not None else context())
    return accepted(json.loads(body))


def sdk(reply: bytes, kind: str = "text/event-stream", status: int = 200, **headers: str) -> genai.Client:
    """The official SDK in front of a server that always gives the same reply."""

    def handle(asked: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, headers={"content-type": kind, **headers}, content=reply)

    http = httpx2.Client(transport=httpx2.MockTransport(handle))
    options = types.HttpOptions(base_url="http://gateway.test", httpx_client=http)
    return genai.Client(api_key="test", http_options=options)


def sdk_chunks(data: bytes, kind: str = "text/event-stream") -> list[types.GenerateContentResponse]:
    """What the SDK makes of a stream."""
    return list(sdk(data, kind).models.generate_content_stream(model="m", contents="hi"))


def sdk_answer(body: bytes) -> types.GenerateContentResponse:
    """What the SDK makes of a whole answer."""
    return sdk(body, "application/json").models.generate_content(model="m", contents="hi")


def sdk_parts(answers: list[types.GenerateContentResponse]) -> list[types.Part]:
    """The parts of the first candidate, over all chunks."""
    candidates = [answer.candidates[0] for answer in answers if answer.candidates]
    contents = [candidate.content for candidate in candidates if candidate.content is not None]
    return [part for content in contents for part in content.parts or []]
