"""Playbooks of the commit gate: what may still be done about a failure at each moment of an answer."""

import pytest

from codenex.gateway.commit import CommitGate, Recovery, Stage


def test_a_failure_before_any_output_is_invisible():
    gate = CommitGate(True, 20.0)
    assert gate.may_fail_over
    assert gate.recovery is Recovery.RETRY


@pytest.mark.pitfall("ERR-10")
def test_content_commits_once():
    gate = CommitGate(True, 20.0)
    assert gate.content() is True
    assert gate.content() is False
    assert not gate.may_fail_over
    assert gate.recovery is Recovery.ERROR_EVENT


def test_a_silent_stream_gets_its_head_but_may_still_fail_over():
    gate = CommitGate(True, 20.0)
    assert gate.silence(19.9) is False
    assert gate.silence(20.0) is True
    assert gate.silence(40.0) is False
    assert gate.may_fail_over
    assert gate.recovery is Recovery.RETRY_IN_BAND
    assert gate.content() is False
    assert gate.recovery is Recovery.ERROR_EVENT


def test_a_unary_answer_never_commits_by_silence():
    gate = CommitGate(False, 20.0)
    assert gate.silence(1000.0) is False
    assert gate.stage is Stage.HELD


@pytest.mark.parametrize("before", ["held", "silent", "flowing"])
def test_after_the_end_nothing_can_be_said(before):
    gate = CommitGate(True, 1.0)
    if before == "silent":
        gate.silence(2.0)
    elif before == "flowing":
        gate.content()
    gate.ended()
    assert gate.recovery is Recovery.NOTHING
    assert not gate.may_fail_over
    assert gate.content() is False
    assert gate.stage is Stage.ENDED
