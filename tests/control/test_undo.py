"""Deletions are taken back within a minute: everything is as it was, and no secret leaves the server."""

from __future__ import annotations

import asyncio
import json
import stat
from typing import Any

import pytest
from tests.control.managed import Managed
from tests.support.clock import VirtualClock

from codenex.control.administration import Refusal
from codenex.control.trash import COUNT_LIMIT, SIZE_LIMIT, WINDOW, PutBack, Trash
from codenex.gateway.authentication import digest_of

KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz"
GONE = "this can't be undone any more"


def entry(number: int, **fields: Any) -> dict[str, Any]:
    return {"uuid": f"u{number}", "OPENAI_API_KEY": f"{KEY}{number}", "unknown": [number], **fields}


async def with_pools(managed: Managed, pools: dict[str, Any]) -> None:
    managed.home.pools(pools)
    await managed.part.supervision.reload()


async def undo(managed: Managed, answer: Any) -> Any:
    """Take the deletion back that an answer tells."""
    assert KEY not in answer.text
    done = await managed.ask("POST", f"/api/undo/{answer.json()['undo']['id']}")
    assert done.status_code == 200, done.text
    assert KEY not in done.text
    return done.json()


async def test_an_account_is_back_where_it_stood_with_every_field(managed: Managed) -> None:
    pools = {"openai-custom": [entry(1), entry(2, customName="mine", headers={"x-a": KEY}), entry(3)]}
    await with_pools(managed, pools)
    answer = await managed.ask("DELETE", "/api/providers/openai-custom/u2")
    assert [account.uuid for account in managed.accounts["openai-custom"]] == ["u1", "u3"]
    assert (await undo(managed, answer))["restored"] == ["mine"]
    assert managed.pools == pools
    assert [account.uuid for account in managed.accounts["openai-custom"]] == ["u1", "u2", "u3"]
    # Once.
    path = f"/api/undo/{answer.json()['undo']['id']}"
    assert await managed.refusal("POST", path) == (404, GONE)


async def test_what_has_come_back_otherwise_is_left_alone(managed: Managed) -> None:
    await with_pools(managed, {"openai-custom": [entry(1), entry(2)]})
    answer = await managed.ask("DELETE", "/api/providers/openai-custom/u1")
    path = f"/api/undo/{answer.json()['undo']['id']}"
    again = {"providerType": "openai-custom", "providerConfig": {"OPENAI_API_KEY": f"{KEY}1"}}
    added = (await managed.ask("POST", "/api/providers", again)).json()["provider"]["uuid"]
    before = managed.pools
    status, message = await managed.refusal("POST", path)
    assert (status, message) == (409, "what was deleted is there again already")
    assert managed.pools == before
    # Nothing was used up: when the other one is gone, it goes.
    assert (await managed.ask("DELETE", f"/api/providers/openai-custom/{added}")).status_code == 200
    assert (await managed.ask("POST", path)).status_code == 200
    assert managed.pools == {"openai-custom": [entry(1), entry(2)]}


async def test_one_of_two_equal_accounts_comes_back(managed: Managed) -> None:
    same = {"OPENAI_API_KEY": KEY}
    pools = {"openai-custom": [{"uuid": "a", **same}, {"uuid": "b", **same}, {"uuid": "c", **same}]}
    await with_pools(managed, pools)
    await undo(managed, await managed.ask("DELETE", "/api/providers/openai-custom/b"))
    assert managed.pools == pools
    both = {"action": "delete", "accounts": [{"providerType": "openai-custom", "uuid": one} for one in "abc"]}
    assert len((await undo(managed, await managed.ask("POST", "/api/providers/bulk", both)))["restored"]) == 3
    assert managed.pools == pools


async def test_the_last_account_of_a_type_and_those_that_failed(managed: Managed) -> None:
    pools = {"openai-custom": [entry(1)], "claude-custom": [{"uuid": "c", "CLAUDE_API_KEY": KEY}]}
    await with_pools(managed, pools)
    answer = await managed.ask("DELETE", "/api/providers/openai-custom/u1")
    assert list(managed.pools) == ["claude-custom"]
    await undo(managed, answer)
    assert managed.pools == pools
    answer = await managed.ask("DELETE", "/api/providers/openai-custom/delete-unhealthy")
    assert answer.json()["undo"] is None, "nothing was deleted"


async def test_a_client_key_opens_again(managed: Managed) -> None:
    keys = {"keys": [{"id": f"k{n}", "name": f"K{n}", "digest": digest_of(f"cdx-{n}")} for n in range(3)]}
    managed.home.config(keys, "client_keys.json")
    await managed.part.supervision.reload()
    answer = await managed.ask("DELETE", "/api/client-keys/k1")
    assert [key.id for key in managed.part.settings.client_keys] == ["default", "k0", "k2"]
    assert digest_of("cdx-1") not in answer.text
    assert (await undo(managed, answer))["restored"] == ["K1"]
    assert json.loads((managed.home.configs / "client_keys.json").read_text()) == keys
    assert [key.id for key in managed.part.settings.client_keys] == ["default", "k0", "k1", "k2"]


async def test_files_are_back_byte_for_byte(managed: Managed) -> None:
    folder = managed.home.configs / "gemini"
    folder.mkdir(parents=True)
    contents = {folder / f"{n}.json": json.dumps({"refresh_token": f"{KEY}{n}"}).encode() for n in range(2)}
    for path, content in contents.items():
        path.write_bytes(content)
        path.chmod(0o600)
    before = (folder / "0.json").stat()
    answer = await managed.ask("DELETE", "/api/upload-configs/delete/configs/gemini/0.json")
    assert not (folder / "0.json").exists()
    assert (await undo(managed, answer))["restored"] == ["configs/gemini/0.json"]
    after = (folder / "0.json").stat()
    assert (after.st_mtime_ns, stat.S_IMODE(after.st_mode)) == (before.st_mtime_ns, 0o600)

    answer = await managed.ask("DELETE", "/api/upload-configs/delete-unbound")
    assert answer.json()["deletedCount"] == 2
    # A file that has taken the place of one meanwhile is not written over.
    (folder / "1.json").write_bytes(b"{}")
    done = await undo(managed, answer)
    assert done["restored"] == ["configs/gemini/0.json"]
    assert done["skipped"] == ["configs/gemini/1.json: another file is there now"]
    assert (folder / "0.json").read_bytes() == contents[folder / "0.json"]
    assert (folder / "1.json").read_bytes() == b"{}"


async def test_the_trash_is_bounded_and_forgets() -> None:
    async def restore() -> PutBack:
        return PutBack(["x"])

    clock = VirtualClock()
    trash = Trash(clock)
    assert trash.keep(SIZE_LIMIT + 1, restore) is None
    first, second = trash.keep(10, restore), trash.keep(SIZE_LIMIT - 10, restore)
    assert first is not None
    assert second is not None
    assert first.id != second.id
    third = trash.keep(1, restore)
    assert third is not None
    with pytest.raises(Refusal) as refused:
        await trash.restore(first.id)
    assert refused.value.status == 404
    assert (await trash.restore(second.id)).restored == ["x"]
    for _ in range(2 * COUNT_LIMIT):
        trash.keep(1, restore)
    assert len(trash) == COUNT_LIMIT
    last = trash.keep(1, restore)
    assert last is not None
    clock.advance(WINDOW)
    with pytest.raises(Refusal):
        await trash.restore(last.id)
    assert len(trash) == 0


async def test_of_two_who_undo_the_same_one_succeeds() -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def restore() -> PutBack:
        begun.set()
        await go.wait()
        return PutBack(["x"])

    trash = Trash()
    undo = trash.keep(1, restore)
    assert undo is not None
    first = asyncio.create_task(trash.restore(undo.id))
    await begun.wait()
    with pytest.raises(Refusal):
        await trash.restore(undo.id)
    go.set()
    assert (await first).restored == ["x"]
