"""Sends requests for the Gemini API to Code Assist and Antigravity, and gives answers as the Gemini API would."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import uuid4

from codenex.core import json
from codenex.core.errors import Fault, FaultKind, unsupported
from codenex.models.antigravity import id_of, is_claude, only_streams, public_name
from codenex.providers.google.envelope import (
    Unwrapping,
    antigravity_envelope,
    code_assist_envelope,
    counted,
    placeholders_in,
    unwrapped,
)
from codenex.providers.google.handshake import Handshake, Standing, hosts_of
from codenex.providers.google.logins import Logins, unusable
from codenex.providers.google.quota import Quota, quotas_of_buckets, quotas_of_models
from codenex.providers.google.refusals import Verdict, verdict
from codenex.providers.google.service import Service
from codenex.providers.google.wires import VERSION, call_method, object_in, out_of_order, send
from codenex.providers.transport import BodyBudget, Deadlines, Transport, UpstreamResponse
from codenex.store.settings import Account

_ERROR_LIMIT = 1024 * 1024
_ANSWER_LIMIT = 64 * 1024 * 1024
#: Seconds for which an account's list of models is believed.
_FRESH = 600.0

_METHODS = {"generate": "generateContent", "stream": "streamGenerateContent", "count": "countTokens"}


class Cloud:
    """The services as one process sees them: logins, projects, lists of models."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.logins = Logins(transport)
        self.handshake = Handshake(transport, self.logins)
        #: by account, when it was asked for its models, and their ids
        self._listed: dict[str, tuple[float, frozenset[str]]] = {}

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
            return self._whole(200, json.encode(_listing(service, await self.quotas(account, service))))
        if method not in _METHODS:
            raise unsupported(f"{service.name} has no such method")
        request = json.decode_object(body)
        if method == "count":
            return await self._counted(service, account, model, counted(self._id(service, account, model), request))
        project = await self.handshake.project(account, service)
        id = await self._named(service, account, model)
        streamed = stream or (service.kind == "antigravity" and only_streams(id))
        placeholders = placeholders_in(request) if is_claude(id) else frozenset()
        if service.kind == "antigravity":
            envelope = antigravity_envelope(project, id, request, str(uuid4()), time.time())
        else:
            envelope = code_assist_envelope(project, id, request, str(uuid4()))
        target = f"{_METHODS['stream']}?alt=sse" if streamed else _METHODS["generate"]
        response = await self._asked(service, account, target, model, json.encode(envelope), deadlines, streamed)
        if response.status != 200:
            return response
        if streamed and (response.header("content-type") or "").startswith("text/event-stream"):
            response.rewrite(Unwrapping(placeholders))
            return response
        content = await _content(response)
        return self._whole(200, json.encode(unwrapped(object_in(content), placeholders)))

    async def quotas(self, account: Account, service: Service) -> list[Quota]:
        """Return the models of an account and what is left of their quotas. Raises :class:`Fault`."""
        project = await self.handshake.project(account, service)
        token = await self.logins.token(account)
        antigravity = service.kind == "antigravity"
        method = "fetchAvailableModels" if antigravity else "retrieveUserQuota"
        host = hosts_of(account, service)[0]
        answer = await call_method(self._transport, host, method, token, {"project": project}, account.proxy_url)
        if answer.status != 200:
            out_of_order(answer, "Google's list of models")
        found = quotas_of_models(answer.body) if antigravity else quotas_of_buckets(answer.body)
        self._listed[account.uuid] = time.monotonic(), frozenset(quota.model for quota in found)
        return found

    async def check(self, account: Account, service: Service) -> tuple[Standing, list[Quota]]:
        """Look at an account as an operator asks for it: it is set up where it isn't yet. Raises :class:`Fault`."""
        await self.logins.forgive(account)
        standing = await self.handshake.standing(account, service, onboard=True)
        return standing, await self.quotas(account, service)

    def _id(self, service: Service, account: Account, model: str) -> str:
        if service.kind != "antigravity":
            return model
        _, listed = self._listed.get(account.uuid, (0.0, frozenset[str]()))
        return id_of(model, listed)

    async def _named(self, service: Service, account: Account, model: str) -> str:
        """Return the id of a model; where several come into question, the account's list decides."""
        if service.kind != "antigravity" or id_of(model) == model or is_claude(model):
            return self._id(service, account, model)
        asked, _ = self._listed.get(account.uuid, (None, frozenset[str]()))
        if asked is None or time.monotonic() - asked > _FRESH:
            try:
                await self.quotas(account, service)
            except Fault:
                # The table's first id may be right, and the request itself says what is wrong.
                self._listed[account.uuid] = time.monotonic(), frozenset()
        return self._id(service, account, model)

    async def _counted(self, service: Service, account: Account, model: str, body: dict[str, Any]) -> UpstreamResponse:
        deadlines = Deadlines(connect=5.0, first_byte=15.0, idle=10.0)
        response = await self._asked(
            service, account, _METHODS["count"], model, json.encode(body), deadlines, streamed=False
        )
        if response.status != 200:
            return response
        return self._whole(200, json.encode(unwrapped(object_in(await _content(response)))))

    async def _asked(
        self,
        service: Service,
        account: Account,
        target: str,
        model: str,
        body: bytes,
        deadlines: Deadlines,
        streamed: bool,
    ) -> UpstreamResponse:
        """Ask the hosts in their order until one answers; what is left is the last refusal."""
        hosts = hosts_of(account, service)
        position = attempt = 0
        renewed = False
        token = await self.logins.token(account)
        while True:
            more = position + 1 < len(hosts)
            headers = [
                ("authorization", f"Bearer {token}"),
                ("content-type", "application/json"),
                ("accept", "text/event-stream" if streamed else "application/json"),
            ]
            url = f"{hosts[position]}/{VERSION}:{target}"
            try:
                response = await send(self._transport, url, headers, body, proxy=account.proxy_url, deadlines=deadlines)
            except Fault as fault:
                if not more or fault.kind is not FaultKind.UPSTREAM_CONNECT:
                    raise
                position, attempt = position + 1, 0
                continue
            if response.status == 200:
                return response
            judged = await self._judged(response, service, model, attempt, more)
            match judged.step:
                case "renew" if not renewed:
                    renewed = True
                    token = await self.logins.token(account, refused=token)
                case "wait":
                    attempt += 1
                    await asyncio.sleep(judged.seconds)
                case "host":
                    position, attempt = position + 1, 0
                case "account":
                    await self._give_up(account, judged)
                case _:
                    return self._whole(judged.status, judged.body, judged.headers)

    async def _judged(
        self, response: UpstreamResponse, service: Service, model: str, attempt: int, more: bool
    ) -> Verdict:
        try:
            content = await response.read(_ERROR_LIMIT)
        except Fault:
            content = b""
        finally:
            response.close()
        patient = service.kind == "antigravity"
        return verdict(
            response.status, object_in(content), model, time.time(), attempt=attempt, patient=patient, more_hosts=more
        )

    async def _give_up(self, account: Account, judged: Verdict) -> None:
        problem = judged.problem
        if problem is not None:
            await self.logins.learn(account, problem=problem)
            raise unusable(problem)

    def _whole(self, status: int, body: bytes, headers: list[tuple[str, str]] | None = None) -> UpstreamResponse:
        """Return a response that has arrived."""
        response = UpstreamResponse(_Nothing(self._transport), _ANSWER_LIMIT, reused=False)
        response.status = status
        response.headers = headers if headers is not None else [("content-type", "application/json; charset=utf-8")]
        response.take_body(body)
        response.body_ended()
        return response


class _Nothing:
    """What a response comes from that is there already."""

    def __init__(self, transport: Transport) -> None:
        self.loop = asyncio.get_running_loop()
        self.budget: BodyBudget = transport.budget

    def regulate(self) -> None:
        """There is nothing to regulate."""

    def drop(self) -> None:
        """There is nothing to drop."""


def cloud_of(transport: Transport) -> Cloud:
    """Return the services as seen over a transport; they live as long as it does."""
    known = transport.companions.get(__name__)
    if isinstance(known, Cloud):
        return known
    cloud = transport.companions[__name__] = Cloud(transport)
    transport.closing.append(cloud.logins.close)
    return cloud


async def _content(response: UpstreamResponse) -> bytes:
    try:
        return await response.read(_ANSWER_LIMIT)
    finally:
        response.close()


def _listing(service: Service, quotas: list[Quota]) -> dict[str, Any]:
    """Return a list of models in the Gemini API's form, under their public names."""
    models: dict[str, dict[str, Any]] = {}
    for quota in quotas:
        name = public_name(quota.model) if service.kind == "antigravity" else quota.model
        if name is None:
            continue
        shown: dict[str, Any] = {
            "name": f"models/{name}",
            "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
        }
        if quota.display_name is not None:
            shown["displayName"] = quota.display_name
        if quota.max_output_tokens is not None:
            shown["outputTokenLimit"] = quota.max_output_tokens
        models.setdefault(name, shown)
    return {"models": list(models.values())}
