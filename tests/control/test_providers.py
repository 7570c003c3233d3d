"""Accounts of providers over the management API: read masked, changed in the file, in use at once."""

from __future__ import annotations

import asyncio
import json
import stat
from typing import Any

import pytest
from tests.control.managed import Managed, managed_server

from codenex.providers.registry import DEMO, PROVIDER_TYPES

KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz"
KINDS = [kind for kind in PROVIDER_TYPES.values() if kind.name != DEMO]
OPENAI = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "https://host/v1"}


async def added(managed: Managed, name: str = "openai-custom", **fields: Any) -> Any:
    answer = await managed.ask("POST", "/api/providers", {"providerType": name, "providerConfig": fields or OPENAI})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_without_any_the_types_are_told(managed: Managed) -> None:
    names = [kind.name for kind in KINDS]
    assert await managed.get("/api/providers") == {"providers": {}, "supportedProviders": names}
    assert await managed.get("/api/providers/supported") == names
    assert await managed.get("/api/providers/openai-custom") == {
        "providerType": "openai-custom",
        "providers": [],
        "totalCount": 0,
        "healthyCount": 0,
    }


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.key_field], ids=lambda kind: kind.name)
async def test_an_account_is_in_use_as_soon_as_it_is_added(managed: Managed, kind: Any) -> None:
    done = await added(managed, kind.name, customName="mine", **{kind.key_field: KEY, "later field": {"x": [1]}})

    ((account,),) = managed.accounts.values()
    assert (account.uuid, account.name, account.api_key) == (done["provider"]["uuid"], "mine", KEY)
    assert done["provider"][kind.key_field] == "***wxyz"
    assert managed.pools == {
        kind.name: [
            {"uuid": account.uuid, "customName": "mine", kind.key_field: KEY, "later field": {"x": [1]}},
        ]
    }
    path = managed.home.configs / "provider_pools.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    read = await managed.get(f"/api/providers/{kind.name}")
    assert read["totalCount"] == read["healthyCount"] == 1
    shown = read["providers"][0]
    assert shown[kind.key_field] == "***wxyz"
    assert (shown["isHealthy"], shown["isDisabled"], shown["source"]) == (True, False, "provider_pools.json")


async def test_what_was_read_can_be_sent_back(managed: Managed) -> None:
    done = await added(managed, **OPENAI, headers={"x-team": "secret-of-the-team"}, unknown=[1, {"token": "abcdefgh"}])
    uuid = done["provider"]["uuid"]
    before = managed.pools
    shown = (await managed.get("/api/providers"))["providers"]["openai-custom"][0]
    assert "secret-of-the-team" not in json.dumps(shown)

    answer = await managed.ask("PUT", f"/api/providers/openai-custom/{uuid}", {"providerConfig": shown})
    assert answer.status_code == 200
    expected = {**before["openai-custom"][0], "isDisabled": False}
    assert managed.pools == {"openai-custom": [expected]}


async def test_one_field_is_changed_and_one_removed(managed: Managed) -> None:
    uuid = (await added(managed, **OPENAI, customName="a", weight=2))["provider"]["uuid"]
    changes = {"customName": None, "weight": 3, "OPENAI_API_KEY": "***wxyz", "usageCount": 9, "uuid": "other"}
    answer = await managed.ask("PUT", f"/api/providers/openai-custom/{uuid}", {"providerConfig": changes})
    assert answer.status_code == 200
    assert managed.pools == {"openai-custom": [{"uuid": uuid, **OPENAI, "weight": 3}]}
    ((account,),) = managed.accounts.values()
    assert (account.weight, account.name, account.api_key) == (3, None, KEY)


async def test_switched_off_and_on(managed: Managed) -> None:
    uuid = (await added(managed))["provider"]["uuid"]
    for action, disabled in (("disable", True), ("disable", True), ("enable", False)):
        answer = await managed.ask("POST", f"/api/providers/openai-custom/{uuid}/{action}")
        assert answer.status_code == 200
        assert answer.json()["provider"]["isDisabled"] is disabled
        assert managed.accounts["openai-custom"][0].disabled is disabled
    assert [data["action"] for _, data in managed.events()] == ["add", "disable", "disable", "enable"]


async def test_of_two_equal_accounts_one_can_be_changed(managed: Managed) -> None:
    managed.home.pools({"openai-custom": [{"uuid": "a", **OPENAI}, {"uuid": "b", **OPENAI}]})
    await managed.part.supervision.reload()
    path = "/api/providers/openai-custom/b"
    assert (await managed.ask("POST", f"{path}/disable")).status_code == 200
    assert [account.disabled for account in managed.accounts["openai-custom"]] == [False, True]
    changes = {"providerConfig": {"OPENAI_API_KEY": "another-key-1"}}
    assert (await managed.ask("PUT", path, changes)).status_code == 200
    changes = {"providerConfig": {"OPENAI_API_KEY": KEY}}
    assert (await managed.refusal("PUT", path, changes))[0] == 409


async def test_a_removed_account_is_gone_and_its_type_with_it(managed: Managed) -> None:
    first = (await added(managed))["provider"]["uuid"]
    second = (await added(managed, OPENAI_API_KEY="another-key-1"))["provider"]["uuid"]
    answer = await managed.ask("DELETE", f"/api/providers/openai-custom/{first}")
    assert answer.json()["deletedProvider"]["uuid"] == first
    assert KEY not in answer.text
    assert [entry["uuid"] for entry in managed.pools["openai-custom"]] == [second]
    await managed.ask("DELETE", f"/api/providers/openai-custom/{second}")
    assert managed.pools == {}
    assert managed.accounts == {}
    assert managed.part.settings.ever_configured
    assert (await managed.refusal("DELETE", f"/api/providers/openai-custom/{second}"))[0] == 404


async def test_neighbours_without_a_uuid_keep_theirs(managed: Managed) -> None:
    """Where it follows from the place in the file, removing one would change the others'."""
    managed.home.pools({"openai-custom": [{"OPENAI_API_KEY": f"key-number-{n}"} for n in range(3)]})
    await managed.part.supervision.reload()
    uuids = [account.uuid for account in managed.accounts["openai-custom"]]
    shown = (await managed.get("/api/providers"))["providers"]["openai-custom"]
    assert [account["uuid"] for account in shown] == uuids
    answer = await managed.ask("DELETE", f"/api/providers/openai-custom/{uuids[0]}")
    assert answer.status_code == 200
    assert [account.uuid for account in managed.accounts["openai-custom"]] == uuids[1:]


@pytest.mark.parametrize(
    ("fields", "status", "complaint"),
    [
        ({"OPENAI_API_KEY": "two words"}, 422, "OPENAI_API_KEY has blanks"),
        ({"OPENAI_API_KEY": 5}, 422, "OPENAI_API_KEY must be a text"),
        ({"OPENAI_BASE_URL": "ftp://host"}, 422, "must begin with http"),
        ({"OPENAI_BASE_URL": "http://u:p@host"}, 422, "must not hold a user name"),
        ({"headers": {"a b": "c"}}, 422, "no header can have"),
        ({"weight": -1}, 422, "weight must be"),
        ({"proxyUrl": "gopher://x"}, 422, "proxyUrl is not the URL of a proxy"),
        ({"authStyle": "none"}, 422, "authStyle must be one of"),
        ({"capabilities": {"nonsense": 1}}, 422, "capabilities has no field"),
        ({"OPENAI_API_KEY": "***9999"}, 422, "is masked and stands for nothing"),
        ({"uuid": "../x"}, 422, "uuid must be"),
        ({"uuid": 7}, 422, "uuid must be"),
        (OPENAI, 409, "has this account already"),
        ({**OPENAI, "OPENAI_BASE_URL": "https://host/v1/"}, 409, "has this account already"),
        ({"uuid": "there", "OPENAI_API_KEY": "another-key-1"}, 409, "is taken"),
    ],
)
async def test_a_mistake_is_named_and_nothing_is_written(
    managed: Managed, fields: dict[str, Any], status: int, complaint: str
) -> None:
    await added(managed, uuid="there", **OPENAI)
    before = (managed.home.configs / "provider_pools.json").read_bytes()
    body = {"providerType": "openai-custom", "providerConfig": fields}
    found = await managed.refusal("POST", "/api/providers", body)
    assert found[0] == status
    assert complaint in found[1]
    assert "/tmp" not in found[1]
    assert (managed.home.configs / "provider_pools.json").read_bytes() == before
    if status == 422 and "uuid" not in fields:
        found = await managed.refusal("PUT", "/api/providers/openai-custom/there", {"providerConfig": fields})
        assert complaint in found[1]
        assert (managed.home.configs / "provider_pools.json").read_bytes() == before


async def test_unknown_types_and_accounts(managed: Managed) -> None:
    await added(managed)
    body = {"providerConfig": {}}
    for name in ("nonsense", "demo", "claude-custom"):
        assert (await managed.refusal("PUT", f"/api/providers/{name}/x", body))[0] == 404
        assert (await managed.refusal("POST", f"/api/providers/{name}/x/enable"))[0] == 404
        assert (await managed.refusal("DELETE", f"/api/providers/{name}/x"))[0] == 404
    assert (await managed.refusal("GET", "/api/providers/nonsense"))[0] == 404
    assert (await managed.refusal("POST", "/api/providers", {"providerType": "demo", **body}))[0] == 404


async def test_types_of_a_later_version_are_kept_and_shown_masked(managed: Managed) -> None:
    later = {"later-custom": [{"LATER_API_KEY": KEY, "x": 1}], "note": "of a later version"}
    managed.home.pools({"later-custom": later["later-custom"]})
    await added(managed)
    assert managed.pools["later-custom"] == later["later-custom"]
    shown = (await managed.get("/api/providers"))["providers"]["later-custom"][0]
    assert (shown["LATER_API_KEY"], shown["x"]) == ("***wxyz", 1)


async def test_accounts_of_the_environment_are_shown_and_changed_elsewhere(
    home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_API_KEY", KEY)
    async with managed_server(home) as managed:
        (shown,) = (await managed.get("/api/providers"))["providers"]["claude-custom"]
        assert (shown["CLAUDE_API_KEY"], shown["source"]) == ("***wxyz", "the environment or config.json")
        path = f"/api/providers/claude-custom/{shown['uuid']}"
        for method, end, body in (
            ("PUT", "", {"providerConfig": {}}),
            ("DELETE", "", None),
            ("POST", "/disable", None),
        ):
            status, message = await managed.refusal(method, path + end, body)
            assert (status, "comes from the environment" in message) == (409, True)


async def test_a_stale_revision_changes_nothing(managed: Managed) -> None:
    answer = await managed.ask("GET", "/api/providers")
    stale = answer.headers["etag"]
    uuid = (await added(managed))["provider"]["uuid"]
    body = {"providerConfig": {"weight": 5}}
    path = f"/api/providers/openai-custom/{uuid}"
    status, message = await managed.refusal("PUT", path, body, if_match=stale)
    assert (status, "changed by somebody else" in message) == (412, True)
    fresh = (await managed.ask("GET", path.rpartition("/")[0])).headers["etag"]
    answer = await managed.ask("PUT", path, body, if_match=fresh)
    assert answer.status_code == 200
    assert (await managed.ask("PUT", path, body, if_match=answer.headers["etag"])).status_code == 200
    assert (await managed.ask("PUT", path, body, if_match="*")).status_code == 200


async def test_changes_at_the_same_time_are_all_there(managed: Managed) -> None:
    await asyncio.gather(*(added(managed, OPENAI_API_KEY=f"key-number-{n}") for n in range(12)))
    assert len(managed.pools["openai-custom"]) == len(managed.accounts["openai-custom"]) == 12


async def test_a_broken_file_is_not_overwritten(managed: Managed) -> None:
    await added(managed)
    path = managed.home.pools("{ broken")
    status, message = await managed.refusal("GET", "/api/providers")
    assert (status, "provider_pools.json is not JSON" in message) == (409, True)
    body = {"providerType": "openai-custom", "providerConfig": {"OPENAI_API_KEY": "another-key-1"}}
    assert (await managed.refusal("POST", "/api/providers", body))[0] == 409
    assert path.read_text() == "{ broken"


async def test_another_broken_file_is_no_obstacle(managed: Managed) -> None:
    managed.home.config({"MAX_ERROR_COUNT": 7})
    await managed.part.supervision.reload()
    managed.home.config("{ broken")
    await added(managed)
    assert managed.part.settings.max_error_count == 7
    assert len(managed.accounts["openai-custom"]) == 1
    assert "config.json" in managed.part.problems[0]


async def test_a_full_disk_is_told_and_nothing_is_lost(managed: Managed, monkeypatch: pytest.MonkeyPatch) -> None:
    await added(managed)
    before = managed.pools

    def full(path: Any, content: bytes, mode: int = 0o600) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("codenex.store.sealed_files.write_atomically", full)
    body = {"providerType": "openai-custom", "providerConfig": {"OPENAI_API_KEY": "another-key-1"}}
    status, message = await managed.refusal("POST", "/api/providers", body)
    assert status == 507
    assert "provider_pools.json can't be written: No space left on device" in message
    assert managed.pools == before


async def test_a_pools_file_elsewhere_is_the_one_that_changes(home: Any) -> None:
    home.config({"PROVIDER_POOLS_FILE_PATH": "elsewhere/pools.json"})
    async with managed_server(home) as managed:
        await added(managed)
        assert json.loads((home.folder / "elsewhere" / "pools.json").read_text())["openai-custom"]
        assert not (home.configs / "provider_pools.json").exists()


async def test_thousands_of_accounts_are_listed_quickly(managed: Managed) -> None:
    managed.home.pools({"openai-custom": [{"uuid": f"u{n}", "OPENAI_API_KEY": f"key-{n}"} for n in range(2000)]})
    await managed.part.supervision.reload()
    clock = asyncio.get_running_loop().time
    began = clock()
    assert (await managed.get("/api/providers/openai-custom"))["totalCount"] == 2000
    assert clock() - began < 20
