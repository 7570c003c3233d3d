"""Goes from account to account, and from provider type to provider type, until one serves a request.

What is decided here follows from the pure policy in ``codenex.pool``; this file calls and waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from codenex.core.errors import Fault, FaultKind
from codenex.core.notes import Notes, no_notes
from codenex.gateway.accounts import Accounts
from codenex.gateway.affinity import Session
from codenex.gateway.contest import Contest
from codenex.gateway.targets import PoolTarget
from codenex.gateway.trail import Trail
from codenex.pool.blame import Blame, blame, may_try_another
from codenex.pool.verdict import Verdict
from codenex.providers.registry import PROVIDER_TYPES, ProviderType
from codenex.store.settings import Account, Settings

#: Makes one attempt with an account and a model (as the pool knows it). Returns the fault of an answer that failed
#: after it had begun; raises where another attempt may follow.
Run = Callable[[ProviderType, Account, str], Awaitable[Fault | None]]
#: A stated wait of fewer seconds is waited for, where nobody else can serve.
SHORT_WAIT = 3.0

OVERTAKEN = "another account, which was asked later, had output first"

#: Which of several faults the client is told: the one it can do most about.
_RANK = {Blame.GATEWAY: 0, Blame.ACCOUNT: 1, Blame.UPSTREAM: 2, Blame.ACCOUNT_MODEL: 3, Blame.CALLER: 4}


class Tried(msgspec.Struct, frozen=True):
    """An attempt that was made, and failed, before there was need of a :class:`Failover`. ``start`` is the loop's time
    when it began, ``session`` the conversation that it belongs to."""

    account: Account
    fault: Fault
    start: float
    session: Session | None = None


class Failover:
    """The attempts of one request. ``only`` is the uuid of the one account that can serve, ``preferred`` of the one
    that is called first if it can be. With a ``contest`` a second attempt may be made beside one that is late. What
    became of attempts that failed goes into ``notes``. ``first`` is an attempt that was made already."""

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        run: Run,
        *,
        only: str | None = None,
        preferred: str | None = None,
        contest: Contest | None = None,
        notes: Notes | None = None,
        first: Tried | None = None,
    ) -> None:
        self._contest = contest
        self._first = first
        start = None if first is None else first.start
        self._trail = Trail(no_notes() if notes is None else notes, always=contest is not None, start=start)
        self._settings = settings
        self._accounts = accounts
        self._run = run
        self._only = only
        self._preferred = preferred
        self._verdict = Verdict()
        self._ejected = False
        self._tried: set[str] = set()
        #: accounts that refused for a while; the one exception from never calling an account twice
        self._limited: set[str] = set()
        self._waited = False
        self._last: Fault | None = None
        self._told: Fault | None = None
        self._own_type = ""
        #: the account that served
        self.served: Account | None = None

    async def through(self, targets: Sequence[PoolTarget]) -> Fault | None:
        """Try the accounts of each target until one serves; return the fault to tell the client where none does."""
        self._own_type = targets[0].provider
        exhausted: Fault | None = None
        for position, target in enumerate(targets):
            try:
                if await self._served_by(target, patient=position == len(targets) - 1):
                    return None
            except _OverError:
                break
            finally:
                self._count(target.model)
            if exhausted is None and self._told is None:
                # Of several provider types it is the one that was meant whose state the client is told.
                exhausted = self._accounts.exhausted(target.provider, target.model, self._only)
        return exhausted or self._shortest(targets[0])

    def _shortest(self, target: PoolTarget) -> Fault | None:
        """Return the fault to tell, with the wait of whichever account is there first."""
        told = self._told
        if told is None or told.kind is not FaultKind.RATE_LIMIT or told.retry_after is None:
            return told
        wait = self._accounts.obstacle(target.provider, target.model, only=self._only).wait
        if wait is None or wait >= told.retry_after:
            return told
        return self._accounts.exhausted(target.provider, target.model, self._only)

    async def _served_by(self, target: PoolTarget, *, patient: bool) -> bool:
        accounts, name, model = self._accounts, target.provider, target.model
        kind = PROVIDER_TYPES[name]
        if self._first is None:
            accounts.earn(name)
        while len(self._tried) < self._settings.max_attempts:
            first, self._first = self._first, None
            fault: Fault | None
            if first is not None:
                fault = self._taken_over(first, model)
            else:
                tried = frozenset(self._tried)
                account = await accounts.next(name, model, tried, self._only, self._preferred, patient=patient)
                if account is None:
                    if patient and await self._rested(target):
                        continue
                    return False
                if self._last is not None and blame(self._last) is Blame.UPSTREAM and not accounts.may_repeat(name):
                    raise _OverError
                self._tried.add(account.uuid)
                attempt = self._attempt if self._contest is None else self._hedged
                fault = await attempt(kind, account, model)
            if fault is None:
                return True
            if not may_try_another(fault):
                if target.fallback:
                    # What another provider type says of the request is not what was asked for.
                    return False
                raise _OverError
            if self._verdict.repeated:
                return False
        return False

    def _taken_over(self, first: Tried, model: str) -> Fault:
        """Count an attempt that was made already as one of these."""
        account, fault = first.account, first.fault
        self._tried.add(account.uuid)
        self._trail.failed(account.provider, account.uuid, model, 0.0, fault)
        self._take(account, model, fault)
        return fault

    async def _hedged(self, kind: ProviderType, account: Account, model: str) -> Fault | None:
        """Make an attempt; where it is late, and the configuration wants it, make a second one beside it."""
        delay = self._settings.hedge_after.get(kind.name, 0.0)
        if not delay or self._contest is None:
            return await self._attempt(kind, account, model)
        contest = self._contest
        tasks = [contest.enter(self._attempt(kind, account, model))]
        try:
            late: set[asyncio.Future[Any]] = {tasks[0], contest.begun}
            await asyncio.wait(late, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
            if not tasks[0].done() and not contest.begun.done():
                other = self._accounts.choose(kind.name, model, frozenset(self._tried), self._only)
                if other is not None and self._accounts.may_repeat(kind.name):
                    self._tried.add(other.uuid)
                    tasks.append(contest.enter(self._attempt(kind, other, model)))
            fault = await contest.outcome(tasks)
            if fault is None and tasks[0].cancelled():
                # Late again and again, an account rests: else each of its turns would cost the delay.
                self._count(model, account, Fault(FaultKind.UPSTREAM_TIMEOUT, OVERTAKEN))
            return fault
        finally:
            contest.leave(tasks)

    async def _attempt(self, kind: ProviderType, account: Account, model: str) -> Fault | None:
        accounts, trail = self._accounts, self._trail
        probe, began = accounts.begun(account), trail.now()
        try:
            in_band = await self._run(kind, account, model)
        except Fault as fault:
            trail.failed(kind.name, account.uuid, model, began, fault)
            self._take(account, model, fault)
            return fault
        except asyncio.CancelledError:
            # The client has left, or another attempt was quicker.
            trail.ended(kind.name, account.uuid, model, began, FaultKind.CANCELLED.value)
            raise
        finally:
            accounts.ended(account, probe=probe)
        self.served = account
        trail.served(kind.name, account.uuid, model, began, in_band)
        if in_band is None:
            accounts.succeeded(account)
        else:
            self._count(model, account, in_band)
        return None

    def _take(self, account: Account, model: str, fault: Fault) -> None:
        self._last = fault
        self._count(model, account, fault)
        if fault.kind is FaultKind.RATE_LIMIT:
            self._limited.add(account.uuid)
        own = account.provider == self._own_type
        if self._told is None or (own and _RANK[blame(fault)] >= _RANK[blame(self._told)]):
            self._told = fault

    def _count(self, model: str, account: Account | None = None, fault: Fault | None = None) -> None:
        """Count a fault, or what is still open where no other attempt with this model follows."""
        if account is not None and fault is not None:
            counts = self._verdict.failed(account.uuid, fault)
        else:
            counts = self._verdict.closed()
        if counts:
            self._ejected |= self._accounts.count(model, counts, may_eject=not self._ejected)

    async def _rested(self, target: PoolTarget) -> bool:
        """Wait for an account that refused for a moment only, once; tell whether to try again."""
        if self._waited or not self._limited:
            return False
        others = frozenset(self._tried - self._limited)
        wait = self._accounts.obstacle(target.provider, target.model, others, self._only).wait
        if wait is None or wait >= SHORT_WAIT:
            return False
        self._waited = True
        self._tried -= self._limited
        await asyncio.sleep(wait)
        return True


class _OverError(Exception):
    """No other attempt may follow, whoever could make it."""
