"""Who owns the machine gets in again; who had the password before does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.cli.running import codenex
from tests.processes.site import PASSWORD, Site
from tests.support.client import RawClient


async def login(site: Site) -> int:
    async with await RawClient.connect(site.port) as client:
        return (await client.ask("POST", "/api/login", {"password": PASSWORD}, timeout=30)).status


async def test_a_reset_ends_sessions_and_begins_anew(tmp_path: Path) -> None:
    async with Site(tmp_path) as site:
        await site.log_in()
        old = site.session
        assert (await site.api("GET", "/api/system"))[0] == 200

        ended = await asyncio.to_thread(codenex, tmp_path, "reset-password")
        token = (tmp_path / "configs" / "setup_token").read_text().strip()
        assert (ended.code, ended.out.count(token)) == (0, 1)
        assert (tmp_path / "configs" / "setup_token").stat().st_mode & 0o777 == 0o600
        assert (await site.api("GET", "/api/system"))[0] == 403
        assert await login(site) == 403

        await site.log_in()
        assert (await site.api("GET", "/api/system"))[0] == 200
        site.session = old
        assert (await site.api("GET", "/api/system"))[0] == 401, "a session from before"


def test_a_reset_before_the_first_start_makes_a_token(tmp_path: Path) -> None:
    ended = codenex(tmp_path, "reset-password")
    assert ended.code == 0
    assert (tmp_path / "configs" / "setup_token").read_text().strip() in ended.out
    again = codenex(tmp_path, "reset-password")
    token = (tmp_path / "configs" / "setup_token").read_text().strip()
    assert token in again.out
    assert token not in ended.out
    assert again.out != ended.out
