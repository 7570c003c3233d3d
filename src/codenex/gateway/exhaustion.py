"""The fault of a pool in which no account can be called. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from codenex.core.errors import Fault, FaultKind
from codenex.pool.health import AccountState
from codenex.pool.selection import Candidate, Obstacle, States

_FRESH = AccountState()


def exhausted(
    provider: str, model: str, candidates: Sequence[Candidate], states: States, found: Obstacle, now: float
) -> Fault:
    """Build the fault to tell a client: 404, 429 or 503 with the smallest wait. ``found`` is what stands in the way,
    ``now`` in monotonic seconds."""
    serving = [states.get(candidate.uuid, _FRESH) for candidate in candidates if candidate.serves(model)]
    if not serving:
        if any(candidate.enabled for candidate in candidates):
            return Fault(
                FaultKind.MODEL_NOT_FOUND,
                f"no account of {provider} serves the model {model[:100]!r}",
                code="model_not_found",
                param="model",
            )
        return Fault(FaultKind.UNAVAILABLE, f"every account of {provider} is disabled", code="no_account_available")
    if found.queue is not None:
        return Fault(
            FaultKind.RATE_LIMIT,
            f"every account of {provider} has as many requests in progress as it may",
            code="concurrency_limit",
            retry_after=1.0,
        )
    limited = any(state.resting.get(model, 0.0) > now for state in serving)
    kind = FaultKind.RATE_LIMIT if limited else FaultKind.UNAVAILABLE
    return Fault(
        kind,
        f"every account of {provider} is resting{_reason(serving, now)}",
        code="no_account_available",
        retry_after=max(found.wait or 1.0, 1.0),
    )


def _reason(states: list[AccountState], now: float) -> str:
    """Say in a few words why accounts rest, without anything that is theirs."""
    reasons = {
        "refused by the provider (key, billing or permission)": any(state.retired for state in states),
        "after errors of the provider": any(state.ejected for state in states),
        "at a rate limit or quota": any(until > now for state in states for until in state.resting.values()),
    }
    told = [reason for reason, holds in reasons.items() if holds]
    return f" ({'; '.join(told)})" if told else ""
