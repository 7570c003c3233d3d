"""What a process makes of the changes that others tell of an account, and of how it was before the start. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from codenex.pool.health import AccountState
from codenex.store.health_changes import EVERY_MODEL, HealthChange
from codenex.store.settings import Rest


def learned(state: AccountState, change: HealthChange) -> AccountState:
    """Return the state of an account after a change that another process tells."""
    resting = {} if change.model == EVERY_MODEL else state.resting
    if change.model_until:
        resting = {**resting, change.model: change.model_until}
    if change.reason is not None:
        state = msgspec.structs.replace(state, last_error=change.reason, last_error_at=change.at)
    return msgspec.structs.replace(
        state,
        unavailable_until=change.until,
        resting=resting,
        ejected=change.ejected,
        retired=change.retired,
        ejections=max(change.ejections, state.ejections),
        ejected_at=change.at if change.ejected else state.ejected_at,
    )


def all_learned(
    changes: Iterable[HealthChange], rests: dict[str, Rest], now: float, wall: float
) -> dict[str, AccountState]:
    """Return the states of accounts after changes in any order; of those that nobody told anything of, as they were
    before the start. ``now`` is in monotonic seconds, ``wall`` in seconds since 1970."""
    states: dict[str, AccountState] = {}
    for change in sorted(changes, key=lambda change: change.at):
        states[change.uuid] = learned(states.get(change.uuid, AccountState()), change)
    for uuid, rest in rests.items():
        if uuid not in states:
            states[uuid] = _rested(rest, now, wall)
    return states


def _rested(rest: Rest, now: float, wall: float) -> AccountState:
    return AccountState(
        unavailable_until=now + max(0.0, rest.until - wall) if rest.ejected else 0.0,
        ejected=rest.ejected,
        ejections=int(rest.ejected),
        ejected_at=now if rest.ejected else 0.0,
        resting={model: now + at - wall for model, at in rest.models.items() if at > wall},
        last_error=rest.reason,
    )
