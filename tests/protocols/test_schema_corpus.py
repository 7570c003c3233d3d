"""The corpus of schemas through the encoders: as a tool and as the form of the answer, from every client's protocol to
every upstream, judged by the scripted vendors' rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.models.schema_corpus import CORPUS, Case
from tests.support.vendors.checks import Problems
from tests.support.vendors.dialects import DIALECTS
from tests.support.vendors.gemini.schemas import check_json_schema

from codenex.core.losses import Losses
from codenex.gateway.spokes import SPOKES
from codenex.models.property_names import with_fitting_names
from codenex.providers.registry import PROVIDER_TYPES

#: The vendor's own API of each protocol, not what else speaks it with limits of its own.
KINDS = {kind.protocol: kind for kind in reversed(PROVIDER_TYPES.values()) if kind.fit is None}
#: Targets: protocol, model, and the path of a request. The last one has no slot for JSON Schema.
TARGETS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "openai-chat": ("openai-chat", "gpt-4.1", {}),
    "openai-responses": ("openai-responses", "gpt-4.1", {}),
    "anthropic": ("anthropic", "claude-opus-4-5", {}),
    "gemini": ("gemini", "gemini-3-pro", {}),
    "gemini, without JSON Schema": (
        "gemini",
        "gemini-2.0-flash",
        {"json_schema_slot": False, "property_names": "identifier"},
    ),
}
PATHS = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/gemini-3-pro:generateContent",
}


def asked(client: str, schema: dict[str, Any], *, use: str) -> dict[str, Any]:
    """A client's request with the schema in the place where its protocol has it."""
    strict = use == "strict tool"
    form = use == "answer"
    match client:
        case "openai-chat":
            function = {"name": "f", "parameters": schema, "strict": strict}
            format_ = {"type": "json_schema", "json_schema": {"name": "f", "schema": schema, "strict": True}}
            body = {"response_format": format_} if form else {"tools": [{"type": "function", "function": function}]}
            return {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **body}
        case "openai-responses":
            tool = {"type": "function", "name": "f", "parameters": schema, "strict": strict}
            format_ = {"type": "json_schema", "name": "f", "schema": schema, "strict": True}
            return {"model": "m", "input": "Hi", **({"text": {"format": format_}} if form else {"tools": [tool]})}
        case "anthropic":
            tool = {"name": "f", "input_schema": schema, "strict": strict}
            format_ = {"type": "json_schema", "schema": schema}
            body = {"output_config": {"format": format_}} if form else {"tools": [tool]}
            return {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}], **body}
        case _:
            calling = {"toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}}} if strict else {}
            declared = {"tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": schema}]}], **calling}
            format_ = {"responseMimeType": "application/json", "responseJsonSchema": schema}
            contents = [{"role": "user", "parts": [{"text": "Hi"}]}]
            return {"contents": contents, **({"generationConfig": format_} if form else declared)}


def sent(client: str, target: str, case: Case, use: str) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """What the upstream gets, and the losses."""
    protocol, model, facts = TARGETS[target]
    request = SPOKES[client].decode_request(json.dumps(asked(client, case.schema, use=use)).encode(), model)
    capabilities = KINDS[protocol].capabilities(model, KINDS[protocol].base_url, facts)
    request, _ = with_fitting_names(request, capabilities.property_names)
    losses = Losses()
    losses.extend(request.losses)
    body = SPOKES[protocol].encode_request(request, capabilities, losses).body
    return json.loads(body), losses.values()


@pytest.mark.pitfall("SCH-1", "SCH-7", "SCH-10", "SCH-11", "OUT-4", "TOOL-29", "TOOL-31")
@pytest.mark.parametrize("use", ["tool", "strict tool", "answer"])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("client", SPOKES)
def test_every_vendor_takes_every_schema(client: str, target: str, use: str) -> None:
    protocol = TARGETS[target][0]
    check = DIALECTS[protocol.replace("-", "_")].check_request
    refused: dict[str, list[str]] = {}
    for case in CORPUS:
        if client.startswith("openai") and protocol.startswith("openai"):
            # One vendor's own dialect: what it refuses, it refuses there as well.
            continue
        if client == protocol:
            continue
        body, _ = sent(client, target, case, use)
        problems = Problems(check(body, {"anthropic-version": "2023-06-01"}, PATHS[protocol]))
        # The vendor lets its own clients send more than what it lists.
        for slot in _slots(body):
            check_json_schema(problems, "schema", slot)
        if problems:
            refused[case.name] = problems
    assert not refused


def _slots(body: dict[str, Any]) -> Iterator[Any]:
    for tool in body.get("tools", []):
        for declaration in tool.get("functionDeclarations", []):
            if "parametersJsonSchema" in declaration:
                yield declaration["parametersJsonSchema"]
    config = body.get("generationConfig", {})
    if "responseJsonSchema" in config:
        yield config["responseJsonSchema"]


@pytest.mark.pitfall("SCH-9")
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("client", SPOKES)
def test_every_turn_sends_the_same(client: str, target: str) -> None:
    for case in CORPUS:
        assert json.dumps(sent(client, target, case, "tool")[0]) == json.dumps(sent(client, target, case, "tool")[0])
