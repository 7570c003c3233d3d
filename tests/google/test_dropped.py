"""Credential files that come and go while the server runs: each is an account as long as it lies in its folder."""

from __future__ import annotations

import asyncio
import json
import os
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.control.home import Home
from tests.google.accounts import credential, fresh
from tests.google.logging_in import settings
from tests.processes.site import Site
from tests.support.google.server import ScriptedGoogle

from codenex.control.evaluation import evaluated
from codenex.control.google_accounts import is_credential
from codenex.control.watching import Watch, WatchedFolder

PROVIDER = "gemini-cli-oauth"


class Watching:
    """A watch of one folder, by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._moments = count(1)
        self._watch = Watch([WatchedFolder(folder, partial(is_credential, key_file=None))], self._nothing)

    async def _nothing(self) -> None:
        raise AssertionError("nobody waits here")

    def write(self, name: str, content: Any) -> bool:
        """Write a file as a careless program does, in place; whether it was noticed."""
        self.folder.mkdir(exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        (self.folder / name).write_text(text)
        # Clocks of file systems are coarse.
        os.utime(self.folder / name, ns=(0, next(self._moments)))
        return self._watch.look()

    def remove(self, name: str) -> bool:
        (self.folder / name).unlink()
        return self._watch.look()


def test_what_is_noticed_and_what_is_not(tmp_path: Path) -> None:
    watching = Watching(tmp_path / "gemini")
    assert not watching.write("a.json", "")
    assert not watching.write("a.json", '{"refresh_token": "1//r"')
    assert watching.write("a.json", credential())
    # A renewed token, written by whoever renewed it.
    assert not watching.write("a.json", credential(access_token="ya29.newer"))
    assert not watching.write("notes.txt", "words")
    assert not watching.write(".hidden.json", credential())
    assert not watching.write("other.json", {"type": "service_account"})
    assert watching.write("b.json", credential(refresh_token="1//another"))
    assert watching.remove("b.json")
    assert watching.write("a.json", "broken")
    assert not watching.remove("a.json")


@pytest.mark.parametrize("name", ["gemini", "antigravity"])
def test_a_file_that_lies_there_is_an_account(home: Home, name: str) -> None:
    home.config({"REQUIRED_API_KEY": "key-of-the-dropped-files"})
    for number, shape in enumerate((credential(), {"type": "gemini", "token": credential(), "project_id": "p"})):
        home.config(shape, f"{name}/{number}.json")
    home.config({"type": "service_account"}, f"{name}/other.json")
    found = evaluated({}, None, make=False)
    (accounts,) = [group for kind, group in found.settings.accounts.items() if kind.startswith("gemini")]
    assert [account.name for account in accounts] == ["0", "1"]
    assert accounts[0].source == f"the file {name}/0.json"
    assert any("other.json is no credential" in notice for notice in found.notices)


async def test_a_file_that_is_dropped_serves_within_seconds(tmp_path: Path) -> None:
    async with ScriptedGoogle() as google:
        async with Site(tmp_path, workers=1, **settings(google, REQUIRED_API_KEY="key-of-the-process-tests")) as site:
            await site.log_in()
            answer = await site.chat(model="gemini-2.5-flash")
            assert answer.headers.get("x-codenex-provider") == "demo"
            folder = tmp_path / "configs" / "gemini"
            folder.mkdir(exist_ok=True)
            (folder / "dropped.json").write_text(json.dumps(fresh(google)))
            shown = await _until(site, 1)
            assert shown["providers"][0]["customName"] == "dropped"
            answer = await site.chat(model="gemini-2.5-flash")
            assert answer.status == 200, answer.body
            assert answer.headers.get("x-codenex-provider") == PROVIDER
            (folder / "dropped.json").unlink()
            await _until(site, 0)


async def _until(site: Site, number: int) -> Any:
    for _ in range(500):
        status, shown = await site.api("GET", f"/api/providers/{PROVIDER}")
        if status == 200 and shown["totalCount"] == number:
            return shown
        await asyncio.sleep(0.02)
    raise AssertionError(f"not {number} accounts: {shown}\n{site.text}")
