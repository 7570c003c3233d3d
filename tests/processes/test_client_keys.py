"""Named client keys from their making to their end, over two workers. Each test has keys of its own at one server, as a
start takes longer than most of them."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from tests.processes.site import CHAT, Site
from tests.support.client import RawClient
from tests.support.scenario import Scenario, Text, Usage
from tests.support.vendor import ScriptedVendor

ANSWER = Scenario((Text("hello"),), usage=Usage(input_fresh=1000, output_visible=100))
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory):
    async with (
        ScriptedVendor("openai_chat", validate=False, models=["gpt-4o"], scenario=ANSWER) as vendor,
        Site(tmp_path_factory.mktemp("site"), vendor) as site,
    ):
        await site.log_in()
        await site.serving(2)
        yield site


async def made(site, **fields):
    status, answer = await site.api("POST", "/api/client-keys", {"name": "test", **fields})
    assert status == 201, answer
    return answer["entry"]["id"], answer["key"]


async def kept(site):
    return (await site.api("GET", "/api/client-keys"))[1]["keys"]


async def chat(site, key, path="/v1/chat/completions", **changes):
    async with await RawClient.connect(site.port) as client:
        headers = {"authorization": f"Bearer {key}"}
        return await client.ask("POST", path, {**CHAT, "model": "gpt-4o", **changes}, headers, timeout=30)


async def test_a_key_works_at_once_on_every_worker_and_ends_at_once(site):
    key_id, key = await made(site)
    answers = await asyncio.gather(*(chat(site, key) for _ in range(12)))
    assert {answer.status for answer in answers} == {200}

    status, answer = await site.api("POST", f"/api/client-keys/{key_id}/replace")
    assert status == 200
    assert {a.status for a in await asyncio.gather(*(chat(site, key) for _ in range(8)))} == {401}
    assert (await chat(site, answer["key"])).status == 200

    assert (await site.api("PUT", f"/api/client-keys/{key_id}", {"disabled": True}))[0] == 200
    revoked = await chat(site, answer["key"])
    assert (revoked.status, revoked.json["error"]["message"]) == (401, "the API key has been revoked")
    assert (await site.api("PUT", f"/api/client-keys/{key_id}", {"disabled": False}))[0] == 200
    assert (await chat(site, answer["key"])).status == 200

    assert (await site.api("DELETE", f"/api/client-keys/{key_id}"))[0] == 200
    assert {a.status for a in await asyncio.gather(*(chat(site, answer["key"]) for _ in range(8)))} == {401}
    assert (await site.api("DELETE", f"/api/client-keys/{key_id}"))[0] == 404

    content = (site.folder / "configs" / "client_keys.json").read_text()
    assert key_id not in [entry["id"] for entry in json.loads(content)["keys"]]
    assert key not in site.text


async def test_limits_of_requests_and_tokens_hold_over_all_workers(site):
    _, key = await made(site, requestsPerMinute=20)
    answers = [a for _ in range(4) for a in await asyncio.gather(*(chat(site, key) for _ in range(10)))]
    assert 18 <= sum(answer.status == 200 for answer in answers) <= 22
    passed = next(answer for answer in answers if answer.status == 200)
    assert passed.headers.get("x-ratelimit-limit-requests") == "20"
    assert int(passed.headers.get("x-ratelimit-remaining-requests")) < 20
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.json["error"]["code"] == "rate_limit_exceeded"
    assert int(refused.headers.get("retry-after")) >= 1

    _, key = await made(site, tokensPerMinute=3000)
    statuses = [(await chat(site, key)).status for _ in range(8)]
    # 1,100 tokens each: three answers use the limit up, and are counted when they have ended.
    assert statuses[:3] == [200] * 3
    assert statuses[4:] == [429] * 4


async def test_a_budget_ends_and_a_larger_one_goes_on(site):
    # A thousand input and a hundred output tokens of this model cost 0.0035 dollars.
    key_id, key = await made(site, budget={"amount": 0.01, "period": "day"})
    served = 0
    while (answer := await chat(site, key)).status == 200:
        served += 1
        assert served < 100
        # The price is known once the control process has seen the row.
        await asyncio.sleep(0.6)
    assert 3 <= served <= 5
    assert answer.json["error"]["code"] == "budget_exceeded"
    (entry,) = (entry for entry in await kept(site) if entry["id"] == key_id)
    assert entry["spent"] >= 0.01
    assert (await site.api("PUT", f"/api/client-keys/{key_id}", {"budget": {"amount": 5, "period": "day"}}))[0] == 200
    assert (await chat(site, key)).status == 200


async def test_lists_and_expiry(site):
    _, key = await made(site, models=["gpt-4o*"], providers=["openai-custom"])
    assert (await chat(site, key)).status == 200
    refused = await chat(site, key, model="other")
    assert (refused.status, refused.json["error"]["code"]) == (403, "model_not_allowed")
    refused = await chat(site, key, model="demo/demo")
    assert (refused.status, refused.json["error"]["code"]) == (403, "provider_not_allowed")
    soon = datetime.now(UTC) + timedelta(seconds=2)
    _, key = await made(site, expires=soon.isoformat())
    await asyncio.sleep((soon - datetime.now(UTC)).total_seconds() + 0.05)
    refused = await chat(site, key)
    assert (refused.status, refused.json["error"]["message"]) == (401, "the API key has expired")


async def test_usage_is_told_by_key_and_model(site):
    key_id, key = await made(site)
    for _ in range(5):
        assert (await chat(site, key)).status == 200
    for _ in range(100):
        _, answer = await site.api("GET", "/api/usage-statistics?by=key")
        rows = [row for row in answer["rows"] if row["name"] == key_id]
        if rows and rows[0]["requests"] == 5:
            break
        await asyncio.sleep(0.1)
    (row,) = rows
    assert (row["requests"], row["inputTokens"], row["outputTokens"]) == (5, 5000, 500)
    assert row["cost"] == pytest.approx(5 * 0.0035)
    _, answer = await site.api("GET", f"/api/requests?limit=3&key={key_id}")
    assert [request["model"] for request in answer["requests"]] == ["gpt-4o"] * 3
    assert answer["next"] is not None


BAD_WISHES = [
    {},
    {"name": ""},
    {"name": "x", "budget": {"amount": -1}},
    {"name": "x", "budget": {"amount": 1, "period": "year"}},
    {"name": "x", "requestsPerMinute": "many"},
    {"name": "x", "expires": "2030-01-01T00:00:00"},
    {"name": "x", "digest": "00" * 32},
    {"name": "x", "id": "mine"},
]


async def test_bad_wishes_are_refused(site):
    before = await kept(site)
    for body in BAD_WISHES:
        status, answer = await site.api("POST", "/api/client-keys", body)
        assert status == 422, body
        assert answer["error"]["message"]
    assert [entry["id"] for entry in await kept(site)] == [entry["id"] for entry in before]
