"""The state of an account and how it changes: pure functions of state, time and outcome."""

from __future__ import annotations

import msgspec

from codenex.core.errors import Fault
from codenex.pool.blame import Blame, blame

#: Seconds of rest after a 429 without a stated time, and the cap of any stated time.
DEFAULT_REST = 30.0
LONGEST_REST = 3600.0
#: Seconds of rest of an ejected account, times the number of ejections, and their cap.
EJECTION_REST = 30.0
LONGEST_EJECTION = 300.0
#: Seconds after which a retired account (bad key, billing) is tried again.
RETIREMENT = 600.0


class AccountState(msgspec.Struct, frozen=True):
    """What is known of one account. All times are monotonic seconds; ``last_used`` is a sequence number (0: never)."""

    last_used: int = 0
    in_flight: int = 0
    requests: int = 0
    failures: int = 0
    consecutive_errors: int = 0
    ejections: int = 0
    unavailable_until: float = 0.0
    #: model → until when the account rests for it
    resting: dict[str, float] = {}
    last_error: str | None = None
    last_error_at: float | None = None

    def available(self, model: str, now: float) -> bool:
        """Whether the account may be called for a model."""
        return self.unavailable_until <= now and self.resting.get(model, 0.0) <= now

    def available_at(self, model: str) -> float:
        """Return when the account may be called again for a model."""
        return max(self.unavailable_until, self.resting.get(model, 0.0))


def started(state: AccountState, sequence: int) -> AccountState:
    """Return the state after an attempt began."""
    return msgspec.structs.replace(
        state, last_used=sequence, in_flight=state.in_flight + 1, requests=state.requests + 1
    )


def ended(state: AccountState) -> AccountState:
    """Return the state after an attempt ended, whatever came of it."""
    return msgspec.structs.replace(state, in_flight=max(0, state.in_flight - 1))


def succeeded(state: AccountState) -> AccountState:
    """Return the state after a good answer."""
    if state.consecutive_errors == 0 and state.ejections == 0:
        return state
    return msgspec.structs.replace(state, consecutive_errors=0, ejections=0)


def failed(state: AccountState, fault: Fault, model: str, now: float, max_errors: int) -> AccountState:
    """Return the state after a fault. A fault of the caller or the gateway changes nothing."""
    kind = blame(fault)
    if kind in (Blame.CALLER, Blame.GATEWAY):
        return state
    noted = msgspec.structs.replace(
        state, failures=state.failures + 1, last_error=fault.message[:300], last_error_at=now
    )
    match kind:
        case Blame.ACCOUNT:
            return msgspec.structs.replace(noted, unavailable_until=now + RETIREMENT)
        case Blame.ACCOUNT_MODEL:
            rest = DEFAULT_REST if fault.retry_after is None else min(max(fault.retry_after, 0.0), LONGEST_REST)
            return msgspec.structs.replace(noted, resting={**noted.resting, model: now + rest})
        case Blame.UPSTREAM:
            errors = noted.consecutive_errors + 1
            if errors < max_errors:
                return msgspec.structs.replace(noted, consecutive_errors=errors)
            ejections = noted.ejections + 1
            rest = min(EJECTION_REST * ejections, LONGEST_EJECTION)
            return msgspec.structs.replace(
                noted, consecutive_errors=0, ejections=ejections, unavailable_until=now + rest
            )
