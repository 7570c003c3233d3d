"""The real CLI in two versions, and the API that it is pointed at."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tests.matrix.cases import Case
from tests.support.fake_cli import PROVIDER
from tests.support.scenario import Part, Scenario, ToolCall
from tests.support.upstream import Request
from tests.support.vendor import KEY, ScriptedVendor
from tests.support.vendors.framing import Json

from codenex.store.settings import Account

PROGRAMS: Final = Path(__file__).parent / "node" / "node_modules"
VERSIONS: Final = ("current", "older")


def program(version: str) -> str:
    """The path of one version."""
    return str(PROGRAMS / f"claude-code-{version}" / "bin" / "claude.exe")


def account(version: str, vendor: ScriptedVendor, folder: Path, number: int = 0, **fields: Any) -> Account:
    """An account that lets the CLI call a scripted vendor."""
    given = {"api_key": KEY, "base_url": vendor.url, "config_dir": str(folder), "program": program(version), **fields}
    return Account(f"{PROVIDER}-{number}", PROVIDER, **given)


class Api(ScriptedVendor):
    """The vendor as the CLI meets it: its model knows tools by the CLI's names."""

    def __init__(self, scenario: Scenario | Callable[[Request, Json], Scenario]) -> None:
        super().__init__("anthropic", scenario=scenario, validate=False)

    @property
    def asked(self) -> list[Json]:
        """The bodies of the requests for an answer so far."""
        return [request.json for request in self.requests if request.path == "/v1/messages"]


def by_the_cli(case: Case) -> Scenario:
    """An answer of the matrix as the API gives it to the CLI."""
    return named(case.scenario) if case.ask.schema is None else formed(case.scenario.text, case.scenario)


def named(scenario: Scenario) -> Scenario:
    """An answer that calls tools by the names that the CLI gives them."""
    return replace(scenario, parts=tuple(map(_named, scenario.parts)))


def formed(text: str, scenario: Scenario | None = None) -> Scenario:
    """An answer that follows a schema."""
    call = ToolCall("toolu_formed0001", "StructuredOutput", text)
    return replace(scenario or Scenario(), parts=(call,), finish="tool_calls")


def _named(part: Part) -> Part:
    return replace(part, name=f"mcp__t__{part.name}") if isinstance(part, ToolCall) else part


def history(body: Json) -> list[tuple[str, list[Json]]]:
    """The turns of a request without what the CLI adds to them."""
    turns = []
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        own = [_plain(block) for block in blocks if not str(block.get("text", "")).startswith("<system-reminder>")]
        if message["role"] != "system":
            turns.append((message["role"], own))
    return turns


def _plain(block: Json) -> Json:
    return {key: value for key, value in json.loads(json.dumps(block)).items() if key != "cache_control"}
