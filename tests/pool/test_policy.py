"""The pool's policy under a clock of its own: who is called, who rests, who is to blame."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codenex.core.errors import Fault, FaultKind
from codenex.pool import health
from codenex.pool.blame import Blame, blame, may_try_another
from codenex.pool.health import AccountState, Circuit
from codenex.pool.selection import Candidate, Obstacle, Strategy, may_rest, obstacle, selected

FRESH = AccountState()


def started(state, sequence):
    counted = msgspec.structs.replace(state)
    health.started(counted, sequence)
    return counted


def ended(state, *, probe=False):
    counted = msgspec.structs.replace(state)
    health.ended(counted, probe=probe)
    return counted


def test_every_kind_of_fault_has_a_class():
    for kind in FaultKind:
        assert blame(Fault(kind, "x")) in Blame


@pytest.mark.parametrize("kind", [FaultKind.INVALID_REQUEST, FaultKind.CONTEXT_LENGTH, FaultKind.CANCELLED])
def test_the_callers_faults_and_departures_are_never_counted(kind):
    assert health.failed(FRESH, Fault(kind, "x"), "m", 5.0, 3) == FRESH
    assert not may_try_another(Fault(kind, "x"))


def test_upstream_errors_eject_after_the_limit_and_longer_each_time():
    fault, state, now, rests = Fault(FaultKind.UPSTREAM, "x"), FRESH, 0.0, []
    for _ in range(12):
        for _ in range(3):
            assert state.available("m", now)
            state = health.failed(state, fault, "m", now, 3)
        rests.append(state.unavailable_until - now)
        assert not state.available("m", now)
        now = state.unavailable_until
        # Of a single error more than its first ejection an account would be ejected again: it has to prove itself.
        state = health.succeeded(state)
    assert rests[:3] == [30.0, 60.0, 90.0]
    assert rests[-1] == health.LONGEST_EJECTION


def test_a_good_answer_forgets_errors():
    state = health.failed(FRESH, Fault(FaultKind.UPSTREAM, "x"), "m", 0.0, 3)
    assert health.succeeded(state).consecutive_errors == 0


@pytest.mark.parametrize(
    ("stated", "rest"), [(None, 30.0), (7.5, 7.5), (0.0, 0.0), (-3.0, 0.0), (7200.0, 7200.0), (1e9, 86_400.0)]
)
def test_a_rate_limit_rests_the_model_for_the_stated_time(stated, rest):
    state = health.failed(FRESH, Fault(FaultKind.RATE_LIMIT, "x", retry_after=stated), "m", 100.0, 3)
    assert state.resting.get("m", 100.0) == 100.0 + rest
    assert state.available("other", 100.0)


@given(st.floats(0, 1), st.one_of(st.none(), st.floats(-10, 1e10)))
def test_rests_are_spread_upwards_only(chance, stated):
    fault = Fault(FaultKind.RATE_LIMIT, "x", retry_after=stated)
    least = health.rest_of(fault)
    assert least <= health.rest_of(fault, chance) <= least + health.REST_SPREAD


def test_a_bad_key_retires_the_account_for_all_models():
    state = health.failed(FRESH, Fault(FaultKind.AUTHENTICATION, "x"), "m", 0.0, 3)
    assert not state.available("other", 1.0)
    assert may_try_another(Fault(FaultKind.AUTHENTICATION, "x"))


def test_a_silence_after_the_whole_request_was_sent_is_not_repeated():
    assert not may_try_another(Fault(FaultKind.UPSTREAM_TIMEOUT, "x", code="first_byte_timeout"))
    assert may_try_another(Fault(FaultKind.UPSTREAM_CONNECT, "x"))


def test_least_recently_used_first_and_configured_order_before_use():
    candidates = [Candidate("a"), Candidate("b"), Candidate("c")]
    states, order = {}, []
    for sequence in range(1, 7):
        chosen = selected(candidates, states, "m", 0.0)
        states[chosen] = ended(started(states.get(chosen, FRESH), sequence))
        order.append(chosen)
    assert order == ["a", "b", "c", "a", "b", "c"]


def test_only_those_that_may_be_called_are():
    candidates = [
        Candidate("disabled", enabled=False),
        Candidate("other", supported=("x",)),
        Candidate("without", unsupported=("m",)),
        Candidate("full", limit=1),
        Candidate("resting"),
        Candidate("good"),
    ]
    states = {"full": AccountState(in_flight=1), "resting": AccountState(resting={"m": 9.0})}
    assert selected(candidates, states, "m", 0.0) == "good"
    assert selected(candidates, states, "m", 0.0, frozenset({"good"})) is None
    assert selected(candidates, states, "m", 9.0, frozenset({"good"})) == "resting"
    assert obstacle(candidates[4:5], states, "m", 4.0) == Obstacle(wait=5.0)
    assert obstacle(candidates[3:5], states, "m", 4.0) == Obstacle(wait=5.0, queue=0)
    assert obstacle(candidates[:3], states, "m", 4.0) == Obstacle()


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from([None, *FaultKind]), st.floats(0, 50)), max_size=60
    )
)
def test_no_history_calls_an_account_that_rests(history):
    candidates = [Candidate(name) for name in "abc"]
    states, now = {}, 0.0
    for sequence, (name, kind, pause) in enumerate(history, 1):
        now += pause
        state = started(states.get(name, FRESH), sequence)
        state = health.succeeded(state) if kind is None else health.failed(state, Fault(kind, "x"), "m", now, 3)
        states[name] = ended(state)
        chosen = selected(candidates, states, "m", now)
        if chosen is None:
            assert all(not states[other].available("m", now) for other in "abc")
        else:
            assert states.get(chosen, FRESH).available("m", now)
            assert states.get(chosen, FRESH).in_flight == 0


# --- circuits ---------------------------------------------------------------------------------------------------------

BROKEN = Fault(FaultKind.UPSTREAM, "x")


def ejected(now=0.0):
    state = FRESH
    for _ in range(3):
        state = health.failed(state, BROKEN, "m", now, 3)
    return state


def test_an_ejected_account_is_probed_by_one_request_and_trusted_after_a_good_answer():
    state = ejected()
    assert state.circuit(29.9) is Circuit.OPEN
    assert state.circuit(30.0) is Circuit.HALF_OPEN
    probed = started(state, 1)
    assert not probed.available("m", 31.0)
    trusted = health.succeeded(probed)
    assert trusted.available("m", 31.0)
    assert trusted.circuit(31.0) is Circuit.CLOSED
    left = ended(probed, probe=True)
    assert left.available("m", 31.0)


def test_a_failed_probe_makes_the_next_rest_longer():
    state = health.failed(started(ejected(), 1), BROKEN, "m", 30.0, 3)
    assert state.unavailable_until == 30.0 + 60.0


def test_ejections_long_ago_are_forgotten():
    state = health.succeeded(ejected())
    late = health.EJECTIONS_FORGOTTEN + 1
    for _ in range(3):
        state = health.failed(state, BROKEN, "m", late, 3)
    assert state.unavailable_until == late + health.EJECTION_REST


def test_an_account_that_is_needed_is_probed_at_once():
    state = FRESH
    for _ in range(3):
        state = health.failed(state, BROKEN, "m", 5.0, 3, may_rest=False)
    assert state.circuit(5.0) is Circuit.HALF_OPEN
    assert state.available("m", 5.0)
    assert not started(state, 1).available("m", 5.0)


def test_a_request_that_has_ejected_one_account_ejects_no_other():
    state = FRESH
    for _ in range(5):
        state = health.failed(state, BROKEN, "m", 5.0, 3, may_eject=False)
    assert state.circuit(5.0) is Circuit.CLOSED
    assert health.failed(state, BROKEN, "m", 5.0, 3).circuit(5.0) is Circuit.OPEN


@pytest.mark.parametrize(("number", "rest"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (10, 5)])
def test_at_most_half_of_a_pool_rests_for_errors(number, rest):
    candidates = [Candidate(str(place)) for place in range(number)]
    states, allowed = {}, 0
    for candidate in candidates:
        may = may_rest(candidates, states, candidate.uuid, "m", 0.0)
        allowed += may
        if may:
            states[candidate.uuid] = ejected()
    assert allowed == rest


def test_retired_and_limited_accounts_are_no_part_of_the_half_but_the_last_one_stays():
    candidates = [Candidate(name) for name in "abcd"]
    retired = health.failed(FRESH, Fault(FaultKind.AUTHENTICATION, "x"), "m", 0.0, 3)
    limited = health.failed(FRESH, Fault(FaultKind.RATE_LIMIT, "x"), "m", 0.0, 3)
    assert may_rest(candidates, {"a": retired, "b": limited}, "c", "m", 1.0)
    assert not may_rest(candidates, {"a": retired, "b": limited, "d": ejected()}, "c", "m", 1.0)
    assert not may_rest(candidates, {"a": retired, "b": limited, "d": retired}, "c", "m", 1.0)


# --- strategies -------------------------------------------------------------------------------------------------------


def play(strategy, candidates, number, **options):
    states, order = {}, []
    for sequence in range(1, number + 1):
        chosen = selected(candidates, states, "m", 0.0, strategy=strategy, **options)
        states[chosen] = ended(started(states.get(chosen, FRESH), sequence))
        order.append(chosen)
    return "".join(order)


def test_round_robin_goes_on_after_the_last_one():
    candidates = [Candidate("a"), Candidate("b", unsupported=("m",)), Candidate("c")]
    assert play(Strategy.ROUND_ROBIN, candidates, 5) == "acaca"


def test_fill_first_stays_with_the_first_until_it_is_full():
    candidates = [Candidate("a", limit=1), Candidate("b")]
    assert play(Strategy.FILL_FIRST, candidates, 3) == "aaa"
    busy = {"a": started(FRESH, 1)}
    assert selected(candidates, busy, "m", 0.0, strategy=Strategy.FILL_FIRST) == "b"


def test_weights_are_shares():
    candidates = [Candidate("a", weight=3), Candidate("b", weight=1)]
    chosen = [
        selected(candidates, {}, "m", 0.0, strategy=Strategy.WEIGHTED, chance=place / 100) for place in range(100)
    ]
    assert chosen.count("a") == 75
    assert selected(candidates, {}, "m", 0.0, strategy=Strategy.WEIGHTED, chance=1.0) == "b"


@pytest.mark.parametrize("strategy", Strategy)
def test_a_preferred_account_is_taken_as_long_as_it_may_be(strategy):
    candidates = [Candidate("a"), Candidate("b", limit=1), Candidate("c")]
    assert play(strategy, candidates, 3, preferred="b") == "bbb"
    assert selected(candidates, {"b": ejected()}, "m", 0.0, strategy=strategy, preferred="b") in ("a", "c")
    full = {"b": started(FRESH, 1)}
    assert selected(candidates, full, "m", 0.0, strategy=strategy, preferred="b") in ("a", "c")
    assert selected(candidates, {}, "m", 0.0, frozenset("b"), strategy=strategy, preferred="b") in ("a", "c")
