"""How an account of the CLI is checked: by what the program says of its login, without a request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.fake_cli import FakeCli

from codenex.control.probing import Checked, checked
from codenex.providers.claude_code.login import Login, login_of
from codenex.providers.transport import Transport
from codenex.store.settings import Settings


@pytest.fixture
def cli(tmp_path: Path) -> FakeCli:
    return FakeCli(tmp_path)


async def check(cli: FakeCli, **fields: Any) -> Checked:
    async with Transport() as transport:
        return await checked(transport, cli.account(**fields), Settings(), "haiku")


def says(cli: FakeCli, content: object) -> None:
    (cli.folder / "login.json").write_text(json.dumps(content))


async def test_logged_in(cli: FakeCli) -> None:
    says(cli, {"loggedIn": True, "authMethod": "api_key"})
    found = await check(cli)
    assert found.healthy
    assert "api_key" in found.message
    assert cli.heard == [], "no request was made"


async def test_logged_out_says_what_to_do(cli: FakeCli) -> None:
    says(cli, {"loggedIn": False, "authMethod": "none"})
    found = await check(cli)
    assert (found.healthy, found.refused) == (False, True)
    assert "claude auth login" in found.message


@pytest.mark.parametrize("content", [{}, {"loggedIn": "maybe"}, [], "text"])
async def test_a_program_that_does_not_say(cli: FakeCli, content: object) -> None:
    says(cli, content)
    assert await login_of(str(cli.path), cli.account()) == Login(None)
    assert (await check(cli)).healthy


async def test_no_program(cli: FakeCli) -> None:
    found = await check(cli, program="/nowhere/claude")
    assert found.healthy is False
    assert "/nowhere/claude" in found.message
    assert await login_of("/nowhere/claude", cli.account()) == Login(None)
