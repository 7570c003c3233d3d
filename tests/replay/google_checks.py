"""Captured requests at the scripted Google: those of Google's own program as they were recorded, so that it is a fair
judge; then every other client's through a gateway in front of the same judge."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.google.accounts import google_account
from tests.replay import sdk_answers
from tests.replay.captures import Capture, send
from tests.replay.refusals import settle
from tests.replay.report import Report, expect, expect_equal
from tests.support.client import RawClient
from tests.support.gateway import RunningGateway, running_gateway, settings_for
from tests.support.google.server import ScriptedGoogle

MODELS: Final = (
    (False, "gemini-2.5-flash"),
    (False, "gemini-3-pro-preview"),
    (True, "gemini-3-flash-preview"),
    (True, "gemini-claude-sonnet-4-5-thinking"),
)
"""Whether it is Antigravity, and the model that all requests are sent to."""


async def check_google(captures: list[Capture], report: Report) -> None:
    """Check every captured request that is for Code Assist, or for any model."""
    async with ScriptedGoogle() as google:
        for capture in captures:
            if capture.kind == "code assist":
                with report.check("Google's own", capture.name):
                    await _check_own(capture, google)
    async with _ways({capture.model for capture in captures if capture.model}) as ways:
        for capture in captures:
            for way in ways if capture.kind == "generate" else ():
                with report.check("generate at Google", f"{capture.name} → {way.name}"):
                    await _check_way(capture, way)


async def _check_own(capture: Capture, google: ScriptedGoogle) -> None:
    """The request as its client sent it is accepted, whatever project it is for."""
    body = capture.body if isinstance(capture.body, dict) else {}
    google.project = str(body.get("project") or google.project)
    google.problems.clear()
    hop = ("host", "content-length", "connection", "transfer-encoding", "authorization")
    headers = [(name, value) for name, value in capture.headers if name.lower() not in hop]
    headers.append(("authorization", f"Bearer {google.oauth.issue()}"))
    target = f"{capture.path}?{capture.query}" if capture.query else capture.path
    async with await RawClient.connect(google.port) as client:
        answer = await client.ask(capture.method, target, capture.content or None, headers)
    expect(not google.problems, f"the scripted Google refuses: {google.problems[:4]}")
    expect_equal("status", answer.status, 200)


@dataclass(frozen=True)
class _Way:
    """A gateway in front of one of the services."""

    gateway: RunningGateway
    google: ScriptedGoogle
    name: str


@asynccontextmanager
async def _ways(names: Iterable[str]) -> AsyncIterator[list[_Way]]:
    async with AsyncExitStack() as stack:
        found = []
        for antigravity, model in MODELS:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="codenex-")))
            google = await stack.enter_async_context(ScriptedGoogle(antigravity=antigravity))
            account = google_account(google, folder, aliases=dict.fromkeys(names, model))
            gateway = await stack.enter_async_context(running_gateway(settings_for(account)))
            found.append(_Way(gateway, google, f"{account.provider} {model}"))
        yield found


async def _check_way(capture: Capture, way: _Way) -> None:
    way.google.problems.clear()
    response = await send(capture, way.gateway.port)
    expect(not way.google.problems, f"the scripted Google refuses: {way.google.problems[:4]}")
    if response.status != 200:
        settle(*sdk_answers.error(capture.protocol, response.status, response.body))
