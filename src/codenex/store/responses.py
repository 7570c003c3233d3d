"""Responses that are kept, so that a conversation can go on by the id of its last answer.

One file in the data folder, shared by all processes; every call is one short transaction and blocks. Rows hold what a
turn has added and name the turn before it. Everything belongs to a client, and nobody else finds it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from codenex.store.pieces import hashes, joined, split
from codenex.store.response_schema import opened

FILE = "responses.db"
#: Seconds for which is known where an upstream keeps a response: as long as OpenAI keeps it.
PLACE_SECONDS = 30 * 24 * 3600.0
#: Places that are given up at once where nothing else is left to make room.
_PLACES_AT_ONCE = 1000
_PAGES_AT_ONCE = 4096


class StoreUnavailable(Exception):
    """The file can't be read or written; the text says why."""


class Kept(msgspec.Struct, frozen=True):
    """One turn. ``input`` is a JSON array of the items that it added, ``answer`` the Response object; ``parent`` is the
    id of the response before it; ``items`` are the ids of all its items, of input and output."""

    id: str
    parent: str | None
    input: bytes
    answer: bytes
    items: tuple[str, ...] = ()


class Place(msgspec.Struct, frozen=True):
    """The account of an upstream that keeps something itself."""

    provider: str
    account: str


class ResponseStore:
    """The file of one process. Not for several threads at once. Every method raises :class:`StoreUnavailable`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    def find(self, client: str, response_id: str, now: float) -> Place | tuple[Kept, ...]:
        """Return where a response is kept, or the whole conversation up to it; nothing where it isn't known, has
        expired, or lacks a turn that was deleted."""
        with self._reading() as connection:
            chain: list[Kept] = []
            sought: str | None = response_id
            while sought is not None:
                row = connection.execute(
                    "SELECT r.number, r.parent, r.input, r.answer FROM responses r JOIN conversations c"
                    " ON c.number = r.conversation WHERE r.client = ? AND r.id = ? AND c.expires > ?",
                    (client, sought, now),
                ).fetchone()
                if row is None:
                    return () if chain else self._place(connection, client, response_id, now)
                chain.append(_kept(connection, sought, row))
                sought = row[1]
            return tuple(reversed(chain))

    def one(self, client: str, response_id: str, now: float) -> Place | tuple[Kept, ...]:
        """Return where a response is kept, or that turn alone; nothing where it isn't known."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT r.number, r.parent, r.input, r.answer FROM responses r JOIN conversations c"
                " ON c.number = r.conversation WHERE r.client = ? AND r.id = ? AND c.expires > ?",
                (client, response_id, now),
            ).fetchone()
            if row is None:
                return self._place(connection, client, response_id, now)
            return (_kept(connection, response_id, row),)

    def holder(self, client: str, item_id: str, now: float) -> Place | tuple[Kept, ...]:
        """Return the turn that an item belongs to, or where it is kept; nothing where it isn't known."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT r.number, r.parent, r.input, r.answer, r.id FROM items i JOIN responses r ON r.number ="
                " i.response JOIN conversations c ON c.number = r.conversation"
                " WHERE i.client = ? AND i.id = ? AND c.expires > ? LIMIT 1",
                (client, item_id, now),
            ).fetchone()
            if row is None:
                return self._place(connection, client, item_id, now)
            return (_kept(connection, row[4], row[:4]),)

    def keep(self, client: str, turn: Kept, now: float, lifetime: float, limit: int) -> None:
        """Keep a turn for ``lifetime`` seconds; its whole conversation lives as long. Conversations that rested longest
        make room where all together would be more than ``limit`` bytes."""
        asked, answered = split(turn.input), split(turn.answer)
        media = asked.media | answered.media
        size = len(asked.template) + len(answered.template) + sum(map(len, media.values()))
        with self._writing() as connection:
            connection.execute("DELETE FROM conversations WHERE expires <= ?", (now,))
            conversation = self._conversation(connection, client, turn.parent)
            _make_room(connection, size, limit, conversation)
            if conversation is None:
                conversation = connection.execute(
                    "INSERT INTO conversations (expires) VALUES (?)", (now + lifetime,)
                ).lastrowid
            else:
                connection.execute(
                    "UPDATE conversations SET expires = max(expires, ?) WHERE number = ?",
                    (now + lifetime, conversation),
                )
            number = connection.execute(
                "INSERT INTO responses (conversation, client, id, parent, input, answer) VALUES (?, ?, ?, ?, ?, ?)",
                (conversation, client, turn.id, turn.parent, asked.template, answered.template),
            ).lastrowid
            connection.executemany(
                "INSERT OR IGNORE INTO items (client, id, response) VALUES (?, ?, ?)",
                [(client, item, number) for item in turn.items],
            )
            for digest, data in media.items():
                connection.execute(
                    "INSERT OR IGNORE INTO media (client, hash, data) VALUES (?, ?, ?)", (client, digest, data)
                )
                connection.execute(
                    "INSERT OR IGNORE INTO uses SELECT ?, number FROM media WHERE client = ? AND hash = ?",
                    (number, client, digest),
                )

    def place(self, client: str, ids: Sequence[str], place: Place, now: float) -> None:
        """Remember which account keeps a response and its items."""
        with self._writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?)",
                [(client, one, place.provider, place.account, now + PLACE_SECONDS) for one in ids],
            )

    def delete(self, client: str, response_id: str) -> bool:
        """Delete what is kept of a response; return whether there was anything. What follows from it lacks it then."""
        with self._writing() as connection:
            turns = connection.execute("DELETE FROM responses WHERE client = ? AND id = ?", (client, response_id))
            places = connection.execute("DELETE FROM places WHERE client = ? AND id = ?", (client, response_id))
            return turns.rowcount + places.rowcount > 0

    def sweep(self, now: float, limit: int) -> None:
        """Delete what has expired and what is beyond ``limit`` bytes, and give room back to the file system. With a
        limit of 0 nothing stays. Does nothing where there is no file."""
        if not self.path.exists():
            return
        with self._writing() as connection:
            connection.execute("DELETE FROM conversations WHERE expires <= ?", (now,))
            connection.execute("DELETE FROM places WHERE expires <= ?", (now,))
            if limit:
                _make_room(connection, 0, limit, None)
            else:
                connection.execute("DELETE FROM conversations")
                connection.execute("DELETE FROM places")
        with self._reading() as connection:
            # A script, because this pragma takes a step for each page, and a statement without columns gets only one.
            connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")
            # What was deleted is in the log until it has been taken over.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @staticmethod
    def _place(connection: sqlite3.Connection, client: str, sought: str, now: float) -> Place | tuple[Kept, ...]:
        row = connection.execute(
            "SELECT provider, account FROM places WHERE client = ? AND id = ? AND expires > ?", (client, sought, now)
        ).fetchone()
        return () if row is None else Place(*row)

    @staticmethod
    def _conversation(connection: sqlite3.Connection, client: str, parent: str | None) -> int | None:
        """Return the conversation that a turn goes on with, or ``None`` for a new one."""
        if parent is None:
            return None
        row = connection.execute(
            "SELECT conversation FROM responses WHERE client = ? AND id = ?", (client, parent)
        ).fetchone()
        if row is None:
            raise StoreUnavailable("the response before it was deleted meanwhile")
        return int(row[0])

    def _open(self) -> sqlite3.Connection:
        """Return the connection; a file that somebody has removed or replaced is opened anew."""
        connection = self._connection
        if connection is not None and _identity(self.path) != self._identity:
            self.close()
            connection = None
        if connection is None:
            connection = self._connection = opened(self.path)
            self._identity = _identity(self.path)
        return connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._open()
        except (sqlite3.Error, OSError, KeyError, msgspec.DecodeError) as error:
            raise StoreUnavailable(f"{self.path}: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it or nothing."""
        with self._reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _kept(connection: sqlite3.Connection, response_id: str, row: tuple[int, str | None, bytes, bytes]) -> Kept:
    number, parent, asked, answered = row
    media: dict[bytes, bytes] = {}
    if hashes(asked) or hashes(answered):
        media = dict(
            connection.execute(
                "SELECT m.hash, m.data FROM uses u JOIN media m ON m.number = u.media WHERE u.response = ?", (number,)
            )
        )
    return Kept(response_id, parent, joined(asked, media), joined(answered, media))


def _make_room(connection: sqlite3.Connection, size: int, limit: int, spared: int | None) -> None:
    """Delete until ``size`` more bytes fit into ``limit``, all but one conversation."""
    if size > limit:
        raise StoreUnavailable(f"{size} bytes are more than may be kept ({limit})")
    while _bytes_used(connection) + size > limit:
        oldest = connection.execute(
            "SELECT number FROM conversations WHERE number IS NOT ? ORDER BY expires LIMIT 1", (spared,)
        ).fetchone()
        if oldest is not None:
            connection.execute("DELETE FROM conversations WHERE number = ?", oldest)
            continue
        given_up = connection.execute(
            "DELETE FROM places WHERE (client, id) IN (SELECT client, id FROM places ORDER BY expires LIMIT ?)",
            (_PLACES_AT_ONCE,),
        ).rowcount
        if not given_up:
            if spared is None and not size:
                return
            raise StoreUnavailable(f"its conversation is larger than what may be kept ({limit} bytes)")


def _bytes_used(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
