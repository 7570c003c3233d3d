"""A conversation of plain texts is written by the shortcut as the general encoder writes it."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from codenex.core.losses import Losses
from codenex.core.parts import Text
from codenex.core.request import NO_SAMPLING, Plain, Request, Sampling, Turn
from codenex.models.capabilities import Capabilities
from codenex.protocols.openai_chat import encoding
from codenex.protocols.openai_chat.encoding import encode_request
from codenex.protocols.openai_chat.plain_request import plain_body

TURNS = Plain([Turn("system", (Text("be brief"),), "system"), Turn("user", (Text("hi"),))])
SAMPLING: tuple[Sampling, ...] = (
    NO_SAMPLING,
    Sampling(),
    Sampling(0.5),
    Sampling(0, 0.5, 3),
    Sampling(2.5),
    Sampling(None, 0.9),
    Sampling(1, stop=("END",)),
    Sampling(seed=3),
    Sampling(choices=1),
    Sampling(logprobs=True),
)
CHANGES: tuple[dict[str, Any], ...] = (
    *({},) * 6,
    {"extras": {"a": 1}},
    {"end_user": "me"},
    {"cache_key": "k"},
    {"service_tier": "flex"},
    {"metadata": {"a": "b"}},
    {"turns": Plain([Turn("system", (Text("x"),), "developer"), *TURNS[1:]])},
    {"turns": tuple(TURNS)},
)
TAKEN = ({}, {"output_limit_field": "max_tokens"}, {"max_output_tokens": 5}, {"temperature_limit": 0.4})
FURTHER: tuple[dict[str, Any], ...] = (
    {},
    {"one_of_temperature_top_p": True},
    {"sampling": frozenset({"top_p"})},
    {"sampling": frozenset({"temperature"})},
    {"include_usage_option": False},
    {"developer_role": True},
)


@pytest.mark.parametrize("seed", range(200))
def test_both_encoders_write_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    source = random.Random(seed)
    request = Request(
        source.choice(("anthropic", "openai-chat", "gemini")),
        "m",
        TURNS,
        sampling=source.choice(SAMPLING),
        max_output_tokens=source.choice((None, 5, 6)),
        stream=source.random() < 0.5,
        include_usage=True,
    )
    request = msgspec.structs.replace(request, **source.choice(CHANGES))
    capabilities: Capabilities = msgspec.structs.replace(
        Capabilities(), **source.choice(TAKEN), **source.choice(FURTHER)
    )
    quick, general = Losses(), Losses()
    seen = encode_request(request, capabilities, quick)
    monkeypatch.setattr(encoding, "plain_body", lambda request, capabilities: None)
    assert seen == encode_request(request, capabilities, general)
    assert quick.values() == general.values()


def test_ordinary_requests_take_the_shortcut() -> None:
    request = Request("anthropic", "m", TURNS, sampling=Sampling(0.5), max_output_tokens=9, stream=True)
    assert plain_body(request, Capabilities()) is not None
