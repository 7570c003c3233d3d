"""The way back from a file of the configuration that can't be used: its last good copy takes its place."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from codenex.control.administration import Refusal
from codenex.control.changing import configuration_file
from codenex.control.errors import ConfigurationError
from codenex.control.part import ControlPart
from codenex.control.proposals import tried
from codenex.control.state import Part
from codenex.store import sealed_files
from codenex.store.documents import Document

#: What the name of a file that could not be used gets, when another one takes its place.
SET_ASIDE = ".broken"


class WhichFile(BaseModel):
    """The file to be restored."""

    file: Literal["config.json", "provider_pools.json", "client_keys.json"]


class Restored(BaseModel):
    """The last good copy is in its place; what was there is in ``setAside``, beside it."""

    success: bool = True
    message: str
    setAside: str  # noqa: N815 - as in all answers
    problems: list[str]


def restoring_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api/config")

    @router.post("/restore")
    async def restore(body: WhichFile, part: Part) -> Restored:
        """Put the last good copy in the place of a file that can't be used, so that it can be changed again. Nothing is
        lost: what was there is kept beside it. A file that can be used is left alone (409)."""
        try:
            aside = await asyncio.to_thread(_restore, part, body.file)
        except OSError as error:
            raise Refusal(507, f"{body.file} can't be written: {error.strerror or error}") from error
        problems = (await part.supervision.reload()).problems
        part.events.publish("config_update", {"action": "restore", "filePath": body.file, "problems": problems})
        return Restored(message=f"{body.file} is its last good copy", setAside=aside.name, problems=problems)

    return router


def _restore(part: ControlPart, name: str) -> Path:
    # What reads the settings is large, and a process without a master does without it until something changes.
    from codenex.control.evaluation import COPIES

    path = configuration_file(part, name).path
    copy = Path(part.settings.data_dir) / COPIES / name
    if not copy.exists():
        raise Refusal(404, f"there is no good copy of {name}: write it anew")
    good, aside = sealed_files.read(copy), path.with_name(path.name + SET_ASIDE)

    def replaced(content: bytes | None) -> bytes:
        if content is not None:
            if _usable(name, content, part, path):
                raise Refusal(409, f"{name} can be used: there is nothing to restore")
            sealed_files.write(aside, content, like=path)
        return good

    Document(path, sealable=True).update(replaced)
    return aside


def _usable(name: str, content: bytes, part: ControlPart, path: Path) -> bool:
    try:
        tried(name, content, part.flags, path)
    except ConfigurationError:
        return False
    return True
