"""The control process deletes kept responses that nobody asks for any more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from codenex.control import sweeping
from codenex.control.sweeping import Sweeper
from codenex.store.responses import Kept, ResponseStore
from codenex.store.settings import Settings

NOW = 1_700_000_000.0


def keep(folder: Path, name: str, now: float) -> ResponseStore:
    store = ResponseStore(folder)
    store.keep("client", Kept(name, None, b"[]", b"{}"), now, 3600.0, 10_000_000)
    return store


def test_what_has_expired_goes_and_what_may_stay_stays(tmp_path: Path) -> None:
    store = keep(tmp_path, "old", NOW)
    keep(tmp_path, "new", NOW + 3000)
    settings = Settings(data_dir=str(tmp_path))
    Sweeper(lambda: settings, lambda: NOW + 3600).once()
    assert store.find("client", "old", NOW) == ()
    assert store.find("client", "new", NOW) != ()


def test_switched_off_everything_goes(tmp_path: Path) -> None:
    store = keep(tmp_path, "new", NOW)
    settings = Settings(data_dir=str(tmp_path), store_responses=False)
    Sweeper(lambda: settings, lambda: NOW).once()
    assert store.find("client", "new", NOW) == ()


def test_without_a_file_none_is_made_and_a_broken_one_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sweeper = Sweeper(lambda: Settings(data_dir=str(tmp_path / "data")))
    sweeper.once()
    assert not (tmp_path / "data").exists()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "responses.db").write_bytes(b"nonsense" * 1000)
    sweeper.once()
    assert "can't be swept" in caplog.text


async def test_it_sweeps_again_and_again_with_the_settings_of_the_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "INTERVAL", 0.001)
    settings = Settings(data_dir=str(tmp_path))
    store = keep(tmp_path, "new", NOW)
    running = asyncio.ensure_future(Sweeper(lambda: settings, lambda: NOW).run())
    try:
        await asyncio.sleep(0.05)
        assert store.find("client", "new", NOW) != ()
        settings = msgspec.structs.replace(settings, store_responses=False)
        for _ in range(1000):
            if store.find("client", "new", NOW) == ():
                break
            await asyncio.sleep(0.005)
        assert store.find("client", "new", NOW) == ()
    finally:
        running.cancel()
        await asyncio.wait({running})
