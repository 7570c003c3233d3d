"""Rows into a table of SQLite's, by a connection of its own and in one piece of work for a thread.

SQLAlchemy's way to SQLite hands each step of a transaction to a thread. Each time that one asks for the interpreter,
the event loop has to give it away in the middle of a request, which costs ten times what SQLite does with the rows.
"""

from __future__ import annotations

import sqlite3
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

#: Rows that are inserted by one statement: SQLite's thread asks for the interpreter after each of them.
_SIZES: Final = (64, 8, 1)
#: Seconds that a writer waits for another one, and that a server may take to answer at all.
BUSY: Final = 10.0


class SqliteRows:
    """The database of a file, and those columns of a table that are filled. The first of them is the same for all rows
    of a batch. Methods may be called from any thread, and raise ``sqlite3.Error``."""

    def __init__(self, path: Path | str, table: str, columns: tuple[str, ...]) -> None:
        self._path = path
        self._table = table
        self._columns = columns
        self._connection: sqlite3.Connection | None = None
        self._turn = threading.Lock()

    def keep(self, common: str, values: list[Any], statement: str, parameters: tuple[Any, ...]) -> None:
        """Insert rows, whose ``values`` but for the common one stand one after the other, but for those that are there
        already, and execute one more statement, in one transaction."""
        with self._turn:
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                width, place = len(self._columns) - 1, 0
                for size in _SIZES:
                    insert, length = _insert(self._table, self._columns, size), size * width
                    while len(values) - place >= length:
                        connection.execute(insert, [common, *values[place : place + length]])
                        place += length
                connection.execute(statement, parameters)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the connection, after what is being done with it; the next batch opens another one."""
        with self._turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, timeout=BUSY, isolation_level=None, check_same_thread=False)
            set_up_sqlite(self._connection)
        return self._connection


def set_up_sqlite(connection: Any) -> None:
    """Prepare a new connection of any driver's."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # A crash of the machine may lose the last commits, never more; a crash of the process loses none.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


@lru_cache(maxsize=16)
def _insert(table: str, columns: tuple[str, ...], rows: int) -> str:
    """Return the statement that inserts so many rows."""
    names = ", ".join(f'"{name}"' for name in columns)
    # Values with a number of their own have a name, and Python asks SQLite for the name of each, which it looks for
    # from the beginning: that took most of the time.
    marks = ", ".join([f"(?1, {', '.join('?' * (len(columns) - 1))})"] * rows)
    return f'INSERT INTO "{table}" ({names}) VALUES {marks} ON CONFLICT DO NOTHING'  # noqa: S608
