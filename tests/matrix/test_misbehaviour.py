"""Upstreams that misbehave, before every official SDK: an answer that is whole arrives whole, all others raise.

Equal protocols pass each other's bytes on, so that a client may see its own vendor's ugliness; they are rebuilt here
where a row is about the form of a stream.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.matrix.cases import TOOLS, Ask, Case
from tests.matrix.clients import CLIENTS, Got, client_of
from tests.matrix.misbehaviour import BEARABLE, UNBEARABLE, cut_at, other_kind
from tests.matrix.test_matrix import check
from tests.support.gateway import RunningGateway, account_for, running_gateway, settings_for
from tests.support.replies import Stream
from tests.support.scenario import SCENARIOS
from tests.support.upstream import Request
from tests.support.vendor import ScriptedVendor

PAIRS = [(client, upstream) for client in CLIENTS for upstream in CLIENTS]
CASE = Case("text and tool", Ask(tools=TOOLS), SCENARIOS["text and tool"])

DEEP = os.environ.get("CODENEX_DEEP") == "1"


@asynccontextmanager
async def between(
    client: str, upstream: Any, *, normalise: bool
) -> AsyncIterator[tuple[ScriptedVendor, RunningGateway]]:
    async with ScriptedVendor(upstream, scenario=CASE.scenario, validate=client != upstream) as vendor:
        account = account_for(vendor, normalise=normalise)
        # Every failure is to be seen, so that no account ever rests.
        async with running_gateway(settings_for(account, max_error_count=1_000_000)) as gateway:
            yield vendor, gateway


async def ask(gateway: RunningGateway, vendor: ScriptedVendor, client: str, *, stream: bool) -> Got:
    async with client_of(client, gateway, vendor.dialect.default_model) as sdk:
        return await sdk.run(CASE.ask, stream)


@pytest.mark.pitfall("SSE-1", "SSE-2", "SSE-10", "SSE-20")
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
async def test_what_is_bearable_arrives_whole(client: str, upstream: Any) -> None:
    async with between(client, upstream, normalise=client == upstream) as (vendor, gateway):
        for name, distortion in BEARABLE.items():
            vendor.distort = distortion
            got = await ask(gateway, vendor, client, stream=True)
            try:
                check(CASE, client, upstream, got)
            except AssertionError as error:
                raise AssertionError(name) from error


@pytest.mark.pitfall("SSE-10", "SSE-15")
@pytest.mark.parametrize("stream", [False, True], ids=["a stream for a whole answer", "a whole answer for a stream"])
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
async def test_an_answer_of_the_other_kind_is_turned_into_what_was_asked_for(
    client: str, upstream: Any, stream: bool
) -> None:
    async with between(client, upstream, normalise=False) as (vendor, gateway):
        other_kind(vendor)
        check(CASE, client, upstream, await ask(gateway, vendor, client, stream=stream))


@pytest.mark.pitfall("ERR-5", "ERR-6", "ERR-9")
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
async def test_what_is_no_answer_raises(client: str, upstream: Any, stream: bool) -> None:
    async with between(client, upstream, normalise=False) as (vendor, gateway):
        for name, misbehave in UNBEARABLE.items():
            misbehave(vendor)
            with pytest.raises(Exception) as raised:
                await ask(gateway, vendor, client, stream=stream)
            assert type(raised.value).__module__.partition(".")[0] in ("openai", "anthropic", "google"), name


@pytest.mark.pitfall("ERR-8", "SSE-18", "FIN-5")
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
async def test_a_stream_that_ends_early_raises_wherever_it_ends(client: str, upstream: Any) -> None:
    async with between(client, upstream, normalise=False) as (vendor, gateway):
        count = await _length(vendor, gateway, client)
        for chunks in range(count):
            # At the end of an event and within the next one; both for each event in the deep run.
            for extra in (0, 9) if DEEP else (chunks % 2 * 9,):
                cut_at(vendor, chunks=chunks, extra=extra)
                try:
                    got = await ask(gateway, vendor, client, stream=True)
                except Exception:
                    continue
                # Only what comes behind an answer that is told to be over may be missing: its usage, or a last word.
                assert [name for name, _ in got.calls] == ["search"], (chunks, extra)
                assert got.text == CASE.scenario.text
                assert chunks >= count - 3


async def _length(vendor: ScriptedVendor, gateway: RunningGateway, client: str) -> int:
    """How many events the vendor's answer has."""
    seen: list[int] = []

    def counted(request: Request) -> Any:
        reply = vendor.rendered(request, stream=True)
        assert isinstance(reply, Stream)
        seen.append(len(reply.chunks))
        return reply

    vendor.answer_next(counted)
    await ask(gateway, vendor, client, stream=True)
    return seen[0]
