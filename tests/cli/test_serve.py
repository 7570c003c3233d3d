"""``codenex serve``: from the first start to the end, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from pathlib import Path

import pytest
from tests.cli.running import KEY, TOKEN, server
from tests.support.client import RawClient, RawResponse
from tests.support.process import ServerProcess
from tests.support.replies import gated
from tests.support.scenario import say
from tests.support.vendor import KEY as UPSTREAM_KEY
from tests.support.vendor import ScriptedVendor

CHAT = {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}


async def ask(running: ServerProcess, method: str, path: str, body: object = None, key: str = "") -> RawResponse:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with await RawClient.connect(running.port) as client:
        return await client.ask(method, path, None if body is None else json.dumps(body).encode(), headers)


async def post(running: ServerProcess, path: str, body: object, key: str = "") -> RawResponse:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    async with await RawClient.connect(running.port) as client:
        return await client.ask("POST", path, json.dumps(body).encode(), headers)


# --- the first start and the next


async def test_the_first_start_shows_its_secrets_once_and_answers_at_once(tmp_path: Path) -> None:
    async with server(tmp_path) as first:
        key, token = (tmp_path / "configs" / name for name in ("api_key", "setup_token"))
        (shown_key,) = KEY.findall(first.text)
        (shown_token,) = TOKEN.findall(first.text)
        assert key.read_text().strip() == shown_key
        assert token.read_text().strip() == shown_token
        assert key.stat().st_mode & 0o777 == token.stat().st_mode & 0o777 == 0o600
        # It answers as soon as it listens, which it may say a moment later.
        await first.says(f"listens on http://127.0.0.1:{first.port}")

        answer = await post(first, "/v1/chat/completions", CHAT, shown_key)
        assert answer.status == 200
        assert answer.headers.get("x-codenex-provider") == "demo"
        assert "Hello" in answer.json["choices"][0]["message"]["content"]
        assert (await post(first, "/v1/chat/completions", CHAT, "wrong")).status == 401
        assert (await post(first, "/v1/chat/completions", CHAT)).status == 401

    async with server(tmp_path) as second:
        assert "API key" not in second.text
        assert "token" not in second.text.lower()
        assert shown_key not in second.text
        assert shown_token not in second.text
        assert (await post(second, "/v1/chat/completions", CHAT, shown_key)).status == 200


async def test_setup_and_login_through_the_public_port(tmp_path: Path) -> None:
    password = {"password": "correct horse battery"}
    async with server(tmp_path) as running:
        (token,) = TOKEN.findall(running.text)
        assert (await ask(running, "GET", "/api/setup")).json == {"required": True}
        assert (await ask(running, "GET", "/api/providers")).status == 403
        assert (await post(running, "/api/setup", {"token": token, **password})).status == 200
        session = (await post(running, "/api/login", password)).json["token"]
        assert (await ask(running, "GET", "/api/service-mode", key=session)).json["mode"] == "standalone"
        assert (await ask(running, "GET", "/api/service-mode", key=KEY.findall(running.text)[0])).status == 401
        assert (await post(running, "/v1/chat/completions", CHAT, session)).status == 401

    async with server(tmp_path) as again:
        assert "token" not in again.text.lower()
        assert (await ask(again, "GET", "/api/service-mode", key=session)).status == 200
        assert (await post(again, "/api/login", password)).status == 200


async def test_every_line_of_the_access_log_is_json_without_secrets(tmp_path: Path) -> None:
    async with server(tmp_path) as running:
        key = KEY.findall(running.text)[0]
        assert (await post(running, f"/v1/chat/completions?key={key}", CHAT)).status == 200
        assert (await ask(running, "GET", "/api/providers?token=secret-in-a-query")).status == 403
        await running.says("/api/providers")
    lines = [json.loads(line) for line in running.text.splitlines() if line.startswith("{")]
    assert [(line["method"], line["path"], line["status"]) for line in lines if line["path"] != "/health"] == [
        ("POST", "/v1/chat/completions", 200),
        ("GET", "/api/providers", 403),
    ]
    assert running.text.count(key) == 1
    assert "secret-in-a-query" not in running.text


async def test_what_is_no_http_gets_an_answer_too(tmp_path: Path) -> None:
    async with server(tmp_path) as running, await RawClient.connect(running.port) as client:
        await client.send(b"GET /v1/models HTTP/1.1\r\n\r\n")
        answer = await client.response()
        assert answer.status == 400
        assert "Host" in answer.json["error"]["message"]
    assert "Traceback" not in running.text


# --- one process, and what it holds


def imported(text: str) -> list[set[str]]:
    """The top-level packages that each program of one process has imported, after ``PYTHONPROFILEIMPORTTIME``."""
    programs = text.split("import time: self [us] | cumulative | imported package\n")[1:]
    found = [re.findall(r"^import time: +\d+ \| +\d+ \| +([\w.]+)$", program, re.MULTILINE) for program in programs]
    return [{name.partition(".")[0] for name in names} | set(names) for names in found]


def mapped(pid: int) -> str:
    """The shared libraries and files that a process has in its memory."""
    return Path(f"/proc/{pid}/maps").read_text()


CONTROL = {"argon2", "codenex.control", "fastapi", "pydantic", "pydantic_core", "starlette", "uvicorn"}
COMMANDS = {"codenex.cli.commands", "codenex.control.configuration", "dotenv", "pydantic_settings", "rich", "typer"}


async def test_the_control_part_is_loaded_with_the_first_management_request(tmp_path: Path) -> None:
    async with server(tmp_path, environment={"PYTHONPROFILEIMPORTTIME": "1"}) as running:
        assert (await post(running, "/v1/chat/completions", CHAT, KEY.findall(running.text)[0])).status == 200

        master, command, serving = imported(running.text)
        assert master & (CONTROL | COMMANDS | {"asyncio", "msgspec"}) == set()
        assert {"pydantic", "typer"} <= command, "the command line's program came first"
        assert command & {"fastapi", "rich", "sqlalchemy", "starlette"} == set(), "every start waits for them"
        assert serving >= {"codenex.gateway.gateway", "httptools", "msgspec", "uvloop"}
        assert serving & (CONTROL | COMMANDS) == set()
        assert "pydantic_core" not in mapped(running.pid)

        assert (await ask(running, "GET", "/api/setup")).status == 200
        _, _, serving = imported(running.text)
        assert serving >= CONTROL
        assert serving & COMMANDS == set()
        assert "pydantic_core" in mapped(running.pid)


async def test_the_process_stays_one_and_hands_no_secret_around(tmp_path: Path) -> None:
    vendor_key = "sk-in-the-environment-of-a-test"
    async with server(tmp_path, environment={"OPENAI_API_KEY": vendor_key}) as running:
        process = Path(f"/proc/{running.pid}")
        assert b"run-standalone" in (process / "cmdline").read_bytes()
        for secret in (KEY.findall(running.text)[0], vendor_key):
            assert secret.encode() not in (process / "cmdline").read_bytes()
        targets = [os.readlink(entry) for entry in (process / "fd").iterdir()]
        assert not any("memfd" in target or "deleted" in target for target in targets)


async def test_modules_of_the_folder_are_not_taken_for_ones_own(tmp_path: Path) -> None:
    for name in ("asyncio", "codenex", "fastapi", "json", "msgspec", "typing", "uvloop"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken from the folder')")
    async with server(tmp_path) as running:
        assert (await ask(running, "GET", "/api/setup")).status == 200


async def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    async with server(tmp_path, environment={"TMPDIR": str(temporary)}) as running:
        assert (await ask(running, "GET", "/api/setup")).status == 200
        (private,) = temporary.iterdir()
        assert private.stat().st_mode & 0o777 == 0o700
        running.signal(signal.SIGTERM)
        assert await running.exited() == 0
    assert list(temporary.iterdir()) == []


# --- where settings come from


async def test_settings_from_dotenv_environment_and_file(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "config.json").write_text('{"REQUIRED_API_KEY": "from-the-file", "DEMO_FAULTS": true}')
    (tmp_path / ".env").write_text("REQUIRED_API_KEY=from-dotenv\nSERVER_PORT=1\n")
    async with server(tmp_path) as running:
        assert (await post(running, "/v1/chat/completions", CHAT, "from-dotenv")).status == 200
        assert (await post(running, "/v1/chat/completions", CHAT, "from-the-file")).status == 401
        assert not (tmp_path / "configs" / "api_key").exists()
        fault = {"model": "demo", "messages": [{"role": "user", "content": "[[status=418]]"}]}
        assert (await post(running, "/v1/chat/completions", fault, "from-dotenv")).status == 418
    async with server(tmp_path, environment={"REQUIRED_API_KEY": "from-environment"}) as running:
        assert (await post(running, "/v1/chat/completions", CHAT, "from-environment")).status == 200
        assert (await post(running, "/v1/chat/completions", CHAT, "from-dotenv")).status == 401


async def test_an_account_of_the_environment_is_called(tmp_path: Path) -> None:
    async with ScriptedVendor("anthropic", scenario=say("from the vendor")) as vendor:
        environment = {"CLAUDE_API_KEY": UPSTREAM_KEY, "CLAUDE_BASE_URL": vendor.url}
        async with server(tmp_path, environment=environment) as running:
            answer = await post(running, "/v1/chat/completions", CHAT, KEY.findall(running.text)[0])
            assert answer.json["choices"][0]["message"]["content"] == "from the vendor"
            assert (tmp_path / "data" / "configured").exists()
    async with server(tmp_path) as running:
        answer = await post(running, "/v1/chat/completions", CHAT, (tmp_path / "configs/api_key").read_text().strip())
        assert (answer.status, answer.json["error"]["code"]) == (503, "no_provider")


async def test_a_notice_is_shown(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "provider_pools.json").write_text('{"something-else": []}')
    async with server(tmp_path) as running:
        assert "codenex: provider_pools.json: something-else is no provider type" in running.text


# --- the end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_server_ends_at_once(tmp_path: Path, number: signal.Signals) -> None:
    async with server(tmp_path) as running, await RawClient.connect(running.port) as idle:
        await idle.ask("GET", "/health")
        running.signal(number)
        assert await running.exited() == 0
        assert (await idle.closed()).manner == "fin"
    assert "Traceback" not in running.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_open_stream_is_brought_to_its_end(tmp_path: Path, number: signal.Signals) -> None:
    go_on = asyncio.Event()
    async with ScriptedVendor("openai_chat", scenario=say("to the very end")) as vendor:
        vendor.distort = lambda reply: gated(reply, go_on, chunks=3)
        environment = {"OPENAI_API_KEY": UPSTREAM_KEY, "OPENAI_BASE_URL": f"{vendor.url}/v1"}
        async with server(tmp_path, environment=environment) as running:
            key = KEY.findall(running.text)[0]
            async with await RawClient.connect(running.port) as client:
                headers = {"authorization": f"Bearer {key}"}
                await client.request("POST", "/v1/chat/completions", {**CHAT, "stream": True}, headers)
                head = await client.head()
                events = client.events(head)
                first = await anext(events)
                running.signal(number)
                await running.refuses()
                assert running.process.returncode is None
                go_on.set()
                data = [first.data, *[event.data async for event in events]]
            assert await running.exited() == 0
    deltas = [json.loads(chunk)["choices"] for chunk in data[:-1]]
    text = "".join(choices[0]["delta"].get("content") or "" for choices in deltas if choices)
    assert (text, data[-1]) == ("to the very end", "[DONE]")


async def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    async with ScriptedVendor("openai_chat") as vendor:
        vendor.distort = lambda reply: gated(reply, asyncio.Event(), chunks=3)
        environment = {"OPENAI_API_KEY": UPSTREAM_KEY, "OPENAI_BASE_URL": f"{vendor.url}/v1"}
        async with server(tmp_path, environment=environment) as running:
            headers = {"authorization": f"Bearer {KEY.findall(running.text)[0]}"}
            async with await RawClient.connect(running.port) as client:
                await client.request("POST", "/v1/chat/completions", {**CHAT, "stream": True}, headers)
                await client.head()
                running.signal(signal.SIGTERM)
                await running.refuses()
                assert running.process.returncode is None
                running.signal(signal.SIGTERM)
                assert await running.exited(5) == 0
                await client.closed()
            (exchange,) = vendor.exchanges
            await exchange.left()


async def test_it_ends_with_the_control_part_running(tmp_path: Path) -> None:
    async with server(tmp_path) as running, await RawClient.connect(running.port) as kept:
        assert (await kept.ask("GET", "/api/setup")).status == 200
        running.signal(signal.SIGTERM)
        assert await running.exited(8) == 0
    assert "Traceback" not in running.text
