"""The file of client keys: what it may hold, and that a key itself is in no file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.control.managed import Managed

from codenex.control.client_keys import keys_in
from codenex.control.errors import ConfigurationError
from codenex.gateway.authentication import digest_of

DIGEST = "ab" * 32


def written(folder: Path, *entries: object) -> Path:
    (folder / "client_keys.json").write_text(json.dumps({"keys": list(entries)}))
    return folder


def test_without_a_file_there_are_no_keys(tmp_path: Path) -> None:
    assert keys_in(tmp_path) == ()


def test_every_field_is_read(tmp_path: Path) -> None:
    entry = {
        "id": "one",
        "name": "CI",
        "digest": DIGEST,
        "disabled": True,
        "expires": "2030-01-01T00:00:00+00:00",
        "models": ["gpt-*"],
        "providers": ["openai-custom"],
        "requestsPerMinute": 5,
        "tokensPerMinute": 6,
        "budget": {"amount": 1.5, "period": "day"},
        "note of a later version": 1,
    }
    (key,) = keys_in(written(tmp_path, entry))
    assert (key.id, key.name, key.digest, key.disabled) == ("one", "CI", DIGEST, True)
    assert (key.expires, key.models, key.providers) == (1893456000.0, ("gpt-*",), ("openai-custom",))
    assert (key.requests_per_minute, key.tokens_per_minute, key.budget, key.budget_period) == (5, 6, 1.5, "day")


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ([{"id": "a"}], "digest"),
        ([{"digest": "short"}], "digest"),
        ([{"digest": "xy" * 32}], "digest"),
        ([{"digest": DIGEST, "expires": "soon"}], "expires must be a date"),
        ([{"digest": DIGEST, "requestsPerMinute": -1}], "requestsPerMinute"),
        ([{"digest": DIGEST, "budget": 5}], "budget must be an object"),
        ([{"digest": DIGEST, "budget": {"amount": "all"}}], "amount must be a number"),
        ([{"digest": DIGEST, "budget": {"amount": 1, "period": "year"}}], "period must be one of"),
        ([{"digest": DIGEST, "models": "all"}], "models must be a list"),
        ([{"digest": DIGEST, "id": "a"}, {"digest": "cd" * 32, "id": "a"}], "same id"),
        ([{"digest": DIGEST, "id": "a"}, {"digest": DIGEST, "id": "b"}], "same digest"),
        (["text"], "list of objects"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, entries: list[object], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        keys_in(written(tmp_path, *entries))


NOTHING = dict.fromkeys(
    ["disabled", "expires", "models", "providers", "requestsPerMinute", "tokensPerMinute", "budget"]
)


async def keys(managed: Managed) -> list[dict[str, Any]]:
    return (await managed.get("/api/client-keys"))["keys"]


async def made(managed: Managed, **fields: Any) -> tuple[dict[str, Any], str]:
    answer = await managed.ask("POST", "/api/client-keys", fields)
    assert answer.status_code == 201, answer.text
    return answer.json()["entry"], answer.json()["key"]


async def test_a_made_key_opens_and_is_in_no_file(managed: Managed) -> None:
    entry, key = await made(managed, name="CI", requestsPerMinute=3)
    assert key.startswith("cdx-")
    assert len(key) == 68
    path = managed.home.configs / "client_keys.json"
    assert key not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    (read,) = keys_in(managed.home.configs)
    assert (read.digest, read.id, read.requests_per_minute) == (digest_of(key), entry["id"], 3)
    assert read in managed.part.settings.client_keys


async def test_null_says_nothing(managed: Managed) -> None:
    entry, _ = await made(managed, name="CI", **NOTHING)
    assert NOTHING.keys() & entry.keys() == set()
    (stored,) = json.loads((managed.home.configs / "client_keys.json").read_text())["keys"]
    assert None not in stored.values()
    (shown,) = await keys(managed)
    assert (shown["id"], shown["name"]) == (entry["id"], "CI")
    answer = await managed.ask("PUT", f"/api/client-keys/{entry['id']}", {"tokensPerMinute": 5, **NOTHING})
    assert "tokensPerMinute" not in answer.json()["key"]
    assert (await managed.refusal("PUT", f"/api/client-keys/{entry['id']}", {"name": None}))[0] == 422


async def test_a_file_that_was_written_by_hand_is_shown_and_changed(managed: Managed) -> None:
    bare, empty = {"digest": DIGEST.upper()}, {"id": "b", "digest": "cd" * 32, "name": None, "created": None, **NOTHING}
    odd = {
        "id": "c",
        "name": " ",
        "digest": "ef" * 32,
        "budget": {"amount": 0, "period": None},
        "apiKey": "cdx-" + 64 * "a",
    }
    managed.home.config({"keys": [bare, empty, odd]}, "client_keys.json")
    shown = await keys(managed)
    assert [(key["id"], key["name"]) for key in shown] == [(DIGEST[:12], DIGEST[:12]), ("b", "b"), ("c", "c")]
    assert odd["apiKey"] not in str(shown)
    answer = await managed.ask("PUT", f"/api/client-keys/{DIGEST[:12]}", {"disabled": True})
    assert answer.json()["key"]["disabled"] is True
    answer = await managed.ask("POST", f"/api/client-keys/{DIGEST[:12]}/replace")
    assert answer.json()["entry"]["id"] == DIGEST[:12]
    assert [key["id"] for key in await keys(managed)] == [DIGEST[:12], "b", "c"]
    assert (await managed.ask("DELETE", "/api/client-keys/b")).status_code == 200
    managed.home.config({"keys": None}, "client_keys.json")
    assert await keys(managed) == []
    assert (await made(managed, name="first"))[0]["name"] == "first"


@pytest.mark.parametrize("content", ["{", '{"keys": 1}', '{"keys": [{"digest": "short"}]}', "[]", '{"keys": [1]}'])
async def test_a_broken_file_is_told_and_never_overwritten(managed: Managed, content: str) -> None:
    managed.home.config(content, "client_keys.json")
    assert (await managed.refusal("GET", "/api/client-keys"))[0] == 409
    for method, path, body in (
        ("POST", "", {"name": "x"}),
        ("PUT", "/x", {"disabled": True}),
        ("POST", "/x/replace", None),
        ("DELETE", "/x", None),
    ):
        status, message = await managed.refusal(method, f"/api/client-keys{path}", body)
        assert status in (404, 409, 422), (method, message)
    assert (managed.home.configs / "client_keys.json").read_text() == content


async def test_a_change_insists_on_what_was_read(managed: Managed) -> None:
    entry, _ = await made(managed, name="one")
    revision = (await managed.ask("GET", "/api/client-keys")).headers["etag"]
    path = f"/api/client-keys/{entry['id']}"
    first = await managed.ask("PUT", path, {"disabled": True}, if_match=revision)
    assert first.status_code == 200
    assert first.headers["etag"] != revision
    for method, place, body in (("PUT", path, {}), ("DELETE", path, None), ("POST", f"{path}/replace", None)):
        assert (await managed.refusal(method, place, body, if_match=revision))[0] == 412


async def test_changes_keep_what_they_do_not_know(managed: Managed) -> None:
    first, old = await made(managed, name="one", tokensPerMinute=9)
    second, _ = await made(managed, name="two")
    path = managed.home.configs / "client_keys.json"
    document = json.loads(path.read_text())
    document["comment"] = "kept"
    document["keys"][0]["ticket"] = "kept too"
    path.write_text(json.dumps(document))

    one, two = (f"/api/client-keys/{entry['id']}" for entry in (first, second))
    assert (await managed.ask("PUT", one, {"tokensPerMinute": None, "disabled": True})).status_code == 200
    new = (await managed.ask("POST", f"{one}/replace")).json()["key"]
    assert new != old
    assert [(await managed.ask("DELETE", two)).status_code for _ in range(2)] == [200, 404]
    for method, place, body in (("PUT", "", {}), ("POST", "/replace", None)):
        assert (await managed.refusal(method, f"/api/client-keys/nobody{place}", body))[0] == 404

    document = json.loads(path.read_text())
    assert document["comment"] == "kept"
    (entry,) = document["keys"]
    assert (entry["ticket"], entry["disabled"], entry["id"]) == ("kept too", True, first["id"])
    assert "tokensPerMinute" not in entry
    assert keys_in(managed.home.configs)[0].digest == digest_of(new)
