"""Requests of all protocols at both services: envelope, streams, refusals, hosts, accounts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.google.accounts import ANTIGRAVITY, CODE_ASSIST, credential, google_account
from tests.matrix.cases import CASES
from tests.matrix.clients import CLIENTS, client_of
from tests.matrix.test_matrix import arrived, check
from tests.support.client import RawClient
from tests.support.gateway import RunningGateway, running_gateway, settings_for
from tests.support.google.server import ScriptedGoogle, error
from tests.support.replies import sliced
from tests.support.scenario import Scenario, ToolCall

ASK = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}


async def ask(gateway: RunningGateway, model: str, *, stream: bool = False, provider: str = "", **body: Any) -> Any:
    async with await RawClient.connect(gateway.port) as client:
        chat = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "Hello"}], **body}
        prefix = f"/{provider}" if provider else ""
        return await client.ask("POST", f"{prefix}/v1/chat/completions", chat, gateway.headers, timeout=30)


async def gemini(gateway: RunningGateway, model: str, method: str, **body: Any) -> Any:
    async with await RawClient.connect(gateway.port) as client:
        return await client.ask(
            "POST", f"/v1beta/models/{model}:{method}", {**ASK, **body}, gateway.headers, timeout=30
        )


#: Neither service reads addresses: test_media has what becomes of them.
SAMPLE = [case for case in CASES if not case.cut and case.name != "image URL"]
DEEP = pytest.mark.deep
#: Antigravity or not, model, mode: each service in one mode always, the rest in the thorough run.
PLACES = [
    (False, "gemini-3-flash-preview", "unary"),
    (True, "gemini-claude-sonnet-4-5-thinking", "stream"),
    pytest.param(False, "gemini-3-flash-preview", "stream", marks=DEEP),
    pytest.param(True, "gemini-claude-sonnet-4-5-thinking", "unary", marks=DEEP),
    pytest.param(False, "gemini-2.5-flash", "unary", marks=DEEP),
    pytest.param(False, "gemini-2.5-flash", "stream", marks=DEEP),
    pytest.param(True, "gemini-3-flash-preview", "unary", marks=DEEP),
    pytest.param(True, "gemini-3-flash-preview", "stream", marks=DEEP),
]


@pytest.mark.parametrize(("antigravity", "model", "mode"), PLACES)
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.timeout(180)
async def test_every_client(client: str, antigravity: bool, model: str, mode: str, tmp_path: Path) -> None:
    failures = []
    async with ScriptedGoogle(antigravity=antigravity) as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            for case in SAMPLE:
                google.scenario = case.scenario
                google.problems.clear()
                try:
                    async with client_of(client, gateway, model) as sdk:
                        got = await sdk.run(case.ask, mode == "stream")
                    assert not google.problems, google.problems
                    check(case, client, "gemini", got)
                    arrived(case, google.requests[-1].json)
                except Exception as failure:
                    failures.append(f"{case.name}: {type(failure).__name__}: {str(failure)[:500]}")
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("size", [1, 7])
async def test_an_answer_in_any_pieces(tmp_path: Path, size: int) -> None:
    async with ScriptedGoogle() as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            whole = await gemini(gateway, "gemini-2.5-flash", "streamGenerateContent?alt=sse")
            generate = google._answer

            async def distorted(request: Any) -> Any:
                return sliced(await generate(request), size)

            google.on("POST", "/v1internal:streamGenerateContent", distorted)
            cut = await gemini(gateway, "gemini-2.5-flash", "streamGenerateContent?alt=sse")
    texts = []
    for answer in (whole, cut):
        events = [json.loads(block[6:]) for block in answer.body.decode().split("\n\n") if block]
        parts = [part for event in events for part in event["candidates"][0]["content"].get("parts", [])]
        texts.append("".join(part["text"] for part in parts))
    assert texts[0] == texts[1] == "Hello from the scripted vendor."


async def test_a_list_of_models_and_a_count(tmp_path: Path) -> None:
    async with ScriptedGoogle(antigravity=True) as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            async with await RawClient.connect(gateway.port) as client:
                listed = await client.ask("GET", "/v1/models", None, gateway.headers)
            count = await gemini(gateway, "gemini-3-flash-preview", "countTokens")
    names = [model["id"] for model in listed.json["data"]]
    assert "gemini-claude-sonnet-4-5" in names
    assert not any(name.startswith(("tab_", "chat_", "claude-")) for name in names)
    assert count.json == {"totalTokens": 42}
    assert not google.problems


async def test_what_the_account_lists_decides_which_id_is_meant(tmp_path: Path) -> None:
    async with ScriptedGoogle(antigravity=True) as google:
        account = google_account(google, tmp_path, aliases={"mine": "gemini-3.9-ultra"})
        async with running_gateway(settings_for(account)) as gateway:
            for model in ("gemini-3-pro-preview", "gemini-claude-sonnet-4-5", "mine"):
                assert (await ask(gateway, model)).status == 200
    sent = [body["model"] for name, body in google.calls if name.endswith("enerateContent")]
    assert sent == ["gemini-3-pro-low", "claude-sonnet-4-5", "gemini-3.9-ultra"]
    assert {body["userAgent"] for name, body in google.calls if name.endswith("enerateContent")} == {"codenex"}
    agents = {request.headers.get("user-agent") for request in google.requests}
    assert len(agents) == 1
    assert str(agents.pop()).startswith("codenex-ai-proxy-api/")


async def test_a_conversation_keeps_its_session(tmp_path: Path) -> None:
    async with ScriptedGoogle(antigravity=True) as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            first = [{"role": "user", "content": "Hello"}]
            await ask(gateway, "gemini-3-flash-preview", messages=first)
            turns = [*first, {"role": "assistant", "content": "Hi"}, {"role": "user", "content": "more"}]
            await ask(gateway, "gemini-3-flash-preview", messages=turns)
            await ask(gateway, "gemini-3-flash-preview", messages=[{"role": "user", "content": "another"}])
    sessions = [body["request"]["sessionId"] for name, body in google.calls if name == "generateContent"]
    assert sessions[0] == sessions[1] != sessions[2]


async def test_pictures_are_asked_for_in_their_own_way(tmp_path: Path) -> None:
    async with ScriptedGoogle(antigravity=True) as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            config = {"imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"}}
            answer = await gemini(gateway, "gemini-3-pro-image-preview", "generateContent", generationConfig=config)
    assert answer.status == 200
    sent = google.called("streamGenerateContent")[0]
    assert sent["requestType"] == "image_gen"
    assert sent["requestId"].startswith("image_gen/")
    assert sent["request"]["generationConfig"] == {**config, "responseModalities": ["TEXT", "IMAGE"]}


async def test_an_error_inside_a_stream_is_told(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            google.break_next("overloaded", after=1)
            answer = await ask(gateway, "gemini-2.5-flash", stream=True)
    assert answer.status == 200
    assert b'"error"' in answer.body
    assert b"[DONE]" not in answer.body.split(b'"error"')[1] or b"overloaded" in answer.body


async def test_a_client_that_leaves_ends_the_call(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google:
        google.delay = 0.5
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            chat = {"model": "gemini-2.5-flash", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
            async with await RawClient.connect(gateway.port) as client:
                await client.request("POST", "/v1/chat/completions", chat, gateway.headers)
                await google.wait_for(
                    lambda: any(e.body_writes for e in google.exchanges if "stream" in e.request.path)
                )
            (exchange,) = [e for e in google.exchanges if "stream" in e.request.path]
            await exchange.left()


async def test_one_model_rests_and_others_do_not(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            detail = {"@type": "ErrorInfo", "reason": "QUOTA_EXHAUSTED", "metadata": {"quotaResetDelay": "20m0.5s"}}
            google.answer_next(error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for project p-1.", detail))
            first = await ask(gateway, "gemini-2.5-pro")
            again = await ask(gateway, "gemini-2.5-pro")
            other = await ask(gateway, "gemini-2.5-flash")
    assert (first.status, again.status, other.status) == (429, 429, 200)
    assert [int(answer.headers.get("retry-after")) // 10 for answer in (first, again)] == [120, 120]
    assert len([name for name, _ in google.calls if name == "generateContent"]) == 2


async def test_an_account_that_is_out_is_told_to_its_operator_alone(tmp_path: Path) -> None:
    link = "https://accounts.google.com/verify?secret=1"
    async with ScriptedGoogle() as google:
        account = google_account(google, tmp_path)
        async with running_gateway(settings_for(account)) as gateway:
            detail = {"@type": "ErrorInfo", "reason": "VALIDATION_REQUIRED", "metadata": {"validation_link": link}}
            google.answer_next(error(403, "PERMISSION_DENIED", "Verify your account", detail))
            answer = await ask(gateway, "gemini-2.5-pro")
            again = await ask(gateway, "gemini-2.5-flash")
            report = gateway.gateway.accounts.report()[CODE_ASSIST][0]
    assert answer.status == again.status == 503
    assert link.encode() not in answer.body
    assert link in report["lastErrorMessage"]
    assert report["isHealthy"] is False
    assert len([name for name, _ in google.calls if name == "generateContent"]) == 1


async def test_hosts_are_tried_in_their_order(tmp_path: Path) -> None:
    async with ScriptedGoogle(antigravity=True) as first, ScriptedGoogle(antigravity=True) as second:
        second.oauth = first.oauth
        account = google_account(first, tmp_path, None, 0, first, second)
        async with running_gateway(settings_for(account)) as gateway:
            for refusal in (
                error(503, "UNAVAILABLE", "The model is overloaded."),
                error(404, "NOT_FOUND", "Requested entity was not found."),
            ):
                first.answer_next(refusal)
                assert (await ask(gateway, "gemini-3-flash-preview")).status == 200
            for status, word in ((400, "INVALID_ARGUMENT"), (403, "PERMISSION_DENIED")):
                first.answer_next(error(status, word, "no"))
                assert (await ask(gateway, "gemini-3-flash-preview")).status == status
    assert len(second.called("generateContent")) == 2
    assert len(second.called("loadCodeAssist")) == 1


async def test_a_host_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    async with ScriptedGoogle(antigravity=True) as google:
        account = google_account(google, tmp_path, hosts=("http://127.0.0.1:9", google.url))
        async with running_gateway(settings_for(account)) as gateway:
            assert (await ask(gateway, "gemini-3-flash-preview")).status == 200


async def test_a_token_that_google_refuses_is_renewed_once(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google:
        account = google_account(google, tmp_path)
        async with running_gateway(settings_for(account)) as gateway:
            assert (await ask(gateway, "gemini-2.5-pro")).status == 200
            google.oauth.access_tokens.clear()
            assert (await ask(gateway, "gemini-2.5-pro")).status == 200
            assert google.oauth.renewals == 1
            google.answer_next(error(401, "UNAUTHENTICATED", "no"), error(401, "UNAUTHENTICATED", "no"))
            assert (await ask(gateway, "gemini-2.5-pro")).status == 401
            assert google.oauth.renewals == 2
            # It is out until somebody looks after it, or some time has passed.
            assert (await ask(gateway, "gemini-2.5-pro")).status == 503


async def test_a_model_that_the_account_does_not_have_is_nobodys_fault(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            google.answer_next(error(404, "NOT_FOUND", "Requested entity was not found."))
            answer = await ask(gateway, "gemini-3-pro-preview")
            assert (answer.status, answer.json["error"]["code"]) == (404, "model_not_found")
            assert (await ask(gateway, "gemini-3-pro-preview")).status == 200


async def test_a_bad_request_is_the_callers(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            google.answer_next(error(400, "INVALID_ARGUMENT", "Bad."))
            assert (await ask(gateway, "gemini-2.5-pro")).status == 400
            assert gateway.gateway.accounts.report()[CODE_ASSIST][0]["errorCount"] == 0


async def test_claude_decides_about_calls_itself_and_that_is_told(tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    async with ScriptedGoogle(antigravity=True) as google:
        account = google_account(google, tmp_path, credential())
        async with running_gateway(settings_for(account)) as gateway:
            answer = await ask(
                gateway, "gemini-claude-sonnet-4-5", tools=[tool], tool_choice="required", max_tokens=1000
            )
    assert not google.problems
    (call,) = answer.json["choices"][0]["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {}, "the placeholder is taken back"
    assert "tool_choice=approximated" in answer.headers.get("x-codenex-losses")
    assert answer.headers.get("x-codenex-provider") == ANTIGRAVITY


NAMES = ["a.b-c", "über maß", "x" * 70, "x" * 69 + "y", "9lives", "plain"]


@pytest.mark.parametrize("antigravity", [False, True])
async def test_names_of_tools_are_made_fit_and_put_back(tmp_path: Path, antigravity: bool) -> None:
    schema = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
    tools = [{"type": "function", "function": {"name": name, "parameters": schema}} for name in NAMES]

    def calling(request: Any, body: Any) -> Scenario:
        declared = body["tools"][0]["functionDeclarations"]
        names = [entry["name"] for entry in declared]
        assert len(set(names)) == len(NAMES)
        return Scenario(
            parts=tuple(ToolCall(f"c{n}", name, '{"q": "x"}') for n, name in enumerate(names)), finish="tool_calls"
        )

    async with ScriptedGoogle(antigravity=antigravity, scenario=calling) as google:
        async with running_gateway(settings_for(google_account(google, tmp_path))) as gateway:
            answer = await ask(gateway, "gemini-3-flash-preview", tools=tools)
    assert not google.problems
    assert [call["function"]["name"] for call in answer.json["choices"][0]["message"]["tool_calls"]] == NAMES
