"""Sends one request to the hosts of a service in their order, until one answers: tokens are renewed, short waits waited
for, and credits spent where a quota is used up and the operator has allowed it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec

from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.providers.google.handshake import hosts_of
from codenex.providers.google.logins import Logins, unusable
from codenex.providers.google.refusals import Verdict, verdict
from codenex.providers.google.service import Service
from codenex.providers.google.whole import whole
from codenex.providers.google.wires import VERSION, object_in, send
from codenex.providers.transport import Deadlines, Transport, UpstreamResponse
from codenex.store.settings import Account

_ERROR_LIMIT = 1024 * 1024
#: Seconds for which credits are spent at once after a quota was found used up, at most.
_SPENDING = 3600.0


class Asking(msgspec.Struct, frozen=True):
    """What is asked. ``target`` is the method with its query, ``model`` the client's name of the model."""

    service: Service
    account: Account
    target: str
    model: str
    body: dict[str, Any]
    deadlines: Deadlines
    streamed: bool = False


class Asker:
    """Asks for one process. ``clock`` gives monotonic seconds."""

    def __init__(self, transport: Transport, logins: Logins, clock: Callable[[], float] = time.monotonic) -> None:
        self._transport = transport
        self._logins = logins
        self._clock = clock
        #: by account and model, until when a quota is used up and credits are spent
        self._spending: dict[tuple[str, str], float] = {}

    async def asked(self, asking: Asking) -> UpstreamResponse:
        """Return the first answer of status 200, else the last refusal as clients may have it. Raises
        :class:`Fault`."""
        account, hosts = asking.account, hosts_of(asking.account, asking.service)
        position = attempt = 0
        renewed = False
        credits, place = _credits(asking), (account.uuid, asking.model)
        spends = credits is not None and self._clock() < self._spending.get(place, 0.0)
        body = json.encode(credits if spends else asking.body)
        token = await self._logins.token(account)
        while True:
            more = position + 1 < len(hosts)
            try:
                response = await self._sent(asking, hosts[position], token, body)
            except Fault as fault:
                if not more or fault.kind is not FaultKind.UPSTREAM_CONNECT:
                    raise
                position, attempt = position + 1, 0
                continue
            if response.status == 200:
                return response
            judged = await self._judged(response, asking, attempt, more)
            if judged.exhausted and credits is not None and not spends:
                spends = True
                self._spending[place] = self._clock() + min(judged.rest or 0.0, _SPENDING)
                body = json.encode(credits)
                continue
            match judged.step:
                case "renew" if not renewed:
                    renewed = True
                    token = await self._logins.token(account, refused=token)
                case "wait":
                    attempt += 1
                    await asyncio.sleep(judged.seconds)
                case "host":
                    position, attempt = position + 1, 0
                case "account":
                    await self._give_up(account, judged)
                case _:
                    return whole(self._transport, judged.status, judged.body, judged.headers)

    async def _sent(self, asking: Asking, host: str, token: str, body: bytes) -> UpstreamResponse:
        headers = [
            ("authorization", f"Bearer {token}"),
            ("content-type", "application/json"),
            ("accept", "text/event-stream" if asking.streamed else "application/json"),
        ]
        url, proxy = f"{host}/{VERSION}:{asking.target}", asking.account.proxy_url
        return await send(self._transport, url, headers, body, proxy=proxy, deadlines=asking.deadlines)

    async def _judged(self, response: UpstreamResponse, asking: Asking, attempt: int, more: bool) -> Verdict:
        try:
            content = await response.read(_ERROR_LIMIT)
        except Fault:
            content = b""
        finally:
            response.close()
        patient = asking.service.kind == "antigravity"
        answer, now = object_in(content), time.time()
        return verdict(response.status, answer, asking.model, now, attempt=attempt, patient=patient, more_hosts=more)

    async def _give_up(self, account: Account, judged: Verdict) -> None:
        problem = judged.problem
        if problem is not None:
            await self._logins.learn(account, problem=problem)
            raise unusable(problem)


def _credits(asking: Asking) -> dict[str, Any] | None:
    """Return the body that spends credits; ``None`` where nobody has allowed that."""
    types = asking.account.google.credit_types if asking.account.google is not None else ()
    return {**asking.body, "enabledCreditTypes": list(types)} if types and "request" in asking.body else None
