"""The accounts of this process: configuration joined with the state that the pool policy keeps of each."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from typing import Any

from codenex.core.errors import Fault
from codenex.gateway.account_report import shown
from codenex.gateway.account_rows import FAILURES, IN_FLIGHT, LAST_USED, REQUESTS, AccountRows
from codenex.gateway.choice import longest_unused, seen
from codenex.gateway.exhaustion import exhausted
from codenex.gateway.learned_health import all_learned, learned
from codenex.gateway.waiting import Waiting
from codenex.pool import health
from codenex.pool.health import DOUBTS, AccountState
from codenex.pool.retry_budget import RetryBudget
from codenex.pool.selection import Candidate, Obstacle, Strategy, may_rest, obstacle, selected
from codenex.pool.usage_order import UsageOrder
from codenex.pool.verdict import Count, Weight
from codenex.store.health_changes import HealthChange, changes_in, encoded_change
from codenex.store.settings import Account, Settings
from codenex.store.shared_memory import SharedMemory

Tell = Callable[[str, dict[str, Any]], None]
#: Seconds that a request waits for the outcome of another one's probe, and for a place at accounts that are full.
PROBE_PATIENCE = 3.0
QUEUE_PATIENCE = 300.0
#: Accounts that are all looked at for each choice.
_FEW = 4
_FRESH = AccountState()
_NOBODY: frozenset[str] = frozenset()


class Accounts:
    """Chooses accounts and records what becomes of them; other processes learn of rests and ejections at once.

    ``clock`` gives monotonic seconds that all processes share, ``wall`` seconds since 1970, ``chance`` numbers between
    0 and 1; ``tell`` takes events for the event stream.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        shared: SharedMemory | None = None,
        tell: Tell = lambda name, data: None,
        chance: Callable[[], float] = random.random,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._shared = shared
        self._tell = tell
        self._sequence = 0
        self._accounts: dict[str, Account] = {}
        self.states: dict[str, AccountState] = {}
        self._retries: dict[str, RetryBudget] = {}
        self.waiting = Waiting()
        self.configure(settings)
        history = shared.history() if shared is not None else ()
        known = all_learned(changes_in(history), settings.rests, clock(), wall())
        self.states = {uuid: state for uuid, state in known.items() if uuid in self._accounts}

    def configure(self, settings: Settings) -> None:
        """Take over a new generation of settings. Accounts that stay as they are keep their state; one that was changed
        is trusted again, because the change may be what mends it."""
        before = self._accounts
        self._settings = settings
        self._accounts = {account.uuid: account for group in settings.accounts.values() for account in group}
        self._candidates = {
            name: tuple(_candidate(account) for account in group) for name, group in settings.accounts.items()
        }
        self._strategies = {
            name: Strategy(settings.pool_strategies.get(name, settings.pool_strategy)) for name in settings.accounts
        }
        #: whose turn it is in pools that are too large for looking at every account
        self._orders = {
            name: UsageOrder(group)
            for name, group in self._candidates.items()
            if len(group) > _FEW and self._strategies[name] is Strategy.LEAST_RECENTLY_USED
        }
        #: those that are the only one of their pool, serve every model, and any number of requests at once
        self._alone = {
            name: group[0]
            for name, group in settings.accounts.items()
            if len(group) == 1 and self._candidates[name][0] == Candidate(group[0].uuid, weight=max(1, group[0].weight))
        }
        self._rows = AccountRows(settings, self._shared)
        self._own = self._rows.own
        kept = {uuid: state for uuid, state in self.states.items() if uuid in self._accounts}
        self.states = {
            uuid: state if self._accounts[uuid] == before.get(uuid) else _trusted(state) for uuid, state in kept.items()
        }
        self.waiting.wake_all()

    # --- choice ---------------------------------------------------------------------------------------------------

    def choose(
        self,
        provider: str,
        model: str,
        excluded: frozenset[str],
        only: str | None = None,
        preferred: str | None = None,
    ) -> Account | None:
        """Return the account to call next, or ``None`` where none can be called now. ``only`` is the one that comes
        into question, ``preferred`` one that is taken if it can be."""
        self._catch_up()
        if only is None and provider in self._orders:
            uuid = longest_unused(
                self._orders[provider], self.states, self._rows, model, self._clock(), excluded, preferred
            )
            return None if uuid is None else self._accounts[uuid]
        candidates = self._eligible(provider, only)
        uuid = selected(
            candidates,
            seen(candidates, self.states, self._rows),
            model,
            self._clock(),
            excluded,
            strategy=self._strategies.get(provider, Strategy.LEAST_RECENTLY_USED),
            chance=self._chance(),
            preferred=preferred,
        )
        return None if uuid is None else self._accounts[uuid]

    async def next(
        self,
        provider: str,
        model: str,
        excluded: frozenset[str],
        only: str | None = None,
        preferred: str | None = None,
        *,
        patient: bool = True,
    ) -> Account | None:
        """Return the account to call next. ``patient``: wait for one that is full or being probed, as far as may be;
        what comes back has to be called at once."""
        key = (provider, model)
        if not (patient and self.waiting.number(key)):
            account = self.choose(provider, model, excluded, only, preferred)
            if account is not None or not patient:
                return account
        began = self._clock()
        with self.waiting.place(key) as place:
            while True:
                before = self.waiting.before(key, place)
                if before == 0:
                    account = self.choose(provider, model, excluded, only, preferred)
                    if account is not None:
                        return account
                patience = _patience(self.obstacle(provider, model, excluded, only), before)
                left = began + patience - self._clock()
                if left <= 0:
                    return None
                await self.waiting.turn(place, left, shared=bool(self._rows))

    def obstacle(
        self, provider: str, model: str, excluded: frozenset[str] = frozenset(), only: str | None = None
    ) -> Obstacle:
        """Return what stands in the way of calling an account now."""
        self._catch_up()
        candidates = self._eligible(provider, only)
        return obstacle(candidates, seen(candidates, self.states, self._rows), model, self._clock(), excluded)

    def _eligible(self, provider: str, only: str | None) -> tuple[Candidate, ...]:
        candidates = self._candidates.get(provider, ())
        return candidates if only is None else tuple(one for one in candidates if one.uuid == only)

    def entered(self, provider: str, model: str, preferred: str | None = None) -> Account | None:
        """Choose an account and begin an attempt with it, where nothing is unusual: nobody waits, and nothing is held
        against the account. It counts the request as :meth:`earn` and the attempt as :meth:`begun` do, and
        :meth:`left` or :meth:`ended` has to follow. ``None``: nothing was counted."""
        if self.waiting.lines:
            return None
        now, shared = self._clock(), self._shared
        if provider in self._alone:
            account = self._alone[provider]
            if shared is not None and (events := shared.poll()):
                self._learn(events)
        else:
            chosen = self.choose(provider, model, _NOBODY, None, preferred)
            if chosen is None:
                return None
            account = chosen
        uuid, states = account.uuid, self.states
        state = states[uuid] if uuid in states else self._own_state(uuid)
        if state.resting:
            health.forget_rests(state, now)
        # Not each step by a call of its own, here and in ``left``: every request comes by here.
        if (
            state.consecutive_errors
            or state.doubts
            or state.ejected
            or state.retired
            or state.resting
            or state.unavailable_until > now
        ):
            return None
        sequence = int(now * 1e9)
        if sequence <= self._sequence:
            sequence = self._sequence + 1
        self._sequence = state.last_used = sequence
        state.in_flight += 1
        state.requests += 1
        if uuid in self._own:
            # As the rows' own ``begun`` does.
            words = self._own[uuid]
            words[LAST_USED] = sequence
            words[IN_FLIGHT] += 1
            words[REQUESTS] += 1
        if provider in self._retries:
            self._retries[provider].earn(now)
        else:
            self.earn(provider)
        return account

    def left(self, account: Account) -> None:
        """Record a good answer and the end of its attempt, which :meth:`entered` has begun."""
        uuid = account.uuid
        state = self.states.get(uuid)
        if state is None or state.consecutive_errors or state.doubts or state.ejected or state.retired:
            self.succeeded(account)
            self.ended(account, probe=False)
            return
        if state.in_flight > 0:
            state.in_flight -= 1
        if uuid in self._own:
            words = self._own[uuid]
            if in_flight := words[IN_FLIGHT]:
                words[IN_FLIGHT] = in_flight - 1
        if self.waiting.lines:
            self.waiting.wake(account.provider)

    # --- outcomes -------------------------------------------------------------------------------------------------

    def begun(self, account: Account) -> bool:
        """Count an attempt that begins; return whether it is the account's probe, which :meth:`ended` has to know."""
        uuid = account.uuid
        self._sequence = sequence = max(int(self._clock() * 1e9), self._sequence + 1)
        self._rows.begun(uuid, sequence)
        return health.started(self._own_state(uuid), sequence)

    def ended(self, account: Account, *, probe: bool) -> None:
        """Count an attempt that has ended, whatever came of it."""
        uuid = account.uuid
        health.ended(self._own_state(uuid), probe=probe)
        self._rows.ended(uuid)
        if self.waiting.lines:
            self.waiting.wake(account.provider)

    def succeeded(self, account: Account) -> None:
        """Record that an account gives good answers, as soon as it does."""
        uuid, states = account.uuid, self.states
        before = states[uuid] if uuid in states else self._own_state(uuid)
        # Without a call of ``spotless``: every stream comes by here.
        if not (before.consecutive_errors or before.doubts or before.ejected or before.retired):
            return
        state = health.succeeded(before)
        if state is before:
            return
        self._update(uuid, state)
        if before.ejected or before.retired:
            self._publish(HealthChange(uuid, 0.0, "", 0.0, None, self._clock()))
            self.waiting.wake_all()

    def count(self, model: str, counts: Iterable[Count], *, may_eject: bool = True) -> bool:
        """Record faults, of which one may eject an account; tell whether one did."""
        ejected = False
        for count in counts:
            before = self._state(count.uuid)
            if count.weight is Weight.DOUBTED and before.doubts + 1 < DOUBTS:
                self._update(count.uuid, health.doubted(before))
            else:
                ejected |= self._failed(count.uuid, count.fault, model, may_eject=may_eject and not ejected)
        return ejected

    def _failed(self, uuid: str, fault: Fault, model: str, *, may_eject: bool) -> bool:
        account = self._accounts.get(uuid)
        if account is None:
            return False
        before, now = self._state(uuid), self._clock()
        candidates = self._candidates[account.provider]
        state = health.failed(
            before,
            fault,
            model,
            now,
            self._settings.max_error_count,
            may_eject=may_eject,
            may_rest=may_rest(candidates, self.states, uuid, model, now),
            chance=self._chance(),
        )
        if state is before:
            return False
        self._update(uuid, state)
        self._rows.add(uuid, FAILURES)
        rests = state.resting.get(model, 0.0)
        if _standing(state, model) != _standing(before, model):
            self._publish(
                HealthChange(
                    uuid,
                    state.unavailable_until,
                    model,
                    rests,
                    state.last_error,
                    now,
                    state.ejected,
                    state.retired,
                    state.ejections,
                )
            )
        return state.ejections != before.ejections

    def exhausted(self, provider: str, model: str, only: str | None = None) -> Fault:
        """Build the fault of a pool in which no account can be called: 404, 429 or 503 with the smallest wait."""
        found = self.obstacle(provider, model, only=only)
        return exhausted(provider, model, self._eligible(provider, only), self.states, found, self._clock())

    def report(self) -> dict[str, Any]:
        """Return the state of every account for ``/provider_health``: no secrets, no addresses."""
        self._catch_up()
        now = self._clock()
        return {
            provider: [shown(account, self._state(account.uuid), self._rows, now) for account in group]
            for provider, group in self._settings.accounts.items()
        }

    # --- repetitions ----------------------------------------------------------------------------------------------

    def earn(self, provider: str) -> None:
        """Count a request for a provider type towards what may be repeated."""
        now = self._clock()
        if provider not in self._retries:
            self._retries[provider] = RetryBudget(at=now)
        self._retries[provider].earn(now)

    def may_repeat(self, provider: str) -> bool:
        """Take one repetition out of the budget of a provider type; false where nothing is left of it."""
        return self._retries.setdefault(provider, RetryBudget()).spend()

    # --- other processes ------------------------------------------------------------------------------------------

    def _publish(self, change: HealthChange) -> None:
        if self._shared is not None:
            self._shared.append(encoded_change(change))
        now = self._clock()
        account = self._accounts[change.uuid]
        wait = max(change.until, change.model_until) - now
        circuit = self._state(change.uuid).circuit(now).value
        data = {"uuid": change.uuid, "provider": account.provider, "model": change.model, "circuit": circuit}
        self._tell(
            "provider_update",
            {"action": "health", **data, "restsFor": round(max(0.0, wait), 1), "reason": change.reason},
        )

    def _catch_up(self) -> None:
        """Take over what other processes have learned since the last look."""
        if self._shared is not None:
            self._learn(self._shared.poll())

    def _learn(self, events: list[bytes]) -> None:
        for change in changes_in(events):
            self._update(change.uuid, learned(self._state(change.uuid), change))

    def _state(self, uuid: str) -> AccountState:
        return self.states.get(uuid, _FRESH)

    def _own_state(self, uuid: str) -> AccountState:
        """Return a state to count in; that of an account which is configured no more is nobody's."""
        if uuid in self.states:
            return self.states[uuid]
        state = AccountState()
        self._update(uuid, state)
        return state

    def _update(self, uuid: str, state: AccountState) -> None:
        if uuid in self._accounts:
            self.states[uuid] = state


def _patience(found: Obstacle, before: int) -> float:
    """Return the seconds that a request waits, with so many others before it in the line."""
    if found.queue is not None:
        return QUEUE_PATIENCE if before < found.queue else 0.0
    # With somebody before it, there may be an account whose turn it just isn't.
    return PROBE_PATIENCE if found.probing or before else 0.0


def _candidate(account: Account) -> Candidate:
    supported = (*account.supported_models, *account.aliases) if account.supported_models else ()
    return Candidate(
        account.uuid,
        not account.disabled,
        supported,
        account.not_supported_models,
        account.concurrency_limit,
        max(1, account.weight),
        account.queue_limit,
    )


def _trusted(state: AccountState) -> AccountState:
    """Return the state of an account whose configuration has changed: what it has in progress goes on."""
    return AccountState(
        last_used=state.last_used, in_flight=state.in_flight, requests=state.requests, failures=state.failures
    )


def _standing(state: AccountState, model: str) -> tuple[object, ...]:
    return state.unavailable_until, state.resting.get(model, 0.0), state.ejected, state.retired, state.ejections
