"""A file that can't be used: what is told of it, and the way back over the management API."""

from __future__ import annotations

import stat
from typing import Any

import pytest
from tests.control.home import Home
from tests.control.managed import Managed, managed_server

GOOD: dict[str, Any] = {
    "config.json": {"MAX_ERROR_COUNT": 7},
    "provider_pools.json": {"openai-custom": [{"uuid": "a", "OPENAI_API_KEY": "key-of-a-good-copy"}]},
    "client_keys.json": {"keys": [{"id": "k", "name": "K", "digest": "ab" * 32}]},
}


async def restored(managed: Managed, name: str) -> Any:
    answer = await managed.ask("POST", "/api/config/restore", {"file": name})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("broken", ["", "{", "[]", '{"keys": 1, "openai-custom": 1, "MAX_ERROR_COUNT": "many"}'])
async def test_a_broken_file_is_told_and_mended(home: Home, name: str, broken: str) -> None:
    for each, content in GOOD.items():
        home.config(content, each)
    async with managed_server(home) as managed:
        path = home.config(broken, name)
        await managed.ask("POST", "/api/reload-config")
        (problem,) = (await managed.get("/api/system"))["problems"]
        assert name in problem
        assert "last good file" in problem
        assert managed.part.settings.max_error_count == 7 or name != "config.json"
        assert (await managed.get("/api/config"))["problems"] == [problem]

        told = await restored(managed, name)
        assert told["problems"] == []
        assert (await managed.get("/api/system"))["problems"] == []
        aside = path.with_name(told["setAside"])
        assert aside.read_text() == broken
        assert stat.S_IMODE(aside.stat().st_mode) == 0o600
        assert (await managed.ask("POST", "/api/config", {"MAX_ERROR_COUNT": 8})).status_code == 200
        assert managed.config["MAX_ERROR_COUNT"] == 8
        assert managed.pools == GOOD["provider_pools.json"]
        assert (await managed.get("/api/client-keys"))["keys"][0]["id"] == "k"


async def test_a_file_that_can_be_used_is_left_alone(home: Home) -> None:
    home.config({"MAX_ERROR_COUNT": 7})
    async with managed_server(home) as managed:
        path = home.config({"MAX_ERROR_COUNT": 9})
        status, message = await managed.refusal("POST", "/api/config/restore", {"file": "config.json"})
        assert (status, "nothing to restore" in message) == (409, True)
        assert "9" in path.read_text()
        assert (await managed.refusal("POST", "/api/config/restore", {"file": "provider_pools.json"}))[0] == 404
        assert (await managed.refusal("POST", "/api/config/restore", {"file": "../x"}))[0] == 422


async def test_one_value_that_can_not_be_used_is_mended_by_changing_it(home: Home) -> None:
    home.config({"MAX_ERROR_COUNT": 7})
    async with managed_server(home) as managed:
        home.config({"MAX_ERROR_COUNT": "many", "STRICT": True})
        await managed.ask("POST", "/api/reload-config")
        assert (await managed.ask("POST", "/api/config", {"MAX_ERROR_COUNT": 5})).status_code == 200
        assert managed.config == {"MAX_ERROR_COUNT": 5, "STRICT": True}
        assert managed.part.problems == []
