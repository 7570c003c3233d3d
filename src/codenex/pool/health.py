"""The state of an account and how it changes: pure functions of state, time and outcome.

Only :func:`started` and :func:`ended`, which count attempts, and :func:`forget_rests` change what they are given.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from codenex.core.errors import Fault
from codenex.pool.blame import Blame, blame

#: Seconds of rest after a 429 without a stated time, what chance adds to it, and the cap of any stated time: the quotas
#: of most vendors begin anew once a day.
DEFAULT_REST = 30.0
REST_SPREAD = 5.0
LONGEST_REST = 86_400.0
#: Seconds of rest of an ejected account, times the number of ejections, and their cap.
EJECTION_REST = 30.0
LONGEST_EJECTION = 300.0
#: Seconds without an ejection after which the next one is the first again.
EJECTIONS_FORGOTTEN = 600.0
#: Seconds after which a retired account (bad key, billing) is tried again.
RETIREMENT = 600.0
#: Faults that other accounts had as well, without a good answer in between, before they count like any other.
DOUBTS = 10


class Circuit(StrEnum):
    """How far an account is trusted."""

    CLOSED = "closed"
    #: one request at a time is let through to see whether the account works again
    HALF_OPEN = "half_open"
    OPEN = "open"


class AccountState(msgspec.Struct):
    """What is known of one account. All times are monotonic seconds; ``last_used`` grows with every use (0: never)."""

    last_used: int = 0
    in_flight: int = 0
    requests: int = 0
    failures: int = 0
    consecutive_errors: int = 0
    #: faults in a row that another account had too, so that the request may be to blame
    doubts: int = 0
    ejections: int = 0
    ejected_at: float = 0.0
    unavailable_until: float = 0.0
    #: why the account isn't trusted, if it isn't: its upstream's errors, or a refusal of the account itself
    ejected: bool = False
    retired: bool = False
    probing: bool = False
    #: model → until when the account rests for it
    resting: dict[str, float] = {}
    last_error: str | None = None
    last_error_at: float | None = None

    def available(self, model: str, now: float) -> bool:
        """Whether the account may be called for a model; one that is being probed may not."""
        if self.unavailable_until > now or self.resting.get(model, 0.0) > now:
            return False
        return not (self.probing and (self.ejected or self.retired))

    def available_at(self, model: str) -> float:
        """Return when the account may be called again for a model."""
        return max(self.unavailable_until, self.resting.get(model, 0.0))

    def circuit(self, now: float) -> Circuit:
        """Return how far the account is trusted, whatever the model."""
        if self.unavailable_until > now:
            return Circuit.OPEN
        return Circuit.HALF_OPEN if self.ejected or self.retired else Circuit.CLOSED

    @property
    def spotless(self) -> bool:
        """Whether no error is held against the account, so that a good answer changes nothing."""
        return not (self.consecutive_errors or self.doubts or self.ejected or self.retired)

    @property
    def success_rate(self) -> float | None:
        """Good answers among all requests that came to an end, 0 to 1; ``None`` without any."""
        over = self.requests - self.in_flight
        return None if over <= 0 else max(0.0, 1.0 - self.failures / over)


def forget_rests(state: AccountState, now: float) -> None:
    """Forget the rests that are over."""
    state.resting = _still(state.resting, now)


def started(state: AccountState, sequence: int) -> bool:
    """Count an attempt that begins; return whether it is the probe of an account that isn't trusted: the first one."""
    state.last_used = sequence
    state.in_flight += 1
    state.requests += 1
    if state.probing or not (state.ejected or state.retired):
        return False
    state.probing = True
    return True


def ended(state: AccountState, *, probe: bool = False) -> None:
    """Count an attempt that has ended, whatever came of it. ``probe``: it was the one that is waited for."""
    if state.in_flight > 0:
        state.in_flight -= 1
    if probe:
        state.probing = False


def succeeded(state: AccountState) -> AccountState:
    """Return the state after a good answer: the account is trusted again."""
    if state.spotless:
        return state
    return msgspec.structs.replace(
        state, consecutive_errors=0, doubts=0, ejected=False, retired=False, unavailable_until=0.0
    )


def doubted(state: AccountState) -> AccountState:
    """Return the state after a fault that may be the request's own, because another account had it too."""
    return msgspec.structs.replace(state, doubts=state.doubts + 1)


def failed(
    state: AccountState,
    fault: Fault,
    model: str,
    now: float,
    max_errors: int,
    *,
    may_eject: bool = True,
    may_rest: bool = True,
    chance: float = 0.0,
) -> AccountState:
    """Return the state after a fault. A fault of the caller or the gateway changes nothing.

    ``may_eject`` false: the request has ejected another account already. ``may_rest`` false: the account is needed, so
    errors make it be probed at once instead of resting first. ``chance`` (0 to 1) spreads rests, upwards only: a stated
    time is a promise.
    """
    kind = blame(fault)
    if kind in (Blame.CALLER, Blame.GATEWAY):
        return state
    noted = msgspec.structs.replace(
        state, failures=state.failures + 1, last_error=(fault.notice or fault.message)[:300], last_error_at=now
    )
    match kind:
        case Blame.ACCOUNT:
            return msgspec.structs.replace(noted, unavailable_until=now + RETIREMENT, retired=True)
        case Blame.ACCOUNT_MODEL:
            until = now + rest_of(fault, chance)
            return msgspec.structs.replace(noted, resting={**_still(noted.resting, now), model: until})
        case Blame.UPSTREAM:
            errors = noted.consecutive_errors + 1
            # An account that is being probed has no other error to give.
            if (errors < max_errors and not noted.ejected) or not may_eject:
                return msgspec.structs.replace(noted, consecutive_errors=min(errors, max_errors))
            return _ejected(noted, now, may_rest)


def rest_of(fault: Fault, chance: float = 0.0) -> float:
    """Return the seconds that an account rests for a model after a refusal."""
    stated = fault.retry_after
    if stated is None:
        return DEFAULT_REST + chance * REST_SPREAD
    rest = min(max(stated, 0.0), LONGEST_REST)
    return rest + chance * min(REST_SPREAD, rest / 10)


def _ejected(state: AccountState, now: float, may_rest: bool) -> AccountState:
    fresh = now - state.ejected_at > EJECTIONS_FORGOTTEN
    ejections = 1 if fresh else state.ejections + 1
    rest = min(EJECTION_REST * ejections, LONGEST_EJECTION) if may_rest else 0.0
    return msgspec.structs.replace(
        state,
        consecutive_errors=0,
        doubts=0,
        ejections=ejections,
        ejected_at=now,
        ejected=True,
        unavailable_until=max(state.unavailable_until, now + rest),
    )


def _still(resting: dict[str, float], now: float) -> dict[str, float]:
    """Return the rests that aren't over, so that the list doesn't grow with every model ever asked for."""
    return {model: until for model, until in resting.items() if until > now}
