"""Runs of events say what the events say one by one, and types what JSON says, whatever the events hold and however
they are cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.readers import context
from tests.support.runs import spread

from codenex.core import events as e
from codenex.core.answer import fold
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import Reasoning, Text, ToolCall
from codenex.gateway.spokes import SPOKES
from codenex.wire.text_runs import Form, TextRuns, learned

PROTOCOLS = ("openai-chat", "anthropic")
EXAMPLES = settings(deadline=None, max_examples=max(40, settings.default.max_examples // 2 if settings.default else 0))


def piece(change: dict[str, Any], **fields: Any) -> str:
    choice = {"index": 0, "delta": change, "logprobs": None, "finish_reason": None}
    value = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **fields}
    return f"data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n"


def chunk(text: str, **fields: Any) -> str:
    return piece({"content": text}, **fields)


def call(arguments: str, index: int | None = 0, **fields: Any) -> str:
    function = {"arguments": arguments, **({"name": fields.pop("name")} if "name" in fields else {})}
    place = {} if index is None else {"index": index}
    return piece({"tool_calls": [{**place, **fields, "function": function}]})


def block(kind: str, index: int, **fields: Any) -> str:
    data = json.dumps({"type": kind, "index": index, **fields}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {kind}\ndata: {data}\n\n"


def delta(text: str, index: int = 0, spaces: int = 0, kind: str = "text_delta", field: str = "text") -> str:
    event = block("content_block_delta", index, delta={"type": kind, field: text})
    return event.replace("}\n\n", " " * spaces + "}\n\n")


def begin(index: int, **fields: Any) -> str:
    return block("content_block_start", index, content_block=fields)


def event(kind: str, **fields: Any) -> str:
    data = json.dumps({"type": kind, "sequence_number": len(kind), **fields}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {kind}\ndata: {data}\n\n"


def more(text: str, kind: str = "output_text", index: int | None = 0, **fields: Any) -> str:
    place = {} if index is None else {"output_index": index}
    return event(f"response.{kind}.delta", item_id="i", **place, **fields, delta=text, obfuscation="x")


def part(*parts: dict[str, Any], ending: str = "\n\n", beside: dict[str, Any] | None = None, **fields: Any) -> str:
    candidate = {"content": {"parts": parts, "role": "model"}, "index": 0, **(beside or {})}
    value = {"candidates": [candidate], "modelVersion": "m", "responseId": "r", **fields}
    return f"data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}{ending}"


def counted(count: Any, **fields: Any) -> dict[str, Any]:
    return {"promptTokenCount": 3, "candidatesTokenCount": count, "totalTokenCount": 3, **fields}


#: What stands before the text, between, and behind.
FRAMES = {
    "gemini": (part({"text": "first"}), part({"text": ""}, beside={"finishReason": "STOP"})),
    "openai-responses": (
        event("response.created", response={"id": "r", "model": "m"})
        + event("response.output_item.added", output_index=0, item={"type": "message", "id": "i", "content": []}),
        event("response.completed", response={"id": "r", "status": "completed"}),
    ),
    "openai-chat": ("", "data: [DONE]\n\n"),
    "anthropic": (
        'event: message_start\ndata: {"type":"message_start","message":{"id":"m","content":[]}}\n\n'
        + begin(0, type="text", text=""),
        block("content_block_stop", 0) + 'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    ),
}
#: Events that come in runs, by what they bring.
KINDS: dict[str, list[Callable[[str], str]]] = {
    "gemini": [
        lambda text: part({"text": text}, usageMetadata=counted(len(text))),
        lambda text: part({"text": text}, ending="\r\n\r\n"),
        lambda text: part({"text": text, "thought": True}, {"text": text}, usageMetadata=counted(len(text))),
    ],
    "openai-responses": [
        lambda text: more(text, content_index=0, logprobs=[]),
        lambda text: more(text, content_index=1),
        lambda text: more(text, content_index=0, index=None),
        lambda text: more(text, "refusal", content_index=2),
        lambda text: more(text, "reasoning_summary_text", 1, summary_index=0),
        lambda text: more(text, "reasoning_summary_text", 1, summary_index=1),
        lambda text: more(text, "reasoning_text", 1, content_index=0),
        lambda text: more(text, "function_call_arguments", 2),
        lambda text: more(text, "custom_tool_call_input", 3),
    ],
    "openai-chat": [
        chunk,
        lambda text: piece({"reasoning_content": text}),
        lambda text: piece({"role": "assistant", "content": "", "reasoning": text}, usage=None),
        call,
        lambda text: call(text, 1),
        lambda text: call(text, None),
        lambda text: call(text, 0, id="", type="function"),
        lambda text: call(text, 0, id="a", name="f"),
    ],
    "anthropic": [
        delta,
        lambda text: delta(text, 1),
        lambda text: delta(text, 1, 2, "thinking_delta", "thinking"),
        lambda text: delta(text, 2, 0, "input_json_delta", "partial_json"),
        lambda text: delta(text, 3, 1, "input_json_delta", "partial_json"),
    ],
}
#: Events that break a run, or nearly look like a part of it.
OTHERS = {
    "gemini": [
        part({"text": "a", "thoughtSignature": "c2ln"}),
        part({"text": "a", "thought": False}),
        part({"text": "a", "thought": 1}),
        part({"text": None}),
        part({"thought": True}),
        part({"functionCall": {"name": "f", "args": {}}}),
        part({"text": "a"}, beside={"index": 1}),
        part({"text": "a"}, beside={"safetyRatings": []}),
        part({"text": "a"}, beside={"finishReason": None, "finish_reason": "MAX_TOKENS"}),
        part({"text": "a"}, beside={"finishReason": "FINISH_REASON_UNSPECIFIED"}),
        part({"text": "a"}, candidates=[]),
        part({"text": "a"}, usageMetadata=counted("3")),
        part({"text": "a"}, usageMetadata=counted(2.0, thoughtsTokenCount=-1, trafficType="x")),
        part({"text": "a"}, usageMetadata={"prompt_token_count": 4, "cachedContentTokenCount": 1}),
        part({"text": "a"}, usageMetadata=counted(True, serviceTier=None, trafficType="x")),
        part({"text": "a"}, promptFeedback={"blockReason": "OTHER"}),
        part({"text": "a"}, response={"candidates": [{"content": {"parts": [{"text": "b"}]}}]}, traceId="t"),
        part({"text": "a"}, error=None),
        part({"text": "a"}, error={"code": 500, "message": "no"}),
        "data: [DONE]\n\n",
        "data: \n\n",
        ": keep-alive\r\n\r\n",
    ],
    "openai-responses": [
        more("a", content_index=0, logprobs=[{"token": "a", "logprob": -1}]),
        more("a", content_index=0).replace('"delta":"a"', '"delta":1'),
        more("a", content_index=0).replace('"output_index":0', '"output_index":0.0'),
        more("a", content_index=0).replace('"delta":"a"', '"delta":"\\ud83d"'),
        more("a", content_index=0).replace("\n\n", "\r\n\r\n"),
        more("a", content_index=0).replace('"type":"response.output_text.delta",', ""),
        event("response.output_item.added", output_index=2, item={"type": "function_call", "id": "f", "name": "f"}),
        event(
            "response.output_item.added",
            output_index=2,
            item={"type": "function_call", "id": "f", "name": "f", "call_id": "c"},
        ),
        event("response.output_item.added", output_index=0, item={"type": "message", "id": "j"}),
        event("response.output_item.done", output_index=0, item={"type": "message", "id": "i", "content": []}),
        event("response.output_item.done", output_index=1, item={"type": "reasoning", "id": "i", "summary": []}),
        event("response.output_text.done", output_index=0, content_index=0, text="ab"),
        event("response.web_search_call.searching", output_index=5),
        event("error", error={"message": "no"}),
        ": keep-alive\n\n",
    ],
    "openai-chat": [
        chunk("p", obfuscation="aX3"),
        chunk("q", obfuscation=""),
        chunk("u", usage={"prompt_tokens": 1, "completion_tokens": 1}),
        chunk("e", id="other", system_fingerprint="f", provider="p"),
        chunk("a").replace('"content":"a"', '"content":"a","role":"assistant"'),
        chunk("a").replace('"content":"a"', '"content":"a","refusal":"r"'),
        chunk("a").replace('"content":"a"', '"reasoning_content":"hm"'),
        chunk("a").replace('"content":"a"', '"reasoning_content":"hm","reasoning":"hm"'),
        chunk("a").replace('"content":"a"', '"content":"\\ud83d"'),
        chunk("a").replace('"content":"a"', '"content":"\\ud83d\\ude00"'),
        chunk("a").replace('"finish_reason":null', '"finish_reason":"stop"'),
        chunk("a").replace('"content":"a"', '"content":"a\\"}'),
        chunk("a").replace('"content":"a"', '"content":"a","b"'),
        chunk("a").replace('"content":"a"', '"content":"a\\\\"'),
        chunk("a").replace('"index":0', '"index":1'),
        chunk("a").replace("\n\n", "\r\n\r\n"),
        chunk("a").replace("data: ", "data:"),
        chunk("a").replace("data: ", "event: x\ndata: "),
        chunk("a").replace("data: ", "id: 1\ndata: "),
        call("", 0, id="a", type="function", name="f"),
        call("{}", 1, id="b", type="function", name="g"),
        call('{"x":{}}', 0, id="c", type="function", name="f"),
        call("", 2, name="h"),
        piece({"tool_calls": [{"index": 0, "extra_content": {"google": {"thought_signature": "s"}}, "function": {}}]}),
        piece({"reasoning_details": [{"type": "reasoning.encrypted", "data": "s", "id": "a"}]}),
        piece({"reasoning_details": [{"type": "reasoning.text", "text": "t", "signature": "s"}]}),
        piece({"audio": {"data": "AAAA"}}),
        piece({}, choices=[], usage={"prompt_tokens": 0, "completion_tokens": 0}),
        ": keep-alive\n\n",
        "\n",
        'data: {"error":{"message":"no"}}\n\n',
    ],
    "anthropic": [
        delta("p", spaces=3),
        delta("q", 4),
        begin(1, type="thinking", thinking=""),
        begin(2, type="tool_use", id="a", name="f", input={}),
        begin(3, type="server_tool_use", id="b", name="g", input={}),
        begin(1, type="text", text=""),
        block("content_block_stop", 0),
        block("content_block_stop", 1),
        block("content_block_stop", 2),
        delta("", 1, 0, "signature_delta", "signature"),
        delta("sig", 1, 0, "signature_delta", "signature"),
        'event: ping\ndata: {"type": "ping"}\n\n',
        delta("a").replace('"text":"a"', '"text":"a","x":1'),
        delta("a").replace('"text":"a"', '"text":"a","b"'),
        delta("a").replace('"text":"a"', '"text":"\\ud83d"'),
        delta("a").replace('"text":"a"', '"text":"a\\\\"'),
        delta("a").replace('"index":0,', ""),
        delta("a").replace("event: content_block_delta\n", ""),
        delta("a").replace("\n\n", "\r\n\r\n"),
        'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"no"}}\n\n',
    ],
}
TEXTS = st.text(max_size=6) | st.sampled_from(
    ["\\", '"', '","', '\\","', "\n\n", ',"obfuscation":"x"', "} }\n\n", "é\u2028", '{"a":', " {}", '{"x":{}}', "}"]
)


def read(protocol: str, pieces: list[bytes], *, runs: bool = True, types: bool = True) -> list[e.StreamEvent]:
    """The events of a stream; without runs they come one by one, without types each is decoded as any JSON."""
    decoder: Any = SPOKES[protocol].stream_decoder()
    if not runs:
        decoder._lessons = 0
    if not types:
        match protocol:
            case "openai-chat":
                decoder._reader.take_plain = lambda data: False
            case "gemini":
                decoder._reader.read_plain = lambda data: False
            case "anthropic":
                decoder._piece = lambda data: False
            case _:
                decoder._one = lambda name, data, lead: decoder._frame(data)
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.eof()


@pytest.mark.parametrize("protocol", KINDS)
@EXAMPLES
@given(data=st.data())
def test_runs_say_what_their_events_say(protocol: str, data: st.DataObject) -> None:
    texts = st.lists(TEXTS, max_size=5)
    several = st.sampled_from(KINDS[protocol]).flatmap(lambda written: texts.map(lambda all: map(written, all)))
    one = st.sampled_from(OTHERS[protocol]).map(lambda event: [event])
    before, behind = FRAMES[protocol]
    body = before + "".join("".join(events) for events in data.draw(st.lists(several | one, max_size=8))) + behind
    raw = body.encode()
    places = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=4)))
    pieces = [raw[low:high] for low, high in zip([0, *places], [*places, len(raw)], strict=True)]
    found = spread(read(protocol, pieces))
    assert found == read(protocol, pieces, runs=False)
    assert found == read(protocol, [raw], runs=False, types=False)


#: Streams that come in runs: what stands before, the events, and the type of the runs.
WORDS = [f"word {number}\n" for number in range(100)]
RUNS = {
    "openai-chat": [
        ("", [chunk(word) for word in WORDS], e.TextRun),
        ("", [chunk(word, obfuscation="x" * (len(word) % 3)) for word in WORDS], e.TextRun),
        ("", [piece({"content": None, "reasoning_content": word}) for word in WORDS], e.ReasoningRun),
        (call("", id="a", name="f"), [call(word) for word in ['{"a', *WORDS, '"}']], e.ArgumentsRun),
    ],
    "anthropic": [
        ("", [delta(word) for word in WORDS], e.TextRun),
        ("", [delta(word, spaces=len(word) % 3) for word in WORDS], e.TextRun),
        (
            begin(1, type="thinking", thinking=""),
            [delta(word, 1, 0, "thinking_delta", "thinking") for word in WORDS],
            e.ReasoningRun,
        ),
        (
            begin(1, type="tool_use", id="a", name="f", input={}),
            [delta(word, 1, 0, "input_json_delta", "partial_json") for word in ['{"a', *WORDS, '"}']],
            e.ArgumentsRun,
        ),
    ],
}


@pytest.mark.parametrize(("protocol", "number"), [(protocol, number) for protocol in RUNS for number in range(4)])
def test_events_of_a_kind_come_in_runs(protocol: str, number: int) -> None:
    lead, events, kind = RUNS[protocol][number]
    before, behind = FRAMES[protocol]
    raw = (before + lead + "".join(events) + behind).encode()
    expected = read(protocol, [raw], runs=False)
    for size, most in ((len(raw), 1), (1000, 40)):
        found = read(protocol, [raw[start : start + size] for start in range(0, len(raw), size)])
        assert 1 <= sum(isinstance(event, kind) for event in found) <= most
        assert spread(found) == expected
        assert len(found) < 10 + most


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_form_is_learned_anew_where_it_changes(protocol: str) -> None:
    """As often as that brings runs, and only some times where it doesn't."""
    before, behind = FRAMES[protocol]
    first, second = KINDS[protocol][:2]
    often = [write(word) for write in (first, second) * 40 for word in WORDS[:3]]
    found = read(protocol, [before.encode(), *(event.encode() for event in often), behind.encode()])
    assert sum(isinstance(event, e.TextRun | e.ReasoningRun) for event in found) >= 159
    decoder: Any = SPOKES[protocol].stream_decoder()
    decoder.feed(before.encode())
    for event in [first("x"), second("y")] * 40:
        decoder.feed(event.encode())
    assert decoder._lessons == 0


def runs(texts: list[str]) -> tuple[str, list[bytes]]:
    return "".join(texts), [json.dumps(text, ensure_ascii=False)[1:-1].encode() for text in texts]


def answer(texts: list[str], others: list[str], *, begun: bool) -> list[e.StreamEvent]:
    """Reasoning, text and a call, in runs; something of each comes before by itself where it has ``begun``."""
    (text, pieces), (other, others_pieces) = runs(texts), runs(others)
    lead = "{" if begun else ""
    return [
        e.Start("x"),
        e.PartStart(0, "reasoning"),
        *([e.ReasoningDelta(0, lead)] if begun else []),
        e.ReasoningRun(0, text, 0, pieces),
        e.ReasoningDelta(0, "-", 1),
        e.ReasoningRun(0, other, 1, others_pieces),
        e.PartStop(0, Reasoning((lead + text, "-" + other))),
        e.PartStart(1, "text"),
        *([e.TextDelta(1, lead)] if begun else []),
        e.TextRun(1, text, pieces),
        e.Ping(),
        e.TextRun(1, other, others_pieces),
        e.PartStop(1, Text(lead + text + other)),
        e.PartStart(2, "tool_call", id="call_1", name="f"),
        *([e.ToolArgumentsDelta(2, lead)] if begun else []),
        e.ArgumentsRun(2, text, pieces),
        e.ArgumentsRun(2, other, others_pieces),
        e.PartStop(2, ToolCall("call_1", "f", lead + text + other)),
        e.Finish(FinishDetail(FinishReason.TOOL_CALLS)),
    ]


def told(client: str, steps: list[list[e.StreamEvent]]) -> tuple[list[bytes], list[tuple[str, str]]]:
    """What a client is sent for the events of each step, and what it reads: kinds of parts, and what they say."""
    encoder = SPOKES[client].stream_encoder(context())
    sent = [*map(encoder.send_all, steps), encoder.end()]
    decoder = SPOKES[client].stream_decoder()
    read = fold([*decoder.feed(b"".join(sent)), *decoder.eof()])
    parts = [part for choice in read.choices for part in choice.parts]
    said = [getattr(part, "arguments", None) or getattr(part, "text", "") for part in parts]
    return sent, [(type(part).__name__, text) for part, text in zip(parts, said, strict=True)]


@pytest.mark.parametrize("client", SPOKES)
@EXAMPLES
@given(st.lists(TEXTS.filter(bool), min_size=1, max_size=6), st.lists(TEXTS.filter(bool), min_size=1), st.booleans())
def test_every_client_reads_a_run_as_its_deltas(client: str, texts: list[str], others: list[str], begun: bool) -> None:
    events = answer(texts, others, begun=begun)
    sent, said = told(client, [events])
    assert b"".join(sent) == b"".join(told(client, [[event] for event in events])[0])
    single, expected = told(client, [[event] for event in spread(events)])
    assert said == expected
    if client in PROTOCOLS and begun:
        # Encoders of these write the events of a run one by one.
        assert b"".join(sent) == b"".join(single)


def test_a_form_is_learned_only_where_the_string_is_the_text() -> None:
    form = Form(b"text", lambda data: json.loads(data).get("text"), b" ", rb" ")
    assert isinstance(learned(form, b'{"text":"a"}'), TextRuns)
    assert learned(form, b'{"in":{"text":"a"},"text":"b"}') is None
    assert learned(form, b'{"text":"a","text":"b"}') is None
    assert learned(form, b'{"text":1}') is None
