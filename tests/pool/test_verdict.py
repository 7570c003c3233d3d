"""Whose fault it is when several accounts fail in one request."""

from codenex.core.errors import Fault, FaultKind
from codenex.pool.verdict import Count, Verdict, Weight

BROKEN = Fault(FaultKind.UPSTREAM, "x", status=500)
OTHER = Fault(FaultKind.UPSTREAM, "x", status=502)
REFUSED = Fault(FaultKind.UPSTREAM_CONNECT, "x")
LIMITED = Fault(FaultKind.RATE_LIMIT, "x")


def test_a_fault_of_one_account_counts_when_the_request_is_over():
    verdict = Verdict()
    assert verdict.failed("a", BROKEN) == []
    assert verdict.closed() == [Count("a", BROKEN, Weight.FULL)]
    assert verdict.closed() == []


def test_the_same_fault_of_two_accounts_is_doubted():
    verdict = Verdict()
    verdict.failed("a", BROKEN)
    assert verdict.failed("b", BROKEN) == [Count("a", BROKEN, Weight.DOUBTED), Count("b", BROKEN, Weight.DOUBTED)]
    assert verdict.repeated
    assert verdict.closed() == []


def test_the_same_fault_of_one_account_twice_is_its_own():
    verdict = Verdict()
    verdict.failed("a", BROKEN)
    assert verdict.failed("a", BROKEN) == [Count("a", BROKEN, Weight.FULL)]
    assert not verdict.repeated


def test_different_faults_count_on_each():
    verdict = Verdict()
    verdict.failed("a", BROKEN)
    assert verdict.failed("b", OTHER) == [Count("a", BROKEN, Weight.FULL)]
    assert not verdict.repeated
    assert verdict.closed() == [Count("b", OTHER, Weight.FULL)]


def test_what_no_request_can_cause_counts_at_once():
    verdict = Verdict()
    assert verdict.failed("a", REFUSED) == [Count("a", REFUSED, Weight.FULL)]
    assert verdict.failed("b", REFUSED) == [Count("b", REFUSED, Weight.FULL)]
    assert verdict.failed("c", LIMITED) == [Count("c", LIMITED, Weight.FULL)]
    assert verdict.closed() == []
