"""Fixtures of the control part's tests: a folder of one's own, and an environment without the caller's settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.control.home import Home
from tests.control.managed import ON_POSTGRESQL, Managed, managed_server
from tests.control.site import Site, running_site

from codenex.control.configuration import configuration_type
from codenex.control.database.address import address_in, checked_address


@pytest.fixture
def address(request: pytest.FixtureRequest) -> str | None:
    """``DATABASE_URL`` of this test's server; ``None`` for SQLite."""
    return request.getfixturevalue("postgres").database() if ON_POSTGRESQL else None


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The working folder of this test; the environment holds no setting."""
    for name in configuration_type().model_fields:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Home(tmp_path)


@pytest.fixture
async def site(tmp_path: Path, address: str | None) -> AsyncIterator[Site]:
    """A server after its first start: there is a setup token and no password."""
    async with running_site(tmp_path, database_url=checked_address(address)) as running:
        yield running


@pytest.fixture
async def managed(home: Home, monkeypatch: pytest.MonkeyPatch, address: str | None) -> AsyncIterator[Managed]:
    """The management API over real files in ``home``; nothing is configured at first."""
    if address is not None:
        monkeypatch.setenv("DATABASE_URL", address)
    async with managed_server(home) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of each kind in turn, as the engine takes it."""
    configured = None if request.param == "sqlite" else request.getfixturevalue("postgres").database()
    return address_in(str(tmp_path / "data"), checked_address(configured))
