"""The settings that the README names are those that there are, with the defaults that they have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from scripts.configuration_reference import TARGET, document
from tests.examples.documents import ROOT
from typer.main import get_command

from codenex.cli.commands import application
from codenex.control import setting_help, setting_help_zh
from codenex.control.configuration import Configuration, configuration_type
from codenex.control.setting_help import help_in_chinese, help_of

_ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \| (.*?) \|", re.MULTILINE)
HAN = re.compile("[\u4e00-\u9fff]")


def rows(heading: str) -> list[tuple[list[str], str]]:
    """Names and second cell of a section's table rows."""
    section = (ROOT / "README.md").read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [(re.findall(r"\w+", names), cell) for names, cell in _ROW.findall(section)]


def value_of(cell: str) -> Any:
    """A default as the table writes it."""
    text = cell.strip("`")
    if cell.startswith("`"):
        return text
    if text == "none":
        return None
    if text.endswith(" MiB"):
        return int(text.removesuffix(" MiB")) * 1024 * 1024
    return {"true": True, "false": False}.get(text, int(text) if text.isdigit() else text)


def test_the_readme_names_every_setting_that_has_an_effect() -> None:
    named = {name for heading in ("Settings", "Providers") for names, _ in rows(heading) for name in names}
    assert named == configuration_type().model_fields.keys()


def test_the_defaults_are_those_of_the_readme() -> None:
    for names, cell in rows("Settings"):
        defaults = [Configuration.model_fields[name].default for name in names]
        if "generated" in cell or " in " in cell:
            # Said in words: made or derived at the start.
            assert defaults == [None], names
            continue
        cells = cell.split(", ") if ", " in cell else [cell] * len(names)
        for name, default, told in zip(names, defaults, cells, strict=True):
            plain = str(default) if isinstance(default, Path) else default
            assert (plain if plain not in ((), {}) else None) == value_of(told), name


def test_forms_have_a_help_text_for_every_setting() -> None:
    for name in configuration_type().model_fields:
        group, text = help_of(name)
        assert group and text.endswith("."), f"control/setting_help.py says nothing of {name}"
        try:
            chinese = help_in_chinese(name)
        except KeyError as missing:
            pytest.fail(f"control/setting_help_zh.py says nothing of {missing}")
        assert chinese["description"].endswith("。"), name
        assert all(HAN.search(words) for words in chinese.values()), name


def test_no_help_is_of_a_setting_or_group_that_is_gone() -> None:
    names = set(configuration_type().model_fields)
    assert set(setting_help_zh.HELP) <= names
    assert {name for group in setting_help.HELP.values() for name in group} == set(setting_help_zh.HELP)
    assert set(setting_help_zh.GROUPS) == {*setting_help.HELP, "Accounts", "Other"}


def test_the_flags_of_the_readme_are_those_of_the_command() -> None:
    named = set(re.findall(r"`(--[a-z-]+)`", (ROOT / "README.md").read_text()))
    parameters = {
        option for parameter in get_command(application).commands["serve"].params for option in parameter.opts
    }
    assert named - parameters == set()
    assert parameters - named <= {"--standalone"}


def test_the_readme_names_fields_of_accounts_that_are_read() -> None:
    text = (ROOT / "README.md").read_text()
    told = re.findall(r"`(\w+)`", text.partition("An account may also have: ")[2].partition("\n\n")[0])
    source = (ROOT / "src/codenex/control/pools.py").read_text()
    choices = {"bearer", "x", "true"}
    assert [name for name in told if name not in choices and f'"{name}"' not in source] == []
    assert len(told) > 5


def test_the_fields_of_an_account_are_those_that_are_read() -> None:
    text = (ROOT / "docs/providers/README.md").read_text().partition("## Fields of an account")[2].partition("\n## ")[0]
    told = [name for row in re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    read = set(re.findall(r'entry\.\w+\("([a-z]\w*)"', (ROOT / "src/codenex/control/pools.py").read_text()))
    assert len(read) > 15
    assert sorted(told) == sorted(read)


def test_the_reference_is_the_one_that_the_configuration_gives() -> None:
    assert TARGET.read_text() == document(), "run: make configuration-reference"


def test_the_reference_names_every_setting_once() -> None:
    named = re.findall(r"^\| `(\w+)` \|", document(), re.MULTILINE)
    assert sorted(named) == sorted(configuration_type().model_fields)
