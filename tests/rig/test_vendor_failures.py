"""The scripted vendors fail as vendors do: refusals, streams that break, streams that are cut."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import openai
import pytest
from google.genai import errors as genai_errors
from tests.rig.sdk import ASK
from tests.support.client import RawClient
from tests.support.replies import Reply, cut_after
from tests.support.requests import BODIES, STREAM, credentials, streaming
from tests.support.scenario import say
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.anthropic.errors import TABLE as ANTHROPIC_ERRORS
from tests.support.vendors.dialects import DIALECTS, ProtocolName
from tests.support.vendors.gemini.errors import TABLE as GEMINI_ERRORS
from tests.support.vendors.openai_chat.errors import TABLE as OPENAI_ERRORS

PROTOCOLS = tuple(DIALECTS)

STATUSES: dict[ProtocolName, Any] = {
    "openai_chat": OPENAI_ERRORS,
    "openai_responses": OPENAI_ERRORS,
    "anthropic": ANTHROPIC_ERRORS,
    "gemini": GEMINI_ERRORS,
}


FAILURES = [(protocol, kind) for protocol, table in STATUSES.items() for kind in table]


@pytest.mark.parametrize(("protocol", "kind"), FAILURES)
async def test_the_sdk_raises_the_failure_with_its_status_and_text(protocol: ProtocolName, kind: str) -> None:
    row: Any = STATUSES[protocol][kind]
    async with ScriptedVendor(protocol) as vendor:
        vendor.fail_next(kind)
        with pytest.raises((openai.APIStatusError, anthropic.APIStatusError, genai_errors.APIError)) as raised:
            await ASK[protocol](vendor, stream=False)
        understood = await ASK[protocol](vendor, stream=False)
    error: Any = raised.value
    assert (error.code if protocol == "gemini" else error.status_code) == row[0]
    assert row[-1] in str(error)
    assert understood.text == "Hello from the scripted vendor."


@pytest.mark.parametrize("after", [None, 4])
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_the_sdk_raises_when_a_stream_breaks(protocol: ProtocolName, after: int | None) -> None:
    async with ScriptedVendor(protocol, scenario=say("A text of several pieces, long enough.")) as vendor:
        vendor.break_next("overloaded", after=after)
        with pytest.raises((openai.APIError, anthropic.APIStatusError, genai_errors.APIError), match=r"(?i)overloaded"):
            await ASK[protocol](vendor, stream=True)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_cut_stream_is_no_success_at_the_client(protocol: ProtocolName) -> None:
    def torn(reply: Reply) -> Reply:
        return cut_after(reply, chunks=3, extra=5)

    async with ScriptedVendor(protocol) as vendor, await RawClient.connect(vendor.port) as client:
        vendor.distort = torn
        body = streaming(protocol, BODIES[protocol])
        await client.request("POST", STREAM[protocol], body, credentials(protocol, vendor.key))
        with pytest.raises(ConnectionResetError):
            await client.response()
    assert not vendor.exchanges[0].complete


async def test_a_broken_responses_stream_is_numbered_to_its_end() -> None:
    async with ScriptedVendor("openai_responses") as vendor, await RawClient.connect(vendor.port) as client:
        vendor.break_next("overloaded", after=6)
        body = streaming("openai_responses", BODIES["openai_responses"])
        answer = await client.ask("POST", "/v1/responses", body, credentials("openai_responses", vendor.key))
    events = [json.loads(event.data) for event in answer.events]
    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    assert [event["sequence_number"] for event in events] == list(range(8))


async def test_gemini_streams_an_array_without_alt_sse_also_in_failure() -> None:
    target = STREAM["gemini"].removesuffix("?alt=sse")
    async with ScriptedVendor("gemini") as vendor, await RawClient.connect(vendor.port) as client:
        key = credentials("gemini", vendor.key)
        answer = await client.ask("POST", target, BODIES["gemini"], key)
        vendor.fail_next("rate_limit")
        failed = await client.ask("POST", target, BODIES["gemini"], key)
        vendor.break_next("internal", after=2)
        broken = await client.ask("POST", target, BODIES["gemini"], key)
    assert answer.headers.get("content-type") == "application/json"
    texts = [entry["candidates"][0]["content"]["parts"][0]["text"] for entry in answer.json]
    assert "".join(texts) == "Hello from the scripted vendor."
    assert (failed.status, failed.json[0]["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert ["error" in entry for entry in broken.json] == [False, False, True]
