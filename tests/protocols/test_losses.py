"""Fields that one protocol alone knows: left out of what others get, and told; or refused where that would mislead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codenex.core.errors import Fault
from codenex.core.losses import Losses
from codenex.gateway.spokes import SPOKES
from codenex.providers.registry import PROVIDER_TYPES

KINDS = {kind.protocol: kind for kind in PROVIDER_TYPES.values() if kind.fit is None}
MODELS = {
    "openai-chat": "gpt-4.1",
    "openai-responses": "gpt-4.1",
    "anthropic": "claude-opus-4-5",
    "gemini": "gemini-3-pro",
}
ASKED: dict[str, dict[str, Any]] = {
    "openai-chat": {"messages": [{"role": "user", "content": "Hello"}]},
    "openai-responses": {"input": "Hello"},
    "anthropic": {"max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]},
}
TOOL = {"name": "f", "input_schema": {"type": "object", "properties": {}}}


def translated(source: str, target: str, fields: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """What the target gets, and the paths of the losses."""
    model = MODELS[target]
    body = {**ASKED[source], **fields} | ({} if source == "gemini" else {"model": model})
    request = SPOKES[source].decode_request(json.dumps(body).encode(), model)
    losses = Losses()
    losses.extend(request.losses)
    capabilities = KINDS[target].capabilities(model, KINDS[target].base_url, {})
    encoded = SPOKES[target].encode_request(request, capabilities, losses)
    return json.loads(encoded.body), {loss.path for loss in losses.values()}


def others(source: str) -> list[str]:
    return [name for name in SPOKES if name != source]


LOST: list[tuple[str, dict[str, Any], str]] = [
    ("gemini", {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT"}]}, "safetySettings"),
    ("gemini", {"labels": {"team": "a"}}, "labels"),
    ("gemini", {"modelArmorConfig": {}}, "modelArmorConfig"),
    ("gemini", {"generationConfig": {"audioTimestamp": True}}, "generationConfig"),
    ("gemini", {"generationConfig": {"routingConfig": {"autoMode": {}}}}, "generationConfig"),
    ("openai-responses", {"include": ["file_search_call.results"]}, "include"),
    ("openai-responses", {"truncation": "auto"}, "truncation"),
    ("openai-responses", {"max_tool_calls": 3}, "max_tool_calls"),
    ("openai-responses", {"access_programs": ["a"]}, "access_programs"),
    ("openai-chat", {"prediction": {"type": "content", "content": "a"}}, "prediction"),
    ("anthropic", {"context_management": {"edits": []}}, "context_management"),
    ("anthropic", {"container": "c"}, "container"),
    ("anthropic", {"tools": [{**TOOL, "eager_input_streaming": True}]}, "tools[0].eager_input_streaming"),
    ("anthropic", {"tools": [{**TOOL, "input_examples": [{}]}]}, "tools[0].input_examples"),
    (
        "openai-responses",
        {"tools": [{"type": "function", "name": "f", "parameters": {}, "output_schema": {"type": "object"}}]},
        "tools[0].output_schema",
    ),
]


@pytest.mark.pitfall("SMP-14", "SCH-12", "RSP-7", "RSP-15", "TOOL-19", "TOOL-39", "SMP-13")
@pytest.mark.parametrize(("source", "fields", "path"), LOST, ids=[f"{case[0]}-{case[2]}" for case in LOST])
def test_what_others_do_not_know_is_left_out_and_told(source: str, fields: dict[str, Any], path: str) -> None:
    name = path.rpartition(".")[2]
    for target in others(source):
        body, losses = translated(source, target, fields)
        assert path in losses, target
        assert f'"{name}"' not in json.dumps(body) or name == "generationConfig", target
        inner = next(iter(fields.get("generationConfig", {})), None)
        assert inner is None or inner not in json.dumps(body), target


@pytest.mark.pitfall("SSE-14")
@pytest.mark.parametrize("target", ["anthropic", "gemini"])
def test_padding_of_a_stream_is_openais(target: str) -> None:
    body, losses = translated("openai-chat", target, {"stream": True, "stream_options": {"include_obfuscation": True}})

    assert "stream_options" in losses
    assert "obfuscation" not in json.dumps(body)


@pytest.mark.pitfall("TOOL-34")
@pytest.mark.parametrize("target", others("anthropic"))
def test_sets_of_tools_are_refused_elsewhere(target: str) -> None:
    with pytest.raises(Fault, match="computer_toolset_20260801") as raised:
        translated("anthropic", target, {"tools": [{"type": "computer_toolset_20260801"}, TOOL]})
    assert raised.value.status == 400


@pytest.mark.pitfall("CLI-10")
def test_a_nested_search_is_native_or_a_400_and_never_an_empty_answer() -> None:
    """Claude Code's web search is a request of its own with this one tool."""
    search = {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}

    assert translated("anthropic", "gemini", search)[0]["tools"] == [{"googleSearch": {}}]
    with pytest.raises(Fault, match="web_search_20250305"):
        translated("anthropic", "openai-chat", search)


@pytest.mark.pitfall("TOOL-30")
@pytest.mark.parametrize("target", others("anthropic"))
def test_descriptions_are_never_shortened(target: str) -> None:
    long = "A tool. " * 1000
    body, losses = translated("anthropic", target, {"tools": [{**TOOL, "description": long}]})

    assert long in json.dumps(body)
    assert not losses
