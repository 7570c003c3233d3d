"""Failures of Responses: bodies as in Chat, and ``response.failed`` once a stream has begun."""

from __future__ import annotations

from tests.support.scenario import Scenario
from tests.support.vendors.framing import Json
from tests.support.vendors.openai_chat.errors import TABLE, error
from tests.support.vendors.openai_responses.answers import events, numbered, response

__all__ = ["error", "failing_stream"]


def failing_stream(scenario: Scenario, request: Json, kind: str, *, after: int) -> list[bytes]:
    """The first ``after`` events of the answer (2 is the handshake), then the failure."""
    _, type_, code, param, text = TABLE[kind]
    failed = response(scenario, request, "failed", [])
    failed |= {"error": {"code": code or type_, "message": text}, "usage": None}
    values: list[Json] = [
        *events(scenario, request)[:after],
        {"type": "error", "error": {"type": type_, "code": code, "message": text, "param": param}},
        {"type": "response.failed", "response": failed},
    ]
    return numbered(values, request)
