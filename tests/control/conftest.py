"""Fixtures of the control part's tests: a folder of one's own, and an environment without the caller's settings."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.control.site import Site, running_site

from codenex.control.configuration import Configuration, configuration_type, load_configuration


class Home:
    """A working folder. ``configs`` and ``data`` are its folders; nothing is in them at first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configs = folder / "configs"
        self.data = folder / "data"

    def config(self, content: Any, name: str = "config.json") -> Path:
        """Write a file in ``configs``: text and bytes as they are, anything else as JSON."""
        path = self.configs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, bytes):
            content = (content if isinstance(content, str) else json.dumps(content)).encode()
        path.write_bytes(content)
        return path

    def pools(self, content: Any) -> Path:
        return self.config(content, "provider_pools.json")

    def dotenv(self, content: str | bytes) -> None:
        (self.folder / ".env").write_bytes(content if isinstance(content, bytes) else content.encode())

    def load(self, **flags: Any) -> Configuration:
        return load_configuration(flags)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The working folder of this test; the environment holds no setting."""
    for name in configuration_type().model_fields:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return Home(tmp_path)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A server after its first start: there is a setup token and no password."""
    async with running_site(tmp_path) as running:
        yield running
