"""The accounts of this process: configuration joined with the state that the pool policy keeps of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from codenex.core.errors import Fault, FaultKind
from codenex.pool import health
from codenex.pool.health import AccountState
from codenex.pool.selection import Candidate, selected, soonest
from codenex.store.health_changes import HealthChange, changes_in, encoded_change
from codenex.store.settings import Account, Settings
from codenex.store.shared_memory import SharedMemory

Tell = Callable[[str, dict[str, Any]], None]


class Accounts:
    """Chooses accounts and records what becomes of them; other processes learn of rests and ejections at once.

    ``clock`` gives monotonic seconds that all processes share, ``tell`` takes events for the event stream.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        shared: SharedMemory | None = None,
        tell: Tell = lambda name, data: None,
    ) -> None:
        self._clock = clock
        self._shared = shared
        self._tell = tell
        self._sequence = 0
        self.states: dict[str, AccountState] = {}
        self.configure(settings)
        if shared is not None:
            for change in sorted(changes_in(shared.history()), key=lambda change: change.at):
                self._learn(change)

    def configure(self, settings: Settings) -> None:
        """Take over a new generation of settings; the state of accounts that stay is kept."""
        self._settings = settings
        self._accounts = {account.uuid: account for group in settings.accounts.values() for account in group}
        self._candidates = {
            name: tuple(_candidate(account) for account in group) for name, group in settings.accounts.items()
        }
        self.states = {uuid: state for uuid, state in self.states.items() if uuid in self._accounts}

    def choose(self, provider: str, model: str, excluded: frozenset[str], only: str | None = None) -> Account | None:
        """Return the account to call next, or ``None`` where none is left. ``only`` is the one that comes into
        question."""
        self._catch_up()
        uuid = selected(self._eligible(provider, only), self.states, model, self._clock(), excluded)
        return None if uuid is None else self._accounts[uuid]

    @contextmanager
    def attempt(self, account: Account, model: str) -> Iterator[None]:
        """Count an attempt and its outcome: a fault that leaves the block is recorded and goes on."""
        self._sequence += 1
        self._update(account, health.started(self._state(account), self._sequence))
        try:
            yield
        except Fault as fault:
            self.record_failure(account, model, fault)
            raise
        else:
            self._update(account, health.succeeded(self._state(account)))
        finally:
            self._update(account, health.ended(self._state(account)))

    def record_failure(self, account: Account, model: str, fault: Fault) -> None:
        """Record a fault, also one that came after the answer had begun."""
        before, now = self._state(account), self._clock()
        state = health.failed(before, fault, model, now, self._settings.max_error_count)
        self._update(account, state)
        until, rests_until = state.unavailable_until, state.resting.get(model, 0.0)
        if (until, rests_until) != (before.unavailable_until, before.resting.get(model, 0.0)):
            self._publish(HealthChange(account.uuid, until, model, rests_until, state.last_error, now))

    def exhausted(self, provider: str, model: str, only: str | None = None) -> Fault:
        """Build the fault of a pool in which no account can be called: 404, 429 or 503 with the smallest wait."""
        self._catch_up()
        candidates = self._eligible(provider, only)
        now = self._clock()
        wait = soonest(candidates, self.states, model, now)
        if wait is None:
            if any(candidate.enabled for candidate in candidates):
                return Fault(
                    FaultKind.MODEL_NOT_FOUND,
                    f"no account of {provider} serves the model {model[:100]!r}",
                    code="model_not_found",
                    param="model",
                )
            return Fault(FaultKind.UNAVAILABLE, f"every account of {provider} is disabled", code="no_account_available")
        limited = any(self.states.get(c.uuid, AccountState()).resting.get(model, 0.0) > now for c in candidates)
        kind = FaultKind.RATE_LIMIT if limited else FaultKind.UNAVAILABLE
        return Fault(
            kind, f"every account of {provider} is resting", code="no_account_available", retry_after=max(wait, 1.0)
        )

    def report(self) -> dict[str, Any]:
        """Return the state of every account for ``/provider_health``: no secrets, no addresses."""
        self._catch_up()
        now = self._clock()
        return {
            provider: [
                {
                    "uuid": account.uuid,
                    "customName": account.name,
                    "isHealthy": self._state(account).unavailable_until <= now,
                    "isDisabled": account.disabled,
                    "inFlight": self._state(account).in_flight,
                    "usageCount": self._state(account).requests,
                    "errorCount": self._state(account).failures,
                    "lastErrorMessage": self._state(account).last_error,
                }
                for account in group
            ]
            for provider, group in self._settings.accounts.items()
        }

    def _eligible(self, provider: str, only: str | None) -> tuple[Candidate, ...]:
        candidates = self._candidates.get(provider, ())
        return candidates if only is None else tuple(one for one in candidates if one.uuid == only)

    def _publish(self, change: HealthChange) -> None:
        if self._shared is not None:
            self._shared.append(encoded_change(change))
        now = self._clock()
        account = self._accounts[change.uuid]
        wait = max(change.until, change.model_until) - now
        data = {"uuid": change.uuid, "provider": account.provider, "model": change.model, "restsFor": round(wait, 1)}
        self._tell("provider_update", {"action": "health", **data, "reason": change.reason})

    def _catch_up(self) -> None:
        """Take over what other processes have learned since the last look."""
        if self._shared is not None:
            for change in changes_in(self._shared.poll()):
                self._learn(change)

    def _learn(self, change: HealthChange) -> None:
        account = self._accounts.get(change.uuid)
        if account is None:
            return
        state = self._state(account)
        resting = state.resting
        if change.model_until:
            resting = {**resting, change.model: change.model_until}
        learned = msgspec.structs.replace(
            state,
            unavailable_until=change.until,
            resting=resting,
            last_error=change.reason,
            last_error_at=change.at,
        )
        self._update(account, learned)

    def _state(self, account: Account) -> AccountState:
        return self.states.get(account.uuid, AccountState())

    def _update(self, account: Account, state: AccountState) -> None:
        if account.uuid in self._accounts:
            self.states[account.uuid] = state


def _candidate(account: Account) -> Candidate:
    supported = (*account.supported_models, *account.aliases) if account.supported_models else ()
    return Candidate(
        account.uuid, not account.disabled, supported, account.not_supported_models, account.concurrency_limit
    )
