"""What every endpoint does that changes a file of the configuration: try it, write it, bring it into use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import Header

from codenex.control.administration import Refusal
from codenex.control.errors import ConfigurationError
from codenex.control.files import CLIENT_KEYS, CONFIG, POOLS
from codenex.control.masking import MaskedValue
from codenex.control.part import ControlPart
from codenex.control.proposals import ConfigurationFile
from codenex.store.documents import Conflict

_T = TypeVar("_T")
#: The revision that a writer has read, as ``ETag`` gave it: another one in the file is a 412.
IfMatch = Annotated[str | None, Header(alias="if-match", max_length=80)]


def configuration_file(part: ControlPart, name: str) -> ConfigurationFile:
    """Return one of the files of the configuration in use."""
    folder = Path(part.settings.config_dir)
    places = {POOLS: Path(part.settings.pools_file), CONFIG: folder / CONFIG, CLIENT_KEYS: folder / CLIENT_KEYS}
    return ConfigurationFile(name, places[name], part.flags)


async def read_file(file: ConfigurationFile) -> tuple[dict[str, Any], str]:
    """Return content and revision. Raises :class:`Refusal` where the file can't be read."""
    try:
        return await asyncio.to_thread(file.read)
    except ConfigurationError as error:
        raise Refusal(409, f"{error}; the last good copy is in use") from None
    except OSError as error:
        raise Refusal(500, f"a file of the configuration can't be read: {error.strerror}") from error


async def changed(
    part: ControlPart,
    name: str,
    change: Callable[[dict[str, Any]], tuple[dict[str, Any], _T]],
    if_match: str | None,
    *,
    dry_run: bool = False,
) -> tuple[_T, str]:
    """Change a file and bring the change into use; return what ``change`` gave beside the content, and the revision.

    Raises :class:`Refusal`: 409 (a broken file), 412 (somebody else's change), 422 (the change can't be used), 507 (it
    can't be written), besides those of ``change``. With ``dry_run`` everything is tried and nothing is written.
    """
    results: list[_T] = []

    def applied(content: dict[str, Any]) -> dict[str, Any]:
        after, result = change(content)
        results.append(result)
        return after

    file = configuration_file(part, name)
    await read_file(file)
    try:
        act = file.rehearse if dry_run else file.change
        revision = await asyncio.to_thread(act, applied, bare(if_match))
    except Conflict as error:
        raise Refusal(412, f"{error}: read it again and repeat the change") from None
    except (ConfigurationError, MaskedValue) as error:
        raise Refusal(422, str(error)) from None
    except OSError as error:
        raise Refusal(507, f"{name} can't be written: {error.strerror or error}; nothing was changed") from error
    if dry_run:
        return results[-1], revision
    problems = (await part.supervision.reload()).problems
    if problems:
        # What was tried a moment ago is not to blame: another file has become unusable since.
        part.problems = problems
    return results[-1], revision


def bare(if_match: str | None) -> str | None:
    """Return the revision that an ``If-Match`` header names; ``*`` and none insist on nothing."""
    if if_match is None or if_match.strip() in ("", "*"):
        return None
    return if_match.strip().removeprefix("W/").strip('"')


def etag(revision: str) -> str:
    """Return a revision as a header has it."""
    return f'"{revision}"'
