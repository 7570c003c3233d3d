"""The endpoint for what a client asked and was answered, where the prompt log is kept in a file."""

from __future__ import annotations

import asyncio
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from codenex.control.administration import Refusal
from codenex.control.part import ControlPart
from codenex.control.state import Part
from codenex.core import json
from codenex.core.redaction import redacted
from codenex.store import rotating

#: Bytes of a prompt or an answer that are told; of longer ones it is their beginning, as text.
TOLD_LIMIT = 1024 * 1024


class Body(BaseModel):
    """A prompt or an answer as the log has it, without secrets and media. ``content`` is JSON, or the text of a stream;
    ``cut`` says that there is more of it, ``at`` is in seconds since 1970."""

    at: float
    content: Any
    cut: bool
    status: int | None = None
    error: str | None = None


class Bodies(BaseModel):
    """What was asked and what was answered; an answer that isn't there is still going on, or was lost."""

    prompt: Body | None
    answer: Body | None


def bodies_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api/requests")

    @router.get("/{request_id}/bodies")
    async def bodies(request_id: Annotated[str, Path(max_length=128)], part: Part, response: Response) -> Bodies:
        """What the client asked and was answered, from the prompt log; secrets are masked. 404 where that log is off,
        goes to the console, or has nothing of this request any more."""
        _check_kept(part)
        path = FilePath(part.settings.prompt_log_file)
        secrets = tuple(s for group in part.settings.accounts.values() for account in group for s in account.secrets)
        try:
            async with part.prompt_log_turn:
                found = await asyncio.to_thread(found_in, path, request_id, secrets)
        except OSError as error:
            raise Refusal(500, f"the prompt log can't be read: {error.strerror}") from error
        if found.prompt is None and found.answer is None:
            raise Refusal(404, f"the prompt log has nothing of the request {request_id} any more, or not yet")
        response.headers["cache-control"] = "no-store"
        return found

    return router


def _check_kept(part: ControlPart) -> None:
    match part.settings.prompt_log:
        case "none":
            raise Refusal(404, "the prompt log is off (PROMPT_LOG_MODE): prompts and answers are kept nowhere")
        case "console":
            raise Refusal(404, "the prompt log goes to the console (PROMPT_LOG_MODE), from where it can't be read")
        case "file":
            return


def found_in(path: FilePath, request_id: str, secrets: tuple[str, ...]) -> Bodies:
    """Look for a request in the files of a prompt log, newest first. Raises ``OSError``."""
    mark = b'"request_id":' + json.encode(request_id)
    found: dict[str, Body] = {}
    with rotating.opened(path) as files:
        for file in files:
            for line in file:
                # Conversations are large and what is looked for is rare: most lines are not decoded at all.
                entry = json.try_object(line) if mark in line else None
                if entry is not None and entry.get("request_id") == request_id and entry.get("kind") is not None:
                    found[str(entry["kind"])] = _body(entry, secrets)
            if "prompt" in found:
                # Its answer stands behind it, and so in a file that was read before.
                break
    return Bodies(prompt=found.get("prompt"), answer=found.get("answer"))


def _body(entry: dict[str, Any], secrets: tuple[str, ...]) -> Body:
    content = _masked(entry.get("content"), secrets)
    text = content if isinstance(content, str) else json.encode_text(content)
    cut = len(text) > TOLD_LIMIT
    return Body(
        at=entry.get("time", 0.0),
        content=text[:TOLD_LIMIT] if cut else content,
        cut=cut or entry.get("cut") is True,
        status=entry.get("status"),
        error=entry.get("error"),
    )


def _masked(value: Any, secrets: tuple[str, ...]) -> Any:
    """Return a logged content without what has become a secret since it was written."""
    match value:
        case dict():
            return {redacted(name, secrets): _masked(inner, secrets) for name, inner in value.items()}
        case list():
            return [_masked(inner, secrets) for inner in value]
        case str():
            return redacted(value, secrets)
        case _:
            return value
