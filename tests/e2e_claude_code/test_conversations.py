"""What only a whole conversation shows: the order of a history, both steps of a call, schemas beside tools, bytes that
arrive as they were, and reasoning that comes back."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import struct
import time
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import anthropic
import openai
import pytest
from tests.e2e_claude_code.programs import VERSIONS, Api, account, formed, history, named, program
from tests.support.gateway import RunningGateway, running_gateway, settings_for
from tests.support.scenario import SIGNATURE, Reasoning, Scenario, Text, ToolCall, say
from tests.support.upstream import Request
from tests.support.vendors.framing import Json

from codenex.providers.claude_code.login import login_of
from codenex.store.settings import Account

WEATHER: Json = {
    "name": "get.weather",
    "description": "The weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
pytestmark = pytest.mark.parametrize("version", VERSIONS)


def messages_of(gateway: RunningGateway) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0)


def chat_of(gateway: RunningGateway) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0)


@asynccontextmanager
async def asking(sdk_of: Callable[[RunningGateway], Any], *accounts: Account) -> AsyncIterator[Any]:
    """A client of a gateway with these accounts."""
    async with running_gateway(settings_for(*accounts)) as gateway, sdk_of(gateway) as sdk:
        yield sdk


async def test_twenty_turns_arrive_in_order(version: str, tmp_path: Path) -> None:
    turns: list[Any] = [
        {"role": ("user", "assistant")[number % 2], "content": f"turn number {number}"} for number in range(21)
    ]
    async with Api(say("Done.")) as api, asking(messages_of, account(version, api, tmp_path)) as sdk:
        answer = await sdk.messages.create(model="sonnet", max_tokens=500, system="Be short.", messages=turns)
    assert answer.content[0].text == "Done."
    (body,) = api.asked
    told = [(role, [block["text"] for block in blocks]) for role, blocks in history(body)]
    assert told == [(turn["role"], [turn["content"]]) for turn in turns]
    assert body["max_tokens"] == 500
    assert body["system"][-1]["text"] == "Be short."


async def test_both_steps_of_parallel_calls(version: str, tmp_path: Path) -> None:
    calls = Scenario(
        parts=(
            Reasoning("I need both.", SIGNATURE),
            Text("I look."),
            ToolCall("toolu_first00001", "get_weather_3df6ba6c", '{"city":"Bern"}'),
            ToolCall("toolu_second0002", "get_weather_3df6ba6c", '{"city":"Genf"}'),
        ),
        finish="tool_calls",
    )

    def script(request: Request, body: Json) -> Scenario:
        name = next(tool["name"] for tool in body["tools"]).removeprefix("mcp__t__")
        if any(block["type"] == "tool_result" for _, blocks in history(body) for block in blocks):
            return say("Sunny in both.")
        parts = tuple(
            ToolCall(part.id, name, part.arguments) if isinstance(part, ToolCall) else part for part in calls.parts
        )
        return named(Scenario(parts=parts, finish="tool_calls"))

    asked: Any = {"role": "user", "content": "Weather?"}
    options: Any = {"model": "sonnet", "max_tokens": 2000, "thinking": {"type": "adaptive"}, "tools": [WEATHER]}
    async with Api(script) as api, asking(messages_of, account(version, api, tmp_path)) as sdk:
        first = await sdk.messages.create(messages=[asked], **options)
        called = [block for block in first.content if block.type == "tool_use"]
        assert [(block.name, block.input) for block in called] == [
            ("get.weather", {"city": "Bern"}),
            ("get.weather", {"city": "Genf"}),
        ]
        results = [{"type": "tool_result", "tool_use_id": block.id, "content": f"sun {block.id}"} for block in called]
        turns: list[Any] = [
            asked,
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": results},
        ]
        second = await sdk.messages.create(messages=turns, **options)
    assert second.content[0].text == "Sunny in both."
    _, body = api.asked
    (_, _), (role, blocks), (_, answered) = history(body)
    assert role == "assistant"
    kinds = [block["type"] for block in blocks]
    assert kinds == ["thinking", "text", "tool_use", "tool_use"], "reasoning comes back to its model"
    assert [block["input"] for block in blocks[2:]] == [{"city": "Bern"}, {"city": "Genf"}]
    assert {block["name"] for block in blocks[2:]} == {body["tools"][0]["name"]}
    assert [block["tool_use_id"] for block in answered] == [block.id for block in called]


@pytest.mark.parametrize("called", [False, True])
async def test_a_schema_beside_tools(version: str, called: bool, tmp_path: Path) -> None:
    call = Scenario(parts=(ToolCall("toolu_1", "lookup", '{"q":"x"}'),), finish="tool_calls")
    scenario = named(call) if called else formed('{"a": 7}')
    function = {"name": "lookup", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}}
    schema: Any = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}
    async with Api(scenario) as api, asking(chat_of, account(version, api, tmp_path)) as sdk:
        answer = await sdk.chat.completions.create(
            model="sonnet",
            messages=[{"role": "user", "content": "Either."}],
            tools=[{"type": "function", "function": function}],
            response_format=schema,
        )
    choice = answer.choices[0]
    if called:
        (found,) = choice.message.tool_calls or []
        assert (found.function.name, json.loads(found.function.arguments)) == ("lookup", {"q": "x"})
        assert choice.finish_reason == "tool_calls"
    else:
        assert json.loads(choice.message.content or "") == {"a": 7}
        assert choice.finish_reason == "stop"
    assert len(api.asked) == 1


async def test_a_model_that_answers_in_prose_is_asked_again(version: str, tmp_path: Path) -> None:
    def script(request: Request, body: Json) -> Scenario:
        return say("Let me tell you.") if len(api.asked) == 1 else formed('{"a": 8}')

    schema: Any = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}
    async with Api(script) as api, asking(chat_of, account(version, api, tmp_path)) as sdk:
        answer = await sdk.chat.completions.create(
            model="sonnet", messages=[{"role": "user", "content": "JSON."}], response_format=schema
        )
    assert json.loads(answer.choices[0].message.content or "") == {"a": 8}
    assert len(api.asked) == 2
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 14, "both calls are counted"


async def test_pictures_and_documents_arrive_byte_for_byte(version: str, tmp_path: Path) -> None:
    picture = _png(640, 480)
    document = b"%PDF-1.4\n" + hashlib.sha512(b"document").digest() * 8000
    content: Any = [
        _block("image", "image/png", picture),
        _block("document", "application/pdf", document),
        {"type": "text", "text": "What are these?"},
    ]
    turns: Any = [
        {"role": "user", "content": content},
        {"role": "assistant", "content": "A picture and a document."},
        {"role": "user", "content": content},
    ]
    async with Api(say("Done.")) as api, asking(messages_of, account(version, api, tmp_path)) as sdk:
        await sdk.messages.create(model="sonnet", max_tokens=500, messages=turns)
    (body,) = api.asked
    first, _, last = history(body)
    for _, blocks in (first, last):
        found = [base64.b64decode(block["source"]["data"]) for block in blocks if "source" in block]
        assert found == [picture, document]


def _png(width: int, height: int) -> bytes:
    """A picture of noise, which nothing makes smaller."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    noise = Random(7)
    rows = b"".join(b"\0" + noise.randbytes(width) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pieces = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return bytes.fromhex("89504e470d0a1a0a") + b"".join(pieces)


def _block(kind: str, media_type: str, data: bytes) -> Json:
    source = {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode()}
    return {"type": kind, "source": source}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("rate_limit", 429), ("bad_key", 401), ("overloaded", 503), ("bad_request", 400), ("internal", 500)],
)
async def test_errors_of_the_api_keep_their_status(version: str, kind: str, expected: int, tmp_path: Path) -> None:
    async with Api(say("Done.")) as api, asking(chat_of, account(version, api, tmp_path)) as sdk:
        api.fail_next(*[kind] * 4)
        with pytest.raises(openai.APIStatusError) as caught:
            await sdk.chat.completions.create(model="sonnet", messages=[{"role": "user", "content": "x"}])
    assert caught.value.status_code == expected


async def test_a_program_that_is_not_logged_in_says_what_to_do(version: str, tmp_path: Path) -> None:
    async with (
        Api(say("Done.")) as api,
        running_gateway(settings_for(account(version, api, tmp_path, api_key=None))) as gateway,
        chat_of(gateway) as sdk,
    ):
        with pytest.raises(openai.AuthenticationError, match="claude auth login"):
            await sdk.chat.completions.create(model="sonnet", messages=[{"role": "user", "content": "x"}])
        (report,) = gateway.gateway.accounts.report()["claudeCode-custom"]
    assert not report["isHealthy"]
    assert api.asked == []


async def test_several_entries_share_the_work(version: str, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    async with Api(say("One.")) as one, Api(say("Two.")) as two:
        accounts = [account(version, one, folders[0], 0), account(version, two, folders[1], 1)]
        async with asking(messages_of, *accounts) as sdk:
            one.fail_next(*["overloaded"] * 4)
            answers = [
                await sdk.messages.create(model="haiku", max_tokens=50, messages=[{"role": "user", "content": "x"}])
                for _ in range(2)
            ]
    assert {answer.content[0].text for answer in answers} <= {"One.", "Two."}
    assert two.asked


async def test_a_program_that_was_started_ahead_answers_sooner(version: str, tmp_path: Path) -> None:
    async with Api(say("Done.")) as api, asking(messages_of, account(version, api, tmp_path)) as sdk:
        took = []
        for number in range(4):
            began = time.monotonic()
            answer = await sdk.messages.create(
                model="sonnet",
                max_tokens=50,
                system=f"System {number}.",
                messages=[{"role": "user", "content": f"Question {number}"}],
            )
            took.append(time.monotonic() - began)
            assert answer.content[0].text == "Done."
            # Until the next one is ready.
            await asyncio.sleep(6)
    print(f"{version}: {[round(seconds, 2) for seconds in took]}")
    assert min(took[1:]) < took[0]
    for number, body in enumerate(api.asked):
        assert body["system"][-1]["text"] == f"System {number}."
        assert history(body)[0][1][0]["text"] == f"Question {number}"


@pytest.mark.parametrize("key", [None, "key-for-tests"])
async def test_a_check_of_an_account_knows_whether_it_is_logged_in(
    version: str, key: str | None, tmp_path: Path
) -> None:
    async with Api(say("Done.")) as api:
        login = await login_of(program(version), account(version, api, tmp_path, api_key=key))
    assert login.logged_in is (key is not None)
    assert api.asked == []
