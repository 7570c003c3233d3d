"""The database: its schema, and that nothing in it comes twice or gets lost."""

import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import SQLAlchemyError

from codenex.control.database.engine import database_url, open_database
from codenex.control.database.reports import Reports
from codenex.control.database.sessions import SessionTable
from codenex.control.database.tables import metadata
from codenex.telemetry.rows import Batch, Event, UsageRow


@pytest.fixture
async def engine(tmp_path):
    engine = await open_database(database_url(str(tmp_path / "data")))
    yield engine
    await engine.dispose()


def row(number, **fields):
    return UsageRow(number=number, at=1.0, request_id=f"r-{number}", status=200, duration_ms=1.0, **fields)


async def test_migrations_make_the_tables_that_the_code_knows(engine):
    async with engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
    assert differences == []


async def test_the_file_is_in_the_data_folder_and_in_wal_mode(engine, tmp_path):
    with sqlite3.connect(tmp_path / "data" / "codenex.db") as database:
        assert database.execute("pragma journal_mode").fetchone() == ("wal",)
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


async def test_opening_again_changes_nothing(engine, tmp_path):
    await Reports(engine).keep(Batch("a", [row(1)]), 1.0)
    again = await open_database(database_url(str(tmp_path / "data")))
    assert await Reports(again).count() == 1
    await again.dispose()


async def test_what_is_sent_twice_is_kept_once(engine):
    reports = Reports(engine)
    assert await reports.keep(Batch("a", [row(1), row(2)], [Event(3, 1.0, "log")]), 1.0) == 3
    assert await reports.keep(Batch("a", [row(2), row(4)]), 2.0) == 4
    assert await reports.keep(Batch("b", [row(1)], dropped=7), 2.0) == 1
    assert await reports.count() == 4
    assert await reports.through("a") == 4
    assert await reports.through("nobody") == 0
    assert await reports.dropped() == 7


async def test_a_batch_is_kept_whole_or_not_at_all(engine):
    reports = Reports(engine)
    broken = row(2, error=["no text"])
    with pytest.raises(SQLAlchemyError):
        await reports.keep(Batch("a", [row(1), broken]), 1.0)
    assert await reports.count() == 0
    assert await reports.through("a") == 0


async def test_sessions_are_replaced_by_what_is_open(engine):
    table = SessionTable(engine)
    await table.save({"a": (1.0, 2.0), "b": (3.0, 4.0)})
    await table.save({"b": (3.0, 5.0)})
    assert await table.load() == {"b": (3.0, 5.0)}
    await table.save({})
    assert await table.load() == {}


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ("postgresql://u:p@h:5/d", "postgresql+asyncpg://u:p@h:5/d"),
        ("sqlite:////tmp/x.db", "sqlite+aiosqlite:////tmp/x.db"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
    ],
)
def test_configured_addresses_get_an_asynchronous_driver(configured, expected):
    assert database_url("data", configured) == expected
