"""The order of a large pool chooses as a look at all of its accounts does, and without one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from codenex.gateway.accounts import Accounts
from codenex.pool.health import AccountState
from codenex.pool.selection import Candidate, selected
from codenex.pool.usage_order import UsageOrder
from codenex.store.settings import Account, Settings

NOW = 100.0


def free(candidate: Candidate, state: AccountState, excluded: frozenset[str]) -> bool:
    if candidate.uuid in excluded or not candidate.serves("m") or not state.available("m", NOW):
        return False
    return not candidate.limit or state.in_flight < candidate.limit


@given(st.integers(1, 12), st.integers(0, 2**32))
def test_the_order_chooses_as_a_look_at_all_does(number: int, seed: int) -> None:
    draw = Random(seed)
    candidates = [
        Candidate(f"a{place}", draw.random() < 0.9, limit=draw.choice((0, 0, 1)), unsupported=draw.choice(((), ("m",))))
        for place in range(number)
    ]
    states = {candidate.uuid: AccountState() for candidate in candidates}
    order = UsageOrder(candidates)
    for sequence in range(1, 60):
        excluded = frozenset(draw.sample(list(states), draw.choice((0, 0, 1)) if number > 1 else 0))
        expected = selected(candidates, states, "m", NOW, excluded)

        def may_be_called(candidate: Candidate, excluded: frozenset[str] = excluded) -> bool:
            return free(candidate, states[candidate.uuid], excluded)

        chosen = order.first(lambda uuid: states[uuid].last_used, may_be_called)
        assert (chosen.uuid if chosen is not None else None) == expected
        if expected is not None and draw.random() < 0.8:
            states[expected].last_used = sequence
        # What others do meanwhile: uses, rests, places taken and given back.
        other = states[draw.choice(list(states))]
        match draw.randrange(4):
            case 0:
                other.last_used = sequence
            case 1:
                other.unavailable_until = draw.choice((0.0, NOW + 1))
            case 2:
                other.in_flight = draw.choice((0, 1))
            case _:
                pass


def calls(work: Callable[[], Any]) -> int:
    """Calls of functions of Python that the work makes."""
    count = 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_a_choice_among_ten_thousand_looks_at_few() -> None:
    group = tuple(Account(f"a{number}", "openai-custom", api_key="k") for number in range(10_000))
    accounts = Accounts(Settings(accounts={"openai-custom": group}), clock=lambda: NOW)
    used = []

    def one() -> None:
        account = accounts.choose("openai-custom", "m", frozenset())
        assert account is not None
        used.append(account.uuid)
        accounts.begun(account)
        accounts.ended(account, probe=False)

    most = max(calls(one) for _ in range(300))
    assert used == [account.uuid for account in group[:300]]
    assert most < 60, most
