"""Sends requests for the Gemini API to Code Assist and Antigravity, and gives answers as the Gemini API would."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

from codenex.core import json
from codenex.core.errors import unsupported
from codenex.models.antigravity import is_claude, only_streams
from codenex.providers.google.asking import Asker, Asking
from codenex.providers.google.envelope import (
    Unwrapping,
    antigravity_envelope,
    code_assist_envelope,
    counted,
    placeholders_in,
    unwrapped,
)
from codenex.providers.google.handshake import Handshake, Standing
from codenex.providers.google.listings import Listings, listing
from codenex.providers.google.logins import Logins
from codenex.providers.google.quota import Quota
from codenex.providers.google.service import Service
from codenex.providers.google.whole import ANSWER_LIMIT, whole
from codenex.providers.google.wires import object_in
from codenex.providers.transport import Deadlines, Transport, UpstreamResponse
from codenex.store.settings import Account

_METHODS = {"generate": "generateContent", "stream": "streamGenerateContent", "count": "countTokens"}
_COUNTING = Deadlines(connect=5.0, first_byte=15.0, idle=10.0)


class Cloud:
    """The services as one process sees them: logins, projects, lists of models."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.logins = Logins(transport)
        self.handshake = Handshake(transport, self.logins)
        self._listings = Listings(self.handshake)
        self._asker = Asker(transport, self.logins)

    async def send(
        self,
        service: Service,
        account: Account,
        method: str,
        model: str,
        body: bytes,
        *,
        deadlines: Deadlines,
        stream: bool,
    ) -> UpstreamResponse:
        """Send a request as it would go to the Gemini API. Raises :class:`Fault` where no head of an answer comes, and
        ``account_unusable`` where the account is out."""
        if method == "models":
            return whole(self._transport, 200, json.encode(listing(service, await self.quotas(account, service))))
        if method not in _METHODS:
            raise unsupported(f"{service.name} has no such method")
        request = json.decode_object(body)
        if method == "count":
            id = self._listings.id(account, service, model)
            return await self._counted(
                Asking(service, account, _METHODS["count"], model, counted(id, request), _COUNTING)
            )
        project = await self.handshake.project(account, service)
        id = await self._listings.named(account, service, model)
        streamed = stream or (service.kind == "antigravity" and only_streams(id))
        placeholders = placeholders_in(request) if is_claude(id) else frozenset()
        target = f"{_METHODS['stream']}?alt=sse" if streamed else _METHODS["generate"]
        envelope = _enveloped(service, project, id, request)
        response = await self._asker.asked(Asking(service, account, target, model, envelope, deadlines, streamed))
        if response.status != 200:
            return response
        if streamed and (response.header("content-type") or "").startswith("text/event-stream"):
            response.rewrite(Unwrapping(placeholders))
            return response
        content = await _content(response)
        return whole(self._transport, 200, json.encode(unwrapped(object_in(content), placeholders)))

    async def quotas(self, account: Account, service: Service) -> list[Quota]:
        """Return the models of an account and what is left of their quotas. Raises :class:`Fault`."""
        return await self._listings.quotas(account, service)

    async def check(self, account: Account, service: Service, *, wanted: bool = True) -> tuple[Standing, list[Quota]]:
        """Look at an account. Where it is ``wanted`` by an operator, what was wrong is forgotten first, and the account
        is set up at Google where it isn't yet; a clock may do neither. Raises :class:`Fault`."""
        if wanted:
            await self.logins.forgive(account)
        standing = await self.handshake.standing(account, service, onboard=wanted)
        return standing, await self.quotas(account, service)

    async def close(self) -> None:
        """Give up what is under way."""
        await self._listings.close()
        await self.logins.close()

    async def _counted(self, asking: Asking) -> UpstreamResponse:
        response = await self._asker.asked(asking)
        if response.status != 200:
            return response
        return whole(self._transport, 200, json.encode(unwrapped(object_in(await _content(response)))))


def cloud_of(transport: Transport) -> Cloud:
    """Return the services as seen over a transport; they live as long as it does."""
    known = transport.companions.get(__name__)
    if isinstance(known, Cloud):
        return known
    cloud = transport.companions[__name__] = Cloud(transport)
    transport.closing.append(cloud.close)
    return cloud


def _enveloped(service: Service, project: str, id: str, request: dict[str, Any]) -> dict[str, Any]:
    if service.kind == "antigravity":
        return antigravity_envelope(project, id, request, str(uuid4()), time.time())
    return code_assist_envelope(project, id, request, str(uuid4()))


async def _content(response: UpstreamResponse) -> bytes:
    try:
        return await response.read(ANSWER_LIMIT)
    finally:
        response.close()
