"""Files by address in requests of every client: fetched where Google's services take none, passed on where they do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.google.accounts import google_account
from tests.matrix.cases import PNG
from tests.media.test_fetching import PICTURE, file, local
from tests.support.client import RawClient
from tests.support.gateway import RunningGateway, running_gateway, settings_for
from tests.support.google.server import ScriptedGoogle, error
from tests.support.replies import Unary, hang
from tests.support.upstream import ScriptedUpstream

from codenex.gateway.inspection import inspected
from codenex.providers.media import fetching
from codenex.providers.media.fetching import Fetcher, PublicResolver
from codenex.providers.transport import Transport

MODEL = "gemini-2.5-flash"
INLINE = {"inlineData": {"mimeType": "image/png", "data": PNG}}


def asked(protocol: str, url: str) -> tuple[str, dict[str, Any]]:
    """A path and a request with one picture by address."""
    match protocol:
        case "chat":
            content: list[Any] = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
            return "/v1/chat/completions", {"model": MODEL, "messages": [{"role": "user", "content": content}]}
        case "responses":
            content = [{"type": "input_text", "text": "What?"}, {"type": "input_image", "image_url": url}]
            return "/v1/responses", {"model": MODEL, "input": [{"role": "user", "content": content}]}
        case "anthropic":
            source = {"type": "url", "url": url}
            content = [{"type": "text", "text": "What?"}, {"type": "image", "source": source}]
            turns = [{"role": "user", "content": content}]
            return "/v1/messages", {"model": MODEL, "max_tokens": 100, "messages": turns}
        case _:
            parts = [{"text": "What?"}, {"fileData": {"mimeType": "image/png", "fileUri": url}}]
            return f"/v1beta/models/{MODEL}:generateContent", {"contents": [{"role": "user", "parts": parts}]}


@asynccontextmanager
async def open_gateway(*accounts: Any, **changes: Any) -> AsyncIterator[RunningGateway]:
    """A gateway for which this machine's 127.0.0.1 is the public internet."""
    settings = settings_for(*accounts, **{"fetch_media": True, **changes})
    async with running_gateway(settings) as gateway:
        transport = gateway.gateway.transport
        resolver = PublicResolver(local, lambda address: address == "127.0.0.1")
        own = Transport(resolver=resolver, budget=transport.budget)
        transport.companions[fetching.__name__] = Fetcher(own)
        transport.closing.append(own.close)
        yield gateway
        assert transport.budget.used == 0, "what was fetched is let go of"


async def post(gateway: RunningGateway, path: str, body: dict[str, Any]) -> Any:
    async with await RawClient.connect(gateway.port) as client:
        return await client.ask("POST", path, body, gateway.headers, timeout=30)


@asynccontextmanager
async def pictures() -> AsyncIterator[ScriptedUpstream]:
    async with ScriptedUpstream() as server:
        server.on("GET", "/cat.png", lambda request: file(PICTURE, "image/png"))
        server.on("GET", "/large.png", lambda request: file(PICTURE + bytes(100_000)))
        server.on("GET", "/page.png", lambda request: file(b"<html>", "text/html"))
        server.on("GET", "/inside.png", lambda request: Unary(b"", 302, {"location": "http://127.0.0.2:8080/x"}))
        yield server


def sent(google: ScriptedGoogle) -> list[Any]:
    found = google.called("generateContent") or google.called("streamGenerateContent")
    return [part for content in found[-1]["request"]["contents"] for part in content["parts"]]


@pytest.mark.pitfall("MED-7")
@pytest.mark.parametrize("antigravity", [False, True])
@pytest.mark.parametrize("protocol", ["chat", "responses", "anthropic", "gemini"])
async def test_a_picture_by_address(tmp_path: Path, protocol: str, antigravity: bool) -> None:
    async with ScriptedGoogle(antigravity=antigravity) as google, pictures() as server:
        async with open_gateway(google_account(google, tmp_path)) as gateway:
            path, body = asked(protocol, f"http://public.example:{server.port}/cat.png?signed=1")
            for stream in (False, True):
                whole = {**body, "stream": True} if stream and protocol != "gemini" else body
                answer = await post(gateway, path, whole)
                assert answer.status == 200, answer.body
                assert INLINE in sent(google)
                assert "fetched" not in (answer.headers.get("x-codenex-losses") or "")
    assert not google.problems


@pytest.mark.parametrize("protocol", ["chat", "gemini"])
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("public.example:{port}/page.png", "it is no "),
        ("public.example:{port}/none.png", "status 404"),
        ("private.example:{port}/cat.png", "on the public internet"),
        ("127.0.0.2:{port}/cat.png", "on the public internet"),
        ("public.example:{port}/inside.png", "on the public internet"),
        ("nobody.invalid/cat.png", "on the public internet"),
    ],
)
async def test_a_picture_that_cannot_be_had_is_the_callers(
    tmp_path: Path, protocol: str, path: str, words: str
) -> None:
    async with ScriptedGoogle() as google, pictures() as server:
        async with open_gateway(google_account(google, tmp_path)) as gateway:
            url = f"http://{path.format(port=server.port)}?token=signed"
            answer = await post(gateway, *asked(protocol, url))
            assert answer.status == 400
            assert words in answer.body.decode()
            assert "signed" not in answer.body.decode()
            (account,) = gateway.gateway.accounts.report()["gemini-cli-oauth"]
            assert account["errorCount"] == 0
    assert not google.called("generateContent")


async def test_one_file_is_fetched_once_for_all_accounts_and_places(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, pictures() as server:
        accounts = [google_account(google, tmp_path, None, number) for number in range(2)]
        async with open_gateway(*accounts) as gateway:
            detail = {"@type": "ErrorInfo", "reason": "QUOTA_EXHAUSTED"}
            google.answer_next(error(429, "RESOURCE_EXHAUSTED", "no", detail))
            url = f"http://public.example:{server.port}/cat.png"
            path, body = asked("chat", url)
            body["messages"] *= 2
            assert (await post(gateway, path, body)).status == 200
    assert len(server.requests) == 1
    assert len(google.called("generateContent")) == 2
    assert sent(google).count(INLINE) == 2


async def test_a_client_that_leaves_ends_the_fetch(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, pictures() as server:
        server.on("GET", "/slow.png", lambda request: hang())
        async with open_gateway(google_account(google, tmp_path)) as gateway:
            url = f"http://public.example:{server.port}/slow.png"
            task = asyncio.create_task(post(gateway, *asked("chat", url)))
            await server.wait_for_requests(1)
            task.cancel()
            await server.exchanges[0].left()
    assert not google.called("generateContent")


async def test_a_picture_in_a_result_of_a_tool(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, pictures() as server:
        async with open_gateway(google_account(google, tmp_path)) as gateway:
            source = {"type": "url", "url": f"http://public.example:{server.port}/cat.png"}
            result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "image", "source": source}]}
            turns = [
                {"role": "user", "content": "Look"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {}}]},
                {"role": "user", "content": [result]},
            ]
            tools = [{"name": "look", "input_schema": {"type": "object", "properties": {}}}]
            body = {"model": MODEL, "max_tokens": 100, "messages": turns, "tools": tools}
            answer = await post(gateway, "/v1/messages", body)
    assert answer.status == 200, answer.body
    assert PNG in json.dumps(sent(google))
    assert not google.problems


@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/watch?v=abc",
        "https://youtu.be/abc",
        "gs://bucket/cat.png",
        "https://generativelanguage.googleapis.com/v1beta/files/abc",
    ],
)
async def test_what_google_reads_itself_goes_on_as_it_is(tmp_path: Path, url: str) -> None:
    async with ScriptedGoogle() as google, pictures() as server:
        async with open_gateway(google_account(google, tmp_path)) as gateway:
            answer = await post(gateway, *asked("gemini", url))
            assert answer.status == 200, answer.body
            assert {"fileData": {"mimeType": "image/png", "fileUri": url}} in sent(google)
    assert not server.requests


async def test_nothing_is_fetched_where_the_operator_does_not_want_it(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, pictures() as server:
        async with open_gateway(google_account(google, tmp_path), fetch_media=False) as gateway:
            answer = await post(gateway, *asked("chat", f"http://public.example:{server.port}/cat.png"))
    assert answer.status == 400
    assert "not by its address" in answer.body.decode()
    assert not server.requests


async def test_files_of_one_request_are_bounded_together(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, pictures() as server:
        async with open_gateway(google_account(google, tmp_path), max_body_bytes=300_000) as gateway:
            path, body = asked("chat", f"http://public.example:{server.port}/large.png")
            assert (await post(gateway, path, body)).status == 200
            part = body["messages"][0]["content"][1]
            body["messages"][0]["content"] += [
                {**part, "image_url": {"url": f"{part['image_url']['url']}?{number}"}} for number in range(2)
            ]
            answer = await post(gateway, path, body)
            assert answer.status == 413, answer.body


async def test_too_many_files(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, pictures() as server:
        async with open_gateway(google_account(google, tmp_path)) as gateway:
            path, body = asked("chat", f"http://public.example:{server.port}/cat.png")
            part = body["messages"][0]["content"][1]
            body["messages"][0]["content"] = [
                {**part, "image_url": {"url": f"{part['image_url']['url']}?{number}"}} for number in range(33)
            ]
            answer = await post(gateway, path, body)
    assert (answer.status, len(server.requests)) == (400, 0)


def test_an_inspection_fetches_nothing_and_says_what_would_be(tmp_path: Path) -> None:
    _, body = asked("chat", "https://images.example/cat.png?signed=1")
    found = inspected(
        json.dumps(body).encode(), "openai-chat", ("gemini-cli-oauth",), settings_for(fetch_media=True), None
    )
    (translation,) = found.translations
    assert translation.refusal is None
    (loss,) = translation.losses
    assert loss["reason"] == "the image at https://images.example/cat.png is fetched and sent inline"
    (part,) = [part for part in translation.body["contents"][0]["parts"] if "inlineData" in part]
    assert part["inlineData"]["mimeType"] == "image/png"
