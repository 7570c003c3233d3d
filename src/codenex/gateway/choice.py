"""What other processes do with accounts at the same time, as far as it matters for which account is called next."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from codenex.gateway.account_rows import IN_FLIGHT, LAST_USED, AccountRows
from codenex.pool.health import AccountState
from codenex.pool.selection import Candidate, States
from codenex.pool.usage_order import UsageOrder

_FRESH = AccountState()


def seen(candidates: tuple[Candidate, ...], states: Mapping[str, AccountState], rows: AccountRows) -> States:
    """Return the states with what other processes do, where that matters for the choice."""
    if not rows or (len(candidates) < 2 and not any(candidate.limit for candidate in candidates)):
        return states
    found: dict[str, AccountState] = {}
    for candidate in candidates:
        uuid = candidate.uuid
        state = states.get(uuid, _FRESH)
        in_flight = sum(rows.values(uuid, IN_FLIGHT)) if candidate.limit else state.in_flight
        last_used = max(rows.values(uuid, LAST_USED), default=state.last_used)
        if (in_flight, last_used) != (state.in_flight, state.last_used):
            state = msgspec.structs.replace(state, in_flight=in_flight, last_used=last_used)
        found[uuid] = state
    return found


def longest_unused(
    order: UsageOrder,
    states: Mapping[str, AccountState],
    rows: AccountRows,
    model: str,
    now: float,
    excluded: frozenset[str],
    preferred: str | None,
) -> str | None:
    """Return the uuid of the account that may be called and was so longest ago, or of the ``preferred`` one."""

    def last_used(uuid: str) -> int:
        own = states.get(uuid, _FRESH).last_used
        return max(rows.values(uuid, LAST_USED), default=own) if rows else own

    def may_be_called(candidate: Candidate) -> bool:
        uuid = candidate.uuid
        state = states.get(uuid, _FRESH)
        if uuid in excluded or not candidate.serves(model) or not state.available(model, now):
            return False
        if not candidate.limit:
            return True
        return (sum(rows.values(uuid, IN_FLIGHT)) if rows else state.in_flight) < candidate.limit

    wanted = order.named(preferred)
    chosen = wanted if wanted is not None and may_be_called(wanted) else order.first(last_used, may_be_called)
    return None if chosen is None else chosen.uuid
