"""Streams of Anthropic's upstreams, written after what they send: well-behaved, odd and broken."""

from __future__ import annotations

import json

from tests.protocols.anthropic.frames import begin, call_block, delta, ending, frame, start, stop, stream, text_block
from tests.protocols.corpus.framing import BOM, framed

CITATION = {
    "type": "char_location",
    "cited_text": "sky",
    "document_index": 0,
    "document_title": "Colours",
    "start_char_index": 0,
    "end_char_index": 3,
}
WEB_CITATION = {
    "type": "web_search_result_location",
    "url": "https://a.example",
    "title": "A",
    "cited_text": "blue",
    "encrypted_index": "eA==",
}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
FOUND = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [{"type": "web_search_result", "url": "https://a.example", "title": "A", "encrypted_content": "x"}],
}

THINKING = (
    begin(0, {"type": "thinking", "thinking": "", "signature": ""}),
    delta(0, "thinking_delta", thinking="hm"),
    delta(0, "thinking_delta", thinking=" ü"),
    delta(0, "signature_delta", signature="c2ln"),
    stop(0),
)
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
#: A whole message, as some hosts send it in place of a stream.
MESSAGE = {
    "id": "msg_01",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [
        {"type": "thinking", "thinking": "hm ü", "signature": "c2ln"},
        {"type": "text", "text": "hi", "citations": None},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1.0, "b": [None]}},
        {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 25},
    "container": {"id": "c_1", "expires_at": "2026-11-24T00:00:00Z"},
}

_RICH = stream(
    start(),
    {"type": "ping"},
    *THINKING,
    *text_block(1, "Grüße ", "👋\u2028"),
    *call_block(2, "toolu_1", "weather", '{"city":', ' "Zü', 'rich"}'),
    *call_block(3, "toolu_2", "clock"),
    *ending("tool_use"),
)

STREAMS: dict[str, bytes] = {
    "text": stream(start(), {"type": "ping"}, *text_block(0, "Hel", "lo 🌍\u2028"), *ending()),
    "thinking and text": stream(start(), *THINKING, *text_block(1, "hi"), *ending()),
    "calls": stream(
        start(),
        *text_block(0, "let me"),
        *call_block(1, "toolu_1", "weather", "", '{"city":', '"Oslo"}'),
        *call_block(2, "toolu_2", "clock"),
        *ending("tool_use"),
    ),
    "redacted": stream(
        start(), begin(0, {"type": "redacted_thinking", "data": "ZGF0YQ=="}), stop(0), *text_block(1, "x"), *ending()
    ),
    "omitted thinking": stream(
        start(),
        begin(0, {"type": "thinking", "thinking": "", "signature": ""}),
        delta(0, "signature_delta", signature="first"),
        delta(0, "signature_delta", signature="c2Vjb25k"),
        stop(0),
        *call_block(1, "toolu_1", "f", "{}"),
        *ending("tool_use"),
    ),
    "search": stream(
        start(),
        begin(0, SEARCH),
        delta(0, "input_json_delta", partial_json='{"query":'),
        delta(0, "input_json_delta", partial_json='"sky"}'),
        stop(0),
        begin(1, FOUND),
        stop(1),
        begin(2, {"type": "text", "text": ""}),
        delta(2, "text_delta", text="blue"),
        delta(2, "citations_delta", citation=CITATION),
        stop(2),
        *ending(),
    ),
    "web citation": stream(
        start(),
        begin(0, {"type": "text", "text": ""}),
        delta(0, "citations_delta", citation=WEB_CITATION),
        delta(0, "text_delta", text="blué"),
        stop(0),
        *text_block(1, "."),
        *ending(),
    ),
    "interleaved": stream(
        start(),
        begin(0, {"type": "text", "text": ""}),
        begin(1, {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}),
        delta(0, "text_delta", text="a"),
        delta(1, "input_json_delta", partial_json='{"a"'),
        delta(0, "text_delta", text="b"),
        delta(1, "input_json_delta", partial_json=": 1}"),
        stop(1),
        stop(0),
        *ending("tool_use"),
    ),
    "compaction": stream(
        start(),
        begin(0, {"type": "compaction", "content": None}),
        delta(0, "compaction_delta", content="so "),
        delta(0, "compaction_delta", content="far"),
        stop(0),
        *text_block(1, "on"),
        *ending(),
    ),
    "unknown": stream(
        start(),
        {"type": "novelty", "a": 1},
        begin(0, {"type": "hologram", "x": 1}),
        delta(0, "hologram_delta", x=2),
        stop(0),
        *text_block(1, "x"),
        *ending("novel_reason"),
    ),
    "cut within arguments": stream(
        start(), *call_block(0, "toolu_1", "f", '{"path": "/tmp', '/é"'), *ending("max_tokens")
    ),
    "a whole message in one event": stream({**MESSAGE, "type": "message"}, *ending("tool_use")[1:]),
    "json": json.dumps(MESSAGE).encode(),
    "json behind a bom": BOM + b"\r\n" + b" " * 100 + json.dumps(MESSAGE, ensure_ascii=False).encode(),
    "empty": stream(start(), *ending("refusal")),
    "explained refusal": stream(
        start(),
        *ending("refusal", stop_details={"type": "refusal", "category": "cyber", "explanation": "not allowed"}),
    ),
    "stop sequence": stream(start(), *text_block(0, "x"), *ending("stop_sequence", stop_sequence="END")),
    "error": stream(start(), *text_block(0, "a"), OVERLOADED),
    "error at once": frame(OVERLOADED),
    "error as json": json.dumps(OVERLOADED).encode(),
    "truncated": stream(start(), *text_block(0, "a")),
    "broken": stream(start(), *text_block(0, "a")) + b"data: {oops\n\n",
    "done": stream(start(), *text_block(0, "a"), *ending()) + b"data: [DONE]\n\n",
    "late": stream(start(), *text_block(0, "a"), *ending(), *text_block(1, "late"), *ending("max_tokens")),
    "rich": _RICH,
    **framed("rich", _RICH),
}
