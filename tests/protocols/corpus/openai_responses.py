"""Streams of Responses upstreams, written after what they send: well-behaved, odd and broken."""

from __future__ import annotations

import json
from typing import Any

from tests.protocols.corpus.framing import BOM, framed
from tests.protocols.openai_responses.samples import (
    CALL,
    COMPLETED,
    CREATED,
    CUSTOM,
    MESSAGE,
    REASONING,
    USAGE,
    item_events,
    response,
    sse,
    stream,
)

REFUSAL = {**MESSAGE, "id": "msg_2", "content": [{"type": "refusal", "refusal": "Nö."}]}
CHAIN = {"id": "rs_9", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}
SECOND_CALL = {**CALL, "id": "fc_2", "call_id": "call_9", "name": "clock", "arguments": "{}"}
SEARCH = {
    "id": "ws_1",
    "type": "web_search_call",
    "status": "completed",
    "action": {"type": "search", "query": "ruby", "sources": [{"type": "url", "url": "https://r.org"}]},
}
ANNOTATION = {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 2}
CITED = {**MESSAGE, "content": [{"type": "output_text", "text": "Grüße", "annotations": [ANNOTATION]}]}
TOKEN = {"token": "é", "logprob": -0.5, "top_logprobs": [{"token": "e", "logprob": -1.0}]}
LOGGED = {**MESSAGE, "content": [{"type": "output_text", "text": "é", "annotations": [], "logprobs": [TOKEN]}]}
IMAGE = {"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": "iVBORw0KGgo="}
UNKNOWN = {"id": "zz_1", "type": "dream_call", "colour": "red"}
SHELL = {"id": "sh_1", "type": "local_shell_call", "call_id": "call_7", "status": "completed",
         "action": {"type": "exec", "command": ["ls"], "env": {}}}  # fmt: skip
TWO_TEXTS = {
    **MESSAGE,
    "content": [
        {"type": "output_text", "text": "a\u2028", "annotations": []},
        {"type": "output_text", "text": "b", "annotations": []},
    ],
}
PROGRESS = {"type": "response.web_search_call.searching", "output_index": 0, "item_id": "ws_1"}
CUT = {
    "type": "response.incomplete",
    "response": response("incomplete", incomplete_details={"reason": "max_output_tokens"}),
}
FAILED = {"type": "response.failed", "response": response("failed", error={"code": "server_error", "message": "x"})}
FLAT_ERROR = {"type": "error", "code": "slow_down", "message": "x", "param": None}


def _overlapping() -> list[dict[str, Any]]:
    pairs = zip(item_events(0, CALL), item_events(1, {**SECOND_CALL, "arguments": '{"q":"b"}'}), strict=True)
    return [CREATED, *(event for pair in pairs for event in pair), COMPLETED]


_RICH = stream(REASONING, MESSAGE, CALL, SECOND_CALL)
_WHOLE = response("completed", output=[REASONING, MESSAGE, CALL], usage=USAGE)

STREAMS: dict[str, bytes] = {
    "text": sse(*stream(MESSAGE)),
    "two texts": sse(*stream(TWO_TEXTS)),
    "reasoning": sse(*stream(REASONING, MESSAGE)),
    "chain": sse(*stream(CHAIN, MESSAGE)),
    "calls": sse(*stream(CALL, SECOND_CALL)),
    "overlapping calls": sse(*_overlapping()),
    "custom call": sse(*stream(CUSTOM)),
    "shell call": sse(*stream(SHELL)),
    "refusal": sse(*stream(REFUSAL)),
    "empty": sse(*stream()),
    "search": sse(CREATED, PROGRESS, *item_events(0, SEARCH), *item_events(1, CITED), COMPLETED),
    "log-probabilities": sse(*stream(LOGGED)),
    "image": sse(*stream(IMAGE, MESSAGE)),
    "unknown": sse(CREATED, {"type": "response.dream.begun", "x": 1}, *item_events(0, UNKNOWN), COMPLETED),
    "only in the end": sse(CREATED, stream(REASONING, MESSAGE, CALL, CUSTOM)[-1]),
    "only when done": sse(
        *(event for event in stream(REASONING, MESSAGE, CALL) if not event["type"].endswith((".delta", ".added")))
    ),
    "no beginning": sse(*stream(MESSAGE)[2:]),
    "cut within arguments": sse(*stream(CALL)[:7], CUT),
    "cut within a text": sse(*stream(MESSAGE)[:6], CUT),
    "done": sse(*stream(MESSAGE)[:-1], "data: [DONE]\n\n"),
    "late": sse(*stream(MESSAGE), *stream(CALL)),
    "json": json.dumps(_WHOLE).encode(),
    "json behind a bom": BOM + b"\r\n" + b" " * 100 + json.dumps(_WHOLE, ensure_ascii=False).encode(),
    "failed": sse(*stream(MESSAGE)[:6], FAILED),
    "error": sse(*stream(MESSAGE)[:6], FLAT_ERROR),
    "error at once": sse({"type": "error", "error": {"code": "rate_limit_exceeded", "message": "x"}}),
    "error as json": b'{"error":{"message":"no","type":"invalid_request_error","code":null}}',
    "truncated": sse(*stream(REASONING, MESSAGE)[:9]),
    "broken": sse(CREATED) + b"data: {oops\n\n",
    "page": "<html><title>Bäd gateway</title></html>".encode(),
    "rich": sse(*_RICH),
    **framed("rich", sse(*_RICH)),
    "rich (unnamed)": sse(*_RICH, named=False),
}
