"""Bodies that the vendors' own types describe, and bodies that are nearly so: never a 5xx, never a crash."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypedDict

import pytest
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from google.genai import types as genai
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from tests.service.test_bad_input import FORMATS
from tests.support.client import RawClient
from tests.support.gateway import running_gateway
from tests.support.typed_values import Values

from codenex.core import json
from codenex.core.errors import Fault
from codenex.core.losses import Losses
from codenex.gateway.encoding import Target
from codenex.gateway.routes import matched
from codenex.gateway.spokes import SPOKES
from codenex.providers.registry import PROVIDER_TYPES
from codenex.store.settings import Account

NUMBER = 10_000 if os.environ.get("CODENEX_DEEP") == "1" else 60


class GenerateContent(TypedDict, total=False):
    """The body of ``generateContent``, as far as the SDK has a type for its parts."""

    contents: list[genai.ContentDict]
    systemInstruction: genai.ContentDict
    tools: list[genai.ToolDict]
    toolConfig: genai.ToolConfigDict
    safetySettings: list[genai.SafetySettingDict]
    generationConfig: genai.GenerationConfigDict


KINDS: dict[str, Any] = {
    "/v1/chat/completions": CompletionCreateParamsNonStreaming,
    "/v1/responses": ResponseCreateParamsNonStreaming,
    "/v1/messages": MessageCreateParamsNonStreaming,
    "/v1beta/models/demo:generateContent": GenerateContent,
}


def camel(value: Any) -> Any:
    """The SDK's names are snake_case, those of the wire are not."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if isinstance(value, dict):
        return {
            first + "".join(map(str.capitalize, rest)): camel(item)
            for name, item in value.items()
            for first, *rest in [name.split("_")]
        }
    return value


def plainly(path: str) -> dict[str, Any]:
    """A conversation that nothing is wrong with, so that other fields are looked at as well."""
    name, value = FORMATS[path]
    return {name: value}


def body_of(path: str, number: int) -> bytes:
    """Every third body is right by the types; in the others something is wrong, or much."""
    value = Values(number, (0.0, 0.03, 0.2)[number % 3]).of(KINDS[path])
    if not isinstance(value, dict):
        return json.encode(value)
    value = camel(value) if "models/" in path else {**value, "model": "demo"}
    return json.encode(value if number % 2 else {**value, **plainly(path)})


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("path", KINDS)
async def test_no_body_by_the_types_is_an_error_of_the_gateway(path: str) -> None:
    told: Counter[int] = Counter()
    async with running_gateway() as gateway, await RawClient.connect(gateway.port) as client:
        for number in range(NUMBER):
            body = body_of(path, number)
            response = await client.ask("POST", path, headers=gateway.headers, body=body)
            told[response.status] += 1
            assert response.status == 200 or 400 <= response.status < 500, (number, body, response.body)
            if response.status >= 400:
                assert response.json["error"]["message"]
    print(path, dict(told))
    # Otherwise only refusals would have been looked at.
    assert told[200] > NUMBER / 20, told


TARGETS = [
    Target(kind, Account("a", kind.name, api_key="k", base_url="http://127.0.0.1:1"), model)
    for kind in PROVIDER_TYPES.values()
    if kind.protocol in SPOKES
    for model in ("demo", kind.default_model)
    if model is not None
]


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("path", KINDS)
def test_no_body_by_the_types_stops_a_translation(path: str) -> None:
    told: Counter[str] = Counter()
    spoke = SPOKES[matched(path).protocol]
    for number in range(NUMBER):
        body = body_of(path, number)
        with refused(told, number, body, "decoding"):
            request = spoke.decode_request(body, "demo")
            told["decoded"] += 1
            for target in TARGETS:
                with refused(told, number, body, target.provider.name):
                    target.encoded(request, b"k" * 32, Losses())
                    told[target.provider.name] += 1
    print(path, dict(told))
    assert told["decoded"] > NUMBER / 20


@contextmanager
def refused(told: Counter[str], number: int, body: bytes, where: str) -> Iterator[None]:
    """A refusal has to be the caller's fault; whatever else is raised is a mistake of the gateway."""
    try:
        yield
    except Fault as fault:
        told[f"refused: {where}"] += 1
        if not 400 <= fault.status < 500:
            raise AssertionError(f"{number}, {where}: {fault.status} for {body!r}") from fault
    except Exception as error:
        error.add_note(f"{number}, {where}: {body!r}")
        raise
