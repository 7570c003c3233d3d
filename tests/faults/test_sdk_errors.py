"""Every official SDK raises its typed error when an answer is cut in the middle, within a second."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import anthropic
import openai
import pytest
from google.genai import errors
from tests.matrix.cases import Ask
from tests.matrix.clients import CLIENTS, Client, Responses, client_of
from tests.support.gateway import account_for, running_gateway, settings_for
from tests.support.replies import Close, Reply, Reset, cut_after
from tests.support.scenario import SCENARIOS
from tests.support.upstream import Request
from tests.support.vendor import ScriptedVendor

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


@pytest.mark.pitfall("ERR-7")
@pytest.mark.parametrize("upstream", CLIENTS)
@pytest.mark.parametrize("client", CLIENTS)
async def test_all_cuts_are_seen(client: str, upstream: Any) -> None:
    rng = random.Random(f"{client} {upstream}")
    async with ScriptedVendor(upstream, scenario=SCENARIOS["unicode"], validate=False) as vendor:
        async with running_gateway(settings_for(account_for(vendor), max_error_count=1_000_000)) as gateway:
            async with client_of(client, gateway, vendor.dialect.default_model) as sdk:
                for number in range(7):

                    def cutting(request: Request, number: int = number) -> Reply:
                        reply = vendor.rendered(request, stream=True)
                        last = len(reply.chunks) - 2
                        chunks = rng.randrange(min(vendor.dialect.handshake + 2, last), last)
                        ending = Reset() if number % 2 else Close()
                        return cut_after(reply, chunks=chunks, extra=rng.randrange(5), ending=ending)

                    vendor.answer_next(cutting)
                    began = asyncio.get_running_loop().time()
                    with pytest.raises(TYPED[client]):
                        await _read(sdk)
                    assert asyncio.get_running_loop().time() - began < 10
