"""The engine: SQLite in WAL mode, or PostgreSQL; brought to the newest schema."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from alembic.util import CommandError
from sqlalchemy import URL, Connection, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from codenex.control.database.sqlite_rows import BUSY, set_up_sqlite
from codenex.core.redaction import redacted
from codenex.store.files import private_file, tighten

#: What SQLite puts beside a database: made with the database's mode, and kept over a crash with the one of then.
_BESIDE = ("-wal", "-shm")
#: Any number: whoever holds this lock of PostgreSQL migrates, so that two that start at once don't both do.
_MIGRATION = 0x434F44454E4558


class DatabaseUnavailable(ConnectionError):
    """The database can't be used. The message holds no address and no password."""


async def open_database(url: str) -> AsyncEngine:
    """Connect and migrate. Raises :class:`DatabaseUnavailable`."""
    try:
        engine = _engine(make_url(url))
    except (ImportError, SQLAlchemyError, OSError, ValueError) as error:
        raise DatabaseUnavailable(_reason(error, url)) from None
    try:
        async with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION)))
            await connection.run_sync(migrate)
    except (SQLAlchemyError, CommandError, OSError) as error:
        await engine.dispose()
        raise DatabaseUnavailable(_reason(error, url)) from None
    except BaseException:
        await engine.dispose()
        raise
    return engine


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() == "postgresql":
        # A server that was started anew has ended the connections: they are tried before they are used.
        return create_async_engine(
            url, pool_pre_ping=True, hide_parameters=True, connect_args={"connect_timeout": int(BUSY)}
        )
    if url.database:
        private_file(Path(url.database))
        for end in _BESIDE:
            with contextlib.suppress(FileNotFoundError):
                tighten(Path(f"{url.database}{end}"))
    engine = create_async_engine(url, hide_parameters=True, connect_args={"timeout": BUSY})
    event.listen(engine.sync_engine, "connect", lambda connection, _: set_up_sqlite(connection))
    return engine


def _reason(error: Exception, url: str) -> str:
    """Say what is wrong in one line, without what the address holds."""
    cause = getattr(error, "orig", None) or error
    try:
        password = make_url(url).password
    except SQLAlchemyError:
        password = None
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()] or [type(cause).__name__]
    return f"the database can't be used: {redacted('; '.join(lines), (password,) if password else ())}"


def migrate(connection: Connection, revision: str = "head") -> None:
    """Bring the schema to a revision, by default the newest one."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    scripts = ScriptDirectory.from_config(config)

    def steps(current: Any, _: Any) -> Any:
        return scripts._upgrade_revs(revision, current)

    with EnvironmentContext(config, scripts, fn=steps) as environment:
        environment.configure(connection=connection, render_as_batch=True)
        with environment.begin_transaction():
            environment.run_migrations()
