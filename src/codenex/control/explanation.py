"""The configuration in use, each value with where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from codenex.control.configuration import Configuration, load_configuration
from codenex.control.effective import effective_settings
from codenex.control.entries import read_document
from codenex.control.errors import ConfigurationError
from codenex.control.evaluation import last_good_copies
from codenex.control.files import CONFIG, place_of, reading
from codenex.control.sources import Source, Sources


class Setting(msgspec.Struct, frozen=True):
    """One setting as JSON values. ``stored`` is what the file says, also where something else goes before it."""

    value: Any
    default: Any
    source: Source
    stored: Any = None


class Explanation(msgspec.Struct, frozen=True):
    """All settings, and what the file holds besides."""

    settings: dict[str, Setting]
    unknown: dict[str, Any]

    @property
    def values(self) -> dict[str, Any]:
        """The value of each setting."""
        return {name: setting.value for name, setting in self.settings.items()}


def explained(flags: Mapping[str, Any]) -> Explanation:
    """Read all sources; where a file can't be used, its last good copy is read, as in use.

    Raises :class:`ConfigurationError` where no good copy helps.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    first: ConfigurationError | None = None
    for copies in ({}, *last_good_copies(given)):
        try:
            with reading(copies):
                configuration = load_configuration(given)
                effective_settings(configuration, make=False)
                return _explained(configuration, Sources(type(configuration), given))
        except ConfigurationError as error:
            first = first or error
    raise first or ConfigurationError("the configuration can't be used")


def _explained(configuration: Configuration, sources: Sources) -> Explanation:
    stored = read_document(place_of(CONFIG, configuration.CONFIG_DIR / CONFIG))
    in_file = {name for name, value in stored.items() if value is not None and value != ""}
    values = configuration.model_dump(mode="json")
    defaults = type(configuration).model_construct().model_dump(mode="json")
    settings = {
        name: Setting(value, defaults[name], sources.of(name, in_file), stored.get(name))
        for name, value in values.items()
    }
    return Explanation(settings, {name: value for name, value in stored.items() if name not in values})
