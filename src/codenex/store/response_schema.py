"""Tables of the file that keeps responses, and how its connections are opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from codenex.store.files import private_file

VERSION = 1
#: Seconds that a process waits for another one that writes.
PATIENCE = 5.0
#: Bytes of the journal that stay when it has been taken over.
_JOURNAL_BYTES = 16 * 1024 * 1024

_TABLES = (
    # What lives and ends together: a first response and everything that follows from it.
    "CREATE TABLE conversations (number INTEGER PRIMARY KEY, expires REAL NOT NULL)",
    "CREATE INDEX conversations_expires ON conversations (expires)",
    """CREATE TABLE responses (
        number INTEGER PRIMARY KEY,
        conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
        client TEXT NOT NULL,
        id TEXT NOT NULL,
        parent TEXT,
        input BLOB NOT NULL,
        answer BLOB NOT NULL,
        UNIQUE (client, id)
    )""",
    "CREATE INDEX responses_conversation ON responses (conversation)",
    """CREATE TABLE items (
        client TEXT NOT NULL,
        id TEXT NOT NULL,
        response INTEGER NOT NULL REFERENCES responses ON DELETE CASCADE,
        PRIMARY KEY (client, id, response)
    ) WITHOUT ROWID""",
    "CREATE INDEX items_response ON items (response)",
    "CREATE TABLE media (number INTEGER PRIMARY KEY, client TEXT NOT NULL, hash BLOB NOT NULL, data BLOB NOT NULL,"
    " UNIQUE (client, hash))",
    """CREATE TABLE uses (
        response INTEGER NOT NULL REFERENCES responses ON DELETE CASCADE,
        media INTEGER NOT NULL REFERENCES media,
        PRIMARY KEY (response, media)
    ) WITHOUT ROWID""",
    "CREATE INDEX uses_media ON uses (media)",
    """CREATE TRIGGER media_unused AFTER DELETE ON uses
        WHEN NOT EXISTS (SELECT 1 FROM uses WHERE media = old.media)
        BEGIN DELETE FROM media WHERE number = old.media; END""",
    """CREATE TRIGGER conversation_empty AFTER DELETE ON responses
        WHEN NOT EXISTS (SELECT 1 FROM responses WHERE conversation = old.conversation)
        BEGIN DELETE FROM conversations WHERE number = old.conversation; END""",
    # Responses and items that an upstream's account keeps.
    """CREATE TABLE places (
        client TEXT NOT NULL,
        id TEXT NOT NULL,
        provider TEXT NOT NULL,
        account TEXT NOT NULL,
        expires REAL NOT NULL,
        PRIMARY KEY (client, id)
    ) WITHOUT ROWID""",
    "CREATE INDEX places_expires ON places (expires)",
)


def opened(path: Path) -> sqlite3.Connection:
    """Open the file, and make it where there is none. Raises ``sqlite3.Error`` and ``OSError``.

    Processes share it through SQLite's write-ahead log: readers never wait, writers wait for each other. A process that
    is killed loses nothing that was committed.
    """
    # It holds prompts.
    private_file(path)
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables, or make them anew where another version has left its own: nothing here lives long."""
    if _version(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _version(connection) != VERSION:
            for kind in ("trigger", "table"):
                found = connection.execute(
                    "SELECT name FROM sqlite_master WHERE type = ? AND name NOT LIKE 'sqlite_%'", (kind,)
                ).fetchall()
                for (name,) in found:
                    connection.execute(f'DROP {kind} "{name}"')
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
