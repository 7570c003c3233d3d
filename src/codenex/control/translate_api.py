"""The endpoint that shows what a translation makes of a request, without sending anything."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from codenex.control.administration import Refusal
from codenex.control.state import Part
from codenex.core import json
from codenex.core.errors import Fault
from codenex.gateway.inspection import inspected

_Name = Annotated[str, Field(min_length=1, max_length=64)]


class TranslateRequest(BaseModel):
    """``from`` is the protocol of ``body``; ``to`` a provider type, a protocol, several of them, or nothing for all
    four protocols; ``model`` replaces the body's (Gemini's bodies have none)."""

    model_config = ConfigDict(extra="forbid")

    source: _Name = Field(alias="from")
    to: _Name | Annotated[list[_Name], Field(max_length=16)] | None = None
    model: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    body: dict[str, Any]


class Loss(BaseModel):
    """What does not survive. ``action`` is dropped, adapted or approximated."""

    path: str
    action: str
    reason: str


class TranslationRefusal(BaseModel):
    """Why a target can't have the request, as the client would be told."""

    status: int
    message: str
    param: str | None
    code: str | None


class TranslationShown(BaseModel):
    """What one target would get; ``body`` is ``null`` where it would get nothing."""

    provider: str
    protocol: str
    lane: str
    model: str
    url: str
    body: Any
    losses: list[Loss]
    refusal: TranslationRefusal | None


class TranslateAnswer(BaseModel):
    """The request in the hub's form, and a translation for each target."""

    source: str
    model: str
    hub: dict[str, Any]
    translations: list[TranslationShown]


def translate_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api")

    @router.post("/translate")
    def translate(body: TranslateRequest, part: Part) -> TranslateAnswer:
        """Show what would be sent for a request of a client, and what would be lost. Nothing is sent."""
        targets = () if body.to is None else (body.to,) if isinstance(body.to, str) else tuple(body.to)
        try:
            found = inspected(json.encode(body.body), body.source, targets, part.settings, body.model)
        except Fault as fault:
            raise Refusal(400, fault.message) from None
        return TranslateAnswer.model_validate(found.document())

    return router
