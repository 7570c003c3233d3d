"""Every client protocol against every upstream protocol, unary and streamed, by the official SDKs.

A cell passes with equal content or states its loss; the vendor's own rules judge what arrives upstream.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.matrix.cases import CASES, Case
from tests.matrix.clients import CLIENTS, Got, client_of
from tests.matrix.table import note
from tests.support.gateway import account_for, running_gateway, settings_for
from tests.support.hosts import HOSTS
from tests.support.scenario import Scenario, Text
from tests.support.vendor import ScriptedVendor

#: How each client's SDK calls the end of an answer.
FINISH: dict[str, dict[str, tuple[str, ...]]] = {
    "openai_chat": {
        "stop": ("stop",),
        "length": ("length",),
        "tool_calls": ("tool_calls",),
        "content_filter": ("content_filter",),
        "refusal": ("content_filter", "stop"),
    },
    "openai_responses": {
        "stop": ("completed",),
        "length": ("max_output_tokens",),
        "tool_calls": ("completed",),
        "content_filter": ("content_filter",),
        "refusal": ("completed", "content_filter"),
    },
    "anthropic": {
        "stop": ("end_turn",),
        "length": ("max_tokens",),
        "tool_calls": ("tool_use",),
        "content_filter": ("refusal",),
        "refusal": ("refusal",),
    },
    "gemini": {
        "stop": ("STOP",),
        "length": ("MAX_TOKENS",),
        "tool_calls": ("STOP",),
        "content_filter": ("SAFETY",),
        "refusal": ("SAFETY", "STOP"),
    },
}


def expected_finish(client: str, upstream: str, scenario: Scenario) -> tuple[str, ...]:
    words = FINISH[client][scenario.finish]
    if scenario.finish == "refusal" and upstream == "gemini":
        # Gemini has no word for a refusal in the model's own voice: it is a safety stop or plain text.
        words = (*words, *FINISH[client]["content_filter"], *FINISH[client]["stop"])
    return words


def check(case: Case, client: str, upstream: str, got: Got) -> None:
    scenario = case.scenario
    # Chat has one text: those that stood around a call are paragraphs of it.
    texts = [part.text for part in scenario.parts if isinstance(part, Text)]
    whole = {"".join(texts).strip(), "\n\n".join(texts).strip()} if client == "openai_chat" else {scenario.text.strip()}
    assert got.text.strip() in whole or (scenario.refusal and got.text in ("", scenario.refusal))
    if scenario.refusal:
        assert scenario.refusal in (got.refusal, got.text)
    if scenario.reasoning:
        assert got.reasoning == scenario.reasoning
    assert case.cut or got.calls == [(call.name, json.loads(call.arguments)) for call in scenario.tool_calls]
    assert got.finish in expected_finish(client, upstream, scenario), got.finish
    usage = scenario.usage
    assert got.output_tokens == usage.output_total
    assert got.cached_tokens == usage.cache_read
    assert got.input_tokens in (usage.input_total, usage.input_total - usage.cache_write)


def arrived(case: Case, body: Any) -> None:
    sent = json.dumps(body, ensure_ascii=False)
    for text in case.seen:
        assert text in sent, f"{text[:60]!r} did not reach the upstream: {sent[:2000]}"


@pytest.mark.parametrize("mode", ["unary", "stream"])
@pytest.mark.parametrize("upstream", CLIENTS)
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.timeout(180)
async def test_pair(client: str, upstream: str, mode: str) -> None:
    # In the same protocol the body is the SDK's own, which no translation has to answer for.
    cells, failures = await run_cases(client, upstream, mode, validate=client != upstream)
    if not failures:
        note(client, upstream, mode, cells)
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("mode", ["unary", "stream"])
@pytest.mark.parametrize("protocol", CLIENTS)
@pytest.mark.timeout(180)
async def test_equal_protocols_rebuilt(protocol: str, mode: str) -> None:
    cells, failures = await run_cases(protocol, protocol, mode, validate=True, normalise=True)
    assert not failures, "\n".join(failures)
    # Calls that no Gemini model has signed get the documented sentinel, which is told.
    losses = {"✓ (messages.tool_calls=adapted)"} if protocol == "gemini" else set()
    assert set(cells.values()) == {"✓"} | losses, "a protocol can express whatever it said itself"


#: Under another server a part of the matrix shows what depends on the server; `make deep` runs all of it.
PAIRS_UNDER_HOSTS = [("openai_chat", "anthropic"), ("anthropic", "anthropic"), ("gemini", "openai_responses")]


@pytest.mark.parametrize("mode", ["unary", "stream"])
@pytest.mark.parametrize(
    ("client", "upstream"),
    [
        pytest.param(client, upstream, marks=() if (client, upstream) in PAIRS_UNDER_HOSTS else pytest.mark.deep)
        for client in CLIENTS
        for upstream in CLIENTS
    ],
)
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.timeout(180)
async def test_pair_under_another_server(host: str, client: str, upstream: str, mode: str) -> None:
    cells, failures = await run_cases(client, upstream, mode, validate=client != upstream, serve=HOSTS[host])
    assert not failures, "\n".join(failures)
    assert len(cells) == len(CASES)


async def run_cases(
    client: str, upstream: str, mode: str, *, validate: bool, normalise: bool = False, serve: Any = running_gateway
) -> tuple[dict[str, str], list[str]]:
    failures: list[str] = []
    cells: dict[str, str] = {}
    async with ScriptedVendor(upstream, validate=validate) as vendor:
        model = vendor.dialect.default_model
        async with serve(settings_for(account_for(vendor, normalise=normalise))) as gateway:
            for case in CASES:
                vendor.scenario = case.scenario
                vendor.problems.clear()
                seen = len(vendor.requests)
                try:
                    async with client_of(client, gateway, model) as sdk:
                        got = await sdk.run(case.ask, mode == "stream")
                    assert not vendor.problems, vendor.problems
                    check(case, client, upstream, got)
                    arrived(case, vendor.requests[-1].json)
                    assert len(vendor.requests) == seen + 1
                    cells[case.name] = "✓" if not got.losses else f"✓ ({got.losses.partition('; ')[2]})"
                except Exception as error:
                    failures.append(f"{case.name}: {type(error).__name__}: {str(error)[:600]}")
    return cells, failures
