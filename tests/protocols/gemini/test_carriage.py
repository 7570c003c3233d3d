"""Reasoning of other vendors goes through Google's clients and back, though they keep no thoughts."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.gemini.frames import Object, chunks_of, context, encoded

from codenex.core.answer import Answer, Choice, unfold
from codenex.core.envelope import may_hold_envelope
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import Part, Reasoning, Signature, Text, ToolCall
from codenex.protocols.gemini import SPOKE

FIRST = Reasoning(("Let me", "see."), item_id="rs_1", signature=Signature("openai", "wN4B/first+=", "rs_1"))
SECOND = Reasoning((), redacted=True, signature=Signature("anthropic", "wN4Bsecond"))
CALL = ToolCall("c1", "read", '{"path":"x"}')
OTHER = ToolCall("c2", "read", '{"path":"y"}')

Client = Callable[[list[Object]], list[Object]]


def sent(parts: tuple[Part, ...], *, stream: bool) -> list[Object]:
    """The parts of an answer as the client gets them."""
    answer = Answer("anthropic", "up-1", "m", 1.0, (Choice(0, parts, FinishDetail(FinishReason.STOP, "end_turn")),))
    bodies = chunks_of(encoded([*unfold(answer)])) if stream else [json.loads(SPOKE.encode_response(answer, context()))]
    return [part for body in bodies for one in body["candidates"] for part in one["content"]["parts"]]


def cli(parts: list[Object]) -> list[Object]:
    """What Gemini CLI keeps: no thoughts, texts that follow each other as one."""
    kept: list[Object] = []
    for part in parts:
        if part.get("thought"):
            continue
        if kept and "text" in part and "text" in kept[-1] and "thoughtSignature" not in part:
            kept[-1] = {**kept[-1], "text": kept[-1]["text"] + part["text"]}
        else:
            kept.append(part)
    return kept


def sdk(parts: list[Object]) -> list[Object]:
    """What Google's SDKs keep: everything, with signatures in the other alphabet of base64."""

    def other(text: str) -> str:
        return text.replace("+", "-").replace("/", "_")

    return [
        {**part, "thoughtSignature": other(part["thoughtSignature"])} if "thoughtSignature" in part else part
        for part in parts
    ]


def returned(parts: list[Object], *, contents: bool = False) -> tuple[Part, ...]:
    """The model's turn in the next request, without the empty text that ends a stream; ``contents`` keeps every part in
    a content of its own."""
    turns: list[Any] = [{"role": "model", "parts": [part]} for part in parts] if contents else []
    asked = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}, *(turns or [{"role": "model", "parts": parts}])]}
    parts_back = SPOKE.decode_request(json.dumps(asked).encode(), "m").turns[1].parts
    return tuple(part for part in parts_back if part != Text(""))


@pytest.mark.pitfall("SIG-1", "RSN-9", "RSN-15", "CLI-41")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("client", [cli, sdk])
@pytest.mark.parametrize(
    "parts",
    [
        (FIRST, CALL),
        (FIRST, Text("I'll read it."), CALL, OTHER),
        (FIRST, SECOND, Text("So."), CALL),
        (FIRST, Text("One. "), SECOND, Text("Two."), CALL),
        (Text("Before. "), FIRST, Text("After."), CALL, SECOND, OTHER),
        (FIRST, Text("Done.")),
        (SECOND, Text("Grüße 👩‍👩‍👧")),
        (FIRST,),
    ],
)
def test_reasoning_comes_back_where_it_was(parts: tuple[Part, ...], client: Client, stream: bool) -> None:
    assert returned(client(sent(parts, stream=stream))) == parts


def test_a_client_may_keep_every_part_by_itself() -> None:
    parts = (FIRST, Text("I'll read it, with care."), CALL)
    assert returned(sdk(sent(parts, stream=True)), contents=True) == parts


def test_a_call_carries_it_and_no_thought_does() -> None:
    thought, call, *_ = sent((FIRST, CALL), stream=False)
    assert thought == {"text": "Let me\n\nsee.", "thought": True}
    assert call["functionCall"]["name"] == "read"
    assert call["thoughtSignature"].startswith("Y29kZW5leC8y")
    assert may_hold_envelope(call["thoughtSignature"].encode())


def test_signatures_of_google_stay_on_their_parts() -> None:
    signed = ToolCall("c1", "read", "{}", signature=Signature("gemini", "QUJD"))
    assert returned(cli(sent((signed,), stream=True))) == (signed,)
    # A call with a signature of its own carries nothing; the end does.
    assert returned(cli(sent((FIRST, signed), stream=True)))[-1] == FIRST


def test_what_can_not_be_read_is_left_out() -> None:
    for broken in (b" no JSON", b"[{}]", b'[{"signature":{"vendor":1}}]'):
        given = {"text": "Hi", "thoughtSignature": urlsafe_b64encode(b'codenex/2vendor":"' + broken).decode()}
        assert returned([given]) == (Text("Hi"),)


def test_a_text_that_the_client_cut_short_loses_nothing() -> None:
    parts = cli(sent((FIRST, Text("I'll read it."), CALL), stream=False))
    assert returned([{"text": "I'll"}, *parts[1:]]) == (FIRST, Text("I'll"), CALL)


@settings(max_examples=max(1000, settings.default.max_examples))
@given(st.lists(st.sampled_from([FIRST, SECOND, CALL, OTHER, Text("a"), Text("bc\u2028d")]), max_size=9), st.booleans())
def test_nothing_is_lost_in_any_order(parts: list[Part], stream: bool) -> None:
    numbered = [
        ToolCall(f"c{place}", part.name, part.arguments) if isinstance(part, ToolCall) else part
        for place, part in enumerate(parts)
    ]
    merged: list[Part] = []
    for part in numbered:
        if isinstance(part, Text) and merged and isinstance(merged[-1], Text):
            merged[-1] = Text(merged[-1].text + part.text)
        else:
            merged.append(part)
    assert returned(cli(sent(tuple(merged), stream=stream))) == tuple(merged)
