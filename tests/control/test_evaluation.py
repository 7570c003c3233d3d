"""Last good files: a file that breaks is reported and replaced by its last good copy, never by a default."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codenex.control.errors import ConfigurationError
from codenex.control.evaluation import Evaluated, evaluated

CONFIG = {"REQUIRED_API_KEY": "chosen-by-the-operator", "MAX_ERROR_COUNT": 7}
POOLS = {"openai-custom": [{"uuid": "one", "OPENAI_API_KEY": "sk-one"}]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "configs" / "provider_pools.json").write_text(json.dumps(POOLS))
    return tmp_path


def evaluate() -> Evaluated:
    return evaluated({}, None)


def in_use(answer: Evaluated) -> tuple[int, list[str]]:
    return answer.settings.max_error_count, [a.uuid for group in answer.settings.accounts.values() for a in group]


def test_good_files_are_used_and_copied(folder: Path) -> None:
    answer = evaluate()
    assert in_use(answer) == (7, ["one"])
    assert answer.problems == []
    for name in ("config.json", "provider_pools.json"):
        copy = folder / "data" / "last_good" / name
        assert copy.read_bytes() == (folder / "configs" / name).read_bytes()
        assert copy.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "broken", ["", "{", "[]", "null", '{"MAX_ERROR_COUNT": "many"}', '{"REQUIRED_API_KEY": "test"}']
)
def test_a_broken_config_is_replaced_by_its_copy_and_reported(folder: Path, broken: str) -> None:
    evaluate()
    (folder / "configs" / "config.json").write_text(broken)
    answer = evaluate()
    assert in_use(answer) == (7, ["one"])
    assert len(answer.problems) == 1
    assert answer.problems[0].endswith("the last good file is used")
    assert not (folder / "configs" / "api_key").exists(), "no other key was made"


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"openai-custom": {}}', '{"openai-custom": [{"uuid": 1}]}'])
def test_broken_pools_are_replaced_by_their_copy(folder: Path, broken: str) -> None:
    evaluate()
    (folder / "configs" / "provider_pools.json").write_text(broken)
    answer = evaluate()
    assert in_use(answer) == (7, ["one"])
    assert len(answer.problems) == 1


def test_the_other_file_stays_the_edited_one(folder: Path) -> None:
    evaluate()
    (folder / "configs" / "config.json").write_text("{")
    (folder / "configs" / "provider_pools.json").write_text('{"openai-custom": [{"uuid": "two"}]}')
    assert in_use(evaluate()) == (7, ["two"])
    (folder / "configs" / "provider_pools.json").write_text("{")
    assert in_use(evaluate()) == (7, ["one"]), "what was never used alone is no good copy"


def test_without_a_copy_a_broken_file_is_an_error(folder: Path) -> None:
    (folder / "configs" / "config.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"config\.json can't be read"):
        evaluate()


def test_a_file_that_was_removed_is_no_broken_one(folder: Path) -> None:
    evaluate()
    (folder / "configs" / "provider_pools.json").unlink()
    answer = evaluate()
    assert in_use(answer) == (7, [])
    assert answer.problems == []
    (folder / "configs" / "provider_pools.json").write_text("{")
    with pytest.raises(ConfigurationError):
        evaluate()


def test_what_no_file_is_to_blame_for_stays_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate()
    monkeypatch.setenv("MAX_ERROR_COUNT", "none")
    with pytest.raises(ConfigurationError, match="MAX_ERROR_COUNT"):
        evaluate()


def test_rows_are_kept_over_generations(folder: Path, tmp_path: Path) -> None:
    first = evaluate()
    previous = tmp_path / "previous.json"
    previous.write_text(json.dumps({"settings": {"rows": first.settings.rows}}))
    (folder / "configs" / "provider_pools.json").write_text('{"openai-custom": [{"uuid": "zero"}, {"uuid": "one"}]}')
    second = evaluated({}, previous)
    assert second.settings.rows["one"] == first.settings.rows["one"]
    assert second.settings.rows["zero"] not in first.settings.rows.values()
    previous.write_text("{")
    assert evaluated({}, previous).settings.rows


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["config.json", "provider_pools.json"]), st.data())
def test_no_damage_opens_anything(folder: Path, name: str, data: st.DataObject) -> None:
    """Cut anywhere, or with any byte changed: the operator's key stays the only one, or nothing starts."""
    (folder / "configs" / "config.json").write_text(json.dumps(CONFIG))
    (folder / "configs" / "provider_pools.json").write_text(json.dumps(POOLS))
    keys = evaluate().settings.client_keys
    path = folder / "configs" / name
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content = content[:at]
    else:
        content[at] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    answer = evaluate()
    if answer.problems:
        assert answer.settings.client_keys == keys
        assert in_use(answer) == (7, ["one"])
    else:
        # A change that leaves a valid file is an edit; there is a key all the same.
        assert len(answer.settings.client_keys) == 1
