"""Ordinary requests take shorter ways through decoding and encoding, and come out as by the long ones."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from codenex.core.losses import Losses
from codenex.core.parts import Text
from codenex.core.request import Request
from codenex.models.openai import chat_capabilities
from codenex.protocols import anthropic, openai_chat

Object = dict[str, Any]
TARGETS = [
    chat_capabilities("gpt-5", "api.openai.com"),
    chat_capabilities("some-model", "llm.example"),
    chat_capabilities("vendor/model", "openrouter.ai"),
]
TEXTS = st.sampled_from(["hello", "", " \n", "\u00e9 {}", "<system-reminder>x</system-reminder>"])
BLOCKS = st.builds(
    lambda text, marked: {"type": "text", "text": text, **({"cache_control": {"type": "ephemeral"}} if marked else {})},
    TEXTS,
    st.sampled_from([False, False, True]),
)
CALLS = st.just({"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}})
RESULTS = st.builds(lambda text: {"type": "tool_result", "tool_use_id": "t", "content": text}, TEXTS)
CONTENTS = TEXTS | st.lists(BLOCKS | CALLS | RESULTS, max_size=3)
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": CONTENTS}), max_size=4
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.sampled_from([0, 0.5]),
        "top_k": st.just(5),
        "stop_sequences": st.just(["a"]),
        "system": TEXTS | st.lists(BLOCKS, max_size=2),
        "metadata": st.sampled_from([{}, {"user_id": "u"}, {"other": 1}]),
        "output_config": st.sampled_from([{}, {"effort": "high"}, {"other": 1}]),
        "stream": st.booleans(),
        "unknown": st.just(1),
    },
)


def _with_nulls(value: Any) -> Any:
    """Add fields that say nothing: null is absent, but no longer in the shortest form."""
    if isinstance(value, list):
        return [_with_nulls(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {**{key: item if key == "input" else _with_nulls(item) for key, item in value.items()}, "nothing": None}


def _decoded(body: Object) -> Request:
    return anthropic.SPOKE.decode_request(json.dumps(body).encode(), None)


def _marked(request: Request) -> Request:
    """Give every text extras without content, so that none is plain."""
    turns = (
        msgspec.structs.replace(
            turn,
            parts=tuple(
                msgspec.structs.replace(part, extras=part.extras or {}) if isinstance(part, Text) else part
                for part in turn.parts
            ),
        )
        for turn in request.turns
    )
    return msgspec.structs.replace(request, turns=tuple(turns))


def _encoded(request: Request) -> list[Any]:
    out = []
    for capabilities in TARGETS:
        losses = Losses()
        encoded = openai_chat.SPOKE.encode_request(request, capabilities, losses)
        out.append((encoded.body, encoded.reversal, losses.values()))
    return out


@given(MESSAGES, OPTIONS)
def test_the_shortest_forms_mean_what_longer_ones_mean(messages: list[Object], options: Object) -> None:
    body = {"model": "m", "max_tokens": 9, "messages": messages, **options}
    nulls = ("temperature", "tools", "mcp_servers", "tool_choice", "metadata", "cache_control", "thread", "system")
    assert _decoded(body) == _decoded({**dict.fromkeys(nulls), **_with_nulls(body), "max_tokens": "9"})


@given(MESSAGES, OPTIONS)
def test_plain_texts_are_written_like_any_others(messages: list[Object], options: Object) -> None:
    request = _decoded({"model": "m", "max_tokens": 9, "messages": messages, **options})
    assert _encoded(request) == _encoded(_marked(request))
