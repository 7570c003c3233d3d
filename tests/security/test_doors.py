"""Every route with every credential that must not open it, and with one that does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.security.doors import ADMIN, CLIENT, EITHER, doors, operations
from tests.security.house import House, running_house
from tests.support.client import RawClient

from codenex.gateway.routes import Operation


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as running:
        yield running


def test_every_operation_is_among_the_routes() -> None:
    assert operations() == set(Operation)
    assert {door.opened_by for door in doors()} == {ADMIN, CLIENT, EITHER}
    assert len(doors()) > 90


@pytest.mark.parametrize("opened_by", [ADMIN, CLIENT, EITHER])
async def test_no_route_opens_to_a_wrong_credential(house: House, opened_by: str) -> None:
    bypasses, asked = [], 0
    async with await RawClient.connect(house.site.gateway.port) as client:
        for door in doors():
            if door.opened_by != opened_by:
                continue
            path = door.path.replace("{", "").replace("}", "")
            body = None if door.method in ("GET", "HEAD") else b"{}"
            for name, headers in house.wrong(opened_by).items():
                asked += 1
                answer = await client.ask(door.method, path, body, headers)
                if answer.status != 401:
                    bypasses.append((door, name, answer.status))
            query = "key=" if opened_by != CLIENT else f"key={house.site.session}&token={house.site.session}"
            answer = await client.ask(door.method, f"{path}?{query}", body)
            if answer.status != 401:
                bypasses.append((door, query, answer.status))
    assert bypasses == []
    assert house.vendor.requests == []
    assert asked > 100


@pytest.mark.parametrize("opened_by", [ADMIN, CLIENT, EITHER])
async def test_every_route_opens_to_the_right_one(house: House, opened_by: str) -> None:
    """Otherwise the test above would prove nothing."""
    closed = []
    for door in doors():
        # What changes something is not tried out here, nor what never ends.
        if door.opened_by != opened_by or door.path == "/api/events" or (opened_by == ADMIN and door.method != "GET"):
            continue
        path = door.path.replace("{", "").replace("}", "")
        for headers in house.right(opened_by):
            async with await RawClient.connect(house.site.gateway.port) as client:
                answer = await client.ask(door.method, path, None if door.method in ("GET", "HEAD") else b"{}", headers)
            if answer.status in (401, 403, 500):
                closed.append((door, answer.status, answer.body[:200]))
    assert closed == []
