"""Every official SDK raises its typed error when an answer is cut in the middle, within a second."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest
from google.genai import errors
from tests.matrix.cases import Ask
from tests.matrix.clients import CLIENTS, Client, Responses, client_of
from tests.support.gateway import KEY, RunningGateway, account_for, running_gateway, settings_for
from tests.support.node import NODE, SDKS
from tests.support.replies import Close, Reply, Reset, cut_after
from tests.support.scenario import SCENARIOS
from tests.support.upstream import Request
from tests.support.vendor import ScriptedVendor

DEEP = os.environ.get("CODENEX_DEEP") == "1"
CUTS = 25 if DEEP else 7
"""Of each pair of client and upstream: 112 in all for each language, or 400."""

TYPED: dict[str, Any] = {
    "openai_chat": openai.APIError,
    # Its helper takes the failed response for an event like others, and then has no response to give.
    "openai_responses": (openai.APIError, RuntimeError),
    "anthropic": anthropic.APIError,
    "gemini": errors.APIError,
}


async def _read(client: Client) -> None:
    if not isinstance(client, Responses):
        await client.run(Ask(), True)
        return
    async with client.sdk().responses.stream(**client.arguments(Ask())) as stream:
        await stream.get_final_response()


def cutting(vendor: ScriptedVendor, rng: random.Random, number: int) -> Callable[[Request], Reply]:
    """An answer that ends after its first content: closed in order, or reset when the number is odd."""

    def reply(request: Request) -> Reply:
        whole = vendor.rendered(request, stream=True)
        last = len(whole.chunks) - 2
        chunks = rng.randrange(min(vendor.dialect.handshake + 2, last), last)
        return cut_after(whole, chunks=chunks, extra=rng.randrange(5), ending=Reset() if number % 2 else Close())

    return reply


@pytest.mark.pitfall("ERR-7")
@pytest.mark.parametrize("upstream", CLIENTS)
@pytest.mark.parametrize("client", CLIENTS)
async def test_all_cuts_are_seen(client: str, upstream: Any) -> None:
    rng = random.Random(f"{client} {upstream}")
    async with ScriptedVendor(upstream, scenario=SCENARIOS["unicode"], validate=False) as vendor:
        async with running_gateway(settings_for(account_for(vendor), max_error_count=1_000_000)) as gateway:
            async with client_of(client, gateway, vendor.dialect.default_model) as sdk:
                for number in range(CUTS):
                    vendor.answer_next(cutting(vendor, rng, number))
                    began = asyncio.get_running_loop().time()
                    with pytest.raises(TYPED[client]):
                        await _read(sdk)
                    assert asyncio.get_running_loop().time() - began < 10


async def _in_javascript(client: str, gateway: RunningGateway, model: str) -> list[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        NODE,
        SDKS / "cuts.js",
        *(client, gateway.url, model, str(CUTS)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "CODENEX_API_KEY": KEY},
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("upstream", CLIENTS)
async def test_javascript_sees_all_cuts(upstream: Any) -> None:
    async with ScriptedVendor(upstream, scenario=SCENARIOS["unicode"], validate=False) as vendor:
        async with running_gateway(settings_for(account_for(vendor), max_error_count=1_000_000)) as gateway:
            for client in CLIENTS:
                rng = random.Random(f"{client} {upstream}")
                vendor.answer_next(*(cutting(vendor, rng, number) for number in range(CUTS)))
                outcomes = await _in_javascript(client, gateway, vendor.dialect.default_model)
                assert [outcome["typed"] for outcome in outcomes] == [True] * CUTS, (client, outcomes)
                assert max(outcome["seconds"] for outcome in outcomes) < 10
