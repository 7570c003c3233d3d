"""Many accounts are switched or deleted together: in one change of the file, as far as it goes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.control.managed import Managed

KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz"
PATH = "/api/providers/bulk"


def pools(count: int) -> dict[str, Any]:
    openai = [{"uuid": f"u{n}", "OPENAI_API_KEY": f"{KEY}{n}"} for n in range(count)]
    return {"openai-custom": openai, "claude-custom": [{"uuid": "c", "CLAUDE_API_KEY": KEY}], "later-type": [{"x": 1}]}


def named(*uuids: str, provider: str = "openai-custom") -> list[dict[str, str]]:
    return [{"providerType": provider, "uuid": uuid} for uuid in uuids]


@pytest.fixture
async def filled(managed: Managed) -> Managed:
    managed.home.pools(pools(4))
    await managed.part.supervision.reload()
    return managed


async def test_switched_and_deleted_over_types(filled: Managed) -> None:
    some = [*named("u1", "u3"), *named("c", provider="claude-custom")]
    generation = filled.part.supervision.revision  # type: ignore[attr-defined]
    answer = await filled.ask("POST", PATH, {"action": "disable", "accounts": some})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["success"], answer.json()["doneCount"], answer.json()["undo"]) == (True, 3, None)
    off = {account.uuid for group in filled.accounts.values() for account in group if account.disabled}
    assert off == {"u1", "u3", "c"}
    assert filled.part.supervision.revision == generation + 1, "once for all"  # type: ignore[attr-defined]
    await filled.ask("POST", PATH, {"action": "enable", "accounts": named("u1")})
    assert filled.pools["openai-custom"][1]["isDisabled"] is False

    before = filled.pools
    answer = await filled.ask("POST", PATH, {"action": "delete", "accounts": some})
    assert KEY not in answer.text
    assert set(filled.pools) == {"openai-custom", "later-type"}
    assert [one["uuid"] for one in filled.pools["openai-custom"]] == ["u0", "u2"]
    undone = await filled.ask("POST", f"/api/undo/{answer.json()['undo']['id']}")
    assert undone.json()["restored"] == ["u1", "u3", "c"]
    assert filled.pools == before
    assert [data["action"] for _, data in filled.events()] == ["disable_many", "enable_many", "delete_many", "restore"]


async def test_what_fails_is_told_beside_what_was_done(filled: Managed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "key-of-the-environment")
    await filled.part.supervision.reload()
    elsewhere = filled.accounts["gemini-custom"][0].uuid
    accounts = [*named("u0", "gone"), *named(elsewhere, provider="gemini-custom")]
    done = (await filled.ask("POST", PATH, {"action": "disable", "accounts": accounts})).json()
    assert (done["success"], done["doneCount"]) == (False, 1)
    assert [(one["uuid"], one["message"]) for one in done["failed"]] == [
        ("gone", "openai-custom has no account gone"),
        (elsewhere, "this account comes from the environment or config.json, so that it is changed there"),
    ]


async def test_refused_as_a_whole(filled: Managed) -> None:
    before = filled.pools
    tag = (await filled.ask("GET", "/api/providers")).headers["etag"]
    await filled.ask("PUT", "/api/providers/openai-custom/u0", {"providerConfig": {"weight": 2}})
    delete = {"action": "delete", "accounts": named("u0", "u1")}
    assert (await filled.refusal("POST", PATH, delete, if_match=tag))[0] == 412
    assert (await filled.refusal("POST", PATH, {**delete, "accounts": []}))[0] == 422
    assert (await filled.refusal("POST", PATH, {**delete, "action": "burn"}))[0] == 422
    assert (await filled.refusal("POST", PATH, {**delete, "accounts": named("a", provider="nobody")}))[0] == 404
    assert len(filled.pools["openai-custom"]) == len(before["openai-custom"])
    assert json.dumps(filled.pools["claude-custom"]) == json.dumps(before["claude-custom"])
