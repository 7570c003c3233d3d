"""What is heard of a stream that passes through is what its decoder would tell, whoever sends it and however it is
cut or broken."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from codenex.gateway.lanes import PassthroughLane
from codenex.gateway.spokes import SPOKES

SPOKE = SPOKES["openai-chat"]
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
DETAILED = {**USAGE, "prompt_tokens_details": {"cached_tokens": 3}, "num_sources_used": 0}


def line(value: Any) -> bytes:
    return b"data: " + json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


def chunk(delta: Any, finish: Any = None, /, choice: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    entry = {"index": 0, "delta": delta, "finish_reason": finish, **(choice or {})}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "choices": [entry], **more}


#: Fields that vendors have beside the usual ones: in each chunk, and in each choice.
CHUNK: list[dict[str, Any]] = [
    {},
    {"usage": None, "service_tier": "default", "system_fingerprint": "fp"},
    {"provider": "X"},
    {"obfuscation": "abc"},
    {"usage": {"prompt_tokens": 0, "completion_tokens": 0}},
    {"usage": USAGE},
    {"citations": ["https://example.com"]},
    {"x_groq": {"id": "r"}},
    {"id": "", "model": ""},
    {"object": ""},
]
CHOICE: list[dict[str, Any]] = [
    {},
    {"logprobs": None},
    {"stop_reason": None, "token_ids": None},
    {"native_finish_reason": None, "content_filter_results": {"hate": {"filtered": False}}},
    {"index": None},
    {"logprobs": {"content": [{"token": "a", "logprob": -1.0}]}},
    {"message": {"content": "all so far"}},
]
BEGINNINGS = [
    [{"role": "assistant", "content": "", "refusal": None}],
    [{"role": "assistant", "content": None, "reasoning_content": "hm"}, {"content": None, "reasoning_content": "so"}],
    [{"role": "assistant", "reasoning": "hm", "content": ""}] * 3,
    [{"role": "assistant", "content": "", "tool_calls": None}],
    [{}],
    [],
]
TEXTS = ["a", "", 'quote "," it', "back\\slash\\", "data: [DONE]", '"usage":{"prompt_tokens":1}', "ü\u2028", "\n\n"]
ODD: list[bytes] = [
    line(chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]})),
    line(chunk({"refusal": "no"})),
    line({"error": {"message": "overloaded", "code": 503}}),
    line({"error": None, "choices": []}),
    line({"choices": [], "usage": None, "prompt_filter_results": []}),
    line({"object": "error", "message": "no"}),
    line(chunk({"content": "b"}, choice={"index": 1})),
    line({"choices": [chunk({"content": "b"})["choices"][0]] * 2}),
    line(chunk({"content": [{"type": "text", "text": "x"}]})),
    line(chunk({"content": "last"}, "length")),
    line(chunk({}, "error")),
    line(chunk({}, "stop")),
    line(chunk({}, "")),
    line({"choices": [], "usage": DETAILED, "service_tier": "flex"}),
    line({"choices": [], "x_groq": {"usage": USAGE}}),
    b"event: error\ndata: {}\n\n",
    b"error: {}\n\n",
    b": comment\n\n",
    b"\n",
    b"data: {\n\n",
    b"data: []\n\n",
    b'data: {"choices":[{"index":0,"delta":{"content":"\\ud800"}}]}\n\n',
    b"data: [DONE]\r\n\r\n",
    b"\xef\xbb\xbf",
    b"data: [DONE]\n\n",
]


def stream(dice: random.Random) -> bytes:
    more, choice = (dice.choice(kinds) if dice.random() < 0.7 else {} for kinds in (CHUNK, CHOICE))

    def told(delta: Any, finish: Any = None, **extra: Any) -> bytes:
        if "obfuscation" in more:
            extra["obfuscation"] = "x" * dice.randrange(4)
        return line(chunk(delta, finish, choice, **{**more, **extra}))

    events = [told(delta) for delta in dice.choice(BEGINNINGS)]
    events += [told({"content": dice.choice(TEXTS) if dice.random() < 0.4 else "w"}) for _ in range(dice.randrange(12))]
    word = dice.choice(["stop", "length", "tool_calls", "content_filter", "stop"])
    usage = dice.choice([{}, {"usage": USAGE}, {"x_groq": {"usage": USAGE}}])
    events.append(told(dice.choice([{}, {"content": ""}, {"content": "end"}]), word, **usage))
    if dice.random() < 0.5:
        events.append(line({"id": "c", "choices": [], "usage": dice.choice([USAGE, DETAILED, {}])}))
    if dice.random() < 0.8:
        events.append(b"data: [DONE]\n\n")
    for _ in range(dice.choice([0, 0, 0, 1, 2])):
        events.insert(dice.randrange(len(events) + 1), dice.choice(ODD))
    if dice.random() < 0.15:
        del events[dice.randrange(len(events))]
    data = b"".join(events)
    if dice.random() < 0.1:
        data = data.replace(b"\n", b"\r\n")
    if dice.random() < 0.1:
        place = dice.randrange(len(data) + 1)
        data = data[:place] + dice.choice([b"", b'"', b"\\", b"\n", b"}"]) + data[place + 1 :]
    return data[: dice.randrange(len(data) + 1)] if dice.random() < 0.2 else data


def heard(lane: PassthroughLane, reads: list[bytes]) -> list[object]:
    """What the lane has sent and knows after each read."""
    told: list[object] = []
    for data in [*reads, None]:
        out = lane.eof() if data is None else lane.feed(data)
        seen = lane.seen
        fault = None if seen.fault is None else (seen.fault.kind, seen.fault.message)
        told.append((out, seen.content, seen.done, seen.usage, seen.finish, fault, seen.told, seen.id, seen.model))
        if fault is not None:
            break
    return told


def cut(data: bytes, dice: random.Random) -> list[bytes]:
    places = sorted(dice.randrange(len(data) + 1) for _ in range(dice.choice([0, 1, 3, 9])))
    return [piece for a, b in zip([0, *places], [*places, len(data)], strict=True) if (piece := data[a:b])]


@pytest.mark.parametrize("seed", range(8))
def test_a_listener_hears_what_the_decoder_tells(seed: int) -> None:
    dice = random.Random(seed)
    assert SPOKE.listener is not None
    for _ in range(150):
        reads = cut(stream(dice), dice)
        hide = dice.choice([None, SPOKE.without_usage])
        quick = PassthroughLane(SPOKE.stream_decoder, SPOKE.skim, hide, listener=SPOKE.listener())
        assert heard(quick, reads) == heard(PassthroughLane(SPOKE.stream_decoder, SPOKE.skim, hide), reads), reads


ANTHROPIC = SPOKES["anthropic"]


def named(value: dict[str, Any], name: str | None = None) -> bytes:
    data = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return b"event: %b\ndata: %b\n\n" % ((name or value["type"]).encode(), data)


def delta_of(kind: str, text: Any, index: int = 0, **more: Any) -> bytes:
    field = {"text": "text", "thinking": "thinking", "signature": "signature", "input_json": "partial_json"}[kind]
    value = {"type": "content_block_delta", "index": index, "delta": {"type": f"{kind}_delta", field: text}, **more}
    return named(value)


def block_of(kind: str, index: int, **more: Any) -> bytes:
    empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"id": "t", "name": "f"}}
    block = {"type": kind, **empty.get(kind, {}), **more}
    return named({"type": "content_block_start", "index": index, "content_block": block})


def stop_of(index: int) -> bytes:
    return named({"type": "content_block_stop", "index": index})


def end_of(reason: Any, **more: Any) -> bytes:
    delta = {"stop_reason": reason, "stop_sequence": None, **more}
    return named({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}})


STOP = named({"type": "message_stop"})
PING = named({"type": "ping"})
COUNTED = {"input_tokens": 9, "cache_read_input_tokens": 3, "output_tokens": 1}
ODD_NAMED = [
    PING,
    STOP,
    b": comment\n\n",
    b"\n",
    b"event: ping\n\n",
    b"data: [DONE]\n\n",
    stop_of(0),
    stop_of(1),
    end_of("end_turn"),
    end_of(None),
    end_of("tool_use"),
    end_of("refusal", stop_details={"type": "refusal", "explanation": "no"}),
    block_of("text", 1),
    block_of("text", 0, text="begun"),
    block_of("tool_use", 1),
    delta_of("text", "x", 1),
    delta_of("text", ""),
    delta_of("text", None),
    delta_of("text", "x", citation=1),
    delta_of("thinking", "x"),
    delta_of("signature", "x"),
    delta_of("input_json", "{}", 1),
    named({"type": "error", "error": {"type": "overloaded_error", "message": "no"}}),
    named({"type": "message_start", "message": {"id": "other", "model": "m"}}),
    named({"type": "message_start", "message": {"id": "msg", "model": "m", "usage": {"input_tokens": 4}}}),
    named({"type": "message_stop"}, "ping"),
    b'event: ping\ndata: {"type": "ping"}\ndata: \n\n',
    b"event: content_block_delta\ndata: {\n\n",
]


def anthropic_stream(dice: random.Random) -> bytes:
    message = {"id": "msg", "type": "message", "model": "m", "content": [], "stop_reason": None, "usage": COUNTED}
    message |= dice.choice([{}, {}, {}, {"usage": None}, {"id": ""}, {"id": None}, {"stop_reason": "end_turn"}])
    events = [named({"type": "message_start", "message": message})]
    for index in range(dice.choice([1, 1, 2, 0])):
        kind = dice.choice(["text", "text", "thinking", "tool_use"])
        events.append(block_of(kind, index))
        piece = "input_json" if kind == "tool_use" else kind
        spaces = dice.random() < 0.2
        for _ in range(dice.randrange(9)):
            event = delta_of(piece, dice.choice(TEXTS) if dice.random() < 0.4 else "w", index)
            events.append(event.replace(b"}\n\n", b" " * dice.randrange(4) + b"}\n\n") if spaces else event)
        if kind == "thinking" and dice.random() < 0.8:
            events.append(delta_of("signature", "sig", index))
        events.append(stop_of(index))
    events += [end_of(dice.choice(["end_turn", "end_turn", "max_tokens", "tool_use"])), STOP]
    for _ in range(dice.choice([0, 0, 0, 1, 2])):
        events.insert(dice.randrange(len(events) + 1), dice.choice(ODD_NAMED))
    if dice.random() < 0.15:
        del events[dice.randrange(len(events))]
    data = b"".join(events)
    if dice.random() < 0.1:
        data = data.replace(b"\n", b"\r\n")
    if dice.random() < 0.1:
        place = dice.randrange(len(data) + 1)
        data = data[:place] + dice.choice([b"", b'"', b"\\", b"\n", b"}", b"\xff"]) + data[place + 1 :]
    return data[: dice.randrange(len(data) + 1)] if dice.random() < 0.2 else data


@pytest.mark.parametrize("seed", range(4))
def test_a_listener_of_anthropic_hears_what_the_decoder_tells(seed: int) -> None:
    dice = random.Random(seed)
    assert ANTHROPIC.listener is not None
    for _ in range(150):
        reads = cut(anthropic_stream(dice), dice)
        quick = PassthroughLane(ANTHROPIC.stream_decoder, ANTHROPIC.skim, listener=ANTHROPIC.listener())
        assert heard(quick, reads) == heard(PassthroughLane(ANTHROPIC.stream_decoder, ANTHROPIC.skim), reads), reads


def test_an_ordinary_stream_of_anthropic_needs_no_decoder() -> None:
    def none() -> Any:
        raise AssertionError("a decoder was made")

    assert ANTHROPIC.listener is not None
    lane = PassthroughLane(none, ANTHROPIC.skim, listener=ANTHROPIC.listener())
    start = {"id": "msg", "type": "message", "model": "m", "content": [], "stop_reason": None, "usage": COUNTED}
    data = named({"type": "message_start", "message": start}) + PING
    for index, kind in enumerate(("thinking", "text")):
        data += block_of(kind, index) + b"".join(delta_of(kind, f"word {number}", index) for number in range(50))
        data += (delta_of("signature", "sig", index) if kind == "thinking" else b"") + stop_of(index)
    data += end_of("end_turn") + STOP
    assert b"".join(lane.feed(data[start : start + 3000]) for start in range(0, len(data), 3000)) == data
    assert lane.seen.done
    assert lane.seen.usage is not None
    assert lane.seen.usage.output_text == 7


@pytest.mark.parametrize("more", [{}, {"system_fingerprint": "fp", "usage": None}, {"obfuscation": "a"}])
def test_an_ordinary_stream_needs_no_decoder(more: dict[str, Any]) -> None:
    def none() -> Any:
        raise AssertionError("a decoder was made")

    assert SPOKE.listener is not None
    lane = PassthroughLane(none, SPOKE.skim, listener=SPOKE.listener())
    deltas = [{"role": "assistant", "content": ""}, *({"content": f"word {number}"} for number in range(50))]
    data = b"".join(line(chunk(delta, **more)) for delta in deltas) + line(chunk({}, "stop", **more))
    data += line({"choices": [], "usage": USAGE}) + b"data: [DONE]\n\n"
    assert b"".join(lane.feed(data[start : start + 3000]) for start in range(0, len(data), 3000)) == data
    assert lane.seen.done
    assert lane.seen.usage is not None
    assert lane.seen.usage.total == 13
