"""Streams of Chat upstreams, written after what OpenAI and compatible servers send: well-behaved, odd and broken."""

from __future__ import annotations

import json

from tests.protocols.corpus.framing import BOM, framed
from tests.protocols.openai_chat.samples import answer, call, chunk, stream, usage_chunk

USAGE = usage_chunk(
    prompt_tokens=20,
    completion_tokens=12,
    total_tokens=32,
    prompt_tokens_details={"cached_tokens": 8},
    completion_tokens_details={"reasoning_tokens": 5},
)
HELLO = (
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Hél"}),
    chunk({"content": "lo 👋\u2028"}),
    chunk({}, "stop"),
)
TWO_CALLS = (
    chunk({"role": "assistant", "content": None, **call(0, id="call_1", name="weather", arguments="")}),
    chunk(call(0, arguments='{"city"')),
    chunk(call(0, arguments=': "Zürich"}')),
    chunk(call(1, id="call_2", name="clock", arguments="{}")),
    chunk({}, "tool_calls"),
)
BUSY = {"error": {"message": "too fast", "type": "requests", "code": "rate_limit_exceeded", "param": None}}
ANSWER = answer(
    {"content": "hi", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
    "tool_calls",
    usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
)

_RICH = stream(
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "hm"}),
    chunk({"reasoning_content": " ü"}),
    chunk({"content": "Grüße "}),
    chunk({"content": "👋\u2028"}),
    chunk(call(0, id="call_1", name="weather", arguments="")),
    chunk(call(0, arguments='{"city":')),
    chunk(call(0, arguments=' "Zürich"}')),
    chunk(call(1, id="call_2", name="clock", arguments="{}")),
    chunk({}, "tool_calls"),
    USAGE,
)

STREAMS: dict[str, bytes] = {
    "text": stream(*HELLO, USAGE),
    "calls": stream(*TWO_CALLS, USAGE),
    "interleaved calls": stream(
        chunk(call(0, id="a", name="f", arguments="{")),
        chunk(call(1, id="b", name="g", arguments='{"x"')),
        chunk(call(0, arguments='"é":1}')),
        chunk(call(1, arguments=":2}")),
        chunk({}, "tool_calls"),
    ),
    "arguments before the name": stream(
        chunk(call(0, arguments='{"a":')),
        chunk(call(0, arguments="1}")),
        chunk(call(0, id="a", name="f")),
        chunk({}, "stop"),
    ),
    "ids again and again": stream(
        *(chunk(call(0, id="a", name="f", arguments=piece)) for piece in ('{"a"', ":", "1}")), chunk({}, "stop")
    ),
    "no index": stream(
        chunk(call(None, id="a", name="f", arguments="{}")),
        chunk(call(None, id="b", name="g", arguments='{"a":1}')),
        chunk({}, "tool_calls"),
    ),
    "signed call": stream(
        chunk({"role": "assistant", **call(0, id="a", name="f", arguments="{}",
              extra_content={"google": {"thought_signature": "QUJD"}})}),
        chunk({}, "stop"),
    ),
    "custom call": stream(
        chunk({"tool_calls": [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "patch", "input": ""}}]}),
        chunk({"tool_calls": [{"index": 0, "custom": {"input": "*** Begin\n"}}]}),
        chunk({"tool_calls": [{"index": 0, "custom": {"input": "+é\n"}}]}),
        chunk({}, "tool_calls"),
    ),
    "legacy call": stream(
        chunk({"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}}),
        chunk({"function_call": {"arguments": '{"a":'}}),
        chunk({"function_call": {"arguments": "1}"}}),
        chunk({}, "function_call"),
    ),
    "reasoning": stream(
        chunk({"role": "assistant", "reasoning_content": "hm"}),
        chunk({"reasoning_content": " ü"}),
        chunk({"content": "so"}),
        chunk({}, "stop"),
    ),
    "signed reasoning": stream(
        chunk({"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm", "index": 0}]}),
        chunk({"reasoning": " ü", "reasoning_details": [{"type": "reasoning.text", "text": " ü", "index": 0}]}),
        chunk({"reasoning_details": [{"type": "reasoning.text", "signature": "c2ln", "index": 0}]}),
        chunk({"reasoning_details": [{"type": "reasoning.encrypted", "data": "ZGF0YQ==", "id": "rs_1", "index": 1}]}),
        chunk({"content": "so"}),
        chunk({}, "stop"),
    ),
    "two choices": stream(
        chunk({"role": "assistant", "content": "a"}),
        chunk({"role": "assistant", "content": "x"}, choice_fields={"index": 1}),
        chunk({"content": "b"}),
        chunk({"content": "ÿ"}, choice_fields={"index": 1}),
        chunk({}, "stop", choice_fields={"index": 1}),
        chunk({}, "length"),
    ),
    "refusal": stream(chunk({"role": "assistant", "refusal": "I "}), chunk({"refusal": "can't."}), chunk({}, "stop")),
    "content filter": stream(chunk({"content": "a"}), chunk({}, "content_filter")),
    "annotations": stream(
        chunk({"content": "blué"}),
        chunk({"annotations": [{"type": "url_citation", "url_citation": {
            "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 4}}]}),
        chunk({}, "stop"),
    ),
    "log-probabilities": stream(
        chunk({"content": "é"}, choice_fields={"logprobs": {"content": [
            {"token": "é", "logprob": -0.5, "bytes": [195, 169], "top_logprobs": []}], "refusal": None}}),
        chunk({}, "stop"),
    ),
    "image": stream(
        chunk({"content": "see", "images": [{"type": "image_url", "image_url": {
            "url": "data:image/png;base64,iVBORw0KGgo="}}]}),
        chunk({}, "stop"),
    ),
    "audio": stream(
        chunk({"audio": {"id": "audio_1", "transcript": "hé"}}),
        chunk({"audio": {"data": "AAAA"}}),
        chunk({"audio": {"data": "BBBB", "expires_at": 5}}),
        chunk({}, "stop"),
    ),
    "usage on the last chunk": stream(*HELLO[:-1], {**HELLO[-1], "usage": USAGE["usage"]}),
    "cut within arguments": stream(chunk(call(0, id="a", name="f", arguments='{"a": "é')), chunk({}, "length")),
    "no done": stream(*HELLO, done=False),
    "no reason": stream(*HELLO[:-1]),
    "half a surrogate pair": (
        b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"a\\ud83d"}}]}\n\n' + stream(chunk({}, "stop"))
    ),
    "late": stream(*HELLO) + stream(chunk({"content": "more"}), chunk({}, "length")),
    "json": ANSWER,
    "json behind a bom": BOM + b"\r\n" + b" " * 100 + ANSWER,
    "error": stream(*HELLO[:2], BUSY),
    "named error": stream(*HELLO[:2], done=False) + b"event: error\ndata: " + json.dumps(BUSY).encode() + b"\n\n",
    "error in a choice": stream(HELLO[1], chunk({}, "error")),
    "error as json": json.dumps(BUSY).encode(),
    "error as a list": json.dumps([BUSY]).encode(),
    "truncated": stream(*HELLO[:2], done=False),
    "broken": stream(*HELLO[:2], done=False) + b"data: {oops\n\n",
    "page": "<html>büsy</html>".encode(),
    "rich": _RICH,
    **framed("rich", _RICH),
}  # fmt: skip
