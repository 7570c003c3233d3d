"""One evaluation of the configuration for the master process: settings, what the processes are started with, and what
is wrong with the files.

A file that was good once and can't be used any more is replaced by its last good copy, and the mistake is reported: an
editor's slip or a crash must neither stop the server nor fall back to defaults.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import msgspec

from codenex import __version__
from codenex.control.configuration import Configuration, load_configuration, read_file
from codenex.control.effective import Effective, effective_settings
from codenex.control.errors import ConfigurationError
from codenex.core import json
from codenex.store.files import write_atomically
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
    rows = assigned_rows([*settings.client_key_digests, *keys], _previous_rows(previous))
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
    )
    return Evaluated(settings, process, problems, effective.notices, effective.secrets_made)


def _best(flags: dict[str, Any], make: bool) -> tuple[Configuration, Effective, list[str]]:
    try:
        configuration = load_configuration(flags)
        return configuration, effective_settings(configuration, make=make), []
    except ConfigurationError as error:
        for attempt in _with_copies(flags):
            try:
                with read_file(attempt.pop("config.json", None)):
                    configuration = load_configuration(flags | attempt)
                    return (
                        configuration,
                        effective_settings(configuration, make=make),
                        [f"{error}; the last good file is used"],
                    )
            except ConfigurationError:
                continue
        raise


def _with_copies(flags: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what may be read instead of the files, in the order in which to try it."""
    try:
        with read_file(Path(os.devnull)):
            folder = load_configuration(flags).DATA_DIR / COPIES
        config, pools = folder / "config.json", folder / "provider_pools.json"
        has_config, has_pools = config.exists(), pools.exists()
    except (ConfigurationError, OSError):
        return []
    found: list[dict[str, Any]] = [{"config.json": config}] if has_config else []
    if has_pools:
        found += [{**attempt, "PROVIDER_POOLS_FILE_PATH": pools} for attempt in ({}, *found)]
    return found


def _keep_copies(configuration: Configuration) -> None:
    folder = configuration.DATA_DIR / COPIES
    pools = configuration.PROVIDER_POOLS_FILE_PATH or configuration.CONFIG_DIR / "provider_pools.json"
    for source in (configuration.CONFIG_DIR / "config.json", Path(pools)):
        copy = folder / ("config.json" if source.name == "config.json" else "provider_pools.json")
        # A full disk must not keep the server from starting.
        with contextlib.suppress(OSError):
            content = source.read_bytes() if source.exists() else None
            if content is None:
                copy.unlink(missing_ok=True)
            elif not copy.exists() or copy.read_bytes() != content:
                write_atomically(copy, content)


def _previous_rows(previous: Path | None) -> dict[str, int]:
    if previous is None:
        return {}
    try:
        return json.decode_as(_Previous, previous.read_bytes()).settings.rows
    except (OSError, json.MalformedJson):
        return {}


def _processors() -> int:
    return max(1, min(32, len(os.sched_getaffinity(0))))
