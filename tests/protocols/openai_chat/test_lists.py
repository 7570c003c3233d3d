"""Lists of models, and counts."""

from __future__ import annotations

import json

import pytest
from tests.protocols.openai_chat.samples import sdk

from codenex.core.errors import Fault
from codenex.core.spoke import Model
from codenex.protocols.openai_chat import SPOKE


def test_the_sdk_reads_the_list():
    models = [Model("a", "me", created=5), Model("b/c")]
    found = sdk(SPOKE.encode_models(models), kind="application/json").models.list().data
    assert [(model.id, model.owned_by, model.created, model.object) for model in found] == [
        ("a", "me", 5, "model"),
        ("b/c", "codenex", 0, "model"),
    ]
    assert sdk(SPOKE.encode_model(models[0]), kind="application/json").models.retrieve("a").id == "a"
    assert SPOKE.decode_models(SPOKE.encode_models(models)) == models


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"data": []}, []),
        ([{"id": "a"}, {"odd": 1}, "b", None], [Model("a", ""), Model("b")]),
        ({"models": [{"name": "a", "model": "a:latest"}]}, [Model("a:latest", "", "a")]),
        (
            {
                "data": [
                    {
                        "id": "x/y",
                        "name": "Y",
                        "created": 7.0,
                        "context_length": 100,
                        "top_provider": {"max_completion_tokens": 50},
                    }
                ]
            },
            [Model("x/y", "", "Y", 7, 100, 50)],
        ),
        ({"data": [{"id": "v", "owned_by": "vllm", "max_model_len": 4096}]}, [Model("v", "vllm", None, 0, 4096)]),
    ],
)
def test_lists_of_other_servers(body: object, expected: list[Model]):
    assert SPOKE.decode_models(json.dumps(body).encode()) == expected


@pytest.mark.parametrize("body", [b"", b"{}", b'{"data": 5}', b"<html>"])
def test_no_list(body: bytes):
    with pytest.raises(Fault):
        SPOKE.decode_models(body)


def test_counts():
    assert SPOKE.decode_count(SPOKE.encode_count(7)) == 7
    with pytest.raises(Fault):
        SPOKE.decode_count(b'{"input_tokens": true}')
    assert SPOKE.encode_count_request is None
