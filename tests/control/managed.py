"""The management API over real files: what is changed is evaluated again, as in a running server."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from tests.control.home import Home
from tests.control.site import HASTY

from codenex.control.administration import Administration
from codenex.control.application import build_application
from codenex.control.evaluation import evaluated
from codenex.control.part import ControlPart
from codenex.control.passwords import Passwords
from codenex.control.setup import setup_notice, token_path
from codenex.control.supervision import Reloaded, Supervision
from codenex.store.settings import Account, Settings

PASSWORD = "correct horse battery"
#: Whether every server of these tests has a database of its own at PostgreSQL, as ``make deep`` wants it once.
ON_POSTGRESQL = os.environ.get("CODENEX_TEST_DATABASE") == "postgresql"


class Evaluating(Supervision):
    """Evaluates the files again in this process."""

    def __init__(self, flags: dict[str, Any]) -> None:
        super().__init__()
        self.flags = flags
        self.revision = 0
        self.take: Any = None

    def evaluate(self) -> tuple[Settings, list[str]]:
        found = evaluated(self.flags, None)
        return found.settings, found.problems

    async def reload(self) -> Reloaded:
        self.revision += 1
        settings, problems = await asyncio.to_thread(self.evaluate)
        self.take(settings, problems)
        return Reloaded(self.revision, problems)


@dataclass
class Managed:
    """``home`` is the working folder; the session is an admin's."""

    home: Home
    application: Any
    administration: Administration
    part: ControlPart
    client: httpx2.AsyncClient
    session: str = ""
    log: list[httpx2.Response] = field(default_factory=list)

    @property
    def pools(self) -> Any:
        return json.loads((self.home.configs / "provider_pools.json").read_text())

    @property
    def config(self) -> Any:
        return json.loads((self.home.configs / "config.json").read_text())

    @property
    def accounts(self) -> dict[str, tuple[Account, ...]]:
        return self.part.settings.accounts

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        return [(event.name, event.data) for event in self.part.events._kept]

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        sent = {"authorization": f"Bearer {self.session}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        answer = await self.client.request(method, path, json=body, headers=sent)
        self.log.append(answer)
        return answer

    async def get(self, path: str) -> Any:
        answer = await self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refusal(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        """Status and message of an error."""
        answer = await self.ask(method, path, body, **headers)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["error"]["message"]


@asynccontextmanager
async def managed_server(home: Home, **flags: Any) -> AsyncIterator[Managed]:
    """The API of a server in ``home``, set up and logged in, until the block ends."""
    supervision = Evaluating(flags)
    settings, problems = supervision.evaluate()
    administration = Administration(settings)
    administration.passwords = Passwords(HASTY)
    part = ControlPart(settings, problems, supervision, flags={name: str(value) for name, value in flags.items()})

    def take(settings: Settings, problems: list[str]) -> None:
        administration.settings = part.settings = settings
        part.problems = problems

    supervision.take = take
    setup_notice(settings)
    application = build_application(administration, part)
    transport = httpx2.ASGITransport(application, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://control") as client:
        managed = Managed(home, application, administration, part, client)
        token = await asyncio.to_thread(token_path(settings).read_text)
        answer = await client.post("/api/setup", json={"token": token.strip(), "password": PASSWORD})
        managed.session = answer.json()["token"]
        client.cookies.clear()
        yield managed
        for login in part.google_logins.values():
            login.give_up("the test is over")
        part.events.close()
        await part.outward.close()
