"""Which models an account has, under which ids, and what is left of their quotas: asked of Google and remembered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from codenex.core.errors import Fault, FaultKind
from codenex.models.antigravity import id_of, is_claude, public_name
from codenex.providers.google.handshake import Handshake, hosts_of
from codenex.providers.google.quota import Quota, quotas_of_buckets, quotas_of_models
from codenex.providers.google.service import Service
from codenex.providers.google.wires import Answer, out_of_order
from codenex.store.settings import Account

#: Seconds for which an account's list of models is believed.
FRESH = 600.0
_METHODS = {"antigravity": "fetchAvailableModels", "code_assist": "retrieveUserQuota"}
#: Answers after which the next host is asked.
_ELSEWHERE = frozenset({404, 429, 503})


class Listings:
    """The lists of one process. ``clock`` gives monotonic seconds."""

    def __init__(self, handshake: Handshake, clock: Callable[[], float] = time.monotonic) -> None:
        self._handshake = handshake
        self._clock = clock
        #: by account, when it was asked for its models, and their ids
        self._listed: dict[str, tuple[float, frozenset[str]]] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def quotas(self, account: Account, service: Service) -> list[Quota]:
        """Return the models of an account and what is left of their quotas. Raises :class:`Fault`."""
        project = await self._handshake.project(account, service)
        answer = await self._asked(account, service, {"project": project})
        if answer.status != 200:
            out_of_order(answer, "Google's list of models")
        found = quotas_of_models(answer.body) if service.kind == "antigravity" else quotas_of_buckets(answer.body)
        self._listed[account.uuid] = self._clock(), frozenset(quota.model for quota in found)
        return found

    def id(self, account: Account, service: Service, model: str) -> str:
        """Return the id of a model, as far as the account's list is known."""
        if service.kind != "antigravity":
            return model
        _, listed = self._listed.get(account.uuid, (0.0, frozenset[str]()))
        return id_of(model, listed)

    async def named(self, account: Account, service: Service, model: str) -> str:
        """Return the id of a model; where several come into question, the account's list decides. It is waited for
        only where there is none: an old one is believed while a newer one is on its way."""
        if service.kind == "antigravity" and id_of(model) != model and not is_claude(model):
            at, _ = self._listed.get(account.uuid, (None, frozenset[str]()))
            if at is None:
                await asyncio.shield(self._renewal(account, service))
            elif self._clock() - at > FRESH:
                self._renewal(account, service)
        return self.id(account, service, model)

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = tuple(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _renewal(self, account: Account, service: Service) -> asyncio.Task[None]:
        """Return the one question for an account's list that is under way."""
        task = self._asking.get(account.uuid)
        if task is None or task.done():
            task = self._asking[account.uuid] = asyncio.get_running_loop().create_task(self._renew(account, service))
        return task

    async def _renew(self, account: Account, service: Service) -> None:
        try:
            await self.quotas(account, service)
        except Fault:
            # What was known may still be right, else the table's first id: the request itself says what is wrong.
            _, known = self._listed.get(account.uuid, (0.0, frozenset[str]()))
            self._listed[account.uuid] = self._clock(), known

    async def _asked(self, account: Account, service: Service, body: dict[str, Any]) -> Answer:
        hosts = hosts_of(account, service)
        for host in hosts[:-1]:
            try:
                answer = await self._handshake.call(account, host, _METHODS[service.kind], body)
            except Fault as fault:
                if fault.kind is not FaultKind.UPSTREAM_CONNECT:
                    raise
                continue
            if answer.status not in _ELSEWHERE:
                return answer
        return await self._handshake.call(account, hosts[-1], _METHODS[service.kind], body)


def listing(service: Service, quotas: list[Quota]) -> dict[str, Any]:
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
