"""The pool's policy under a clock of its own: who is called, who rests, who is to blame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codenex.core.errors import Fault, FaultKind
from codenex.pool import health
from codenex.pool.blame import Blame, blame, may_try_another
from codenex.pool.health import AccountState
from codenex.pool.selection import Candidate, selected, soonest

FRESH = AccountState()


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
    assert rests[:3] == [30.0, 60.0, 90.0]
    assert rests[-1] == health.LONGEST_EJECTION


def test_a_good_answer_forgets_errors():
    state = health.failed(FRESH, Fault(FaultKind.UPSTREAM, "x"), "m", 0.0, 3)
    assert health.succeeded(state).consecutive_errors == 0


@pytest.mark.parametrize(("stated", "rest"), [(None, 30.0), (7.5, 7.5), (0.0, 0.0), (-3.0, 0.0), (1e9, 3600.0)])
def test_a_rate_limit_rests_the_model_for_the_stated_time(stated, rest):
    state = health.failed(FRESH, Fault(FaultKind.RATE_LIMIT, "x", retry_after=stated), "m", 100.0, 3)
    assert state.resting["m"] == 100.0 + rest
    assert state.available("other", 100.0)


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
        states[chosen] = health.ended(health.started(states.get(chosen, FRESH), sequence))
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
    assert soonest(candidates[4:5], states, "m", 4.0) == 5.0
    assert soonest(candidates[:3], states, "m", 4.0) is None


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
        state = health.started(states.get(name, FRESH), sequence)
        state = health.succeeded(state) if kind is None else health.failed(state, Fault(kind, "x"), "m", now, 3)
        states[name] = health.ended(state)
        chosen = selected(candidates, states, "m", now)
        if chosen is None:
            assert all(not states[other].available("m", now) for other in "abc")
        else:
            assert states.get(chosen, FRESH).available("m", now)
            assert states.get(chosen, FRESH).in_flight == 0
