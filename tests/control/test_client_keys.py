"""The file of client keys: what it may hold, and that a key itself is in no file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codenex.control.client_keys import ClientKeyFile, keys_in
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


def test_a_made_key_opens_and_is_in_no_file(tmp_path: Path) -> None:
    file = ClientKeyFile(tmp_path)
    entry, key = file.create({"name": "CI", "requestsPerMinute": 3})
    assert key.startswith("cdx-")
    assert len(key) == 68
    content = (tmp_path / "client_keys.json").read_text()
    assert key not in content
    assert (tmp_path / "client_keys.json").stat().st_mode & 0o777 == 0o600
    (read,) = keys_in(tmp_path)
    assert (read.digest, read.id, read.requests_per_minute) == (digest_of(key), entry["id"], 3)


def test_changes_keep_what_they_do_not_know(tmp_path: Path) -> None:
    file = ClientKeyFile(tmp_path)
    first, old = file.create({"name": "one", "tokensPerMinute": 9})
    second, _ = file.create({"name": "two"})
    document = json.loads((tmp_path / "client_keys.json").read_text())
    document["comment"] = "kept"
    document["keys"][0]["ticket"] = "kept too"
    (tmp_path / "client_keys.json").write_text(json.dumps(document))

    assert file.update(first["id"], {"tokensPerMinute": None, "disabled": True})["disabled"] is True
    entry, new = file.replace_secret(first["id"])
    assert new != old
    assert file.delete(second["id"]) is True
    assert file.delete(second["id"]) is False
    assert file.update("nobody", {}) is None
    assert file.replace_secret("nobody") is None

    document = json.loads((tmp_path / "client_keys.json").read_text())
    assert document["comment"] == "kept"
    assert document["keys"] == [entry]
    assert entry["ticket"] == "kept too"
    assert "tokensPerMinute" not in entry
    assert keys_in(tmp_path)[0].digest == digest_of(new)
