"""Many credentials at once, in every shape: which become accounts, and what is told on the way."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from tests.control.home import Home
from tests.control.managed import Managed
from tests.google.accounts import ANTIGRAVITY, CODE_ASSIST
from tests.google.logging_in import configured
from tests.google.test_credentials import SHAPES
from tests.google.test_login import site
from tests.support.google.server import ScriptedGoogle
from tests.support.sse import decode

from codenex.control.google_import import credential_in
from codenex.providers.google.credentials import CredentialInvalid, parsed

IMPORT = "/api/gemini/batch-import-tokens"


async def events(managed: Managed, *tokens: Any, **more: Any) -> list[tuple[str, Any]]:
    answer = await managed.ask("POST", IMPORT, {"providerType": CODE_ASSIST, "tokens": tokens, **more})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [(event.type, json.loads(event.data)) for event in decode(answer.content)]


def own(number: int, **more: Any) -> dict[str, Any]:
    return {"access_token": f"ya29.{number}", "refresh_token": f"1//token-{number}", **more}


def _nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(depth):
        found = {"a": found}
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_and_its_text_and_base64(shape: str) -> None:
    document = SHAPES[shape]
    text = json.dumps(document)
    for token in (document, text, base64.b64encode(text.encode()).decode()):
        assert credential_in(token) == parsed(text.encode())


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ({}, "neither"),
        ("", "not JSON"),
        ("x", "neither"),
        (5, "neither"),
        ({"access_token": "a"}, "no refresh_token"),
        ({"refresh_token": "1//\ud800"}, "refresh_token"),
        ({"refresh_token": "1//x", "email": "a\n@\ud800"}, "email"),
        ({"refresh_token": "1//x", "scope": "\ud800"}, "scope"),
        ("1//\ud800", "refresh_token"),
        ("\ud800", "neither"),
        ({"token": _nested(3000)}, "neither"),
    ],
)
def test_what_is_no_token(token: Any, words: str) -> None:
    with pytest.raises(CredentialInvalid, match=words):
        credential_in(token)


async def test_many_at_once(home: Home) -> None:
    async with ScriptedGoogle() as google, site(home, google) as managed:
        tokens = [own(1, email="a@example.com"), json.dumps(own(2)), "1//token-3", "nonsense", own(2), {"x": 1}]
        told = await events(managed, *tokens)
        assert [name for name, _ in told] == ["start", *["progress"] * 6, "complete"]
        assert told[0][1] == {"total": 6}
        assert [(data["index"], data["successCount"], data["failedCount"]) for _, data in told[1:-1]] == [
            (1, 1, 0),
            (2, 2, 0),
            (3, 3, 0),
            (4, 3, 1),
            (5, 3, 2),
            (6, 3, 3),
        ]
        last = told[-1][1]
        assert (last["success"], last["total"], last["successCount"], last["failedCount"]) == (True, 6, 3, 3)
        assert [detail["success"] for detail in last["details"]] == [True, True, True, False, False, False]
        assert last["details"][4]["error"] == "it is here already"
        assert "token-" not in json.dumps(told)
        accounts = managed.accounts[CODE_ASSIST]
        assert accounts[0].name == "a@example.com"
        assert len(accounts) == len(managed.pools[CODE_ASSIST]) == 3
        files = sorted((home.configs / "gemini").iterdir())
        assert {parsed(file.read_bytes()).refresh_token for file in files} == {f"1//token-{n}" for n in (1, 2, 3)}
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
        published = [data for name, data in managed.events() if name == "oauth_batch_success"]
        assert [(data["provider"], data["count"]) for data in published] == [(CODE_ASSIST, 3)]

        # What is here already, unless somebody insists; the same person's newest one takes the place of the older.
        again = (await events(managed, *tokens[:3]))[-1][1]
        assert (again["success"], again["failedCount"]) == (False, 3)
        again = (await events(managed, tokens[0], tokens[1], skipDuplicateCheck=True))[-1][1]
        assert again["successCount"] == 2
        assert len(managed.pools[CODE_ASSIST]) == 4
    assert not google.requests, "Google is not asked"


async def test_tokens_of_the_other_service(home: Home) -> None:
    async with ScriptedGoogle(antigravity=True) as google, site(home, google) as managed:
        last = (await events(managed, own(1), providerType=ANTIGRAVITY))[-1][1]
        assert last["details"][0]["path"].startswith("antigravity/")
        assert [account.provider for account in managed.accounts[ANTIGRAVITY]] == [ANTIGRAVITY]


@pytest.mark.parametrize(
    "body",
    [
        {"tokens": []},
        {},
        {"tokens": [own(1)], "providerType": "openai-custom"},
        {"tokens": [5]},
        {"tokens": ["x"] * 1001},
        {"tokens": "1//token"},
    ],
)
async def test_what_is_refused_before_anything_is_done(home: Home, body: Any) -> None:
    async with ScriptedGoogle() as google, site(home, google) as managed:
        status, _ = await managed.refusal("POST", IMPORT, body)
        assert status in (400, 422)
        assert not (home.configs / "gemini").exists()


async def test_a_pool_file_that_cannot_be_changed(home: Home) -> None:
    async with ScriptedGoogle() as google, site(home, google) as managed:
        configured(home, google)
        (home.configs / "provider_pools.json").write_text("{broken")
        name, data = (await events(managed, own(1)))[-1]
        assert name == "error"
        assert "what is new is kept in gemini, but" in data["error"]
