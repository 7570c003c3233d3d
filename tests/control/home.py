"""A working folder of a server's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from codenex.control.configuration import Configuration, load_configuration


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
