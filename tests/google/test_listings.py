"""Lists of models at Antigravity: asked once, whoever needs them; an old one serves while a newer one comes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.google.accounts import credential, google_account
from tests.support.clock import VirtualClock
from tests.support.google.server import ScriptedGoogle, error
from tests.support.replies import slowed

from codenex.core.errors import Fault
from codenex.providers.google.handshake import Handshake
from codenex.providers.google.listings import FRESH, Listings
from codenex.providers.google.logins import Logins
from codenex.providers.google.service import ANTIGRAVITY
from codenex.providers.transport import Transport

MODEL = "gemini-3-pro-preview"
METHOD = "fetchAvailableModels"


async def test_many_requests_ask_once(tmp_path: Path) -> None:
    async with ScriptedGoogle(antigravity=True) as google, Transport() as transport:
        listings = Listings(Handshake(transport, Logins(transport)))
        account = google_account(google, tmp_path)
        found = await asyncio.gather(*(listings.named(account, ANTIGRAVITY, MODEL) for _ in range(50)))
        await listings.close()
    assert set(found) == {"gemini-3-pro-low"}
    assert len(google.called(METHOD)) == 1


async def test_an_old_list_serves_while_a_newer_one_comes(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with ScriptedGoogle(antigravity=True) as google, Transport() as transport:
        listings = Listings(Handshake(transport, Logins(transport)), clock)
        account = google_account(google, tmp_path)
        assert await listings.named(account, ANTIGRAVITY, MODEL) == "gemini-3-pro-low"
        google.ids = ("gemini-3-pro-high",)
        clock.advance(FRESH + 1)
        assert await listings.named(account, ANTIGRAVITY, MODEL) == "gemini-3-pro-low"
        for _ in range(500):
            if await listings.named(account, ANTIGRAVITY, MODEL) == "gemini-3-pro-high":
                break
            await asyncio.sleep(0.01)
        assert await listings.named(account, ANTIGRAVITY, MODEL) == "gemini-3-pro-high"
        assert len(google.called(METHOD)) == 2
        # What was known stays where Google can't be asked.
        google.on("POST", f"/v1internal:{METHOD}", lambda request: error(500, "INTERNAL", "no"))
        clock.advance(FRESH + 1)
        before = len(google.requests)
        await listings.named(account, ANTIGRAVITY, MODEL)
        await google.wait_for_requests(before + 1)
        assert await listings.named(account, ANTIGRAVITY, MODEL) == "gemini-3-pro-high"
        await listings.close()


async def test_a_list_is_asked_for_again_at_the_moment_the_last_question_ends(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with ScriptedGoogle(antigravity=True) as google, Transport() as transport:
        listings = Listings(Handshake(transport, Logins(transport)), clock)
        account = google_account(google, tmp_path)
        await listings.named(account, ANTIGRAVITY, MODEL)
        clock.advance(FRESH + 1)
        last = listings._renewal(account, ANTIGRAVITY)
        for _ in range(10_000):
            if last.done():
                break
            await asyncio.sleep(0)
        clock.advance(FRESH + 1)
        assert listings._renewal(account, ANTIGRAVITY) is not last
        await listings._renewal(account, ANTIGRAVITY)
        assert len(google.called(METHOD)) == 3
        await listings.close()


async def test_one_who_leaves_does_not_end_it_for_the_others(tmp_path: Path) -> None:
    async with ScriptedGoogle(antigravity=True) as google, Transport() as transport:
        listings = Listings(Handshake(transport, Logins(transport)))
        available = google._available
        google.on("POST", f"/v1internal:{METHOD}", lambda request: slowed(available(request), 0.05))
        account = google_account(google, tmp_path)
        leaving = asyncio.create_task(listings.named(account, ANTIGRAVITY, MODEL))
        staying = asyncio.create_task(listings.named(account, ANTIGRAVITY, MODEL))
        await google.wait_for_requests(2)
        leaving.cancel()
        assert await staying == "gemini-3-pro-low"
        await listings.close()


async def test_the_next_host_is_asked_where_one_is_gone(tmp_path: Path) -> None:
    async with ScriptedGoogle(antigravity=True) as first, ScriptedGoogle(antigravity=True) as second:
        second.oauth = first.oauth
        async with Transport() as transport:
            listings = Listings(Handshake(transport, Logins(transport)))
            account = google_account(first, tmp_path, None, 0, hosts=("http://127.0.0.1:9", first.url, second.url))
            first.on("POST", f"/v1internal:{METHOD}", lambda request: error(503, "UNAVAILABLE", "No capacity"))
            assert await listings.quotas(account, ANTIGRAVITY)
    assert (len(first.requests), len(second.called(METHOD))) == (1, 1)


async def test_a_token_that_has_ended_and_an_account_that_is_out(tmp_path: Path) -> None:
    async with ScriptedGoogle(antigravity=True) as google, Transport() as transport:
        logins = Logins(transport)
        listings = Listings(Handshake(transport, logins))
        account = google_account(google, tmp_path, credential())
        assert await listings.quotas(account, ANTIGRAVITY)
        google.oauth.access_tokens.clear()
        assert await listings.quotas(account, ANTIGRAVITY)
        assert google.oauth.renewals == 2
        detail = {"@type": "ErrorInfo", "reason": "TOS_VIOLATION", "metadata": {"appeal_url": "https://a.example/"}}
        refusal = error(403, "PERMISSION_DENIED", "no", detail)
        google.on("POST", f"/v1internal:{METHOD}", lambda request: refusal)
        with pytest.raises(Fault) as caught:
            await listings.quotas(account, ANTIGRAVITY)
        assert caught.value.code == "account_unusable"
        assert "https://a.example/" in (caught.value.notice or "")
        with pytest.raises(Fault, match="terms_of_service"):
            await logins.token(account)
