"""Upstreams that don't stop where their answer does: the client has its end at once, and the connection is given up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.faults.judge import asked
from tests.support.gateway import account_for, running_gateway, settings_for
from tests.support.leaks import LeakCheck
from tests.support.replies import Hang, Reply, Script, Sleep, Stream, Write
from tests.support.scenario import SCENARIOS
from tests.support.upstream import Request
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import ProtocolName
from tests.transport.scripted import until

from codenex.gateway import delivery, lanes
from codenex.providers.transport import connection

PROTOCOLS: list[ProtocolName] = ["openai_chat", "openai_responses", "anthropic", "gemini"]
SCENARIO = SCENARIOS["text"]
#: Long enough that a test that waited for it would fail.
IDLE = 30.0


def going_on(reply: Reply, *, comments: bool) -> Reply:
    """The answer up to its own end, without that of its body: silence, or comments for ever."""
    assert isinstance(reply, Stream)
    steps = reply.steps()[:-1]
    if not comments:
        return Script([*steps, Hang()])
    comment = b": still here\n\n"
    more: list[Any] = [Write(b"%x\r\n%b\r\n" % (len(comment), comment)), Sleep(0.02)] * 200
    return Script([*steps, *more, Hang()])


@pytest.mark.parametrize("comments", [False, True], ids=["silence", "comments"])
@pytest.mark.parametrize("client", PROTOCOLS)
@pytest.mark.parametrize("upstream", ["openai_chat", "anthropic"])
async def test_an_answer_ends_where_it_says_so(
    leak_check: LeakCheck,
    monkeypatch: pytest.MonkeyPatch,
    client: ProtocolName,
    upstream: ProtocolName,
    comments: bool,
) -> None:
    monkeypatch.setattr(connection, "_SETTLE_SECONDS", 0.3)
    async with ScriptedVendor(upstream, scenario=SCENARIO, validate=False, delay=0.01) as vendor:

        def answer(request: Request) -> Reply:
            return going_on(vendor.rendered(request, stream=True), comments=comments)

        settings = settings_for(account_for(vendor), idle_timeout=IDLE)
        async with running_gateway(settings) as gateway:
            vendor.answer_next(answer)
            outcome = await asyncio.wait_for(asked(gateway, client, True), 2)
            assert (outcome.kind, outcome.text) == ("whole", SCENARIO.text)
            # The place that it held is free, long before the upstream's silence is too long.
            await until(gateway.idle)
            assert gateway.records[-1].complete
            # It is no failure of the account.
            (shown,) = [one for group in gateway.gateway.accounts.report().values() for one in group]
            assert shown["errorCount"] == 0
            assert (await asked(gateway, client, True)).kind == "whole"


@pytest.mark.parametrize("client", PROTOCOLS)
async def test_an_event_that_never_ends_is_given_up_in_the_middle_of_an_answer(
    leak_check: LeakCheck, monkeypatch: pytest.MonkeyPatch, client: ProtocolName
) -> None:
    """After content has gone out: the client's own error ends its answer, and nobody reads on."""
    limit = 100_000
    monkeypatch.setattr(lanes, "EVENT_LIMIT", limit)
    async with ScriptedVendor("openai_chat", scenario=SCENARIO, validate=False) as vendor:

        def answer(request: Request) -> Reply:
            reply = vendor.rendered(request, stream=True)
            assert isinstance(reply, Stream)
            steps = reply.steps()[:4]
            piece = b"x" * 10_000
            first = b'data: {"x":"' + piece
            more: list[Any] = [Write(b"%x\r\n%b\r\n" % (len(piece), piece)), Sleep(0.001)] * 1000
            return Script([*steps, Write(b"%x\r\n%b\r\n" % (len(first), first)), *more, Hang()])

        async with running_gateway(settings_for(account_for(vendor), idle_timeout=IDLE)) as gateway:
            monkeypatch.setattr("codenex.wire.sse.SseDecoder.__init__.__defaults__", (limit,), raising=True)
            vendor.answer_next(answer)
            outcome = await asyncio.wait_for(asked(gateway, client, True), 10)
            assert outcome.kind == "failed", outcome
            assert SCENARIO.text.startswith(outcome.text)
            await until(gateway.idle)
            assert gateway.transport.counts() == {}


async def test_a_beginning_that_never_ends_is_given_up(leak_check: LeakCheck, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes before the first content is held back, so that another account can take over: but not all of it."""
    monkeypatch.setattr(delivery, "HELD_LIMIT", 100_000)
    async with (
        ScriptedVendor("openai_chat", scenario=SCENARIO, validate=False) as bad,
        ScriptedVendor("openai_chat", scenario=SCENARIO, validate=False) as good,
    ):

        def answer(request: Request) -> Reply:
            reply = bad.rendered(request, stream=True)
            comment = b": " + b"x" * 5000 + b"\n\n"
            more: list[Any] = [Write(b"%x\r\n%b\r\n" % (len(comment), comment)), Sleep(0.001)] * 1000
            return Script([reply.steps()[0], *more, Hang()])

        settings = settings_for(account_for(bad), account_for(good, 1), pool_strategy="fill-first", idle_timeout=IDLE)
        async with running_gateway(settings) as gateway:
            bad.answer_next(answer)
            outcome = await asyncio.wait_for(asked(gateway, "openai_chat", True), 10)
            assert (outcome.kind, outcome.text) == ("whole", SCENARIO.text)
            assert len(good.requests) == 1
            await until(gateway.idle)
