"""The endpoint that takes a deletion back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from codenex.control.state import Part


class Undone(BaseModel):
    """What is there again, and what isn't, with the reasons."""

    success: bool = True
    message: str
    restored: list[str]
    skipped: list[str]


def undo_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api/undo")

    @router.post("/{undo_id}")
    async def undo(undo_id: Annotated[str, Path(max_length=64)], part: Part) -> Undone:
        """Take a deletion back, within a minute and once. 404 where that is over, 409 where something else has taken
        the place."""
        done = await part.trash.restore(undo_id)
        return Undone(message=f"{len(done.restored)} restored", restored=done.restored, skipped=done.skipped)

    return router
