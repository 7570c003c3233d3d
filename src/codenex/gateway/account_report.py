"""The state of one account for ``/provider_health``: no secrets, no addresses."""

from __future__ import annotations

from typing import Any

from codenex.gateway.account_rows import (
    EARLIER_FAILURES,
    EARLIER_REQUESTS,
    FAILURES,
    IN_FLIGHT,
    REQUESTS,
    AccountRows,
)
from codenex.pool.health import AccountState, Circuit
from codenex.store.settings import Account


def shown(account: Account, state: AccountState, rows: AccountRows, now: float) -> dict[str, Any]:
    """Return what is told of an account, by all processes where ``rows`` has them. ``now`` in monotonic seconds."""
    requests, failures = state.requests, state.failures
    if rows:
        requests = _total(rows, account.uuid, REQUESTS, EARLIER_REQUESTS)
        failures = _total(rows, account.uuid, FAILURES, EARLIER_FAILURES)
    circuit = state.circuit(now)
    return {
        "uuid": account.uuid,
        "customName": account.name,
        "isHealthy": circuit is Circuit.CLOSED,
        "isDisabled": account.disabled,
        "circuit": circuit.value,
        "restsFor": round(max(0.0, state.unavailable_until - now), 1),
        "restingModels": {model: round(until - now, 1) for model, until in state.resting.items() if until > now},
        "inFlight": sum(rows.values(account.uuid, IN_FLIGHT)) or state.in_flight,
        "usageCount": requests,
        "errorCount": failures,
        "successRate": None if requests == 0 else round(max(0.0, 1 - failures / requests), 4),
        "lastErrorMessage": state.last_error,
    }


def _total(rows: AccountRows, uuid: str, *fields: int) -> int:
    return sum(sum(rows.values(uuid, field)) for field in fields)
