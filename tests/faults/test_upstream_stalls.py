"""Upstreams that fall silent at every point of an answer: the client is told in time, or another account takes over."""

from __future__ import annotations

import asyncio
import os
import random
from typing import Any

import pytest
from tests.faults.judge import asked
from tests.faults.test_upstream_deaths import PROTOCOLS, SCENARIO, Death, bad_reply, deaths_of
from tests.support.gateway import account_for, running_gateway, settings_for
from tests.support.replies import Hang, Reply, cut
from tests.support.upstream import Request
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import ProtocolName
from tests.transport.scripted import until

DEEP = os.environ.get("CODENEX_DEEP") == "1"
ROUNDS = 5 if DEEP else 1
POINTS = ["before the head", "in the head", "after the head", "after the first event", "in an event", "before the end"]
FIRST_BYTE, IDLE = 0.4, 0.3


@pytest.mark.pitfall("NET-9")
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("client", PROTOCOLS)
@pytest.mark.parametrize("upstream", PROTOCOLS)
async def test_a_silent_upstream_costs_its_deadline_and_no_more(
    client: ProtocolName, upstream: ProtocolName, stream: bool
) -> None:
    async def one(point: str, round_: int) -> None:
        rng = random.Random(f"{point} {round_}")
        async with (
            ScriptedVendor(upstream, scenario=SCENARIO, validate=False) as bad,
            ScriptedVendor(upstream, scenario=SCENARIO, validate=False) as good,
        ):
            stalled: list[Death] = []

            def stalling(request: Request) -> Reply:
                reply = bad.rendered(request, stream=bad.dialect.streams(request))
                death = deaths_of(reply, bad.dialect.handshake, rng, bad.dialect.streams(request))[point]
                stalled.append(death)
                return cut(reply, at=death.at, ending=Hang())

            bad.answer_next(stalling)
            fields: dict[str, Any] = {"first_byte_timeout": FIRST_BYTE, "idle_timeout": IDLE}
            settings = settings_for(account_for(bad), account_for(good, 1), pool_strategy="fill-first", **fields)
            async with running_gateway(settings) as gateway:
                started = asyncio.get_running_loop().time()
                outcome = await asked(gateway, client, stream)
                assert asyncio.get_running_loop().time() - started < FIRST_BYTE + IDLE + 3
                await until(gateway.idle)
                where = f"{point}: {outcome}"
                if point in ("before the head", "in the head"):
                    # The whole request was sent, and may have cost money: it isn't repeated.
                    assert (outcome.kind, outcome.status, good.requests) == ("refused", 504, []), where
                elif stalled[0].begun:
                    assert outcome.kind in ("failed", "whole"), where
                    assert SCENARIO.text.startswith(outcome.text), where
                    assert outcome.kind == "whole" or good.requests == [], where
                else:
                    assert (outcome.kind, outcome.text) == ("whole", SCENARIO.text), where
                    assert len(good.requests) == (0 if stalled[0].complete else 1), where

    assert deaths_of(bad_reply(ScriptedVendor(upstream), stream), 1, random.Random(1), stream).keys() >= set(POINTS)
    for round_ in range(ROUNDS):
        await asyncio.gather(*(one(point, round_) for point in POINTS))
