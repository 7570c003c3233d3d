"""The policy of a pool over long histories: requests that overlap, succeed, fail in every way, and time that passes."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from codenex.core.errors import Fault, FaultKind
from codenex.pool import health
from codenex.pool.blame import Blame, blame
from codenex.pool.health import AccountState, Circuit
from codenex.pool.selection import Candidate, Strategy, may_rest, obstacle, selected

FRESH = AccountState()
MODELS = ("m", "n")
DEEP = bool(os.environ.get("CODENEX_DEEP"))


class Pool(RuleBasedStateMachine):
    """Plays what a gateway does with the policy, and checks every choice against the rules written once more."""

    @initialize(
        limits=st.lists(st.sampled_from([0, 0, 1, 2]), min_size=1, max_size=5), disabled=st.sets(st.integers(0, 4))
    )
    def begin(self, limits: list[int], disabled: set[int]) -> None:
        self.candidates = [
            Candidate(f"a{place}", enabled=place not in disabled, limit=limit) for place, limit in enumerate(limits)
        ]
        self.states: dict[str, AccountState] = {}
        self.now = 1000.0
        self.sequence = 0
        #: requests in progress: account, model, whether it is the account's probe
        self.running: list[tuple[str, str, bool]] = []
        #: whether anything but errors of the upstream ever took an account away
        self.only_errors = True

    def state(self, uuid: str) -> AccountState:
        return self.states.get(uuid, FRESH)

    @rule(seconds=st.one_of(st.floats(0, 5), st.floats(0, 400)))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(model=st.sampled_from(MODELS), excluded=st.sets(st.sampled_from([f"a{n}" for n in range(5)]), max_size=2))
    def request(self, model: str, excluded: set[str]) -> None:
        chosen = selected(self.candidates, self.states, model, self.now, frozenset(excluded))
        may = [one for one in self.candidates if self.callable(one, model) and one.uuid not in excluded]
        if chosen is None:
            assert may == []
            found = obstacle(self.candidates, self.states, model, self.now, frozenset(excluded))
            left = [one for one in self.candidates if one.enabled and one.uuid not in excluded]
            assert (found.wait is None and found.queue is None and not found.probing) == (left == [])
            return
        assert chosen in [one.uuid for one in may]
        used = {one.uuid: self.state(one.uuid).last_used for one in may}
        assert used[chosen] == min(used.values())
        self.start(chosen, model)

    def callable(self, candidate: Candidate, model: str) -> bool:
        state = self.state(candidate.uuid)
        resting = state.resting.get(model, 0.0) > self.now or state.unavailable_until > self.now
        full = candidate.limit and sum(uuid == candidate.uuid for uuid, _, _ in self.running) >= candidate.limit
        probed = any(uuid == candidate.uuid and probe for uuid, _, probe in self.running)
        half_open = state.circuit(self.now) is Circuit.HALF_OPEN
        return candidate.enabled and not resting and not full and not (half_open and probed)

    def start(self, uuid: str, model: str) -> None:
        self.sequence += 1
        state = self.states.setdefault(uuid, AccountState())
        waits = state.circuit(self.now) is Circuit.HALF_OPEN and not state.probing
        probe = health.started(state, self.sequence)
        assert probe == waits
        self.running.append((uuid, model, probe))

    @precondition(lambda self: self.running)
    @rule(
        place=st.integers(0, 100),
        kind=st.sampled_from([None, None, *FaultKind, FaultKind.UPSTREAM, FaultKind.OVERLOADED]),
        stated=st.one_of(st.none(), st.floats(-5, 4000)),
        chance=st.floats(0, 1),
    )
    def finish(self, place: int, kind: FaultKind | None, stated: float | None, chance: float) -> None:
        uuid, model, probe = self.running.pop(place % len(self.running))
        state = self.state(uuid)
        if kind is None:
            state = health.succeeded(state)
            assert state.circuit(self.now) is Circuit.CLOSED
        else:
            fault = Fault(kind, "x", retry_after=stated)
            may = may_rest(self.candidates, self.states, uuid, model, self.now)
            before, state = state, health.failed(state, fault, model, self.now, 3, may_rest=may, chance=chance)
            self.check(before, state, fault, model)
        health.ended(state, probe=probe)
        self.states[uuid] = state

    def check(self, before: AccountState, after: AccountState, fault: Fault, model: str) -> None:
        match blame(fault):
            case Blame.CALLER | Blame.GATEWAY:
                assert after == before
            case Blame.ACCOUNT:
                assert after.circuit(self.now) is Circuit.OPEN
                self.only_errors = False
            case Blame.ACCOUNT_MODEL:
                until = after.resting[model]
                least = (
                    health.DEFAULT_REST
                    if fault.retry_after is None
                    else min(max(fault.retry_after, 0.0), health.LONGEST_REST)
                )
                assert self.now + least <= until <= self.now + least + health.REST_SPREAD
                self.only_errors = False
            case Blame.UPSTREAM:
                assert after.unavailable_until - self.now <= max(
                    health.LONGEST_EJECTION, before.unavailable_until - self.now
                )

    @invariant()
    def errors_alone_never_close_a_pool(self) -> None:
        enabled = [one for one in getattr(self, "candidates", ()) if one.enabled]
        if not enabled or not self.only_errors:
            return
        assert any(self.state(one.uuid).unavailable_until <= self.now for one in enabled)
        open_circuits = sum(self.state(one.uuid).circuit(self.now) is Circuit.OPEN for one in enabled)
        assert 2 * open_circuits <= len(enabled)

    @invariant()
    def what_is_in_progress_is_counted(self) -> None:
        for candidate in getattr(self, "candidates", ()):
            number = sum(uuid == candidate.uuid for uuid, _, _ in self.running)
            assert self.state(candidate.uuid).in_flight == number
            assert not candidate.limit or number <= candidate.limit


TestPool = Pool.TestCase
#: 10,000 steps, and a million in a deep run.
TestPool.settings = settings(
    max_examples=10_000 if DEEP else 200, stateful_step_count=100 if DEEP else 50, deadline=None
)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_every_strategy_obeys_the_same_rules(data: st.DataObject) -> None:
    strategy = data.draw(st.sampled_from(Strategy))
    candidates = [Candidate(name, limit=data.draw(st.integers(0, 2))) for name in "abcd"]
    states = {
        name: AccountState(
            last_used=data.draw(st.integers(0, 9)),
            in_flight=data.draw(st.integers(0, 2)),
            unavailable_until=data.draw(st.sampled_from([0.0, 5.0])),
        )
        for name in "abcd"
    }
    chosen = selected(candidates, states, "m", 1.0, strategy=strategy, chance=data.draw(st.floats(0, 1)))
    may = [
        one.uuid
        for one in candidates
        if states[one.uuid].unavailable_until <= 1.0 and not (one.limit and states[one.uuid].in_flight >= one.limit)
    ]
    assert (chosen in may) if may else chosen is None
