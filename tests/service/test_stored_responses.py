"""Conversations by the id of the last answer, with OpenAI's official SDK as the judge, over every kind of upstream."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import openai
import pytest
from tests.matrix.cases import PNG
from tests.support.client import RawClient
from tests.support.gateway import KEY, RunningGateway, account_for, running_gateway, settings_for
from tests.support.replies import Stream, Unary
from tests.support.scenario import SIGNATURE, Reasoning, Scenario, Text, call
from tests.support.vendor import KEY as UPSTREAM_KEY
from tests.support.vendor import ScriptedVendor
from tests.transport.scripted import until

from codenex.gateway.authentication import digest_of
from codenex.gateway.keeper import Keeper
from codenex.store.responses import Kept, ResponseStore
from codenex.store.settings import ClientKey

OTHER_KEY = "cdx-another-key-for-tests"
#: An upstream's protocol, and whether its answers are rebuilt.
UPSTREAMS = ["openai_chat", "anthropic", "gemini", "openai_responses", "rebuilt"]
#: Those whose conversations this gateway keeps.
KEPT_HERE = [name for name in UPSTREAMS if name != "openai_responses"]
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}
KEYS = (ClientKey(digest_of(KEY), "first"), ClientKey(digest_of(OTHER_KEY), "second"))


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Site:
    """A gateway that keeps responses in a folder, in front of one vendor, with the SDK."""

    def __init__(self, gateway: RunningGateway, vendor: ScriptedVendor, clock: Clock) -> None:
        self.gateway, self.vendor, self.clock = gateway, vendor, clock
        self.losses = ""
        self.http = httpx.AsyncClient(timeout=30, event_hooks={"response": [self._note]})
        self.sdk, self.stranger = self.client(KEY), self.client(OTHER_KEY)

    async def _note(self, response: httpx.Response) -> None:
        self.losses = response.headers.get("x-codenex-losses", "")

    def client(self, key: str) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=self.gateway.url + "/v1", api_key=key, http_client=self.http, max_retries=0)

    async def ask(self, stream: bool = False, **fields: Any) -> Any:
        """One turn, whole or streamed; the Response object at its end."""
        fields = {"model": "m", **fields}
        if not stream:
            return await self.sdk.responses.create(**fields)
        final = None
        async with self.sdk.responses.stream(**fields) as events:
            async for event in events:
                if event.type in ("response.completed", "response.incomplete"):
                    final = event.response
        return final

    @property
    def sent(self) -> Any:
        """The last request that reached the vendor."""
        return self.vendor.requests[-1].json


@asynccontextmanager
async def site(folder: Path, upstream: str, *, store: type[Keeper] = Keeper, **settings: Any) -> AsyncIterator[Site]:
    protocol: Any = "openai_responses" if upstream == "rebuilt" else upstream
    numbers = iter(range(1000))

    def hello(request: Any, body: Any) -> Scenario:
        return Scenario(parts=(Text("First answer"),), id=f"{next(numbers):016x}")

    async with ScriptedVendor(protocol, scenario=hello) as vendor:
        account = account_for(vendor, normalise=upstream == "rebuilt")
        clock = Clock()
        keeper = store(ResponseStore(folder), clock)
        try:
            made = settings_for(account, **{"client_keys": KEYS, **settings})
            async with running_gateway(made, keeper=keeper) as gateway:
                here = Site(gateway, vendor, clock)
                async with here.http:
                    yield here
                assert vendor.problems == []
        finally:
            keeper.close()


def contents(folder: Path) -> bytes:
    """Everything that is in the files of a folder."""
    return b"".join(file.read_bytes() for file in folder.iterdir())


def spoil(folder: Path) -> None:
    """Put nonsense where responses are kept."""
    for file in folder.iterdir():
        file.unlink()
    (folder / "responses.db").write_bytes(b"nonsense" * 1000)


def inside(sent: Any, *texts: str) -> None:
    """Each text stands in the request, in this order."""
    body, place = json.dumps(sent, ensure_ascii=False), -1
    for text in texts:
        found = body.find(text, place + 1)
        assert found > place, (text, body)
        place = found


@pytest.mark.pitfall("RSP-1", "RSP-3")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_a_conversation_goes_on_by_the_id_of_its_last_answer(tmp_path: Path, upstream: str, stream: bool) -> None:
    picture = {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PNG}"}
    question: Any = [{"role": "user", "content": [{"type": "input_text", "text": "First question"}, picture]}]
    async with site(tmp_path, upstream) as here:
        one = await here.ask(stream, input=question, instructions="Be a pirate.")
        assert here.losses == ""
        two = await here.ask(stream, input="Second question", previous_response_id=one.id)
        assert here.losses == ""
        assert two.previous_response_id == one.id or upstream == "openai_responses"
        assert one.id != two.id
        if upstream == "openai_responses":
            assert here.sent["previous_response_id"] == one.id
            assert here.sent["input"] == "Second question"
            return
        assert (one.store, two.store) == (True, True)
        inside(here.sent, "First question", PNG, "First answer", "Second question")
        assert "pirate" not in json.dumps(here.sent)
        assert "previous_response_id" not in here.sent
        assert here.sent.get("store") in (None, False)
        three = await here.ask(stream, input="Third question", previous_response_id=two.id, instructions="Be kind.")
        inside(here.sent, "First question", PNG, "First answer", "Second question", "First answer", "Third question")
        inside(here.sent, "Be kind.")
        # Another way to go on from the first answer.
        await here.ask(stream, input="Other question", previous_response_id=one.id)
        inside(here.sent, "First question", "First answer", "Other question")
        assert "Second" not in json.dumps(here.sent)
        assert three.output_text == "First answer"


@pytest.mark.pitfall("RSP-6", "RSP-19", "TOOL-37")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_a_turn_of_nothing_but_results_finds_its_calls(tmp_path: Path, upstream: str, stream: bool) -> None:
    async with site(tmp_path, upstream) as here:
        called = call("get_weather", '{"city":"Bern"}', id="call_abc123")
        here.vendor.scenario = called
        one = await here.ask(stream, input="Weather?", tools=[WEATHER])
        (item,) = [item for item in one.output if item.type == "function_call"]
        here.vendor.scenario = Scenario(parts=(Text("It is sunny."),), id="fedcba9876543210")
        result: Any = [{"type": "function_call_output", "call_id": item.call_id, "output": "sunny there"}]
        two = await here.ask(stream, input=result, tools=[WEATHER], previous_response_id=one.id)
        assert two.output_text == "It is sunny."
        if upstream == "openai_responses":
            assert here.sent["previous_response_id"] == one.id
            return
        inside(here.sent, "Weather?", "Bern", "sunny there")
        # Some clients send the call again, although it is kept.
        again: Any = [item.to_dict(), *result]
        await here.ask(stream, input=again, tools=[WEATHER], previous_response_id=one.id)
        assert json.dumps(here.sent).count("Bern") == 1


@pytest.mark.pitfall("RSN-9")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("upstream", "model"), [("anthropic", "claude-sonnet-4-5"), ("gemini", "gemini-3-pro"), ("rebuilt", "gpt-5.4")]
)
async def test_signatures_of_reasoning_go_back_to_those_who_made_them(
    tmp_path: Path, upstream: str, model: str, stream: bool
) -> None:
    thinking: Any = {"model": model, "reasoning": {"effort": "medium", "summary": "auto"}}
    async with site(tmp_path, upstream) as here:
        here.vendor.scenario = Scenario(parts=(Reasoning("Deep thought", SIGNATURE), Text("42")))
        one = await here.ask(stream, input="What is it?", **thinking)
        await here.ask(stream, input="Why?", previous_response_id=one.id, **thinking)
        assert "signature" not in here.losses
        inside(here.sent, "What is it?", SIGNATURE, "Why?")
        inside(here.sent, "What is it?", "42", "Why?")


@pytest.mark.parametrize("stream", [False, True])
async def test_the_demo_keeps_conversations_too(tmp_path: Path, stream: bool) -> None:
    keeper = Keeper(ResponseStore(tmp_path))
    async with running_gateway(settings_for(), keeper=keeper) as gateway, ScriptedVendor("openai_chat") as vendor:
        here = Site(gateway, vendor, Clock())
        async with here.http:
            one = await here.ask(stream, model="demo", input="Remember the word xylophone")
            two = await here.ask(stream, model="demo", input="Go on", previous_response_id=one.id)
            listed = await here.sdk.responses.input_items.list(two.id)
            inside([item.to_dict() for item in listed.data[::-1]], "xylophone", one.output_text, "Go on")
            assert two.usage.input_tokens > one.usage.input_tokens
            with pytest.raises(openai.BadRequestError):
                await here.ask(stream, model="demo", input="Go on", previous_response_id="resp_nobody")
    keeper.close()


@pytest.mark.pitfall("RSP-4")
@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_is_shown_listed_and_deleted(tmp_path: Path, stream: bool) -> None:
    async with site(tmp_path, "anthropic") as here:
        one = await here.ask(stream, input="One", metadata={"topic": "numbers"}, temperature=0.5)
        shown = await here.sdk.responses.retrieve(one.id)
        assert shown.usage == one.usage
        assert [item.id for item in shown.output] == [item.id for item in one.output]
        assert (shown.output_text, shown.metadata, shown.temperature) == ("First answer", {"topic": "numbers"}, 0.5)
        many: Any = [{"role": "user", "content": f"Text {number}"} for number in range(30)]
        two = await here.ask(stream, input=many, previous_response_id=one.id)

        async def texts(**options: Any) -> list[str]:
            page = await here.sdk.responses.input_items.list(two.id, **options)
            return [item.content[0].text async for item in page]  # type: ignore[union-attr]

        everything = ["One", "First answer", *(f"Text {number}" for number in range(30))]
        assert await texts(order="asc") == everything
        assert await texts() == everything[::-1]
        assert await texts(limit=7, order="asc") == everything
        page = await here.sdk.responses.input_items.list(two.id, limit=5)
        assert len(page.data) == 5
        assert page.has_next_page()
        ids = [item.id async for item in page]
        assert len(set(ids)) == len(everything)
        with pytest.raises(openai.BadRequestError, match="limit"):
            await here.sdk.responses.input_items.list(two.id, limit=101)
        with pytest.raises(openai.BadRequestError, match="not found"):
            await here.sdk.responses.input_items.list(two.id, after="msg_nobody")
        with pytest.raises(openai.BadRequestError, match="cancel"):
            await here.sdk.responses.cancel(two.id)
        with pytest.raises(openai.BadRequestError, match="streams"):
            async for _ in await here.sdk.responses.retrieve(two.id, stream=True):
                pass

        await here.sdk.responses.delete(one.id)
        for attempt in (
            here.sdk.responses.retrieve(one.id),
            here.sdk.responses.delete(one.id),
            here.sdk.responses.input_items.list(one.id),
        ):
            with pytest.raises(openai.NotFoundError, match=f"Response with id '{one.id}' not found"):
                await attempt
        # What followed from it lacks its beginning, and says so instead of going on without it.
        assert (await here.sdk.responses.retrieve(two.id)).id == two.id
        count = len(here.vendor.requests)
        with pytest.raises(openai.BadRequestError, match="not found"):
            await here.ask(stream, input="Go on", previous_response_id=two.id)
        assert len(here.vendor.requests) == count


async def test_a_deletion_says_what_it_did(tmp_path: Path) -> None:
    async with site(tmp_path, "gemini") as here, await RawClient.connect(here.gateway.port) as client:
        one = await here.ask(input="One")
        answer = await client.ask("DELETE", f"/v1/responses/{one.id}", headers=here.gateway.headers)
        assert answer.json == {"id": one.id, "object": "response", "deleted": True}
        for method, path in (("POST", "/v1/responses/compact"), ("POST", f"/v1/responses/{one.id}")):
            answer = await client.ask(method, path, {}, here.gateway.headers)
            assert (answer.status, answer.json["error"]["code"]) == (404, "unknown_endpoint")


@pytest.mark.pitfall("RSP-2")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_what_is_not_there_is_an_error_of_openai_and_nothing_is_sent(
    tmp_path: Path, upstream: str, stream: bool
) -> None:
    async with site(tmp_path, upstream) as here:
        with pytest.raises(openai.BadRequestError) as caught:
            await here.ask(stream, input="Go on", previous_response_id="resp_nobody")
        assert isinstance(caught.value.body, dict)
        assert {name: value for name, value in caught.value.body.items() if name != "status"} == {
            "message": "Previous response with id 'resp_nobody' not found.",
            "type": "invalid_request_error",
            "param": "previous_response_id",
            "code": "previous_response_not_found",
        }
        with pytest.raises(openai.BadRequestError, match="Item with id 'msg_nobody' not found"):
            await here.ask(stream, input=[{"type": "item_reference", "id": "msg_nobody"}])
        with pytest.raises(openai.NotFoundError, match="Response with id 'resp_nobody' not found"):
            await here.sdk.responses.retrieve("resp_nobody")
        assert here.vendor.requests == []


@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_two_client_keys_see_nothing_of_each_other(tmp_path: Path, upstream: str) -> None:
    async with site(tmp_path, upstream) as here:
        one = await here.ask(input="My secret")
        count = len(here.vendor.requests)
        item = one.output[0].id
        for attempt in (
            here.stranger.responses.create(model="m", input="What was it?", previous_response_id=one.id),
            here.stranger.responses.create(model="m", input=[{"type": "item_reference", "id": item}]),
            here.stranger.responses.create(model="m", input=[{"id": item}]),  # type: ignore[list-item]
            here.stranger.responses.retrieve(one.id),
            here.stranger.responses.delete(one.id),
            here.stranger.responses.input_items.list(one.id),
            here.stranger.responses.cancel(one.id),
            here.stranger.responses.input_tokens.count(model="m", input="x", previous_response_id=one.id),
        ):
            with pytest.raises((openai.BadRequestError, openai.NotFoundError), match="not found"):
                await attempt
        assert len(here.vendor.requests) == count
        await here.ask(input="It is still mine", previous_response_id=one.id)


@pytest.mark.pitfall("RSP-9")
@pytest.mark.parametrize("upstream", KEPT_HERE)
async def test_items_by_reference_are_what_they_refer_to(tmp_path: Path, upstream: str) -> None:
    async with site(tmp_path, upstream) as here:
        one = await here.ask(input="First question")
        (asked,) = (await here.sdk.responses.input_items.list(one.id)).data
        referring: Any = [
            {"type": "item_reference", "id": asked.id},
            {"id": one.output[0].id},
            {"role": "user", "content": "Second question"},
        ]
        two = await here.ask(input=referring)
        inside(here.sent, "First question", "First answer", "Second question")
        # The reference is resolved for good: its response may go.
        await here.sdk.responses.delete(one.id)
        await here.ask(input="Third question", previous_response_id=two.id)
        inside(here.sent, "First question", "First answer", "Second question", "Third question")
        # What is referred to and follows from the turn before as well is there once.
        again: Any = [{"type": "item_reference", "id": two.output[0].id}, {"role": "user", "content": "Fourth"}]
        await here.ask(input=again, previous_response_id=two.id)
        assert json.dumps(here.sent).count("First answer") == 2


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_what_shall_not_be_kept_is_not(tmp_path: Path, upstream: str, stream: bool) -> None:
    async with site(tmp_path, upstream) as here:
        one = await here.ask(stream, input="First question")
        two = await here.ask(stream, input="Second question", previous_response_id=one.id, store=False)
        assert two.store is False or upstream == "openai_responses"
        for attempt in (
            here.sdk.responses.retrieve(two.id),
            here.ask(stream, input="Third question", previous_response_id=two.id),
        ):
            with pytest.raises((openai.BadRequestError, openai.NotFoundError), match="not found"):
                await attempt
        assert b"Second question" not in contents(tmp_path)
        assert here.losses == ""


async def test_what_has_expired_is_gone(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic", stored_responses_hours=2.0) as here:
        one = await here.ask(input="First question")
        here.clock.ahead = 3600.0
        two = await here.ask(input="Second question", previous_response_id=one.id)
        here.clock.ahead = 2 * 3600.0 + 60
        await here.sdk.responses.retrieve(one.id)
        here.clock.ahead = 3 * 3600.0 + 60
        for response in (one, two):
            with pytest.raises(openai.BadRequestError, match="Previous response with id"):
                await here.ask(input="Go on", previous_response_id=response.id)


async def test_switched_off_nothing_is_kept_and_nothing_is_dropped_in_silence(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic", store_responses=False) as here:
        one = await here.ask(input="First question")
        assert one.store is False
        with pytest.raises(openai.BadRequestError, match="keeps no conversations"):
            await here.ask(input="Go on", previous_response_id=one.id)
        with pytest.raises(openai.NotFoundError):
            await here.sdk.responses.retrieve(one.id)
        with pytest.raises(openai.BadRequestError, match="keeps no conversations"):
            await here.ask(model="demo/x", input="Go on", previous_response_id=one.id)
        assert contents(tmp_path) == b""


@pytest.mark.parametrize("stream", [False, True])
async def test_a_file_that_fails_is_told_and_costs_no_answer(
    tmp_path: Path, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with site(tmp_path, "anthropic") as here:
        one = await here.ask(stream, input="First question")
        spoil(tmp_path)
        two = await here.ask(stream, input="Second question")
        assert (two.output_text, two.store) == ("First answer", False)
        assert "can't be kept" in caplog.text
        with pytest.raises(openai.InternalServerError) as caught:
            await here.ask(stream, input="Go on", previous_response_id=one.id)
        assert caught.value.status_code == 503
        with pytest.raises(openai.InternalServerError):
            await here.sdk.responses.retrieve(one.id)


@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_larger_than_all_that_may_be_kept_says_so(tmp_path: Path, stream: bool) -> None:
    async with site(tmp_path, "anthropic", stored_responses_bytes=1024 * 1024) as here:
        one = await here.ask(stream, input="x y " * 400_000)
        assert (one.output_text, one.store) == ("First answer", False)
        two = await here.ask(stream, input="small")
        assert two.store is True


class SlowKeeper(Keeper):
    """Keeps only when it is allowed to."""

    waiting = asyncio.Event()
    allowed = asyncio.Event()

    async def keep(self, client: str, turn: Kept, lifetime: float, limit: int) -> None:
        self.waiting.set()
        await self.allowed.wait()
        await super().keep(client, turn, lifetime, limit)


@pytest.mark.parametrize("slow", [0.0, 0.01])
@pytest.mark.parametrize("upstream", ["anthropic", "gemini"])
async def test_an_answer_ends_only_when_it_is_kept(tmp_path: Path, upstream: str, slow: float) -> None:
    SlowKeeper.waiting, SlowKeeper.allowed = asyncio.Event(), asyncio.Event()
    async with site(tmp_path, upstream, store=SlowKeeper) as here:
        here.vendor.delay = slow
        seen: list[str] = []

        async def read() -> Any:
            async with here.sdk.responses.stream(model="m", input="First question") as events:
                async for event in events:
                    seen.append(event.type)
                return await events.get_final_response()

        reading = asyncio.ensure_future(read())
        await SlowKeeper.waiting.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        assert "response.completed" not in seen
        SlowKeeper.allowed.set()
        final = await reading
        assert seen[-1] == "response.completed"
        await here.sdk.responses.retrieve(final.id)


async def test_a_client_that_leaves_at_the_end_leaves_nothing_behind(tmp_path: Path) -> None:
    SlowKeeper.waiting, SlowKeeper.allowed = asyncio.Event(), asyncio.Event()
    async with site(tmp_path, "anthropic", store=SlowKeeper) as here:
        here.vendor.delay = 0.01
        async with await RawClient.connect(here.gateway.port) as client:
            body = json.dumps({"model": "m", "input": "hi", "stream": True}).encode()
            await client.request("POST", "/v1/responses", headers=here.gateway.headers, body=body)
            await client.head()
            await SlowKeeper.waiting.wait()
        await until(here.gateway.idle)
        SlowKeeper.allowed.set()


async def test_a_failed_answer_is_not_kept(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as here:
        here.vendor.break_next("overloaded", after=4)
        last: Any = None
        async for event in await here.sdk.responses.create(model="m", input="hi", stream=True):
            last = event
        assert last.type == "response.failed"
        assert last.response.store is False
        with pytest.raises(openai.NotFoundError):
            await here.sdk.responses.retrieve(last.response.id)


@pytest.mark.parametrize("upstream", ["anthropic", "gemini", "rebuilt"])
async def test_counts_are_of_the_whole_conversation(tmp_path: Path, upstream: str) -> None:
    async with site(tmp_path, upstream) as here:
        one = await here.ask(input="First question")
        await here.sdk.responses.input_tokens.count(model="m", input="Second", previous_response_id=one.id)
        inside(here.sent, "First question", "First answer", "Second")
        with pytest.raises(openai.BadRequestError, match="resp_nobody"):
            await here.sdk.responses.input_tokens.count(model="m", input="x", previous_response_id="resp_nobody")


async def test_another_provider_goes_on_with_what_is_kept_here(tmp_path: Path) -> None:
    """Signatures of the first are no use to the second, and are left behind with a word."""
    keeper = Keeper(ResponseStore(tmp_path))
    thinking = Scenario(parts=(Reasoning("Deep thought", SIGNATURE), Text("First answer")))
    async with ScriptedVendor("anthropic", scenario=thinking) as vendor, ScriptedVendor("openai_responses") as second:
        settings = settings_for(account_for(vendor), account_for(second), client_keys=KEYS)
        async with running_gateway(settings, keeper=keeper) as gateway:
            here = Site(gateway, second, Clock())
            async with here.http:
                one = await here.ask(
                    model="claude-custom/claude-sonnet-4-5",
                    input="First question",
                    reasoning={"effort": "medium", "summary": "auto"},
                )
                two = await here.ask(
                    model="openaiResponses-custom/gpt-5.4", input="Second question", previous_response_id=one.id
                )
                inside(here.sent, "First question", "First answer", "Second question")
                assert SIGNATURE not in json.dumps(here.sent)
                assert "signature=dropped" in here.losses
                assert here.sent["store"] is False
                assert two.previous_response_id == one.id
                await here.ask(model="claude-custom/claude-sonnet-4-5", input="Third", previous_response_id=two.id)
                inside(vendor.requests[-1].json, "First question", "Second question", "Third")
        assert second.problems == vendor.problems == []
    keeper.close()


# --- what an upstream keeps -----------------------------------------------------------------------------------------


@pytest.mark.pitfall("RSP-2", "RSP-20")
@pytest.mark.parametrize("stream", [False, True])
async def test_what_an_account_keeps_goes_on_there_byte_for_byte(tmp_path: Path, stream: bool) -> None:
    keeper = Keeper(ResponseStore(tmp_path))
    numbers = iter(range(1000))

    def hello(request: Any, body: Any) -> Scenario:
        return Scenario(parts=(Text("hi"),), id=f"{next(numbers):016x}")

    async with ScriptedVendor("openai_responses", scenario=hello) as first:
        async with ScriptedVendor("openai_responses", scenario=hello) as second, ScriptedVendor("anthropic") as other:
            vendors = {"openaiResponses-custom-0": first, "openaiResponses-custom-1": second}
            settings = settings_for(account_for(first), account_for(second, 1), account_for(other), client_keys=KEYS)
            async with running_gateway(settings, keeper=keeper) as gateway:
                here = Site(gateway, first, Clock())
                async with here.http, await RawClient.connect(gateway.port) as client:
                    made = []
                    for _ in range(4):
                        response = await here.ask(stream, input="First question")
                        made.append((response, gateway.records[-1].notes.account))
                    assert {account for _, account in made} == set(vendors)
                    for response, account in made:
                        # The other account is next in turn for half of these.
                        body = b'{"model": "m",  "input": "hi", "previous_response_id": "%s"}' % response.id.encode()
                        answer = await client.ask("POST", "/v1/responses", body, gateway.headers)
                        assert answer.status == 200
                        assert vendors[account].requests[-1].content == body

                    response, account = made[1]
                    vendor = vendors[account]
                    shown = {"id": response.id, "object": "response", "output": [], "x": 1.0}
                    vendor.on("GET", "/v1/responses/{id}", lambda _: Unary(json.dumps(shown).encode()))
                    page = b'{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}'
                    vendor.on("GET", "/v1/responses/{id}/input_items", lambda _: Unary(page))
                    vendor.on("DELETE", "/v1/responses/{id}", lambda _: Unary(b'{"deleted":true}'))
                    answer = await client.ask("GET", f"/v1/responses/{response.id}", headers=gateway.headers)
                    assert answer.body == json.dumps(shown).encode()
                    assert vendor.requests[-1].headers.get("authorization") == f"Bearer {UPSTREAM_KEY}"
                    encrypted = {"include": ["reasoning.encrypted_content", "file_search_call.results"]}
                    await here.sdk.responses.retrieve(response.id, **encrypted)  # type: ignore[call-overload]
                    assert vendor.requests[-1].target.endswith(f"/{response.id}?include%5B%5D=file_search_call.results")
                    assert len(gateway.records[-1].notes.lost or ()) == 1
                    await here.sdk.responses.input_items.list(response.id, limit=3)
                    assert vendor.requests[-1].target == f"/v1/responses/{response.id}/input_items?limit=3"

                    # An item of it leads there as well.
                    referring: Any = [{"type": "item_reference", "id": response.output[0].id}]
                    await here.ask(stream, input=referring)
                    assert vendor.requests[-1].json["input"] == referring
                    elsewhere: Any = [*referring, {"type": "item_reference", "id": made[0][0].output[0].id}]
                    assert made[0][1] != account
                    with pytest.raises(openai.BadRequestError, match="several upstream accounts"):
                        await here.ask(stream, input=elsewhere)

                    # Another provider type doesn't have it.
                    with pytest.raises(openai.BadRequestError, match="kept by openaiResponses-custom") as caught:
                        await here.ask(stream, model="claude-custom/m", input="Go on", previous_response_id=response.id)
                    assert caught.value.param == "previous_response_id"
                    with pytest.raises(openai.BadRequestError, match="kept by openaiResponses-custom"):
                        await here.sdk.responses.input_tokens.count(
                            model="claude-custom/m", input="Go on", previous_response_id=response.id
                        )

                    await here.sdk.responses.delete(response.id)
                    assert vendor.requests[-1].method == "DELETE"
                    with pytest.raises(openai.NotFoundError):
                        await here.sdk.responses.retrieve(response.id)

                    # An account that is gone has taken its conversations with it.
                    left = settings_for(account_for(second, 1), account_for(other), client_keys=KEYS)
                    gateway.gateway.configure(left)
                    gone = next(response for response, account in made if vendors[account] is first)
                    with pytest.raises(openai.BadRequestError, match="isn't configured any more"):
                        await here.ask(
                            stream,
                            model="openaiResponses-custom/m",
                            input="Go on",
                            previous_response_id=gone.id,
                        )
                    with pytest.raises(openai.NotFoundError):
                        await here.sdk.responses.retrieve(gone.id)
            assert other.requests == []
    keeper.close()


async def test_an_account_that_rests_makes_its_conversations_wait(tmp_path: Path) -> None:
    async with site(tmp_path, "openai_responses") as here:
        one = await here.ask(input="First question")
        here.vendor.fail_next("rate_limit")
        for _ in range(2):
            with pytest.raises(openai.RateLimitError):
                await here.ask(input="Go on", previous_response_id=one.id)
        assert len(here.vendor.requests) == 2


async def test_two_fields_of_one_name_are_not_for_two_readers(tmp_path: Path) -> None:
    async with site(tmp_path, "openai_responses") as here, await RawClient.connect(here.gateway.port) as client:
        one = await here.ask(input="First question")
        count = len(here.vendor.requests)
        for last in (b"null", b'"resp_x"'):
            body = b'{"model":"m","input":"x","previous_response_id":"%s","previous_response_id":%s}'
            body %= (one.id.encode(), last)
            answer = await client.ask("POST", "/v1/responses", body, {"x-api-key": OTHER_KEY})
            assert (answer.status, answer.json["error"]["param"]) == (400, "previous_response_id")
        escaped = b'{"model":"m","input":[{"\\u0069d":"%s"}]}' % one.output[0].id.encode()
        answer = await client.ask("POST", "/v1/responses", escaped, {"x-api-key": OTHER_KEY})
        assert (answer.status, answer.json["error"]["param"]) == (400, "input")
        assert len(here.vendor.requests) == count


async def test_an_answer_that_is_rebuilt_under_another_id_does_not_claim_to_be_kept(tmp_path: Path) -> None:
    """Some servers answer a unary request with a stream, which the client gets as one object."""
    async with site(tmp_path, "openai_responses") as here:
        streamed = here.vendor.dialect.answers.stream(Scenario(), {"model": "m"})
        here.vendor.answer_next(Stream(streamed, headers=[("content-type", "text/event-stream")]))
        one = await here.ask(input="hi")
        assert one.store is False
        with pytest.raises(openai.BadRequestError, match="not found"):
            await here.ask(input="Go on", previous_response_id=one.id)


@pytest.mark.parametrize("upstream", ["anthropic", "openai_responses"])
async def test_the_copy_of_a_large_input_is_counted_until_the_answer_is_complete(tmp_path: Path, upstream: str) -> None:
    async with site(tmp_path, upstream) as here:
        here.vendor.delay = 0.02
        budget = here.gateway.transport.budget
        large = "x y " * 500_000
        during: list[int] = []
        async for event in await here.sdk.responses.create(model="m", input=large, stream=True):
            if event.type == "response.output_text.delta":
                during.append(budget.used)
        if upstream == "anthropic":
            assert min(during) >= len(large)
        else:
            assert min(during) < len(large) // 2
        await until(here.gateway.idle)
        assert budget.used == 0


async def test_requests_of_other_protocols_have_nothing_to_do_with_it(tmp_path: Path) -> None:
    async with site(tmp_path, "anthropic") as here:
        await here.sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], store=True)
        assert contents(tmp_path) == b""
