"""The engine: SQLite in the data folder in WAL mode, or what ``DATABASE_URL`` names; brought to the newest schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

#: Seconds that a writer waits for another one.
_BUSY = 10.0


def database_url(data_dir: str, configured: str | None = None) -> str:
    """Return the address of the database; a configured one gets the asynchronous driver of its kind."""
    if not configured:
        return f"sqlite+aiosqlite:///{Path(data_dir).absolute() / 'codenex.db'}"
    url = make_url(configured)
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    return url.set(drivername=drivers.get(url.drivername, url.drivername)).render_as_string(hide_password=False)


async def open_database(url: str) -> AsyncEngine:
    """Connect and migrate. Raises SQLAlchemy's errors where the database can't be used."""
    if url.startswith("sqlite") and (path := make_url(url).database):
        Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = create_async_engine(url, connect_args={"timeout": _BUSY} if url.startswith("sqlite") else {})
    if url.startswith("sqlite"):
        event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    except BaseException:
        await engine.dispose()
        raise
    return engine


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


def _set_up_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # A crash of the machine may lose the last commits, never more; a crash of the process loses none.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()
