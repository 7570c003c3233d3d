"""Runs of text say what their events say one by one, whatever the events hold and however they are cut."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.readers import context
from tests.support.runs import spread

from codenex.core import events as e
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import Text
from codenex.gateway.spokes import SPOKES
from codenex.wire.text_runs import Form, TextRuns, learned

PROTOCOLS = ("openai-chat", "anthropic")


def chunk(text: str, **fields: Any) -> str:
    choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
    value = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **fields}
    return f"data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n"


def delta(text: str, index: int = 0, spaces: int = 0) -> str:
    value = {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"event: content_block_delta\ndata: {data[:-1]}{' ' * spaces}}}\n\n"


#: What stands before the text, between, and behind.
FRAMES = {
    "openai-chat": ("", "data: [DONE]\n\n"),
    "anthropic": (
        'event: message_start\ndata: {"type":"message_start","message":{"id":"m","content":[]}}\n\n'
        'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":'
        '{"type":"text","text":""}}\n\n',
        'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    ),
}
#: Events that break a run, or nearly look like a part of it.
OTHERS = {
    "openai-chat": [
        chunk("p", obfuscation="aX3"),
        chunk("q", obfuscation=""),
        chunk("u", usage={"prompt_tokens": 1, "completion_tokens": 1}),
        chunk("a").replace('"content":"a"', '"content":"a","role":"assistant"'),
        chunk("a").replace('"content":"a"', '"reasoning_content":"hm"'),
        chunk("a").replace('"content":"a"', '"content":"\\ud83d"'),
        chunk("a").replace('"content":"a"', '"content":"\\ud83d\\ude00"'),
        chunk("a").replace('"finish_reason":null', '"finish_reason":"stop"'),
        chunk("a").replace('"content":"a"', '"content":"a\\"}'),
        chunk("a").replace('"content":"a"', '"content":"a","b"'),
        chunk("a").replace('"content":"a"', '"content":"a\\\\"'),
        chunk("a").replace("\n\n", "\r\n\r\n"),
        ": keep-alive\n\n",
        'data: {"error":{"message":"no"}}\n\n',
    ],
    "anthropic": [
        delta("p", spaces=3),
        delta("q", 1),
        'event: ping\ndata: {"type": "ping"}\n\n',
        'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
        'event: content_block_start\ndata: {"type":"content_block_start","index":1,"content_block":'
        '{"type":"text","text":""}}\n\n',
        delta("a").replace('"text":"a"', '"text":"a","x":1'),
        delta("a").replace('"text":"a"', '"text":"a","b"'),
        delta("a").replace('"text":"a"', '"text":"\\ud83d"'),
        delta("a").replace('"text":"a"', '"text":"a\\\\"'),
        delta("a").replace('"index":0,', ""),
        delta("a").replace("\n\n", "\r\n\r\n"),
        'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"no"}}\n\n',
    ],
}
TEXTS = st.text(max_size=6) | st.sampled_from(
    ["\\", '"', '","', '\\","', "\n\n", ',"obfuscation":"x"', "} }\n\n", "é\u2028"]
)


def read(protocol: str, pieces: list[bytes], *, runs: bool) -> tuple[list[e.StreamEvent], int]:
    decoder: Any = SPOKES[protocol].stream_decoder()
    if not runs:
        decoder._tries = 0
    events = [event for piece in pieces for event in decoder.feed(piece)] + decoder.eof()
    return spread(events), sum(isinstance(event, e.TextRun) for event in events)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(deadline=None)
@given(data=st.data())
def test_runs_say_what_their_events_say(protocol: str, data: st.DataObject) -> None:
    written = chunk if protocol == "openai-chat" else delta
    event = TEXTS.map(written) | TEXTS.map(written) | st.sampled_from(OTHERS[protocol])
    before, behind = FRAMES[protocol]
    body = before + written("first") + "".join(data.draw(st.lists(event, max_size=12))) + behind
    raw = body.encode()
    places = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=4)))
    pieces = [raw[low:high] for low, high in zip([0, *places], [*places, len(raw)], strict=True)]
    found, _ = read(protocol, pieces, runs=True)
    assert found == read(protocol, pieces, runs=False)[0]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("padded", [False, True])
def test_text_comes_in_runs(protocol: str, padded: bool) -> None:
    source = random.Random(1)
    words = [f"word {number}\n" for number in range(100)]
    if protocol == "openai-chat":
        events = [chunk(word, **({"obfuscation": "x" * source.randrange(9)} if padded else {})) for word in words]
    else:
        events = [delta(word, spaces=source.randrange(9) if padded else 0) for word in words]
    before, behind = FRAMES[protocol]
    raw = (before + "".join(events) + behind).encode()
    found, runs = read(protocol, [raw], runs=True)
    assert runs == 1
    assert [event.text for event in found if isinstance(event, e.TextDelta)] == words
    found, runs = read(protocol, [raw[start : start + 1000] for start in range(0, len(raw), 1000)], runs=True)
    assert runs > 5
    assert found == read(protocol, [raw], runs=False)[0]


@pytest.mark.parametrize("client", SPOKES)
@settings(deadline=None)
@given(st.lists(TEXTS.filter(bool), min_size=1, max_size=8), st.booleans())
def test_every_client_reads_a_run_as_its_deltas(client: str, texts: list[str], begun: bool) -> None:
    whole = "".join(texts)
    run = e.TextRun(0, whole, [json.dumps(text)[1:-1].encode() for text in texts])
    lead: list[e.StreamEvent] = [e.Start("x"), e.PartStart(0, "text")]
    if begun:
        lead.append(e.TextDelta(0, "begun"))
        whole = "begun" + whole
    tail: list[e.StreamEvent] = [e.PartStop(0, Text(whole)), e.Finish(FinishDetail(FinishReason.STOP))]

    def told(middle: list[e.StreamEvent]) -> str:
        encoder = SPOKES[client].stream_encoder(context())
        sent = b"".join(encoder.send(event) for event in [*lead, *middle, *tail]) + encoder.end()
        decoder = SPOKES[client].stream_decoder()
        read = [*decoder.feed(sent), *decoder.eof()]
        return "".join(event.text for event in read if isinstance(event, e.TextDelta))

    assert told([run]) == told(list(run.spread())) == whole


def test_a_form_is_learned_only_where_the_string_is_the_text() -> None:
    form = Form(b"text", lambda data: json.loads(data).get("text"), b" ", rb" ")
    assert isinstance(learned(form, b'{"text":"a"}'), TextRuns)
    assert learned(form, b'{"in":{"text":"a"},"text":"b"}') is None
    assert learned(form, b'{"text":"a","text":"b"}') is None
    assert learned(form, b'{"text":1}') is None
