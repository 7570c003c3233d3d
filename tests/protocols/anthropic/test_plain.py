"""The shortcut for requests of plain texts makes of them what the general decoder does, and what is encoded from its
turns is what is encoded from any."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codenex.core.json import decode_raw_object
from codenex.core.losses import Losses
from codenex.core.request import Plain, Request
from codenex.core.turns import is_settled
from codenex.gateway.spokes import SPOKES
from codenex.models.capabilities import Capabilities
from codenex.protocols.anthropic.plain import plain_request
from codenex.protocols.anthropic.request import _request

TEXTS = st.sampled_from(["", " ", "hi", "é\n", "x-anthropic-billing-header: a", "X", "\u3000", "\u4f60"])
CONTENTS = st.one_of(
    TEXTS,
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(["text", "text", "text", "image"]), "text": TEXTS},
            optional={"cache_control": st.none() | st.just({"type": "ephemeral"}), "citations": st.none()},
        ),
        max_size=2,
    ),
)
NUMBERS = st.sampled_from([0, 1, 1.0, 0.5, -2, 7.5, "1", True, None, 1e400, 10**30])
BODIES = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["m", "m", "m", None, 1]),
        "messages": st.lists(
            st.fixed_dictionaries(
                {"role": st.sampled_from(["user", "user", "assistant", "system"]), "content": CONTENTS},
                optional={"name": st.just("n")},
            ),
            max_size=4,
        ),
        "max_tokens": st.sampled_from([5, 5, 0, -1, 5.0, "5", None, 10**20]),
    },
    optional={
        "system": st.none() | CONTENTS,
        "temperature": NUMBERS,
        "top_p": NUMBERS,
        "top_k": NUMBERS,
        "stop_sequences": st.sampled_from([None, [], ["a"], "a", [1]]),
        "stream": st.sampled_from([True, False, None, 1]),
        "tools": st.just([]),
        "metadata": st.just({"user_id": "u"}),
    },
)
TARGETS = [
    Capabilities(),
    Capabilities(system_in_middle=False, developer_role=True, temperature_limit=0.7, sampling=frozenset({"top_k"})),
]


@settings(deadline=None, max_examples=300)
@given(BODIES, st.booleans(), st.sampled_from(TARGETS))
def test_the_shortcut_says_what_the_general_decoder_says(
    body: dict[str, Any], known: bool, capabilities: Capabilities
) -> None:
    data = json.dumps(body).encode()
    try:
        split = decode_raw_object(data) if known else None
    except ValueError:
        return
    found = plain_request(data, split)
    if found is None:
        return
    general = _request(data, None, split, counting=False)
    assert found == general
    assert msgspec.json.encode(found) == msgspec.json.encode(general)
    assert (type(found.turns) is Plain) == is_settled(general.turns) or len(found.turns) == 0
    for spoke in SPOKES.values():
        assert _encoded(found, spoke.name, capabilities) == _encoded(general, spoke.name, capabilities)


def _encoded(request: Request, protocol: str, capabilities: Capabilities) -> Any:
    losses = Losses()
    return SPOKES[protocol].encode_request(request, capabilities, losses), losses.values()


@pytest.mark.parametrize(
    "data",
    [
        b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"\\ud800"}]}',
        b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"\xff"}]}',
        b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"}]} x',
        b"[]",
        b"",
        b"[" * 100_000,
    ],
)
def test_what_is_malformed_is_left_to_the_general_decoder(data: bytes) -> None:
    assert plain_request(data, None) is None


def test_a_plain_request_takes_the_shortcut() -> None:
    data = b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"}],"temperature":1,"stream":true}'
    found = plain_request(data, None)
    assert found is not None
    assert type(found.turns) is Plain
    assert type(msgspec.structs.replace(found, model="n").turns) is Plain
