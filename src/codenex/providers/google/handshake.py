"""Which project an account's requests belong to, and whether it may send any: ``loadCodeAssist``, and ``onboardUser``
where an operator has asked for it. After Google's own client."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from codenex.core.errors import Fault, FaultKind
from codenex.providers.google.logins import Logins, unusable
from codenex.providers.google.service import Service
from codenex.providers.google.states import Problem, no_project, not_set_up, problem_of, problem_of_tiers
from codenex.providers.google.wires import Answer, call_method, out_of_order, poll
from codenex.providers.transport import Transport
from codenex.store.settings import Account

#: Seconds between two looks at whether an account is set up, and of all looks together.
LOOK = 2.0
PATIENCE = 90.0
_LEGACY = "legacy-tier"
_FREE = "free-tier"
_STANDARD = "standard-tier"


class Standing(msgspec.Struct, frozen=True):
    """What an account may do: its tier, and the project that its requests belong to."""

    project: str
    tier: str
    tier_name: str | None = None


class Handshake:
    """Asks Google about accounts and keeps the answers."""

    def __init__(self, transport: Transport, logins: Logins) -> None:
        self._transport = transport
        self._logins = logins
        self._turns: dict[str, asyncio.Lock] = {}

    async def project(self, account: Account, service: Service) -> str:
        """Return the project of an account, which is asked for once. Raises :class:`Fault`."""
        if (found := self._kept(account)) is not None:
            return found
        async with self._turns.setdefault(account.uuid, asyncio.Lock()):
            if (found := self._kept(account)) is not None:
                return found
            return (await self.standing(account, service, onboard=False)).project

    async def standing(self, account: Account, service: Service, *, onboard: bool) -> Standing:
        """Ask what an account may do; with ``onboard`` an account that Google doesn't know yet is set up, which makes a
        project for it. Raises :class:`Fault` (``account_unusable`` with what is to be done)."""
        try:
            standing = await self._asked(account, service, onboard)
        except Unusable as error:
            await self._logins.learn(account, problem=error.problem, project=None, tier=None)
            raise unusable(error.problem) from None
        kept = f"{self._configured(account) or ''}>{standing.project}"
        await self._logins.learn(account, problem=None, project=kept, tier=standing.tier)
        return standing

    async def call(self, account: Account, host: str, method: str, body: dict[str, Any]) -> Answer:
        """Call one of the service's own methods. Raises :class:`Fault`: ``account_unusable`` where the answer says that
        the account is out, which is learned."""
        try:
            return await self._call(account, host, method, body)
        except Unusable as error:
            await self._logins.learn(account, problem=error.problem)
            raise unusable(error.problem) from None

    async def _asked(self, account: Account, service: Service, onboard: bool) -> Standing:
        configured = self._configured(account)
        hosts = hosts_of(account, service)
        body: dict[str, Any] = {"metadata": _metadata(service, configured)}
        if configured is not None and service.kind == "code_assist":
            body["cloudaicompanionProject"] = configured
        # The oldest host is the last one; it has known all accounts longest.
        answer = await self._call(account, hosts[-1], "loadCodeAssist", body)
        if answer.status != 200:
            if _security_policy(answer) and configured is not None:
                # Behind such a perimeter there are only paid accounts, which name their project.
                return Standing(configured, _STANDARD)
            out_of_order(answer, "Google's account service")
        loaded = answer.body
        ineligible = [tier for tier in loaded.get("ineligibleTiers") or [] if isinstance(tier, dict)]
        current = loaded.get("currentTier")
        if isinstance(current, dict):
            project = project_in(loaded.get("cloudaicompanionProject")) or configured
            if project is None:
                raise Unusable(problem_of_tiers(ineligible) if ineligible else no_project())
            paid = loaded.get("paidTier")
            named = paid if isinstance(paid, dict) else current
            return Standing(project, str(current.get("id") or _STANDARD), _text(named.get("name")))
        tier = _default_tier(loaded)
        if tier is None and ineligible:
            raise Unusable(problem_of_tiers(ineligible))
        if not onboard:
            raise Unusable(not_set_up())
        return await self._onboarded(account, service, hosts[0], tier or {"id": _LEGACY}, configured)

    async def _onboarded(
        self, account: Account, service: Service, host: str, tier: dict[str, Any], configured: str | None
    ) -> Standing:
        name = str(tier.get("id") or _LEGACY)
        free = name == _FREE
        if configured is None and not free and (name == _LEGACY or tier.get("userDefinedCloudaicompanionProject")):
            raise Unusable(no_project())
        answer = await self._call(
            account, host, "onboardUser", _onboarding(service, name, None if free else configured)
        )
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while answer.status == 200 and answer.body.get("done") is not True:
            operation = answer.body.get("name")
            if asyncio.get_running_loop().time() > deadline or not isinstance(operation, str) or not operation:
                raise Fault(FaultKind.UPSTREAM_TIMEOUT, "Google has not set the account up in time: check it again")
            await asyncio.sleep(LOOK)
            token = await self._logins.token(account)
            answer = await poll(self._transport, host, operation.lstrip("/"), token, account.proxy_url)
        if answer.status != 200:
            self._judge(answer)
            out_of_order(answer, "Google's account service")
        if answer.error:
            raise Unusable(Problem("onboarding_failed", f"Google could not set the account up: {_message(answer)}"))
        response = answer.body.get("response")
        made = response.get("cloudaicompanionProject") if isinstance(response, dict) else None
        # It may be another one than was asked for.
        project = project_in(made) or configured
        if project is None:
            raise Unusable(no_project())
        return Standing(project, name, _text(tier.get("name")))

    async def _call(self, account: Account, host: str, method: str, body: dict[str, Any]) -> Answer:
        token = await self._logins.token(account)
        answer = await call_method(self._transport, host, method, token, body, account.proxy_url)
        if answer.status == 401:
            token = await self._logins.token(account, refused=token)
            answer = await call_method(self._transport, host, method, token, body, account.proxy_url)
        self._judge(answer)
        return answer

    def _configured(self, account: Account) -> str | None:
        """Return the project that the operator has named, else that which the credential brings along."""
        named = account.google.project if account.google is not None else None
        return named if named is not None else project_in(self._logins.login(account).credential.project)

    def _kept(self, account: Account) -> str | None:
        """Return the project that was found for what is configured now."""
        asked, separator, project = (self._logins.login(account).known.project or "").partition(">")
        return project if separator and asked == (self._configured(account) or "") else None

    def _judge(self, answer: Answer) -> None:
        if answer.status in (400, 403) and (problem := problem_of(answer.error)) is not None:
            raise Unusable(problem)


class Unusable(Exception):
    """An account can't be used; ``problem`` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.words)
        self.problem = problem


def hosts_of(account: Account, service: Service) -> tuple[str, ...]:
    """Return the base URLs of an account, in the order in which they are tried."""
    own = account.google.hosts if account.google is not None else ()
    return own or ((account.base_url.rstrip("/"),) if account.base_url else service.hosts)


def project_in(value: Any) -> str | None:
    """Return a project's id, which stands there alone or in an object; ``default`` names none."""
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) and value not in ("", "default") else None


def _metadata(service: Service, project: str | None) -> dict[str, str]:
    if service.kind == "antigravity":
        return {"ideType": "ANTIGRAVITY"}
    metadata = {"ideType": "IDE_UNSPECIFIED", "platform": "PLATFORM_UNSPECIFIED", "pluginType": "GEMINI"}
    return metadata if project is None else {**metadata, "duetProject": project}


def _onboarding(service: Service, tier: str, project: str | None) -> dict[str, Any]:
    """Return the body; with the free tier a project must not be named."""
    if service.kind == "antigravity":
        # The service asks which editor this is for; there is no other word that it takes.
        return {"tier_id": tier, "metadata": {"ide_type": "ANTIGRAVITY"}}
    body: dict[str, Any] = {"tierId": tier, "metadata": _metadata(service, project)}
    return body if project is None else {**body, "cloudaicompanionProject": project}


def _default_tier(loaded: dict[str, Any]) -> dict[str, Any] | None:
    allowed = [tier for tier in loaded.get("allowedTiers") or [] if isinstance(tier, dict)]
    return next((tier for tier in allowed if tier.get("isDefault") is True), None)


def _security_policy(answer: Answer) -> bool:
    details = answer.error.get("details") or []
    return any(isinstance(detail, dict) and detail.get("reason") == "SECURITY_POLICY_VIOLATED" for detail in details)


def _message(answer: Answer) -> str:
    return str(answer.error.get("message") or "no reason was given")[:300]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
