"""Nothing that a client writes is more than text to the CLI: no file, no command, no flag."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from tests.claude_code.hostile import NAMES, prompts
from tests.support.client import RawClient
from tests.support.fake_cli import FakeCli, Json, settings
from tests.support.gateway import KEY, RunningGateway, running_gateway

from codenex.core import json
from codenex.core.losses import Losses
from codenex.providers.claude_code.environment import environment
from codenex.providers.claude_code.fitting import fitted
from codenex.providers.claude_code.invocation import invocation
from codenex.store.settings import Account

COUNT = 500 if os.environ.get("CODENEX_DEEP") == "1" else 24
PROMPTS = prompts(["/etc/hostname", "secret.txt", "../secret.txt"])


def wire(text: str, model: str = "sonnet") -> bytes:
    """A request that says the text wherever texts can stand."""
    image = {"type": "image", "source": {"type": "url", "url": "https://images.example/a.png"}}
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"q": text}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": text}]}
    return json.encode(
        {
            "model": model,
            "max_tokens": 50,
            "system": text,
            "tools": [{"name": "look", "description": text, "input_schema": {"type": "object", "description": text}}],
            "output_config": {"format": {"type": "json_schema", "schema": {"type": "object", "description": text}}},
            "stop_sequences": [text],
            "messages": [
                {"role": "user", "content": text},
                {"role": "assistant", "content": [{"type": "text", "text": text}, call]},
                {"role": "user", "content": [result, image, {"type": "text", "text": text}]},
                {"role": "assistant", "content": text},
                {"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "text", "text": text}]},
            ],
        }
    )


def texts_of(content: str | list[Json]) -> list[str]:
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [block["text"] for block in blocks if block["type"] == "text"]


def test_the_command_line_is_the_same_whatever_is_said() -> None:
    plain = invocation(fitted(wire("Hello"), "sonnet", Losses()))
    for text in PROMPTS:
        asked = invocation(fitted(wire(text), "sonnet", Losses()))
        assert asked.flags == plain.flags
        assert asked.variables == plain.variables
        told = [text for line in asked.lines if line.role != "assistant" for text in texts_of(line.content)]
        assert not any(piece.startswith("/") for piece in told)
        assert [piece.removeprefix("\n") for piece in told if piece != "Hello"] == [text.removeprefix("\n")] * 3


def test_a_models_name_is_a_value_and_nothing_else() -> None:
    plain = invocation(fitted(wire("Hello"), "sonnet", Losses()))
    for name in NAMES:
        asked = invocation(fitted(wire("Hello", name), "sonnet", Losses()))
        assert asked.flags == plain.flags
        assert asked.variables == {**plain.variables, "ANTHROPIC_MODEL": name}


def test_a_slash_in_front_is_a_loss_that_is_told() -> None:
    losses = Losses()
    fitted(wire("/cost"), "sonnet", losses)
    assert "a line feed was put before" in " ".join(loss.reason for loss in losses.values())
    assert not any("line feed" in loss.reason for loss in _losses("a /cost"))


def _losses(text: str) -> tuple[object, ...]:
    losses = Losses()
    fitted(wire(text), "sonnet", losses)
    return losses.values()


def test_the_environment_is_a_list_of_names() -> None:
    own = {"HOME": "/h", "PATH": "/p", "AWS_SECRET_ACCESS_KEY": "s", "ANTHROPIC_API_KEY": "k", "LD_PRELOAD": "x"}
    own |= {"NODE_OPTIONS": "--require x", "CLAUDE_CODE_ENABLE_TELEMETRY": "1", "CLAUDE_CODE_DISABLE_ATTACHMENTS": "0"}
    given = environment(Account("a", "claudeCode-custom", api_key="mine"), own, {"ANTHROPIC_MODEL": "opus"})
    assert given["ANTHROPIC_API_KEY"] == "mine"
    assert given["CLAUDE_CODE_DISABLE_ATTACHMENTS"] == "1"
    assert not given.keys() & {"AWS_SECRET_ACCESS_KEY", "LD_PRELOAD", "NODE_OPTIONS", "CLAUDE_CODE_ENABLE_TELEMETRY"}
    bare = environment(Account("a", "claudeCode-custom"), own, {})
    assert bare["ANTHROPIC_API_KEY"] == "k", "without anything of its own, an account uses the login that there is"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"api_key": "sk-ant-oat01-for-tests"}, "CLAUDE_CODE_OAUTH_TOKEN"),
        ({"api_key": "token-for-tests", "auth_style": "bearer"}, "ANTHROPIC_AUTH_TOKEN"),
        ({"api_key": "key-for-tests"}, "ANTHROPIC_API_KEY"),
    ],
)
def test_how_a_key_is_handed_over(fields: Json, name: str) -> None:
    given = environment(Account("a", "claudeCode-custom", **fields), {"ANTHROPIC_API_KEY": "not this one"}, {})
    assert given[name] == fields["api_key"]
    assert "not this one" not in given.values()


@pytest.mark.timeout(600)
async def test_programs_are_started_alike_for_all(tmp_path: Path) -> None:
    cli = FakeCli(tmp_path)
    async with running_gateway(settings(cli.account(), claude_code_processes=4)) as gateway:
        gate = asyncio.Semaphore(6)
        pairs = [(text, NAMES[number % len(NAMES)]) for number, text in enumerate(PROMPTS[:COUNT])]

        async def ask(text: str, name: str) -> int:
            async with gate:
                return await _status(gateway, text, name)

        statuses = await asyncio.gather(*(ask(text, name) for text, name in pairs))
    assert set(statuses) == {200}
    heard = cli.heard
    assert len(heard) == COUNT
    assert len({tuple(process.started["argv"]) for process in heard}) == 1
    for process in heard:
        assert process.started["env"]["CLAUDE_CODE_DISABLE_ATTACHMENTS"] == "1"
        for line in process.conversation:
            assert line["type"] == "assistant" or line["client_composed"] is True
            assert line["type"] == "assistant" or not texts_of(line["message"]["content"])[-1].startswith("/")


async def _status(gateway: RunningGateway, text: str, model: str) -> int:
    turns = [
        {"role": "user", "content": text},
        {"role": "assistant", "content": "ok"},
        {"role": "user", "content": text},
    ]
    body = {"model": f"claudeCode-custom/{model}", "max_tokens": 50, "messages": turns}
    async with await RawClient.connect(gateway.port) as client:
        answer = await client.ask("POST", "/v1/messages", body, {"authorization": f"Bearer {KEY}"}, timeout=60)
        return answer.status
