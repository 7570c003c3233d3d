"""The file of kept responses: who finds what for how long, what makes room, and several processes on one file."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codenex.store.pieces import SMALLEST, joined, split
from codenex.store.response_schema import VERSION, opened
from codenex.store.responses import Kept, Place, ResponseStore, StoreUnavailable

NOW, HOUR, MIB = 1_700_000_000.0, 3600.0, 1024 * 1024
CLIENT, OTHER = "client", "other"


@pytest.fixture
def store(tmp_path: Path) -> ResponseStore:
    return ResponseStore(tmp_path / "data")


def turn(name: str, parent: str | None = None, text: str = "hi", media: str = "") -> Kept:
    asked = json.dumps([{"id": f"in_{name}", "text": text, "image": media}]).encode()
    answer = json.dumps({"id": name, "output": [{"id": f"out_{name}", "text": text}]}).encode()
    return Kept(name, parent, asked, answer, (f"in_{name}", f"out_{name}"))


def keep(store: ResponseStore, *turns: Kept, client: str = CLIENT, now: float = NOW, limit: int = 100 * MIB) -> None:
    for one in turns:
        store.keep(client, one, now, 24 * HOUR, limit)


def found(store: ResponseStore, name: str, client: str = CLIENT, now: float = NOW) -> list[str]:
    chain = store.find(client, name, now)
    assert isinstance(chain, tuple)
    return [one.id for one in chain]


def picture(seed: int, size: int = MIB) -> str:
    """Base64 of so many bytes."""
    return b64encode(seed.to_bytes(3, "big") * (size // 4)).decode()


def test_a_conversation_is_found_by_its_last_turn(store: ResponseStore) -> None:
    turns = [turn("a"), turn("b", "a"), turn("c", "b"), turn("b2", "a")]
    keep(store, *turns)
    chain = store.find(CLIENT, "c", NOW)
    assert isinstance(chain, tuple)
    assert [(one.id, one.parent, one.input, one.answer) for one in chain] == [
        (one.id, one.parent, one.input, one.answer) for one in turns[:3]
    ]
    assert found(store, "b2") == ["a", "b2"]
    assert found(store, "a") == ["a"]
    assert found(store, "nobody") == []
    (alone,) = store.one(CLIENT, "c", NOW)  # type: ignore[misc]
    assert alone.id == "c"
    for item in ("in_b", "out_b"):
        (holder,) = store.holder(CLIENT, item, NOW)  # type: ignore[misc]
        assert holder.id == "b"


def test_nobody_else_finds_it(store: ResponseStore) -> None:
    keep(store, turn("a"))
    store.place(CLIENT, ["resp_up", "msg_up"], Place("p", "account"), NOW)
    for name in ("a", "resp_up", "msg_up"):
        assert store.find(OTHER, name, NOW) == store.one(OTHER, name, NOW) == store.holder(OTHER, name, NOW) == ()
    assert store.holder(OTHER, "out_a", NOW) == ()
    assert store.delete(OTHER, "a") is False
    # The same id of another client is another response.
    keep(store, turn("a", text="mine"), client=OTHER)
    assert b"mine" in store.one(OTHER, "a", NOW)[0].input  # type: ignore[index]
    with pytest.raises(StoreUnavailable, match="deleted meanwhile"):
        keep(store, turn("b", "only-there"), client=OTHER)


def test_a_conversation_lives_from_its_last_turn_on(store: ResponseStore) -> None:
    keep(store, turn("a"))
    keep(store, turn("b", "a"), now=NOW + 20 * HOUR)
    assert found(store, "b", now=NOW + 43 * HOUR) == ["a", "b"]
    assert found(store, "b", now=NOW + 44 * HOUR) == found(store, "a", now=NOW + 44 * HOUR) == []
    assert store.holder(CLIENT, "out_a", NOW + 44 * HOUR) == ()
    # A shorter life that was set meanwhile doesn't shorten what was promised.
    store.keep(CLIENT, turn("c", "b"), NOW + 21 * HOUR, HOUR, MIB)
    assert found(store, "c", now=NOW + 43 * HOUR) == ["a", "b", "c"]


def test_what_follows_from_a_deleted_turn_lacks_it(store: ResponseStore) -> None:
    keep(store, turn("a"), turn("b", "a"), turn("c", "b"))
    assert store.delete(CLIENT, "b") is True
    assert store.delete(CLIENT, "b") is False
    assert found(store, "c") == found(store, "b") == []
    assert found(store, "a") == ["a"]
    assert store.one(CLIENT, "c", NOW) != ()


def test_the_same_picture_is_kept_once_and_as_long_as_anybody_needs_it(store: ResponseStore, tmp_path: Path) -> None:
    shared = picture(1)
    keep(store, turn("a", media=shared), turn("b", "a", media=shared), turn("x", media=shared + picture(2, 8000)))
    assert store.path.stat().st_size < 4 * MIB
    (first,) = store.find(CLIENT, "a", NOW)  # type: ignore[misc]
    assert json.loads(first.input)[0]["image"] == shared
    keep(store, turn("a", media=shared), client=OTHER)

    def kept() -> list[tuple[str, int]]:
        with sqlite3.connect(store.path) as connection:
            rows = connection.execute("SELECT client, length(data) FROM media ORDER BY 1, 2").fetchall()
        connection.close()
        return rows

    assert [client for client, _ in kept()] == [CLIENT, CLIENT, OTHER]
    store.delete(CLIENT, "a")
    assert len(kept()) == 3
    store.delete(CLIENT, "b")
    assert len(kept()) == 2
    store.delete(CLIENT, "x")
    store.delete(OTHER, "a")
    assert kept() == []


def test_what_rested_longest_makes_room(store: ResponseStore) -> None:
    limit = 4 * MIB
    for number in range(6):
        keep(store, turn(f"r{number}", media=picture(number)), now=NOW + number, limit=limit)
    assert [bool(found(store, f"r{number}")) for number in range(6)] == [False] * 3 + [True] * 3
    # A conversation that goes on is younger than one that began after it.
    keep(store, turn("r3b", "r3"), now=NOW + 10, limit=limit)
    keep(store, turn("new", media=picture(9)), now=NOW + 11, limit=limit)
    assert found(store, "r3b") == ["r3", "r3b"]
    assert found(store, "r4") == []
    assert store.path.stat().st_size < limit + MIB


def test_what_is_too_large_is_refused_and_costs_nothing_else(store: ResponseStore) -> None:
    keep(store, turn("small"), limit=2 * MIB)
    with pytest.raises(StoreUnavailable, match="more than may be kept"):
        keep(store, turn("large", media=picture(1, 3 * MIB)), limit=2 * MIB)
    assert found(store, "small") == ["small"]
    keep(store, turn("a", media=picture(1)), limit=2 * MIB)
    with pytest.raises(StoreUnavailable, match="larger than"):
        keep(store, turn("b", "a", media=picture(2)), limit=2 * MIB)
    assert found(store, "a") == ["a"]


def test_a_sweep_deletes_what_has_expired_and_gives_room_back(store: ResponseStore, tmp_path: Path) -> None:
    store.sweep(NOW, MIB)
    assert not store.path.exists()
    keep(store, turn("old", media=picture(1, 8 * MIB)), turn("older", text="a secret of many words"))
    keep(store, turn("new"), now=NOW + HOUR)
    store.place(CLIENT, ["resp_up"], Place("p", "account"), NOW)
    store.sweep(NOW + 24 * HOUR, 100 * MIB)
    assert found(store, "new", now=NOW + 24 * HOUR) == ["new"]
    assert store.path.stat().st_size < MIB
    # Nothing of what was deleted is left in the file or beside it.
    files = list(store.path.parent.iterdir())
    assert not any(b"a secret of many words" in file.read_bytes() for file in files)
    assert store.one(CLIENT, "resp_up", NOW + 24 * HOUR) == Place("p", "account")
    store.sweep(NOW + 31 * 24 * HOUR, 100 * MIB)
    assert store.one(CLIENT, "resp_up", NOW) == ()
    keep(store, turn("again"))
    store.place(CLIENT, ["resp_up"], Place("p", "account"), NOW)
    store.sweep(NOW, 0)
    assert store.one(CLIENT, "again", NOW) == store.one(CLIENT, "resp_up", NOW) == ()


def test_nobody_but_the_owner_reads_the_files(store: ResponseStore) -> None:
    keep(store, turn("a"))
    files = list(store.path.parent.iterdir())
    assert len(files) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_what_is_no_database_is_reported_and_what_another_version_left_is_replaced(store: ResponseStore) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(b"This is no database, and long enough to be sure of it." * 50)
    for call in (lambda: store.find(CLIENT, "a", NOW), lambda: keep(store, turn("a"))):
        with pytest.raises(StoreUnavailable, match="not a database"):
            call()
    store.path.unlink()
    keep(store, turn("a"))
    with sqlite3.connect(store.path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    another = ResponseStore(store.path.parent)
    assert another.find(CLIENT, "a", NOW) == ()
    keep(another, turn("b"))
    assert found(another, "b") == ["b"]
    another.close()


def test_a_file_that_was_removed_is_made_anew(store: ResponseStore) -> None:
    keep(store, turn("a"))
    for file in store.path.parent.iterdir():
        file.unlink()
    assert found(store, "a") == []
    keep(store, turn("b"))
    assert found(ResponseStore(store.path.parent), "b") == ["b"]


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable):
        ResponseStore(tmp_path / "file" / "below").find(CLIENT, "a", NOW)


PROGRAM = """
import os, signal, sys
from pathlib import Path
from codenex.store.responses import Kept, ResponseStore
store = ResponseStore(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    name = f"{sys.argv[2]}{number}"
    store.keep("client", Kept(name, None, b"[]", b"{}"), 1_700_000_000.0, 3600.0, 10_000_000)
    print(name, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_processes_that_write_at_once_and_are_killed_lose_nothing(tmp_path: Path, store: ResponseStore) -> None:
    count, processes = 100, 3
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(store.path.parent), f"p{number}-", str(count)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for number in range(processes)
    ]
    told = [name for process in running for name in process.communicate()[0].decode().split()]
    assert [process.returncode for process in running] == [-9] * processes
    assert len(told) == count * processes
    assert all(found(store, name) == [name] for name in told)


def test_a_connection_keeps_its_promises(tmp_path: Path) -> None:
    connection = opened(tmp_path / "x.db")
    settings = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "foreign_keys", "secure_delete", "auto_vacuum", "busy_timeout")
    }
    connection.close()
    assert settings == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "secure_delete": 1,
        "auto_vacuum": 2,
        "busy_timeout": 5000,
    }


@given(st.lists(st.tuples(st.binary(max_size=30), st.integers(0, 3)), max_size=6))
def test_pieces_give_back_every_byte(parts: list[tuple[bytes, int]]) -> None:
    content = b"".join(text + (b"A" * (SMALLEST + number) + b"=") * number for text, number in parts)
    pieces = split(content)
    assert joined(pieces.template, pieces.media) == content
    assert all(len(piece) >= SMALLEST for piece in pieces.media.values())
