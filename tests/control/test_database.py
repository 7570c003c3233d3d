"""The database: its schema, and that nothing in it comes twice or gets lost."""

import asyncio
import os
import sqlite3
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from tests.support.postgres import PASSWORD, Cluster

from codenex.control.database import migrations
from codenex.control.database.address import address_in, checked_address
from codenex.control.database.engine import DatabaseUnavailable, migrate, open_database
from codenex.control.database.reports import Reports
from codenex.control.database.request_log import RequestLog
from codenex.control.database.sessions import SessionTable
from codenex.control.database.tables import metadata
from codenex.control.errors import ConfigurationError
from codenex.telemetry.rows import Batch, Event, UsageRow


@pytest.fixture
async def engine(database):
    engine = await open_database(database)
    yield engine
    await engine.dispose()


def row(number, **fields):
    fields = {"at": 1.0, "request_id": f"r-{number}", "status": 200, "duration_ms": 1.0} | fields
    return UsageRow(number=number, **fields)


async def test_migrations_make_the_tables_that_the_code_knows(engine):
    async with engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
    assert differences == []


async def test_the_file_is_in_the_data_folder_and_in_wal_mode(tmp_path):
    engine = await open_database(address_in(str(tmp_path / "data"), None))
    await engine.dispose()
    with sqlite3.connect(tmp_path / "data" / "codenex.db") as database:
        assert database.execute("pragma journal_mode").fetchone() == ("wal",)
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


async def test_a_file_that_others_could_read_is_theirs_no_more(tmp_path):
    path = tmp_path / "codenex.db"
    before = os.umask(0)
    try:
        with sqlite3.connect(path) as database:
            database.execute("pragma journal_mode = wal")
            database.execute("create table other (a)")
            assert path.stat().st_mode & 0o777 == 0o644
            engine = await open_database(f"sqlite+aiosqlite:///{path}")
            await Reports(engine).keep(Batch("a", [row(1)]), 1.0)
            modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
            await engine.dispose()
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("codenex.db", "codenex.db-wal", "codenex.db-shm"), 0o600)


async def test_opening_again_changes_nothing(engine, database):
    await Reports(engine).keep(Batch("a", [row(1)]), 1.0)
    again = await open_database(database)
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


@pytest.mark.parametrize("count", [1, 7, 8, 63, 64, 137, 500])
async def test_batches_of_every_size_are_kept_whole(engine, count):
    rows = [
        row(n, at=float(n), request_id=f"r{n}", model=f"m{n % 3}", first_output_ms=n / 4, complete=n % 2 == 0)
        for n in range(count)
    ]
    await Reports(engine).keep(Batch("a", rows), 1.0, [n / 8 for n in range(count)])
    kept = await RequestLog(engine).latest(1000)
    names = [name for name in UsageRow.__struct_fields__ if name in metadata.tables["requests"].columns]
    assert [{name: request[name] for name in names} for request in kept] == [
        {name: getattr(each, name) for name in names} for each in reversed(rows)
    ]
    assert [request["cost"] for request in kept] == [n / 8 for n in reversed(range(count))]


async def test_rows_are_kept_after_the_engine_was_disposed_of(engine):
    reports = Reports(engine)
    await reports.keep(Batch("a", [row(1)]), 1.0)
    await engine.dispose()
    await reports.keep(Batch("a", [row(2)]), 1.0)
    assert await reports.count() == 2


async def test_a_batch_is_kept_whole_or_not_at_all(engine):
    reports = Reports(engine)
    broken = row(2, error=object())
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


# --- what clients and upstreams choose


async def test_no_name_and_no_number_keeps_a_row_out(engine):
    """One such row would have kept out all that were sent with it, again and again."""
    reports = Reports(engine)
    names = ["x" * 10_000, "a\0b", "\ud800", "日本語" * 200, ""]
    rows = [row(n, model=name, error=name, account=name, finish=name) for n, name in enumerate(names, 1)]
    counts = [2**31, 2**63 - 1, 2**63, 2**200, -(2**80)]
    rows += [row(n, input_uncached=value, bytes_out=value) for n, value in enumerate(counts, 10)]
    assert await reports.keep(Batch("a", rows), 1.0, [None] * len(rows)) == 14
    assert await reports.count() == 10
    kept = {request["number"]: request for request in await RequestLog(engine).latest(20)}
    assert kept[1]["model"] == "x" * 256
    assert kept[2]["model"] == "a\ufffdb"
    assert [kept[number]["input_uncached"] for number in (10, 11, 12)] == [2**31, 2**63 - 1, 2**63 - 1]


async def test_numbers_beyond_32_bits(engine):
    reports = Reports(engine)
    assert await reports.keep(Batch("a", [row(2**40)], dropped=2**40), 1.0) == 2**40
    assert (await reports.through("a"), await reports.dropped()) == (2**40, 2**40)


# --- earlier versions


def revisions() -> list[str]:
    """Every revision of the schema, oldest first."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


@pytest.mark.parametrize("revision", revisions())
async def test_what_an_earlier_version_kept_is_there_after_the_upgrade(database, tmp_path, revision):
    (tmp_path / "data").mkdir()
    old = create_async_engine(database)
    known = MetaData()
    async with old.begin() as connection:
        await connection.run_sync(migrate, revision)
        await connection.run_sync(known.reflect)
        values = {"sender": "s", "number": 7, "at": 90_000.5, "request_id": "r", "status": 200, "duration_ms": 1.5}
        values |= {"complete": True, "losses": 0, "bytes_in": 1, "bytes_out": 2, "model": "m", "input_uncached": 3}
        await connection.execute(insert(known.tables["requests"]), [values])
        await connection.execute(insert(known.tables["sessions"]), [{"digest": "d", "began": 1.0, "used": 2.0}])
        sender = {"sender": "s", "through": 7, "dropped": 1, "at": 1.0}
        await connection.execute(insert(known.tables["senders"]), [sender])
        await connection.execute(insert(known.tables["values"]), [{"name": "n", "value": {"a": [1]}}])
    await old.dispose()

    engine = await open_database(database)
    async with engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
        assert differences == []
        assert (await connection.execute(select(metadata.tables["values"]))).all() == [("n", {"a": [1]})]
    (request,) = await RequestLog(engine).latest(9)
    assert {name: request[name] for name in values} == values
    assert await SessionTable(engine).load() == {"d": (1.0, 2.0)}
    assert await Reports(engine).keep(Batch("s", [row(7), row(8)]), 3.0) == 8
    assert await Reports(engine).count() == 2
    await engine.dispose()


async def test_two_that_start_at_once_migrate_once(postgres):
    url = checked_address(postgres.database())
    engines = await asyncio.gather(*(open_database(url) for _ in range(4)))
    assert await Reports(engines[0]).count() == 0
    for engine in engines:
        await engine.dispose()


async def test_a_newer_schema_is_left_alone(database):
    engine = await open_database(database)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    await engine.dispose()
    with pytest.raises(DatabaseUnavailable, match="9999"):
        await open_database(database)


# --- addresses


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        (None, None),
        ("postgresql://u:p@h:5/d", "postgresql+psycopg://u:p@h:5/d"),
        ("postgres://h/d", "postgresql+psycopg://h/d"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
        ("postgresql:///d?host=/run/postgresql", "postgresql+psycopg:///d?host=/run/postgresql"),
        (" sqlite:////tmp/x@y.db\n", "sqlite+aiosqlite:////tmp/x@y.db"),
    ],
)
def test_configured_addresses_get_an_asynchronous_driver(configured, expected):
    assert checked_address(configured) == expected


def test_without_an_address_the_file_is_in_the_data_folder():
    assert address_in("/data", None) == "sqlite+aiosqlite:////data/codenex.db"
    assert address_in("/data", "sqlite+aiosqlite:////x") == "sqlite+aiosqlite:////x"


@pytest.mark.parametrize(
    "configured",
    [
        "hunter2-secret",
        "mysql://u:hunter2-secret@h/d",
        "postgresql+asyncpg://u:hunter2-secret@h/d",
        "postgresql://u:hunter2-secret@h",
        "postgresql://u:hunter2-secret@h:port/d",
        "postgresql://u:hunter2-secret@h:99999/d",
        "postgresql://u:hunter2-secret/x@h/d",
        "postgresql://u:hunter2-secret@x@h/d",
        "postgresql://u:hunter2-secret#x@h/d",
        "postgresql://u:hunter2-secret?x@h/d",
        "postgresql://u@h/d?password=hunter2-secret",
        "postgresql://u@h/d?sslpassword=hunter2-secret",
        "postgresql://[u:hunter2-secret@h/d",
        "sqlite://",
        "",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(configured):
    with pytest.raises(ConfigurationError, match="DATABASE_URL") as caught:
        checked_address(configured)
    assert "hunter2" not in str(caught.value)


def test_a_missing_driver_is_named_with_what_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'codenex-ai-proxy-api\[postgresql\]'"):
        checked_address("postgresql://u:p@h/d")


@pytest.mark.parametrize("spoilt", ["password", "user", "port", "name"])
async def test_a_database_that_does_not_open_is_told_without_the_password(postgres: Cluster, spoilt):
    url = checked_address(postgres.database())
    wrong = {
        "password": url.replace(PASSWORD, PASSWORD[:-1]),
        "user": url.replace("gateway:", "nobody:"),
        "port": url.replace(f":{postgres.port}", ":1"),
        "name": f"{url}-none",
    }[spoilt]
    with pytest.raises(DatabaseUnavailable, match="the database can't be used: ") as caught:
        await open_database(wrong)
    assert PASSWORD[:-1] not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_an_error_of_a_statement_holds_no_values(engine):
    broken = row(2, model="secret-name-of-a-model", error=object())
    with pytest.raises(SQLAlchemyError) as caught:
        await Reports(engine).keep(Batch("a", [broken]), 1.0)
    assert "secret-name" not in str(caught.value)
