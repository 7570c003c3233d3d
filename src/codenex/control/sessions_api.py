"""Endpoints for admin sessions: which there are, and ending them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel

from codenex.control.administration import Administration, Refusal

SessionId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="The id of a session.")]


class SessionShown(BaseModel):
    """One session; ``current`` is the one that asks."""

    id: str
    began: str
    lastUsed: str  # noqa: N815
    expires: str
    current: bool


class SessionsEnded(BaseModel):
    """How many sessions ended."""

    success: bool = True
    ended: int


def sessions_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api/sessions")

    @router.get("")
    async def sessions(request: Request) -> list[SessionShown]:
        """The open sessions, the latest first."""
        state, token = _state(request)
        found = state.sessions.listed(time.time())
        return [
            SessionShown(
                id=session.id,
                began=_moment(session.began),
                lastUsed=_moment(session.used),
                expires=_moment(session.expires),
                current=session.id == state.sessions.id_of(token),
            )
            for session in sorted(found, key=lambda session: -session.began)
        ]

    @router.delete("")
    async def end_others(request: Request) -> SessionsEnded:
        """End every session but the one that asks."""
        state, token = _state(request)
        own = state.sessions.id_of(token)
        others = [session.id for session in state.sessions.listed(time.time()) if session.id != own]
        ended = sum(state.sessions.end_by_id(name) for name in others)
        await state.keep_sessions()
        return SessionsEnded(ended=ended)

    @router.delete("/{session_id}")
    async def end(session_id: SessionId, request: Request) -> SessionsEnded:
        """End one session."""
        state, _ = _state(request)
        if not state.sessions.end_by_id(session_id):
            raise Refusal(404, f"there is no session {session_id}")
        await state.keep_sessions()
        return SessionsEnded(ended=1)

    return router


def _state(request: Request) -> tuple[Administration, str]:
    administration: Administration = request.app.state.administration
    session: str = request.state.session
    return administration, session


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
