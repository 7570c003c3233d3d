"""Many guesses of the admin password cost next to nothing: few hashes, and no client waits longer."""

from __future__ import annotations

import asyncio
import statistics
from collections import Counter
from pathlib import Path

import pytest
from tests.processes.site import CHAT, HEADERS, Site
from tests.support.client import RawClient

from codenex.control.administration import Administration, Refusal
from codenex.control.passwords import Passwords
from codenex.control.setup import setup_notice, token_path
from codenex.store.settings import Settings

#: Hashes that all guesses together may cost.
HASHES = 20


async def test_only_a_guess_that_is_answered_401_costs_a_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(config_dir=str(tmp_path))
    setup_notice(settings)
    administration = Administration(settings)
    await administration.set_up(token_path(settings).read_text().strip(), "correct horse battery")
    hashes, refusals, verified = [], Counter(), Passwords.verified

    async def counting(self: Passwords, stored: str, password: str) -> bool:
        hashes.append(password)
        return await verified(self, stored, password)

    monkeypatch.setattr(Passwords, "verified", counting)
    for number in range(200):
        try:
            await administration.log_in(f"guess {number}")
        except Refusal as refusal:
            refusals[refusal.status] += 1
    assert refusals[401] == len(hashes) <= HASHES
    assert refusals[401] + refusals[429] == 200


async def times(site: Site, seconds: float) -> list[float]:
    """How long requests of a client take in the meantime, in seconds: one at a time, fifty a second at most."""
    loop = asyncio.get_running_loop()
    end, found = loop.time() + seconds, []
    async with await RawClient.connect(site.port) as client:
        while loop.time() < end:
            begun = loop.time()
            answer = await client.ask("POST", "/v1/chat/completions", {**CHAT, "model": "demo"}, HEADERS, timeout=30)
            assert answer.status == 200
            found.append(loop.time() - begun)
            await asyncio.sleep(0.02)
    return found


async def guess(site: Site, count: int, seconds: float) -> Counter[int]:
    """Guess so many times, evenly spread, over several connections; the statuses of the answers."""
    loop, statuses = asyncio.get_running_loop(), Counter[int]()
    begun, numbers = loop.time(), iter(range(count))

    async def one() -> None:
        async with await RawClient.connect(site.port) as client:
            for number in numbers:
                await asyncio.sleep(begun + seconds * number / count - loop.time())
                answer = await client.ask("POST", "/api/login", {"password": f"guess {number}"}, timeout=30)
                statuses[answer.status] += 1

    await asyncio.gather(*(one() for _ in range(20)))
    return statuses


@pytest.mark.parametrize(
    ("count", "seconds"),
    [
        pytest.param(1000, 6.0, marks=pytest.mark.timeout(90), id="1,000 in 6 s"),
        pytest.param(10_000, 60.0, marks=[pytest.mark.deep, pytest.mark.timeout(300)], id="10,000 in 60 s"),
    ],
)
async def test_guesses_cost_few_hashes_and_no_client_waits(tmp_path: Path, count: int, seconds: float) -> None:
    async with Site(tmp_path) as site:
        await site.log_in()
        await site.serving(2)
        quiet = await times(site, 3.0)
        statuses, loaded = await asyncio.gather(guess(site, count, seconds), times(site, seconds))
        assert set(statuses) == {401, 429}
        assert statuses.total() == count
        assert statuses[401] <= HASHES
        median, before = statistics.median(loaded), statistics.median(quiet)
        worst = f"{max(quiet) * 1000:.0f} → {max(loaded) * 1000:.0f} ms"
        print(f"{dict(statuses)}; median {before * 1000:.1f} → {median * 1000:.1f} ms, worst {worst}")
        # Generous, since other tests run on the same processors. A hash takes 25 ms: one for each guess would show.
        assert median < before + 0.05
        assert (await site.api("GET", "/api/system"))[0] == 200, "a session goes on"
