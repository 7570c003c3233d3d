"""A stream of one text that is all there is read and written as lanes do it event by event, whoever sends it and
however it is cut or broken."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from tests.gateway.test_listening import (
    COUNTED,
    DETAILED,
    ODD,
    ODD_NAMED,
    PING,
    STOP,
    TEXTS,
    USAGE,
    anthropic_stream,
    block_of,
    chunk,
    cut,
    delta_of,
    end_of,
    line,
    named,
    stop_of,
    stream,
)
from tests.gateway.test_straight import EITHER, made, notes_of, only_general, shown
from tests.support.client import RawClient, RawResponse
from tests.support.gateway import account_for, running_gateway, settings_for
from tests.support.replies import Script, Sleep, Stream, Write
from tests.support.sse import decode
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import ProtocolName

from codenex.core.answer_losses import AnswerLosses
from codenex.core.losses import Losses
from codenex.core.render import RenderContext
from codenex.core.reversal import Reversal
from codenex.core.text_stream import TextStream
from codenex.gateway import straight_stream, straight_translation
from codenex.gateway.lanes import PassthroughLane, TranslationLane
from codenex.gateway.spokes import SPOKES

DEEP = os.environ.get("CODENEX_DEEP") == "1"
SEEDS = range(300 if DEEP else 5)
NAMES = ("openai-chat", "anthropic")
#: What a vendor that counts everything tells.
FULL = {
    **USAGE,
    "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
FULL_COUNTED = {
    **COUNTED,
    "cache_creation_input_tokens": 5,
    "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 1},
    "service_tier": "standard",
}
WORDS = [
    "w",
    " word",
    "",
    'quote "," it',
    "back\\slash",
    "data: [DONE]",
    '"content":"x"',
    "ü\u2028",
    "\n\n",
    "\x7f",
    "😀",
]


def written(dice: random.Random) -> Callable[[Any], bytes]:
    """How one vendor writes its JSON."""
    separators = dice.choice([(",", ":"), (", ", ": ")])
    ascii_only = dice.random() < 0.3
    return lambda value: json.dumps(value, separators=separators, ensure_ascii=ascii_only).encode()


def chat_pieces(dice: random.Random) -> list[bytes]:
    """An ordinary answer of a Chat server, an event a piece."""
    write = written(dice)
    more: dict[str, Any] = dice.choice(
        [
            {},
            {"usage": None},
            {"service_tier": "default", "system_fingerprint": "fp_1"},
            {"service_tier": dice.choice(["flex", "", 1]), "system_fingerprint": None, "usage": None},
        ]
    )
    extra: dict[str, Any] = dice.choice([{}, {"logprobs": None}, {"stop_reason": None}, {"matched_stop": None}])

    def told(delta: Any, finish: Any = None, **further: Any) -> bytes:
        return b"data: " + write(chunk(delta, finish, extra, **{**more, **further})) + b"\n\n"

    first = dice.choice(
        [{"role": "assistant", "content": ""}, {"role": "assistant"}, {"role": "assistant", "content": 'be"gun\n'}]
    )
    events = [told({**first, **dice.choice([{}, {"refusal": None}])})]
    beside: dict[str, Any] = dice.choice([{}, {"role": "assistant"}, {"reasoning_content": None}])
    texts = ["begins", *(dice.choice(WORDS) for _ in range(dice.randrange(20)))]
    events += [told({**beside, "content": text}) for text in texts]
    usage: dict[str, Any] = dice.choice([{}, {}, {"usage": USAGE}, {"usage": FULL}])
    events.append(told(dice.choice([{}, {"content": ""}, {"content": None}]), dice.choice(["stop", "length"]), **usage))
    if not usage and dice.random() < 0.8:
        head = {name: value for name, value in chunk({}, **more).items() if name != "choices"}
        counted = dice.choice([USAGE, DETAILED, FULL, {"prompt_tokens": 3}, {}])
        events.append(b"data: " + write({**head, "choices": [], "usage": counted}) + b"\n\n")
    return [*events, b"data: [DONE]\n\n"]


def anthropic_pieces(dice: random.Random) -> list[bytes]:
    """An ordinary answer of an Anthropic server, an event a piece."""
    write = written(dice)

    def told(value: dict[str, Any]) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (value["type"].encode(), write(value))

    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": dice.choice([COUNTED, FULL_COUNTED, {"output_tokens": 1}, {}, {"input_tokens": None}]),
        **dice.choice([{}, {"container": None, "context_management": None}]),
    }
    block: dict[str, Any] = {"type": "text", "text": "", **dice.choice([{}, {"citations": None}])}
    events = [
        told({"type": "message_start", "message": message}),
        told({"type": "content_block_start", "index": 0, "content_block": block}),
    ]
    if dice.random() < 0.5:
        events.insert(dice.choice([1, 2]), dice.choice([PING, b'event: ping\ndata: {"type": "ping"}\n\n']))
    texts = ["begins", *(dice.choice(WORDS) for _ in range(dice.randrange(20)))]
    events += [
        told({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})
        for text in texts
    ]
    end = dice.choice(
        [
            {"stop_reason": "end_turn", "stop_sequence": None},
            {"stop_reason": "max_tokens"},
            {"stop_reason": "stop_sequence", "stop_sequence": "END"},
        ]
    )
    counted: dict[str, Any] = dice.choice(
        [
            {"usage": {"output_tokens": 7}},
            {"usage": {**COUNTED, "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 2}}},
            {"usage": {"output_tokens": 7, "server_tool_use": {"web_search_requests": dice.randrange(2)}}},
            {"usage": None},
        ]
    )
    if not message["usage"].get("output_tokens"):
        # Somewhere it is told.
        counted = {"usage": {"output_tokens": 7}}
    events.append(told({"type": "content_block_stop", "index": 0}))
    events.append(told({"type": "message_delta", "delta": end, **counted}))
    return [*events, told({"type": "message_stop"})]


ORDINARY = {"openai-chat": chat_pieces, "anthropic": anthropic_pieces}
ANY = {"openai-chat": stream, "anthropic": anthropic_stream}
ODDITIES = {
    "openai-chat": [
        *ODD,
        line(chunk({"content": "more"})),
        line(chunk({"content": "more", "reasoning": "hm"})),
        line(chunk({"content": "x"}, choice={"index": None})),
        line({**chunk({"content": "x"}), "content": "beside"}),
        line({"choices": [], "usage": USAGE}),
        line({"choices": []}),
        b'data: {"choices":[{"index":0,"delta":{"content":"a","content":"b"}}]}\n\n',
        b'data: {"choices":[{"index":0,"delta":{"content":"a","cont\\u0065nt":"b"}}]}\n\n',
    ],
    "anthropic": [
        *ODD_NAMED,
        delta_of("text", "more"),
        delta_of("text", 'es"caped'),
        block_of("text", 0),
        end_of("stop_sequence", stop_sequence="END"),
        named({"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": {}}}),
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta",'
        b'"text":"a","text":"b"}}\n\n',
        b'event: message_stop\ndata: {"type": "message_stop"}\n\n',
    ],
}
#: Halves of something, the first at the end of a piece of text, the other at the beginning of the next.
HALVES = [(b"\xc3", b"\xbc"), (b"\\", b"n"), (b"\\ud83d", b"\\ude00"), (b"\\u00", b"fc"), (b'"', b'"'), (b"\n", b"\n")]
BYTES = [b"", b'"', b"\\", b"\n", b"\r", b"}", b"{", b",", b" ", b"\xff", b"0", b"a"]


def broken(events: list[bytes], odd: list[bytes], dice: random.Random) -> list[bytes]:
    """The same with something else about it."""
    events = [event for event in events if event]
    if not events:
        return events
    place = dice.randrange(len(events))
    event = events[place]
    match dice.randrange(14):
        case 0 | 1:
            events.insert(dice.randrange(len(events) + 1), dice.choice(odd))
        case 2:
            del events[place]
        case 3:
            events.insert(dice.randrange(len(events) + 1), event)
        case 4:
            other = dice.randrange(len(events))
            events[place], events[other] = events[other], event
        case 5 | 6:
            at = dice.randrange(len(event))
            events[place] = event[:at] + dice.choice(BYTES) + event[at + dice.randrange(2) :]
        case 7:
            events[place] = event.replace(b"\n", dice.choice([b"\r\n", b"\r", b"\n\n", b"\n: \n"]))
        case 8:
            events[place] = event.replace(b"data: ", dice.choice([b"data:", b"data:  ", b"data : ", b"data: \ndata: "]))
        case 9:
            before, _, behind = event.partition(b"{")
            events[place] = before + dice.choice([b'{"x":1,', b'{"content":"y",', b'{"text":"y",', b"{ "]) + behind
        case 10:
            first, second = dice.choice(HALVES)
            for index, half in ((place, b"w" + first), (place + 1, second + b"w")):
                if index < len(events):
                    events[index] = events[index].replace(b'"w"', b'"%b"' % half)
        case 11:
            events = [b"\xef\xbb\xbf" + events[0], *events[1:]]
        case 12:
            events.append(dice.choice([*odd, b"\n", event, b"data: [DONE]\n\n", b"x"]))
        case _:
            events[place] = event[: dice.randrange(len(event) + 1)]
            if dice.random() < 0.5:
                del events[place + 1 :]
    return events


def cut_otherwise(events: list[bytes], dice: random.Random) -> list[bytes]:
    """The same bytes in other pieces."""
    kind = dice.randrange(4)
    if kind == 0:
        return cut(b"".join(events), dice)
    pieces = list(events)
    for _ in range(dice.randrange(1, 4)):
        place = dice.randrange(len(pieces))
        if kind == 1 and place:
            pieces[place - 1 : place + 1] = [pieces[place - 1] + pieces[place]]
        elif kind == 2 and place:
            # The border between two of them lies somewhere else.
            both, at = pieces[place - 1] + pieces[place], dice.randrange(1, 40)
            pieces[place - 1 : place + 1] = [both[:-at], both[-at:]]
        elif len(pieces[place]) > 1:
            at = dice.randrange(1, len(pieces[place]))
            pieces[place : place + 1] = [pieces[place][:at], pieces[place][at:]]
    return [piece for piece in pieces if piece]


def read(name: str, pieces: list[bytes]) -> TextStream | None:
    spoke = SPOKES[name]
    assert spoke.read_text is not None
    return spoke.read_text(list(pieces), b"".join(pieces))


def agrees_passing(name: str, whole: bytes, text: TextStream) -> None:
    """A stream that passes through is understood as its decoder does, and goes out as it would."""
    spoke = SPOKES[name]
    for hide in (None, spoke.without_usage):
        lane = PassthroughLane(spoke.stream_decoder, None, hide)
        out = lane.feed(whole)
        seen = lane.seen
        assert (seen.done, seen.content, seen.fault) == (True, True, None), whole
        assert (seen.usage, seen.finish) == (text.usage, text.finish), whole
        left = whole
        if hide is not None and text.alone is not None:
            start, end = text.alone
            left = whole[:start] + whole[end:]
        assert out == left, whole


def _context(name: str, include_usage: bool, losses: Losses) -> RenderContext:
    estimate = (lambda: 77) if name == "anthropic" else None
    return RenderContext(
        "i" * 24, 1_700_000_000, 'a "model"', None, None, include_usage, False, estimate, False, losses
    )


def said(body: bytes) -> list[Any]:
    """The events that a client reads, with the text of all that bring nothing else in the place of the first of them,
    and the counts apart that a beginning tells."""
    out: list[Any] = []
    for event in decode(body):
        if event.data == "[DONE]":
            out.append(event.data)
            continue
        value = json.loads(event.data)
        text: str | None = None
        if value.get("type") == "content_block_delta":
            text = value["delta"].pop("text")
        elif value.get("choices") and set(value["choices"][0]["delta"]) == {"content"}:
            text = value["choices"][0]["delta"].pop("content")
        assert event.type == value.get("type", "message")
        if text is None:
            out.append(value)
        elif isinstance(out[-1], list) and out[-1][0] == value:
            out[-1][1] += text
        else:
            out.append([value, text])
    return out


def agrees_translated(name: str, whole: bytes, text: TextStream) -> bool:
    """The other protocol's client gets what a lane makes of it. Return whether it was written at once."""
    [client] = set(NAMES) - {name}
    done = False
    for include_usage in (True, False):
        noted, expected = Losses(), Losses()
        context = _context(client, include_usage, noted)
        if text.usage is not None and text.usage.input_uncached is not None:
            context.estimate = None
        write = SPOKES[client].write_text
        assert write is not None
        body = write(text, context)
        if body is None:
            continue
        done = True
        AnswerLosses(client, noted).see_text(text)
        encoder = SPOKES[client].stream_encoder(_context(client, include_usage, expected))
        decoder, losses = SPOKES[name].stream_decoder(), AnswerLosses(client, expected)
        lane = TranslationLane(decoder, encoder, Reversal(), losses, key=bytes(32), model="m", scope="s")
        usual = lane.feed(whole)
        seen = lane.seen
        assert (seen.done, seen.fault) == (True, None), whole
        assert (seen.usage, seen.finish) == (text.usage, text.finish), whole
        # A lane notes them as they come, here all is known at once.
        assert set(noted.values()) == set(expected.values()), whole
        ours, theirs = said(body), said(usual)
        if client == "anthropic":
            told, estimated = (events[0]["message"].pop("usage") for events in (ours, theirs))
            assert told.keys() == estimated.keys()
            [counts] = [event["usage"] for event in ours if type(event) is dict and event["type"] == "message_delta"]
            assert told == {**{key: counts[key] for key in told}, "output_tokens": 0}
        assert ours == theirs, whole
    return done


def agrees(name: str, pieces: list[bytes]) -> tuple[bool, bool]:
    """Whether these pieces were read at once, and written at once; if so, as lanes do it."""
    text = read(name, pieces)
    if text is None:
        return False, False
    assert all(text.pieces)
    whole = b"".join(pieces)
    agrees_passing(name, whole, text)
    return True, agrees_translated(name, whole, text)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", SEEDS)
def test_ordinary_streams_are_taken_at_once_and_say_what_lanes_say(name: str, seed: int) -> None:
    dice = random.Random(seed)
    written = 0
    for _ in range(80):
        pieces = ORDINARY[name](dice)
        taken, translated = agrees(name, pieces)
        assert taken, pieces
        written += translated
    assert written > 50


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", SEEDS)
def test_streams_with_something_else_about_them_are_left_alone_or_understood(name: str, seed: int) -> None:
    dice = random.Random(seed)
    taken = 0
    for _ in range(300):
        pieces = ORDINARY[name](dice)
        for _ in range(dice.choice([1, 1, 1, 2, 3])):
            pieces = broken(pieces, ODDITIES[name], dice)
        pieces = [piece for piece in pieces if piece]
        if pieces and dice.random() < 0.2:
            pieces = cut_otherwise(pieces, dice)
        taken += agrees(name, pieces or [b""])[0]
    assert 0 < taken < 250


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", SEEDS)
def test_streams_in_any_pieces_are_left_alone_or_understood(name: str, seed: int) -> None:
    dice = random.Random(seed)
    taken = 0
    for _ in range(150):
        taken += agrees(name, cut_otherwise(ORDINARY[name](dice), dice))[0]
        data = ANY[name](dice)
        if data:
            events = [event + b"\n\n" for event in data.split(b"\n\n")]
            events[-1] = events[-1][:-2]
            agrees(name, [event for event in events if event])
            agrees(name, cut(data, dice))
    # Hardly any piece is an event any more.
    assert taken < 150


@pytest.mark.parametrize(("first", "second"), HALVES)
@pytest.mark.parametrize("name", NAMES)
def test_halves_in_two_pieces_are_left_alone(name: str, first: bytes, second: bytes) -> None:
    """What is no JSON by itself must not become some by what stands beside it."""
    for dice in map(random.Random, range(5)):
        whole = b"".join(ORDINARY[name](dice))
        begins = next(event + b"\n\n" for event in whole.split(b"\n\n") if b"begins" in event)
        [before, behind] = whole.split(begins)
        for halves in ((first, second), (first + second, b"x"), (b"x", first + second)):
            pieces = [event + b"\n\n" for event in before.split(b"\n\n")[:-1]]
            pieces += [begins, *(begins.replace(b"begins", half) for half in halves)]
            pieces += [event + b"\n\n" for event in behind.split(b"\n\n")[:-1]]
            taken, _ = agrees(name, pieces)
            assert not taken or (first + second in halves and first in (b"\xc3", b"\\", b"\\ud83d", b"\\u00"))


@pytest.mark.parametrize("text", [*TEXTS, *WORDS])
@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_text_holds_arrives(name: str, text: str) -> None:
    if name == "anthropic":
        start = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": COUNTED}
        deltas = [delta_of("text", piece) for piece in ("a", text, "b")]
        pieces = [named({"type": "message_start", "message": start}), block_of("text", 0), *deltas]
        pieces += [stop_of(0), end_of("end_turn"), STOP]
    else:
        pieces = [line(chunk({"role": "assistant", "content": ""}))]
        pieces += [line(chunk({"content": piece})) for piece in ("a", text, "b")]
        pieces += [line(chunk({}, "stop")), line({"choices": [], "usage": USAGE}), b"data: [DONE]\n\n"]
    assert agrees(name, pieces) == (True, True)
    found = read(name, pieces)
    assert found is not None
    assert json.loads(b'"' + b"".join(found.pieces) + b'"') == f"a{text}b"


# --- through the gateway

WAYS = {"openai-chat": "/v1/chat/completions", "anthropic": "/v1/messages"}
VENDORS: dict[str, ProtocolName] = {"openai-chat": "openai_chat", "anthropic": "anthropic"}
FIRST = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": COUNTED}
TOLD: dict[str, list[bytes]] = {
    "openai-chat": [
        line(chunk({"role": "assistant", "content": ""}, service_tier="flex")),
        *(line(chunk({"content": f"word {number} "}, service_tier="flex")) for number in range(12)),
        line(chunk({}, "length", service_tier="flex")),
        line({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "choices": [], "usage": FULL}),
        b"data: [DONE]\n\n",
    ],
    "anthropic": [
        named({"type": "message_start", "message": FIRST}),
        block_of("text", 0),
        PING,
        *(delta_of("text", f"word {number} ") for number in range(12)),
        stop_of(0),
        end_of("stop_sequence", stop_sequence="END"),
        STOP,
    ],
}


def together(events: list[bytes]) -> Script:
    """An answer that a vendor sends in one write."""
    return Script([Write(b"".join(step.data for step in Stream(events).steps() if isinstance(step, Write)))])


def _never(*_: Any) -> None:
    raise AssertionError("a lane was made")


def beside(answer: RawResponse, framing: str) -> list[Any]:
    """The headers that tell nothing of the framing, which has to be this one."""
    pairs = shown(answer)[1]
    assert framing in [name for name, _ in pairs]
    return [pair for pair in pairs if pair[0] != framing]


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("client", NAMES)
@pytest.mark.parametrize("vendor_name", NAMES)
async def test_a_stream_that_comes_whole_arrives_as_on_the_general_way(
    vendor_name: str, client: str, asks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = TOLD[vendor_name]
    body = {**EITHER, "stream": True}
    if asks and client == "openai-chat":
        body["stream_options"] = {"include_usage": True}
    seen = []
    for general in (False, True):
        async with ScriptedVendor(VENDORS[vendor_name], validate=False) as vendor:
            settings = made(vendor, 1)
            async with running_gateway(settings) as gateway, await RawClient.connect(gateway.port) as connection:
                if general:
                    only_general(gateway)
                vendor.answer_next(*[together(events)] * 3)
                await connection.ask("POST", WAYS[client], body, gateway.headers)
                with monkeypatch.context() as patch:
                    if not general:
                        patch.setattr(straight_stream, "PassthroughLane", _never)
                        patch.setattr(straight_translation, "TranslationLane", _never)
                    answers = [await connection.ask("POST", WAYS[client], body, gateway.headers) for _ in range(2)]
                [account] = next(iter(gateway.gateway.accounts.report().values()))
                account |= {"restsFor": bool(account["restsFor"])}
                first_output = gateway.records[-1].notes.first_output
                assert first_output is not None
                assert 0 <= first_output < 5
                seen.append((answers, notes_of(gateway), json.dumps(account, default=repr)))
    (straight, notes, account), (usual, usual_notes, usual_account) = seen
    assert notes == usual_notes
    assert notes["usage"] is not None
    assert notes["finish"] is not None
    assert account == usual_account
    for answer, other in zip(straight, usual, strict=True):
        assert answer.status == other.status == 200
        assert beside(answer, "content-length") == beside(other, "transfer-encoding")
        if client == vendor_name:
            whole = b"".join(events)
            if client == "openai-chat" and not asks:
                whole = whole.replace(events[-2], b"")
            assert answer.body == other.body == whole
            continue
        ours, theirs = said(answer.body), said(other.body)
        for told in (ours, theirs):
            for event in told:
                value = event[0] if type(event) is list else event
                if type(value) is dict:
                    value |= {"id": "?", "created": "?"} if "choices" in value else {}
            if client == "anthropic":
                told[0]["message"] |= {"id": "?", "usage": "?"}
        assert ours == theirs
        assert "".join(event[1] for event in ours if type(event) is list) == "".join(f"word {n} " for n in range(12))
        if client == "openai-chat":
            assert any(event["choices"] == [] for event in ours if type(event) is dict) is asks


@pytest.mark.parametrize("client", NAMES)
@pytest.mark.parametrize("vendor_name", NAMES)
@pytest.mark.parametrize("apart", [False, True])
async def test_a_stream_that_comes_late_follows_what_has_gone_out(vendor_name: str, client: str, apart: bool) -> None:
    """The client has been told that something is to come; then it comes whole, or event by event."""
    events = TOLD[vendor_name]
    async with ScriptedVendor(VENDORS[vendor_name], validate=False) as vendor:
        settings = made(vendor, 1, commit_after=0.05, keep_alive_interval=0.05)
        async with running_gateway(settings) as gateway, await RawClient.connect(gateway.port) as connection:
            late = Script([Sleep(0.2), *(Stream(events) if apart else together(events)).steps()])
            vendor.answer_next(together(events), late, together(events))
            body = {**EITHER, "stream": True}
            _, answer, next_one = [await connection.ask("POST", WAYS[client], body, gateway.headers) for _ in range(3)]
            records = [record.notes for record in gateway.records]
    assert answer.status == next_one.status == 200
    assert "transfer-encoding" in [name for name, _ in shown(answer)[1]]
    assert "".join(event[1] for event in said(answer.body) if type(event) is list) == "".join(
        f"word {number} " for number in range(12)
    )
    # Something was sent before.
    assert len(answer.body) > len(next_one.body)
    if client == "anthropic":
        # What has gone out with the keep-alive is not said again.
        assert answer.body.count(b"event: message_start") == 1
        assert answer.body.endswith(next_one.body[next_one.body.index(b"\n\n") + 2 :])
    elif client == vendor_name:
        assert answer.body.endswith(next_one.body)
    assert records[1].usage == records[2].usage is not None
    assert records[1].finish == records[2].finish is not None


@pytest.mark.parametrize("client", NAMES)
async def test_a_stream_that_comes_whole_leaves_the_client_its_connection(client: str) -> None:
    async with ScriptedVendor("openai_chat", validate=False) as vendor:
        settings = settings_for(account_for(vendor))
        async with running_gateway(settings) as gateway, await RawClient.connect(gateway.port) as connection:
            bodies = set()
            for _ in range(4):
                vendor.answer_next(together(TOLD["openai-chat"]))
                answer = await connection.ask("POST", WAYS[client], {**EITHER, "stream": True}, gateway.headers)
                bodies.add(len(answer.body))
            async with asyncio.timeout(5):
                while not gateway.idle():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert gateway.gateway.admission.in_progress == 0
            counts = list(gateway.transport.counts().values())
    # One of them may tell an estimate at its beginning.
    assert len(bodies) <= 2
    assert [(count.open, count.idle) for count in counts] == [(1, 1)]
