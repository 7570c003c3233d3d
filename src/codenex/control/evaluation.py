"""One evaluation of the configuration for the master process: settings, what the processes are started with, and what
is wrong with the files.

A file that was good once and can't be used any more is replaced by its last good copy, and the mistake is reported: an
editor's slip or a crash must neither stop the server nor fall back to defaults.
"""

from __future__ import annotations

import contextlib
import os
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec

from codenex import __version__
from codenex.control.configuration import Configuration, load_configuration
from codenex.control.effective import Effective, effective_settings
from codenex.control.errors import ConfigurationError
from codenex.control.files import CLIENT_KEYS, CONFIG, FILES, POOLS, reading
from codenex.control.pools import pools_path
from codenex.core import json
from codenex.store import sealed_files
from codenex.store.rows import assigned_rows
from codenex.store.settings import Settings
from codenex.store.shared_memory import LAYOUT

#: The folder of the last good copies, in the data folder.
COPIES = "last_good"


class Process(msgspec.Struct, frozen=True):
    """What processes are started with; a change needs a restart of theirs, not of the master."""

    host: str
    port: int
    workers: int
    standalone: bool
    drain: float
    #: path of a second listener, and what clients speak on the first
    unix_socket: str | None
    scheme: str
    #: folders whose changed sources restart everything
    watched: tuple[str, ...]
    #: the command line, for an evaluation by whoever has no master
    arguments: tuple[str, ...]
    #: what of the configuration was said on the command line, as text
    flags: dict[str, str] = {}
    version: str = __version__


class Evaluated(msgspec.Struct):
    """Settings, and what the operator is told: ``problems`` stay until a file is mended, ``secrets_made`` are shown
    once."""

    settings: Settings
    process: Process
    problems: list[str]
    notices: list[str]
    secrets_made: list[str]

    def document(self) -> dict[str, Any]:
        """Return what the master hands on."""
        return {
            "settings": self.settings,
            "process": self.process,
            "problems": self.problems,
            "shared": LAYOUT,
        }


class _Previous(msgspec.Struct):
    settings: Settings


def served(
    flags: dict[str, Any],
    previous: Path | None,
    *,
    standalone: bool = False,
    watched: tuple[str, ...] = (),
    arguments: tuple[str, ...] = (),
) -> Evaluated:
    """Evaluate for serving. Raises :class:`ConfigurationError`."""
    answer = evaluated(flags, previous)
    answer.process = msgspec.structs.replace(
        answer.process, standalone=standalone, watched=watched, arguments=arguments
    )
    return answer


def evaluated(flags: dict[str, Any], previous: Path | None, *, make: bool = True) -> Evaluated:
    """Evaluate flags, environment and files. ``previous`` holds the generation in use, whose rows are kept;
    ``make`` makes what a first start needs.

    Raises :class:`ConfigurationError` where a value can't be used and no good copy helps.
    """
    configuration, effective, problems = _best(flags, make)
    if make and not problems:
        _keep_copies(configuration)
    settings = effective.settings
    keys = [account.uuid for group in settings.accounts.values() for account in group]
    digests = [key.digest for key in settings.client_keys]
    rows = assigned_rows([*digests, *keys], _previous_rows(previous))
    settings = msgspec.structs.replace(settings, rows=rows)
    process = Process(
        host=settings.host,
        port=settings.port,
        workers=configuration.WORKERS or _processors(),
        standalone=False,
        drain=settings.drain_seconds,
        unix_socket=settings.unix_socket,
        scheme="http" if settings.tls_certificate is None else "https",
        watched=(),
        arguments=(),
        flags={name: str(value) for name, value in flags.items() if value is not None},
    )
    return Evaluated(settings, process, problems, effective.notices, effective.secrets_made)


def _best(flags: dict[str, Any], make: bool) -> tuple[Configuration, Effective, list[str]]:
    try:
        configuration = load_configuration(flags)
        return configuration, effective_settings(configuration, make=make), []
    except ConfigurationError as error:
        for copies in last_good_copies(flags):
            try:
                with reading(copies):
                    configuration = load_configuration(flags)
                    effective = effective_settings(configuration, make=make)
                return configuration, effective, [f"{error}; the last good file is used"]
            except ConfigurationError:
                continue
        raise


def last_good_copies(flags: dict[str, Any], without: str | None = None) -> list[dict[str, Path]]:
    """Return which copies may be read instead of the files (but for one): each alone, then more of them."""
    try:
        with reading({CONFIG: Path(os.devnull)}):
            folder = load_configuration(flags).DATA_DIR / COPIES
        there = {name: folder / name for name in FILES if name != without and (folder / name).exists()}
    except (ConfigurationError, OSError):
        return []
    return [dict(some) for count in range(1, len(there) + 1) for some in combinations(there.items(), count)]


def _keep_copies(configuration: Configuration) -> None:
    folder = configuration.DATA_DIR / COPIES
    sources = {
        CONFIG: configuration.CONFIG_DIR / CONFIG,
        POOLS: pools_path(configuration),
        CLIENT_KEYS: configuration.CONFIG_DIR / CLIENT_KEYS,
    }
    for name, source in sources.items():
        # A full disk must not keep the server from starting.
        with contextlib.suppress(OSError):
            content = sealed_files.read(source) if source.exists() else None
            if content is None:
                (folder / name).unlink(missing_ok=True)
            elif not (folder / name).exists() or sealed_files.read(folder / name) != content:
                sealed_files.write(folder / name, content, like=source)


def _previous_rows(previous: Path | None) -> dict[str, int]:
    if previous is None:
        return {}
    try:
        return json.decode_as(_Previous, previous.read_bytes()).settings.rows
    except (OSError, json.MalformedJson):
        return {}


def _processors() -> int:
    return max(1, min(32, len(os.sched_getaffinity(0))))
