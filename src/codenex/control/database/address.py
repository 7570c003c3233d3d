"""``DATABASE_URL``: which databases it may name, and what is said of one that can't be used."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from codenex.control.errors import ConfigurationError

#: The asynchronous driver of each kind of database, by what may stand before ``://``.
_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
}
_UNREADABLE = "DATABASE_URL can't be read: in a password, write %40 for @ and %2F for /"
_MISSING = (
    "DATABASE_URL names PostgreSQL, whose driver is not installed: pip install 'codenex-ai-proxy-api[postgresql]'"
)


def checked_address(url: str | None) -> str | None:
    """Return the address of a configured database; ``None`` where none is.

    Raises :class:`ConfigurationError`, whose message never holds the address: there is a password in it.
    """
    if url is None:
        return None
    scheme, separator, _ = url.strip().partition("://")
    driver = _DRIVERS.get(scheme.lower()) if separator else None
    if driver is None:
        raise ConfigurationError(
            "DATABASE_URL must be of the form postgresql://user:password@host:5432/database or sqlite:////path/of/file"
        )
    try:
        parts = urlsplit(url.strip())
        port, query = parts.port, parse_qsl(parts.query)
    except ValueError:
        raise ConfigurationError(_UNREADABLE) from None
    if any("password" in name.lower() for name, _ in query):
        raise ConfigurationError("DATABASE_URL: the password stands before the @, not behind the question mark")
    if driver.startswith("postgresql"):
        if port == 0 or "@" in parts.path or parts.netloc.count("@") > 1:
            raise ConfigurationError(_UNREADABLE)
        if not parts.path.strip("/"):
            raise ConfigurationError("DATABASE_URL names no database: postgresql://user:password@host:5432/database")
        if find_spec("psycopg") is None:
            raise ConfigurationError(_MISSING)
    elif not parts.path.strip("/"):
        raise ConfigurationError("DATABASE_URL names no file: sqlite:////path/of/file")
    return f"{driver}://{url.strip().partition('://')[2]}"


def address_in(data_dir: str, configured: str | None) -> str:
    """Return the address of the database: the configured one, or that of the file in the data folder."""
    return configured or f"sqlite+aiosqlite:///{Path(data_dir).absolute() / 'codenex.db'}"
