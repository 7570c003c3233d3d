"""Tool names fit their target, reversibly."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codenex.core.names import NameMap, flattened


@pytest.mark.pitfall("TOOL-25")
def test_a_target_may_allow_more_characters_than_others() -> None:
    own = NameMap(["server.tool:run", "1st", "a b"], first=r"[a-zA-Z_]", illegal=r"[^a-zA-Z0-9_.:-]")
    assert own.to_target("server.tool:run") == "server.tool:run"
    assert own.to_target("1st").startswith("_1st_")
    assert own.to_target("a b").startswith("a_b_")
    assert all(own.to_client(own.to_target(name)) == name for name in ("server.tool:run", "1st", "a b"))
    assert NameMap(["server.tool:run"]).to_target("server.tool:run").startswith("server_tool_run_")


@pytest.mark.pitfall("TOOL-25")
@pytest.mark.parametrize("name", ["a" * 64, "get-weather_2", "A"])
def test_names_that_fit_stay(name: str) -> None:
    names = NameMap([name])
    assert names.to_target(name) == name
    assert names.changed() == {}


@pytest.mark.pitfall("TOOL-25")
@pytest.mark.parametrize("name", ["", "a" * 65, "mcp.server/tool:run", "wetter_für", "工具", "😀", "a b"])
def test_others_are_made_to_fit_and_come_back(name: str) -> None:
    names = NameMap([name])
    fitted = names.to_target(name)
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", fitted)
    assert names.to_client(fitted) == name
    assert names.changed() == {fitted: name}


def test_unknown_names_come_back_as_they_are() -> None:
    assert NameMap([]).to_client("anything.at all") == "anything.at all"


@pytest.mark.pitfall("TOOL-45")
def test_names_that_differ_in_illegal_characters_only_stay_apart() -> None:
    names = NameMap(["a.b", "a/b", "a b", "a_b"])
    fitted = [names.to_target(name) for name in ("a.b", "a/b", "a b", "a_b")]
    assert len(set(fitted)) == 4
    assert fitted[3] == "a_b"
    assert [names.to_client(name) for name in fitted] == ["a.b", "a/b", "a b", "a_b"]


@pytest.mark.pitfall("TOOL-45")
def test_a_tool_that_is_called_like_the_short_form_of_another_keeps_its_name() -> None:
    taken = NameMap(["a b"]).to_target("a b")
    for declared in (["a b", taken], [taken, "a b"]):
        names = NameMap(declared)
        assert names.to_target(taken) == taken
        assert names.to_target("a b") != taken
        assert {names.to_client(names.to_target(name)) for name in declared} == set(declared)


def test_names_of_the_history_are_taken_in_later() -> None:
    names = NameMap(["f"])
    fitted = names.to_target("old.tool")
    assert names.to_client(fitted) == "old.tool"
    assert fitted == NameMap(["old.tool", "g"]).to_target("old.tool")


@given(st.lists(st.text(max_size=80), max_size=8), st.integers(0, 8), st.sampled_from([40, 64, 128]))
def test_any_names_fit_are_reversible_and_do_not_depend_on_order(names: list[str], turn: int, limit: int) -> None:
    forward, rotated = NameMap(names, limit), NameMap(names[turn:] + names[:turn], limit)
    fitted = {name: forward.to_target(name) for name in names}
    assert fitted == {name: rotated.to_target(name) for name in names}
    assert len(set(fitted.values())) == len(fitted)
    for name, target in fitted.items():
        assert re.fullmatch(rf"[a-zA-Z0-9_-]{{1,{limit}}}", target)
        assert forward.to_client(target) == name


def test_namespaces_are_flattened() -> None:
    assert flattened("mcp", "run") == "mcp__run"
    assert flattened(None, "run") == flattened("", "run") == "run"
