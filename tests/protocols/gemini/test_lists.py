"""Lists of models and counts of tokens, as Google writes them and as its SDK reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.genai import types
from tests.protocols.gemini.frames import sdk

from codenex.core.errors import Fault, FaultKind
from codenex.core.spoke import Model
from codenex.protocols.gemini import SPOKE, bare_model, generate_path, method_path

MODELS = [Model("gemini-3.1-pro-preview", "google", "Pro", 0, 1_048_576, 65_536), Model("a/b", "google", "a/b")]


@pytest.mark.pitfall("NET-4")
def test_the_sdk_reads_the_list() -> None:
    found = list(sdk(SPOKE.encode_models(MODELS), "application/json").models.list())
    assert [(model.name, model.display_name) for model in found] == [
        ("models/gemini-3.1-pro-preview", "Pro"),
        ("models/a/b", "a/b"),
    ]
    assert (found[0].input_token_limit, found[0].output_token_limit) == (1_048_576, 65_536)
    assert "generateContent" in (found[0].supported_actions or [])
    one = sdk(SPOKE.encode_model(MODELS[0]), "application/json").models.get(model="x")
    assert one.name == "models/gemini-3.1-pro-preview"
    assert SPOKE.decode_models(SPOKE.encode_models(MODELS)) == MODELS


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"models": []}, []),
        ({}, []),
        ({"models": 5}, []),
        (
            {
                "models": [
                    {"name": "models/a", "supportedGenerationMethods": ["generateContent"], "inputTokenLimit": "9"},
                    {"name": "models/embed", "supportedGenerationMethods": ["embedContent", "countTokens"]},
                    {"name": "models/draw", "supportedGenerationMethods": ["predict"]},
                    {"name": "publishers/google/models/b", "supportedActions": ["generateContent"], "displayName": ""},
                    {"name": "c", "outputTokenLimit": 4.0, "inputTokenLimit": True},
                    {"no": "name"},
                    7,
                ],
                "nextPageToken": "x",
            },
            [
                Model("a", "google", max_input_tokens=9),
                Model("embed", "google", embeds=True),
                Model("b", "google"),
                Model("c", "google", max_output_tokens=4),
            ],
        ),
    ],
)
def test_lists_of_other_servers(body: Any, expected: list[Model]) -> None:
    assert SPOKE.decode_models(json.dumps(body).encode()) == expected


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"5"])
def test_no_list_and_no_count(body: bytes) -> None:
    for decode in (SPOKE.decode_models, SPOKE.decode_count):
        with pytest.raises(Fault) as caught:
            decode(body)
        assert caught.value.kind is FaultKind.UPSTREAM


def test_an_error_in_place_of_a_list() -> None:
    body = json.dumps({"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED"}}).encode()
    for decode in (SPOKE.decode_models, SPOKE.decode_count):
        with pytest.raises(Fault, match="no") as caught:
            decode(body)
        assert caught.value.kind is FaultKind.PERMISSION


@pytest.mark.pitfall("TOK-1")
def test_counts() -> None:
    counted = sdk(SPOKE.encode_count(7), "application/json").models.count_tokens(model="m", contents="hi")
    assert counted.total_tokens == 7
    types.CountTokensResponse.model_validate_json(SPOKE.encode_count(7))
    assert SPOKE.decode_count(SPOKE.encode_count(7)) == 7
    assert SPOKE.decode_count(b'{"total_tokens": "12"}') == 12
    # A zero is left out.
    assert SPOKE.decode_count(b"{}") == 0
    with pytest.raises(Fault):
        SPOKE.decode_count(b'{"totalTokens": "many"}')


def test_paths() -> None:
    assert bare_model("models/gemini-x") == bare_model("publishers/google/models/gemini-x") == "gemini-x"
    assert generate_path("gemini-x", stream=True) == "/models/gemini-x:streamGenerateContent?alt=sse"
    assert method_path("models/gemini-x", "countTokens") == "/models/gemini-x:countTokens"
    assert method_path("tunedModels/mine") == "/tunedModels/mine:generateContent"
