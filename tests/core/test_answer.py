"""An answer is the fold of its events."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from tests.support.strategies import answers, interleaved_streams

from codenex.core import events as e
from codenex.core.answer import Answer, fault_of, fold, unfold
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishDetail, FinishReason, settled
from codenex.core.parts import Text
from codenex.core.stream_validator import StreamValidator
from codenex.core.usage import Usage


@given(answers)
def test_fold_undoes_unfold(answer: Answer) -> None:
    assert fold(unfold(answer)) == answer


@given(answers)
def test_unfolding_gives_a_legal_stream(answer: Answer) -> None:
    validator = StreamValidator(sequential=True)
    for event in unfold(answer):
        validator.check(event)
    validator.end()


@settings(deadline=None)
@given(interleaved_streams())
def test_the_strategy_of_streams_gives_legal_ones(events: list[e.StreamEvent]) -> None:
    validator = StreamValidator()
    for event in events:
        validator.check(event)
    validator.end()


def test_parts_are_ordered_by_their_start() -> None:
    answer = fold(
        [
            e.Start("x"),
            e.PartStart(0, "text"),
            e.PartStart(1, "text"),
            e.PartStop(1, Text("b")),
            e.PartStop(0, Text("a")),
        ]
    )
    assert answer.choices[0].parts == (Text("a"), Text("b"))


def test_usage_is_overwritten_and_never_added() -> None:
    answer = fold(
        [
            e.Start("x", usage=Usage(input_uncached=5, output_text=1)),
            e.UsageSnapshot(Usage(output_text=7)),
            e.UsageSnapshot(Usage(output_text=9, input_cache_read=0)),
        ]
    )
    assert answer.usage == Usage(input_uncached=5, output_text=9, input_cache_read=0)
    assert fold([e.Start("x")]).usage is None


def test_the_first_start_counts_and_pings_are_nothing() -> None:
    assert fold([e.Ping(), e.Start("a", id="1"), e.Start("b", id="2"), e.Ping()]) == Answer("a", "1")
    assert fold([]) == Answer("")


def test_an_error_raises_its_fault() -> None:
    fault = Fault(FaultKind.UPSTREAM, "broken")
    events = [e.Start("x"), e.PartStart(0, "text"), e.Error(fault)]
    with pytest.raises(Fault) as caught:
        fold(events)
    assert caught.value is fault
    assert fault_of(events) is fault
    assert fault_of(events[:2]) is None


@pytest.mark.parametrize(
    ("reason", "calls", "expected"),
    [
        (FinishReason.STOP, True, FinishReason.TOOL_CALLS),
        (FinishReason.OTHER, True, FinishReason.TOOL_CALLS),
        (FinishReason.STOP, False, FinishReason.STOP),
        (FinishReason.TOOL_CALLS, False, FinishReason.STOP),
        (FinishReason.TOOL_CALLS, True, FinishReason.TOOL_CALLS),
        (FinishReason.LENGTH, True, FinishReason.LENGTH),
        (FinishReason.REFUSAL, True, FinishReason.REFUSAL),
    ],
)
def test_reason_and_content_agree(reason: FinishReason, calls: bool, expected: FinishReason) -> None:
    detail = settled(FinishDetail(reason, raw="r"), has_tool_calls=calls)
    assert detail == FinishDetail(expected, raw="r")
