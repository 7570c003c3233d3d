"""Where a setting comes from: the command line, the environment, ``config.json`` or its default."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from pydantic_settings import BaseSettings, DotEnvSettingsSource

Kind = Literal["command line", "environment", "file", "default"]


class Source(msgspec.Struct, frozen=True):
    """One source. ``place`` is the file that it stands in, where that is one."""

    kind: Kind
    place: str | None = None

    def __str__(self) -> str:
        return self.place or self.kind


class Sources:
    """What of the settings was said where. ``flags`` are those of the command line."""

    def __init__(self, model: type[BaseSettings], flags: Mapping[str, Any]) -> None:
        self._flags = flags
        self._dotenv = DotEnvSettingsSource(model)()
        folder = flags.get("CONFIG_DIR") or os.environ.get("CONFIG_DIR") or self._dotenv.get("CONFIG_DIR") or "configs"
        #: where ``config.json`` is
        self.file = Path(folder) / "config.json"

    def of(self, name: str, in_file: Collection[str]) -> Source:
        """Return where a setting's value comes from; ``in_file`` are the settings that the file sets."""
        if name in self._flags:
            return Source("command line")
        if os.environ.get(name):
            return Source("environment")
        if name in self._dotenv:
            return Source("environment", ".env")
        if name in in_file:
            return Source("file", str(self.file))
        return Source("default")
