"""The provider through the gateway, with the stand-in for the CLI: answers, failures, limits and departures."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from tests.support.client import RawClient, RawResponse
from tests.support.fake_cli import (
    FakeCli,
    Json,
    alive,
    answering,
    as_tools,
    ask,
    events_of,
    failing,
    good,
    settings,
    until,
)
from tests.support.gateway import KEY, running_gateway
from tests.support.scenario import SCENARIOS, Scenario, Text, ToolCall, say

HEADERS = {"authorization": f"Bearer {KEY}"}
BODY: Json = {"model": "sonnet", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def cli(tmp_path: Path) -> FakeCli:
    return FakeCli(tmp_path)


def of_type(answer: RawResponse, kind: str) -> list[Json]:
    """The deltas of a stream's events of one type."""
    return [json.loads(event.data)["delta"] for event in answer.events if event.type == kind]


async def test_an_answer_whole_and_streamed(cli: FakeCli) -> None:
    async with running_gateway(settings(cli.account(api_key="key-for-tests"))) as gateway:
        whole = await ask(gateway, BODY)
        streamed = await ask(gateway, {**BODY, "stream": True})
        chat = await ask(gateway, {"model": "opus", "messages": BODY["messages"]}, "/v1/chat/completions")
    assert whole.json["content"] == [{"type": "text", "text": "Hello from the stand-in."}]
    assert whole.json["usage"]["output_tokens"] == 7
    texts = [
        json.loads(event.data)["delta"]["text"] for event in streamed.events if event.type == "content_block_delta"
    ]
    assert "".join(texts) == "Hello from the stand-in."
    assert len(texts) > 1, "tokens come as they are made"
    assert chat.json["choices"][0]["message"]["content"] == "Hello from the stand-in."
    assert chat.headers.get("x-codenex-provider") == "claudeCode-custom"


async def test_how_the_program_is_started(cli: FakeCli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "ANTHROPIC_API_KEY", "CLAUDECODE", "DATABASE_PASSWORD", "REQUIRED_API_KEY"):
        monkeypatch.setenv(name, "not for it")
    async with running_gateway(settings(cli.account(api_key="key-for-tests"))) as gateway:
        await ask(gateway, BODY)
    (heard,) = cli.heard
    environment = heard.started["env"]
    assert "not for it" not in environment.values()
    assert environment["ANTHROPIC_API_KEY"] == "key-for-tests"
    assert environment["ANTHROPIC_MODEL"] == "sonnet"
    assert environment["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "100"
    assert environment["CLAUDE_CODE_DISABLE_ATTACHMENTS"] == "1"
    assert heard.started["files"] == []
    assert heard.started["cwd"] not in map(str, Path(heard.started["cwd"]).parent.iterdir()), (
        "the folder goes with the gateway"
    )
    assert "--tools=" in heard.started["argv"]


async def test_a_history_goes_line_by_line(cli: FakeCli) -> None:
    messages = [
        {"role": "user" if number % 2 == 0 else "assistant", "content": f"turn {number}"} for number in range(21)
    ]
    async with running_gateway(settings(cli.account())) as gateway:
        answer = await ask(gateway, {**BODY, "system": "Be short.", "messages": messages})
    assert answer.status == 200
    (heard,) = cli.heard
    assert heard.greeting["systemPrompt"] == ["Be short."]
    told = [line["message"]["content"] for line in heard.conversation]
    assert [text if isinstance(text, str) else text[0]["text"] for text in told] == [f"turn {n}" for n in range(21)]
    assert [line.get("shouldQuery") for line in heard.conversation if line["type"] == "user"] == [False] * 10 + [None]
    assistants = [line["message"] for line in heard.conversation if line["type"] == "assistant"]
    assert len({message["id"] for message in assistants}) == 10
    assert {message["model"] for message in assistants} == {"claude-resolved"}


async def test_tools_are_called_and_answered_by_the_client(cli: FakeCli) -> None:
    called = Scenario(
        parts=(
            Text("I look."),
            ToolCall("toolu_1", "get_weather", '{"city":"Bern"}'),
            ToolCall("toolu_2", "get_weather", '{"city":"Genf"}'),
        ),
        finish="tool_calls",
    )
    hook = {"subtype": "hook_callback", "callback_id": "tool", "input": {"tool_name": "mcp__t__get_weather"}}
    events = as_tools(events_of(called))
    cli.script(*({"event": event} for event in events[:-2]), {"ask": hook}, *({"event": e} for e in events[-2:]))
    tool = {"name": "get_weather", "description": "The weather.", "input_schema": {"type": "object"}}
    async with running_gateway(settings(cli.account())) as gateway:
        first = await ask(gateway, {**BODY, "tools": [tool]})
        blocks = first.json["content"]
        assert first.json["stop_reason"] == "tool_use"
        assert [block.get("name") for block in blocks] == [None, "get_weather", "get_weather"]
        assert [block.get("input") for block in blocks] == [None, {"city": "Bern"}, {"city": "Genf"}]
        cli.script(*answering(say("Sunny and rainy.")))
        results = [{"type": "tool_result", "tool_use_id": f"toolu_{n}", "content": f"result {n}"} for n in (1, 2)]
        turns = [{"role": "assistant", "content": blocks}, {"role": "user", "content": results}]
        second = await ask(gateway, {**BODY, "tools": [tool], "messages": [*BODY["messages"], *turns]})
    assert second.json["content"][0]["text"] == "Sunny and rainy."
    before, after = cli.heard
    assert before.tools == [{"name": "get_weather", "description": "The weather.", "inputSchema": {"type": "object"}}]
    assert {"permissionDecision": "defer", "hookEventName": "PreToolUse"} in [
        reply.get("hookSpecificOutput") for reply in before.replies
    ]
    names = [block["name"] for block in after.conversation[1]["message"]["content"] if block["type"] == "tool_use"]
    assert names == ["mcp__t__get_weather"] * 2
    assert [block["tool_use_id"] for block in after.conversation[2]["message"]["content"]] == ["toolu_1", "toolu_2"]


SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_follows_a_schema(cli: FakeCli, stream: bool) -> None:
    formed = Scenario(parts=(Text("Here:"), ToolCall("toolu_1", "StructuredOutput", '{"a": 1}')), finish="tool_calls")
    cli.script(*answering(formed, structured_output={"a": 1}))
    body = {**BODY, "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}, "stream": stream}
    async with running_gateway(settings(cli.account())) as gateway:
        answer = await ask(gateway, body)
    if stream:
        deltas = [json.loads(event.data)["delta"] for event in answer.events if event.type == "content_block_delta"]
        text = "".join(delta["text"] for delta in deltas)
        (stop,) = [
            json.loads(event.data)["delta"]["stop_reason"] for event in answer.events if event.type == "message_delta"
        ]
    else:
        text, stop = answer.json["content"][0]["text"], answer.json["stop_reason"]
        assert len(answer.json["content"]) == 1
    assert (text, stop) == ('{"a": 1}', "end_turn")
    assert cli.heard[0].greeting["jsonSchema"] == SCHEMA


async def test_prose_is_the_answer_where_the_form_never_comes(cli: FakeCli) -> None:
    events = [event for event in events_of(say("I'd rather not.")) if event["type"] != "ping"]
    over = good(subtype="error_max_turns", is_error=True, errors=["Reached maximum number of turns (2)"])
    cli.script(*({"event": event} for event in events), {"say": over})
    body = {**BODY, "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}
    async with running_gateway(settings(cli.account())) as gateway:
        answer = await ask(gateway, body)
    assert (answer.status, answer.json["content"][0]["text"]) == (200, "I'd rather not.")


@pytest.mark.parametrize(
    ("text", "status", "expected"),
    [
        ("API Error: Request rejected (429) · slow down", 429, 429),
        ("Failed to authenticate. API Error: 401", 401, 401),
        ("Not logged in · Please run /login", None, 401),
        ("API Error: 529 Overloaded", 529, 503),
        ("Credit balance is too low", None, 429),
        ("API Error: 400 messages: too many", 400, 400),
        ("It broke", None, 502),
    ],
)
async def test_errors_inside_of_a_success(cli: FakeCli, text: str, status: int | None, expected: int) -> None:
    cli.script({"say": failing(text, status)})
    async with running_gateway(settings(cli.account())) as gateway:
        answer = await ask(gateway, {"model": "sonnet", "messages": BODY["messages"]}, "/v1/chat/completions")
        report = gateway.gateway.accounts.report()["claudeCode-custom"][0]
    assert answer.status == expected
    assert text.partition(" ")[0] in answer.json["error"]["message"]
    if expected == 401:
        assert "claude auth login" in answer.json["error"]["message"]
        assert "claude auth login" in report["lastErrorMessage"]
        assert report["isHealthy"] is False


async def test_a_limit_that_says_when_it_ends(cli: FakeCli) -> None:
    limits = {"status": "rejected", "resetsAt": int(time.time()) + 120, "rateLimitType": "five_hour"}
    cli.script({"say": {"type": "rate_limit_event", "rate_limit_info": limits}}, {"say": failing("limit", 429)})
    async with running_gateway(settings(cli.account())) as gateway:
        answer = await ask(gateway, BODY)
    assert answer.status == 429
    assert 100 <= int(answer.headers.get("retry-after") or 0) <= 120


async def test_an_error_after_the_beginning_is_told_in_the_stream(cli: FakeCli) -> None:
    events = events_of(say("Some words before it breaks"))
    cli.script(*({"event": event} for event in events[:4]), {"say": failing("API Error: 529 Overloaded", 529)})
    async with running_gateway(settings(cli.account())) as gateway:
        answer = await ask(gateway, {**BODY, "stream": True})
    assert answer.status == 200
    assert answer.events[-1].type == "error"
    assert json.loads(answer.events[-1].data)["error"]["type"] == "overloaded_error"


@pytest.mark.parametrize("steps", [[{"exit": 3}], [{"stderr": "error: unknown option"}, {"exit": 1}]])
async def test_a_program_that_dies(cli: FakeCli, steps: list[Json]) -> None:
    cli.script(*steps)
    async with running_gateway(settings(cli.account())) as gateway:
        answer = await ask(gateway, BODY)
    assert answer.status == 502
    assert "ended with status" in answer.json["error"]["message"]
    assert len(steps) == 1 or "unknown option" in answer.json["error"]["message"]


async def test_a_program_that_dies_in_the_middle(cli: FakeCli) -> None:
    events = events_of(say("Some words before it breaks"))
    cli.script(*({"event": event} for event in events[:5]), {"exit": 1})
    async with running_gateway(settings(cli.account())) as gateway:
        answer = await ask(gateway, {**BODY, "stream": True})
    assert answer.events[-1].type == "error"


async def test_a_run_without_a_call_of_the_model_is_no_answer(cli: FakeCli) -> None:
    cli.script({"say": good(num_turns=0, result="Total cost: $0")})
    async with running_gateway(settings(cli.account())) as gateway:
        answer = await ask(gateway, BODY)
    assert answer.status == 502


async def test_lines_beyond_a_megabyte_and_noise_between_them(cli: FakeCli) -> None:
    text = "0123456789abcdef" * (3 * 1024 * 1024 // 16)
    long = Scenario(parts=(Text(text, (text,)),))
    cli.script({"raw": "not JSON at all"}, {"raw": "{}"}, *answering(long))
    async with running_gateway(settings(cli.account())) as gateway:
        answer = await ask(gateway, {**BODY, "messages": [{"role": "user", "content": text}]})
    assert answer.json["content"][0]["text"] == text
    assert cli.heard[0].conversation[0]["message"]["content"] == text


async def test_a_program_that_hangs_is_given_up_and_killed(cli: FakeCli) -> None:
    cli.script({"sleep": 60})
    async with running_gateway(settings(cli.account(first_byte_timeout=0.8))) as gateway:
        answer = await ask(gateway, BODY)
        assert answer.status == 504
        await until(lambda: not alive(cli.pids[0]))


async def test_nothing_runs_beyond_its_time(cli: FakeCli) -> None:
    events = events_of(say("word " * 100))
    cli.script(*(step for event in events for step in ({"event": event}, {"sleep": 0.1})))
    async with running_gateway(settings(cli.account(), claude_code_timeout=1.0)) as gateway:
        answer = await ask(gateway, {**BODY, "stream": True})
        assert answer.events[-1].type == "error"
        await until(lambda: not alive(cli.pids[0]))


@pytest.mark.parametrize("begun", [False, True])
async def test_a_client_that_leaves_ends_the_program_at_once(cli: FakeCli, begun: bool) -> None:
    events = events_of(say("Some words"))[:4] if begun else []
    cli.script({"child": 61}, *({"event": event} for event in events), {"sleep": 60})
    async with running_gateway(settings(cli.account())) as gateway:
        client = await RawClient.connect(gateway.port)
        await client.request("POST", "/v1/messages", {**BODY, "stream": True}, HEADERS)
        if begun:
            await client.head()
        await until(lambda: bool(cli.pids) and bool(cli.heard[0].conversation))
        (pid,) = cli.pids
        await asyncio.sleep(0.1)
        await client.__aexit__(None, None, None)
        took = await until(lambda: not alive(pid))
        assert took < 1.0, f"{took:.3f} s"
        await until(lambda: not group(pid))


def group(leader: int) -> list[str]:
    """The processes of a group."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == leader and fields[0] != "Z":
                found.append(folder.name)
    return found


async def test_more_requests_than_programs_wait_in_order(cli: FakeCli) -> None:
    cli.script({"sleep": 0.2}, *answering(say("Done.")))
    async with running_gateway(settings(cli.account(), claude_code_processes=2)) as gateway:
        most = 0

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, sum(map(alive, cli.pids)))
                await asyncio.sleep(0.02)

        watching = asyncio.ensure_future(watch())
        answers = await asyncio.gather(*(ask(gateway, BODY) for _ in range(6)))
        watching.cancel()
        slots = gateway.gateway.claude_code.slots
        await until(lambda: slots.taken == 0)
    assert {answer.status for answer in answers} == {200}
    assert most <= 2
    assert len(cli.pids) == 6


async def test_who_waits_and_leaves_takes_no_room(cli: FakeCli) -> None:
    cli.script({"sleep": 0.5}, *answering(say("Done.")))
    async with running_gateway(settings(cli.account(), claude_code_processes=1)) as gateway:
        first = asyncio.ensure_future(ask(gateway, BODY))
        await until(lambda: len(cli.pids) == 1)
        client = await RawClient.connect(gateway.port)
        await client.request("POST", "/v1/messages", BODY, HEADERS)
        await asyncio.sleep(0.1)
        await client.__aexit__(None, None, None)
        assert (await first).status == 200
        assert (await ask(gateway, BODY)).status == 200
    assert len(cli.pids) == 2


async def test_a_missing_program_says_what_to_do(cli: FakeCli) -> None:
    cli.path.unlink()
    async with running_gateway(settings(cli.account())) as gateway:
        answer = await ask(gateway, BODY)
    assert answer.status == 503
    assert "npm install" in answer.json["error"]["message"]


async def test_another_entry_takes_over(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    first, second = map(FakeCli, folders)
    first.script({"say": failing("Not logged in · Please run /login")})
    accounts = (first.account(0), second.account(1, api_key="other-key-for-tests"))
    async with running_gateway(settings(*accounts)) as gateway:
        for _ in range(3):
            assert (await ask(gateway, BODY)).status == 200
    assert len(first.pids) == 1, "an account that is logged out rests"
    assert len(second.pids) == 3
    assert {heard.started["env"].get("ANTHROPIC_API_KEY") for heard in second.heard} == {"other-key-for-tests"}


async def test_stop_sequences_are_looked_for_here(cli: FakeCli) -> None:
    cli.script(*answering(say("one two three END four five")), {"sleep": 30})
    async with running_gateway(settings(cli.account())) as gateway:
        answer = await ask(gateway, {**BODY, "stop_sequences": ["END"]})
        chat = {"model": "sonnet", "messages": BODY["messages"], "stop": ["three"], "temperature": 0.2}
        other = await ask(gateway, chat, "/v1/chat/completions")
        await until(lambda: not any(map(alive, cli.pids)))
    assert answer.json["content"][0]["text"] == "one two three "
    assert (answer.json["stop_reason"], answer.json["stop_sequence"]) == ("stop_sequence", "END")
    assert other.json["choices"][0]["message"]["content"] == "one two "
    assert "temperature=dropped" in (other.headers.get("x-codenex-losses") or "")


@pytest.mark.parametrize("name", ["text", "unicode", "reasoning and text", "length", "cached", "refusal"])
async def test_what_the_model_says_arrives(cli: FakeCli, name: str) -> None:
    scenario = SCENARIOS[name]
    cli.script(*answering(scenario))
    async with running_gateway(settings(cli.account())) as gateway:
        answer = (await ask(gateway, {**BODY, "thinking": {"type": "adaptive"}})).json
    texts = "".join(block.get("text", "") for block in answer["content"])
    assert texts == scenario.text
    assert "".join(block.get("thinking", "") for block in answer["content"]) == scenario.reasoning
    assert answer["usage"]["cache_read_input_tokens"] == scenario.usage.cache_read
    assert answer["usage"]["output_tokens"] == scenario.usage.output_total


async def test_what_is_left_of_a_subscription_is_told(cli: FakeCli) -> None:
    limits = {"status": "allowed_warning", "resetsAt": 2_000_000_000, "rateLimitType": "five_hour", "utilization": 0.8}
    event = {"say": {"type": "rate_limit_event", "rate_limit_info": limits}}
    cli.script(event, *answering(say("Done.")))
    told: list[tuple[str, Json]] = []
    async with running_gateway(settings(cli.account())) as gateway:
        gateway.gateway.claude_code.tell = lambda name, data: told.append((name, data))
        await ask(gateway, BODY)
    expected = {"uuid": "claudeCode-custom-0", "provider": "claudeCode-custom", "limits": limits}
    assert told == [("account_quota", expected)]


async def test_lists_and_counts(cli: FakeCli) -> None:
    async with (
        running_gateway(settings(cli.account(automatic=True))) as gateway,
        await RawClient.connect(gateway.port) as client,
    ):
        listed = await client.ask("GET", "/v1/models", None, {"authorization": f"Bearer {KEY}"})
        counted = await ask(gateway, BODY, "/v1/messages/count_tokens")
    assert [model["id"] for model in listed.json["data"]] == ["opus", "sonnet", "haiku"]
    assert counted.json["input_tokens"] > 0
    assert cli.pids == [], "neither costs a program"
