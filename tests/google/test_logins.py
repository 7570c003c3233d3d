"""Access tokens: renewed ahead of their end, once whoever asks, and never at the cost of the refresh token."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.google.accounts import credential, fresh, google_account
from tests.processes.site import HEADERS, Site, rounds
from tests.support.client import RawClient
from tests.support.google.oauth import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, json_reply
from tests.support.google.server import ScriptedGoogle
from tests.support.process import ROOT, small_environment
from tests.support.replies import slowed

from codenex.control.google_renewing import Renewing
from codenex.control.part import ControlPart
from codenex.control.supervision import Supervision
from codenex.core.errors import Fault
from codenex.providers.google.credentials import parsed
from codenex.providers.google.logins import EARLY, LATE, Logins
from codenex.providers.transport import Transport
from codenex.store.settings import Account, Settings


@asynccontextmanager
async def logins(count: int = 1) -> AsyncIterator[list[Logins]]:
    """So many processes' logins."""
    async with Transport() as transport:
        found = [Logins(transport) for _ in range(count)]
        yield found
        for each in found:
            await each.close()


def file_of(account: Account) -> Path:
    assert account.google is not None
    return Path(str(account.google.credentials_file))


async def unusable(logins: Logins, account: Account) -> str:
    with pytest.raises(Fault) as caught:
        await logins.token(account)
    assert caught.value.code == "account_unusable"
    return caught.value.notice or ""


async def outcome(logins: Logins, account: Account) -> tuple[str | None, str]:
    """The token, or what the operator is told."""
    try:
        return await asyncio.wait_for(logins.token(account), 10), ""
    except Fault as fault:
        return None, fault.notice or ""


async def test_a_token_that_is_good_is_used(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, logins() as (held,):
        account = google_account(google, tmp_path)
        assert await held.token(account) in google.oauth.access_tokens
        assert google.oauth.renewals == 0


async def test_a_refresh_token_is_never_overwritten_by_nothing(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, logins() as (held,):
        account = google_account(google, tmp_path, credential(id_token="e.y.J"))
        token = await held.token(account)
        found = json.loads(file_of(account).read_text())
        assert (found["access_token"], found["refresh_token"], found["id_token"]) == (token, REFRESH_TOKEN, "e.y.J")
        assert 3500 < found["expiry_date"] / 1000 - time.time() < 3600
        assert file_of(account).stat().st_mode & 0o777 == 0o600
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in (tmp_path / "state").iterdir())


async def test_a_token_near_its_end_is_renewed_and_still_used(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, logins() as (held,):
        old = google.oauth.issue()
        until = int((time.time() + (EARLY + LATE) / 2) * 1000)
        account = google_account(google, tmp_path, credential(access_token=old, expiry_date=until))
        assert await held.token(account) == old
        await google.wait_for_requests(1)
        for _ in range(200):
            if (token := await held.token(account)) != old:
                break
            await asyncio.sleep(0.01)
        assert token in google.oauth.access_tokens
        assert google.oauth.renewals == 1


async def test_the_control_process_renews_ahead_of_the_end(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google:
        moments = {"ended": -10.0, "ending": EARLY - 10, "good": EARLY + 600}
        accounts = []
        for number, (name, rest) in enumerate(moments.items()):
            until = int((time.time() + rest) * 1000)
            google.oauth.refresh_tokens[f"1//{name}"] = CLIENT_ID
            content = credential(refresh_token=f"1//{name}", expiry_date=until)
            accounts.append(google_account(google, tmp_path, content, number))
        accounts.append(google_account(google, tmp_path, "nonsense", 9))
        settings = msgspec.structs.replace(Settings(), accounts={accounts[0].provider: tuple(accounts)})
        part = ControlPart(settings, [], Supervision())
        for _ in range(3):
            await Renewing(part).look()
        await part.outward.close()
        assert google.oauth.renewals == 1
        kept = [parsed(file_of(account).read_bytes()).access_token for account in accounts[:3]]
    assert [token in google.oauth.access_tokens for token in kept] == [False, True, False]


async def test_many_at_once_and_several_processes_renew_once(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, logins(4) as processes:
        google.on("POST", "/token", lambda request: slowed(google.oauth.token(request), 0.05))
        account = google_account(google, tmp_path, credential())
        tokens = await asyncio.gather(*(held.token(account) for held in processes for _ in range(50)))
        assert len(set(tokens)) == 1
        assert google.oauth.renewals == 1


async def test_two_accounts_with_one_refresh_token_renew_once(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, logins(2) as processes:
        accounts = [google_account(google, tmp_path, credential(), number) for number in range(2)]
        tokens = await asyncio.gather(*(held.token(each) for held in processes for each in accounts))
        assert len(set(tokens)) == 1
        assert google.oauth.renewals == 1


async def test_a_new_refresh_token_takes_the_place_of_the_old_one_everywhere(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, logins(2) as (first, second):
        google.oauth.rotates = True
        accounts = [google_account(google, tmp_path, credential(), number) for number in range(2)]
        token = await first.token(accounts[0])
        assert await second.token(accounts[1]) == token
        again = await second.token(accounts[1], refused=token)
        assert again != token
        assert await first.token(accounts[0], refused=token) in google.oauth.access_tokens
        assert google.oauth.renewals <= 3
        kept = parsed(file_of(accounts[0]).read_bytes()).refresh_token
        assert kept != REFRESH_TOKEN


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"refresh_tokens": {}}, "withdrawn"),
        ({"clients": {CLIENT_ID: "another"}}, "does not know the OAuth client"),
        ({"refresh_tokens": {REFRESH_TOKEN: "somebody"}}, "may not renew"),
    ],
)
async def test_a_login_that_has_ended_is_told_and_not_tried_again(tmp_path: Path, change: Any, words: str) -> None:
    async with ScriptedGoogle() as google, logins(2) as (first, second):
        for name, value in change.items():
            setattr(google.oauth, name, value)
        account = google_account(google, tmp_path, credential())
        for held in (first, first, second):
            assert words in await unusable(held, account)
        assert google.oauth.renewals == 1
        assert parsed(file_of(account).read_bytes()).refresh_token == REFRESH_TOKEN
        # A new login is in use at once.
        file_of(account).write_text(json.dumps(fresh(google, refresh_token="1//new")))
        assert await second.token(account) in google.oauth.access_tokens


async def test_an_outage_of_the_token_endpoint_is_no_end(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, logins() as (held,):
        account = google_account(google, tmp_path, credential())
        google.oauth.refusal = 503, {"error": "temporarily_unavailable"}
        with pytest.raises(Fault) as caught:
            await held.token(account)
        assert caught.value.code != "account_unusable"
        google.oauth.refusal = None
        assert await held.token(account) in google.oauth.access_tokens


async def test_what_is_no_credential_and_what_has_no_client(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, logins() as (held,):
        account = google_account(google, tmp_path, credential(), client_id=None, client_secret=None)
        assert "no OAuth client" in await unusable(held, account)
        own = google_account(
            google, tmp_path, credential(client_id=CLIENT_ID, client_secret=CLIENT_SECRET), client_id="other"
        )
        assert await held.token(own) in google.oauth.access_tokens
        file_of(account).write_text("nonsense")
        assert "can't be used" in await unusable(held, account)
        file_of(account).unlink()
        assert "can't be read" in await unusable(held, account)
        assert "no refresh_token" in await unusable(held, google_account(google, tmp_path, {"access_token": "ya29.x"}))


@rounds(10, 50, 120)
async def test_killed_at_any_moment(tmp_path: Path, times: int) -> None:
    chance = random.Random(7)
    async with ScriptedGoogle() as google, logins() as (held,):
        google.oauth.rotates = True
        google.on("POST", "/token", lambda request: slowed(google.oauth.token(request), 0.01))
        ended = 0
        for number in range(times):
            google.oauth.refresh_tokens[REFRESH_TOKEN] = CLIENT_ID
            folder = tmp_path / str(number)
            folder.mkdir()
            account = google_account(google, folder, credential())
            (folder / "account.json").write_bytes(msgspec.json.encode(account))
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.google.renewing", str(folder / "account.json")),
                cwd=ROOT,
                env=small_environment(folder),
                stdout=asyncio.subprocess.PIPE,
            )
            assert process.stdout is not None
            await process.stdout.readline()
            await asyncio.sleep(chance.uniform(0.0, 0.06))
            if process.returncode is None:
                process.kill()
            await process.wait()
            assert parsed(file_of(account).read_bytes()).refresh_token
            token, words = await outcome(held, account)
            # Where Google had ended the old token, and nobody lived to write the new one down.
            assert token in google.oauth.access_tokens or "log in again" in words
            ended += token is None
        assert ended < times


@rounds(100, 1000, 120)
async def test_all_workers_together_renew_once(tmp_path: Path, times: int) -> None:
    async with ScriptedGoogle() as google:
        google.on("POST", "/token", lambda request: slowed(google.oauth.token(request), 0.1))
        folder = tmp_path / "configs" / "gemini"
        folder.mkdir(parents=True)
        (folder / "oauth_creds.json").write_text(json.dumps(credential()))
        settings = {
            "GEMINI_BASE_URL": google.url,
            "GOOGLE_OAUTH_TOKEN_URL": f"{google.url}/token",
            "GEMINI_CLI_OAUTH_CLIENT_ID": CLIENT_ID,
            "GEMINI_CLI_OAUTH_CLIENT_SECRET": CLIENT_SECRET,
        }
        async with Site(tmp_path, **settings) as site:
            body = {"model": "gemini-2.5-flash", "messages": [{"role": "user", "content": "hi"}]}

            async def ask() -> int:
                async with await RawClient.connect(site.port) as client:
                    answer = await client.ask("POST", "/v1/chat/completions", body, HEADERS, timeout=100)
                return answer.status

            statuses = await asyncio.gather(*(ask() for _ in range(times)))
        assert set(statuses) == {200}
        assert google.oauth.renewals == 1
        assert len(google.called("generateContent")) == times


async def test_google_says_nothing_of_a_new_refresh_token(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google, logins() as (held,):
        account = google_account(google, tmp_path, credential())
        for given in (None, "", 5):
            token = google.oauth.issue()
            reply = json_reply({"access_token": token, "expires_in": 3599, "refresh_token": given})
            google.queue("POST", "/token", reply)
            assert await held.token(account, refused=held.login(account).token) == token
            assert parsed(file_of(account).read_bytes()).refresh_token == REFRESH_TOKEN
