"""Every row of the management API, by method and path: what it takes and what it answers, in the shapes that clients of
that API know. ``docs/management-api.md`` tells people the same."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.control.contract_rows import NUMBER, ROWS, TEXT, Row
from tests.control.managed import Managed
from tests.support.ports import free_port
from tests.support.vendor import KEY, ScriptedVendor

from codenex.control.database.address import address_in
from codenex.control.database.engine import open_database
from codenex.control.database.reports import Reports
from codenex.control.database.request_log import RequestLog
from codenex.control.database.statistics import Statistics
from codenex.providers.google.service import SERVICES
from codenex.telemetry.rows import Batch, UsageRow

ROOT = Path(__file__).parents[2]


def mismatches(shape: Any, value: Any, place: str = "$") -> list[str]:
    """Where a value hasn't the shape."""
    match shape:
        case None:
            return []
        case dict():
            if not isinstance(value, dict):
                return [f"{place} is no object"]
            missing = [f"{place}.{name} is missing" for name in shape if name not in value]
            inner = [name for name in shape if name in value]
            return missing + [
                text for name in inner for text in mismatches(shape[name], value[name], f"{place}.{name}")
            ]
        case list():
            if not isinstance(value, list):
                return [f"{place} is no list"]
            if shape and not value:
                return [f"{place} is empty"]
            return [text for element in value for text in mismatches(shape[0], element, f"{place}[]")] if shape else []
        case float():
            return [] if isinstance(value, int | float) and not isinstance(value, bool) else [f"{place} is no number"]
        case _:
            return [] if type(value) is type(shape) else [f"{place} is {value!r}"]


def title(row: Row) -> str:
    return f"{row.method} {row.name or row.path}"


@asynccontextmanager
async def with_requests(managed: Managed, folder: Path) -> AsyncIterator[None]:
    """Let the server have a database with a request in it, until the block ends."""
    engine = await open_database(address_in(str(folder), None))
    row = UsageRow(1, time.time(), "r-1", 200, 5.0, provider="openai-custom", account="a", model="m")
    await Reports(engine).keep(Batch("s", [row]), row.at)
    managed.part.statistics, managed.part.request_log = Statistics(engine), RequestLog(engine)
    yield
    await engine.dispose()


@pytest.mark.parametrize("row", ROWS, ids=title)
async def test_the_answer_has_the_shape_that_clients_know(
    managed: Managed, row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = msgspec.structs.replace(SERVICES["gemini-cli-oauth"], port=free_port())
    monkeypatch.setitem(SERVICES, "gemini-cli-oauth", login)
    async with AsyncExitStack() as stack:
        vendor = await stack.enter_async_context(ScriptedVendor("openai_chat"))
        entry = {"uuid": "a", "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{vendor.url}/v1"}
        managed.home.pools({"openai-custom": [entry]})
        await managed.part.supervision.reload()
        if row.kept:
            await stack.enter_async_context(with_requests(managed, tmp_path / "data"))
        if row.prepare is not None:
            row.prepare(managed)
        headers = {"authorization": f"Bearer {managed.session}"}
        body = row.body(managed) if callable(row.body) else row.body
        sent = row.files or ({} if body is None else {"json": body})
        answer = await managed.client.request(row.method, row.path, headers=headers, **sent)

        assert answer.status_code == row.status, answer.text
        assert KEY not in answer.text
        if isinstance(row.shape, str):
            assert answer.headers["content-type"] == row.shape
        else:
            assert mismatches(row.shape, answer.json()) == []


@pytest.mark.parametrize("row", ROWS, ids=title)
async def test_nothing_is_told_without_a_session(managed: Managed, row: Row) -> None:
    if title(row) in ("POST /api/login", "GET /api/setup", "POST /api/setup"):
        return
    for headers in ({}, {"authorization": "Bearer wrong"}, {"x-api-key": "k"}, {"cookie": "codenex_session=wrong"}):
        answer = await managed.client.request(row.method, row.path, headers=headers)
        assert answer.status_code == 401, headers
        assert mismatches({"error": {"message": TEXT, "type": TEXT, "status": NUMBER}}, answer.json()) == []


async def test_every_endpoint_has_its_row_and_its_line_in_the_documentation(managed: Managed) -> None:
    document = (ROOT / "docs/management-api.md").read_text()
    told = set(re.findall(r"^\| `([A-Z]+) ([^`]+)` \|", document, re.MULTILINE))
    schema = (await managed.get("/api/openapi.json"))["paths"]
    there = {
        (method.upper(), path.replace("{provider_type}", "{type}")) for path, ways in schema.items() for method in ways
    }
    assert there - told == set()
    refused = set(re.findall(r"^\| `([A-Z]+) ([^`]+)` \| (?:elsewhere|refused)", document, re.MULTILINE))
    assert told - refused - there == set()
    rows = {(row.method, row.name or row.path) for row in ROWS}
    assert rows <= told
    # `/metrics` has tests of its own, for what clients may read there.
    assert there - rows - {("GET", "/metrics")} == set()


def test_shapes_can_be_missed() -> None:
    shape = {"a": TEXT, "b": [{"c": NUMBER}], "d": 0.0}
    value = json.loads('{"a": 1, "b": [{"c": 1}, {}], "d": true}')
    assert mismatches(shape, value) == ["$.a is 1", "$.b[].c is missing", "$.d is no number"]
    assert mismatches([TEXT], []) == ["$ is empty"]
    assert mismatches([TEXT], {}) == ["$ is no list"]
