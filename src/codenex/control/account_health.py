"""How the accounts are, as the processes have told each other: read from their shared memory."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import msgspec

from codenex.gateway.account_rows import (
    EARLIER_FAILURES,
    EARLIER_REQUESTS,
    FAILURES,
    IN_FLIGHT,
    LAST_USED,
    REQUESTS,
    AccountRows,
)
from codenex.gateway.learned_health import all_learned
from codenex.pool.health import AccountState
from codenex.providers.google.logins import problem_with
from codenex.providers.google.states import NEEDS_LOGIN
from codenex.store.health_changes import changes_in
from codenex.store.settings import Settings
from codenex.store.shared_memory import SharedMemory


class Known(msgspec.Struct):
    """One account. Times are monotonic seconds, counts those of all processes."""

    state: AccountState
    in_flight: int = 0
    #: monotonic seconds; 0: never
    last_used: float = 0.0


def known_accounts(shared: SharedMemory, settings: Settings) -> dict[str, Known]:
    """Return what is known of each account of the settings."""
    states = all_learned(changes_in(shared.history()), settings.rests, time.monotonic(), time.time())
    rows = AccountRows(settings, shared)
    found: dict[str, Known] = {}
    for group in settings.accounts.values():
        for account in group:
            uuid = account.uuid
            state = msgspec.structs.replace(
                states.get(uuid, AccountState()),
                requests=sum(rows.values(uuid, REQUESTS)) + sum(rows.values(uuid, EARLIER_REQUESTS)),
                failures=sum(rows.values(uuid, FAILURES)) + sum(rows.values(uuid, EARLIER_FAILURES)),
            )
            in_flight = sum(rows.values(uuid, IN_FLIGHT))
            found[uuid] = Known(state, in_flight, max(rows.values(uuid, LAST_USED), default=0) / 1e9)
    return found


def health_by_account(shared: SharedMemory, settings: Settings) -> dict[str, dict[str, Any]]:
    """Return for each account what lists of accounts show of it: times in ISO 8601, durations in seconds."""
    now, wall = time.monotonic(), time.time()
    return {uuid: shown(known, now, wall) for uuid, known in known_accounts(shared, settings).items()}


def with_logins(health: dict[str, dict[str, Any]], settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the same with what is known to be wrong with logins at Google, in words for the operator."""
    found = dict(health)
    for account in (each for group in settings.accounts.values() for each in group if each.google is not None):
        problem = problem_with(account)
        told: dict[str, Any] = {"needsRefresh": problem is not None and problem.code == NEEDS_LOGIN}
        if problem is not None:
            told |= {"isHealthy": False, "lastErrorMessage": problem.told}
        found[account.uuid] = {**found.get(account.uuid, {}), **told}
    return found


def shown(known: Known, now: float, wall: float) -> dict[str, Any]:
    """Return how one account is. ``now`` is in monotonic seconds, ``wall`` in seconds since 1970."""
    state = known.state
    circuit = state.circuit(now)
    rests = state.unavailable_until if state.unavailable_until > now else None
    requests, failures = state.requests, state.failures
    return {
        "isHealthy": circuit.value == "closed",
        "circuit": circuit.value,
        "scheduledRecoveryTime": None if rests is None else moment(rests, now, wall),
        "restingModels": {model: round(until - now, 1) for model, until in state.resting.items() if until > now},
        "activeRequests": known.in_flight,
        "usageCount": requests,
        "errorCount": failures,
        "successRate": None if requests == 0 else round(max(0.0, 1 - failures / requests), 4),
        "lastUsed": moment(known.last_used, now, wall) if known.last_used else None,
        "lastErrorMessage": state.last_error,
        "lastErrorTime": None if state.last_error_at is None else moment(state.last_error_at, now, wall),
    }


def moment(at: float, now: float, wall: float) -> str:
    """Return a moment in monotonic seconds as ISO 8601."""
    return datetime.fromtimestamp(wall - (now - at), UTC).isoformat(timespec="milliseconds")
