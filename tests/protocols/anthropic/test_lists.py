"""Lists of models and counts of tokens."""

from __future__ import annotations

import json

import pytest
from tests.support.vendors.anthropic import answers

from codenex.core.errors import Fault, FaultKind
from codenex.core.spoke import Model
from codenex.protocols.anthropic import SPOKE

MODELS = [
    Model("claude-a", "anthropic", "Claude A", 1_769_904_000, 200_000, 64_000),
    Model("vendor/other", "anthropic", None, 0),
]


@pytest.mark.pitfall("CLI-1")
def test_the_list_has_the_vendors_shape() -> None:
    found = json.loads(SPOKE.encode_models(MODELS))
    assert (found["has_more"], found["first_id"], found["last_id"]) == (False, "claude-a", "vendor/other")
    assert found["data"][0] == {
        "type": "model",
        "id": "claude-a",
        "display_name": "Claude A",
        "created_at": "2026-02-01T00:00:00Z",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
        "lifecycle": "active",
    }
    assert found["data"][1]["display_name"] == "vendor/other"
    assert found["data"][1]["created_at"] == "1970-01-01T00:00:00Z"
    assert json.loads(SPOKE.encode_model(MODELS[0])) == found["data"][0]
    empty = json.loads(SPOKE.encode_models([]))
    assert (empty["data"], empty["first_id"], empty["last_id"]) == ([], None, None)


def test_lists_are_read_back() -> None:
    first, second = SPOKE.decode_models(SPOKE.encode_models(MODELS))
    assert first == MODELS[0]
    assert (second.id, second.display_name, second.created) == ("vendor/other", "vendor/other", 0)
    assert [model.id for model in SPOKE.decode_models(answers.models(["a", "b"]))] == ["a", "b"]
    odd = {"data": [{"id": "x", "created": 5}, {"id": 1}, 2, {"id": "y", "created_at": "never", "max_tokens": True}]}
    assert SPOKE.decode_models(json.dumps(odd).encode()) == [Model("x", "anthropic", None, 5), Model("y", "anthropic")]


@pytest.mark.pitfall("TOK-2")
def test_counts() -> None:
    assert SPOKE.encode_count(7) == b'{"input_tokens":7}'
    assert SPOKE.decode_count(b'{"input_tokens":7,"context_management":{}}') == 7


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", FaultKind.UPSTREAM),
        (b"[", FaultKind.UPSTREAM),
        (b'{"error":{"type":"overloaded_error","message":"busy"}}', FaultKind.OVERLOADED),
    ],
)
def test_nonsense_is_a_fault(body: bytes, kind: FaultKind) -> None:
    for decode in (SPOKE.decode_count, SPOKE.decode_models):
        with pytest.raises(Fault) as found:
            decode(body)
        assert found.value.kind is kind
