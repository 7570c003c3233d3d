"""Upstreams that die at every point of an answer, before every client: what was not begun goes on elsewhere unseen,
what was begun ends with the client's own error, and nothing is cut in silence."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from typing import Any

import pytest
from tests.faults.judge import asked
from tests.support.gateway import account_for, running_gateway, settings_for
from tests.support.replies import Close, Ending, Reply, Reset, Stream, Write, cut, offset_of
from tests.support.scenario import SCENARIOS
from tests.support.upstream import Request
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import ProtocolName
from tests.transport.scripted import until

PROTOCOLS: list[ProtocolName] = ["openai_chat", "openai_responses", "anthropic", "gemini"]
SCENARIO = SCENARIOS["unicode"]
DEEP = os.environ.get("CODENEX_DEEP") == "1"
#: Deaths of each kind at each point, for every pair of protocols, unary and streamed.
ROUNDS = 5 if DEEP else 2


@dataclass
class Death:
    """Where an answer ends: bytes of it that are sent. ``begun``: whether a client may have seen something of it;
    ``complete``: whether all of it was there."""

    at: int
    begun: bool
    complete: bool = False


def _bytes_of(reply: Reply) -> list[bytes]:
    return [step.data for step in reply.steps() if isinstance(step, Write)]


def deaths_of(reply: Reply, handshake: int, rng: random.Random, stream: bool) -> dict[str, Death]:
    """The points at which an answer may end, with a place chosen by chance in each."""
    writes = _bytes_of(reply)
    head, body = writes[0], writes[1:]
    whole = sum(map(len, writes))
    content = offset_of(reply, chunks=min(handshake, len(body))) if stream else whole
    joined = b"".join(writes)
    inside = [place for place in range(len(head), whole - 1) if joined[place] & 0xC0 == 0x80]
    places = {
        "before the head": 0,
        "in the head": rng.randrange(1, len(head) - 1),
        "after the head": len(head),
        "after the first event": offset_of(reply, chunks=1),
        "in an event": rng.randrange(len(head) + 1, whole - 20),
        "in a character": rng.choice(inside) if inside else len(head) + 1,
        "at the end of an event": offset_of(reply, chunks=rng.randrange(1, len(body))) if len(body) > 1 else len(head),
        "before the end": offset_of(reply, chunks=len(body) - 1) if len(body) > 1 else whole - 1,
    }
    return {name: Death(at, stream and at > content, at == whole) for name, at in places.items()}


@pytest.mark.pitfall("ERR-7", "ERR-8")
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("client", PROTOCOLS)
@pytest.mark.parametrize("upstream", PROTOCOLS)
async def test_no_answer_is_cut_in_silence(client: ProtocolName, upstream: ProtocolName, stream: bool) -> None:
    rng = random.Random(f"{client} {upstream} {stream}")
    full = SCENARIO.text
    async with (
        ScriptedVendor(upstream, scenario=SCENARIO, validate=False) as bad,
        ScriptedVendor(upstream, scenario=SCENARIO, validate=False) as good,
    ):
        settings = settings_for(
            account_for(bad), account_for(good, 1), pool_strategy="fill-first", max_error_count=1_000_000
        )
        async with running_gateway(settings) as gateway:
            for _ in range(ROUNDS):
                for ending in (Reset(), Close()):
                    for name in deaths_of(bad_reply(bad, stream), bad.dialect.handshake, random.Random(1), stream):
                        await _one(gateway, bad, good, client, stream, ending, name, rng, full)
            await until(gateway.idle)
            states = gateway.gateway.accounts.states.values()
            assert all(state.in_flight == 0 for state in states)


def bad_reply(vendor: ScriptedVendor, stream: bool) -> Reply:
    """An answer as the vendor would give it."""
    body: dict[str, Any] = {"model": "m"}
    if not stream:
        return vendor._whole(vendor.dialect.answers.unary(SCENARIO, body))
    return Stream(vendor.dialect.answers.stream(SCENARIO, body), headers=vendor.dialect.headers)


async def _one(
    gateway: Any,
    bad: ScriptedVendor,
    good: ScriptedVendor,
    client: ProtocolName,
    stream: bool,
    ending: Ending,
    name: str,
    rng: random.Random,
    full: str,
) -> None:
    death: list[Death] = []

    def dying(request: Request) -> Reply:
        reply = bad.rendered(request, stream=bad.dialect.streams(request))
        death.append(deaths_of(reply, bad.dialect.handshake, rng, bad.dialect.streams(request))[name])
        return cut(reply, at=death[-1].at, ending=ending)

    bad.answer_next(dying)
    # So many failures in so short a time would use up what may be repeated.
    gateway.gateway.accounts._retries.clear()
    served = len(good.requests)
    try:
        outcome = await asked(gateway, client, stream)
    except AssertionError as error:
        raise AssertionError(f"{name}, {ending}, at {death}") from error
    where = f"{name}, {ending}, at {death}: {outcome}"
    took_over = len(good.requests) - served
    assert len(death) == 1, where
    if outcome.kind == "whole":
        assert outcome.text == full, where
        # A reset may have overtaken what was sent before it, so that nothing of it was seen after all.
        assert took_over == 1 or death[0].begun or death[0].complete, where
    else:
        assert outcome.kind == "failed", where
        assert death[0].begun, f"nothing had been seen: {where}"
        assert full.startswith(outcome.text), where
        assert took_over == 0, where
