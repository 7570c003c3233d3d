"""The tables are total, in both directions, and name what they say they name."""

from __future__ import annotations

import pytest

from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishDetail, FinishReason
from codenex.protocols.openai_chat.errors import BY_STATUS, BY_WORD, CODES, TYPES, encode_error
from codenex.protocols.openai_chat.finish import FAILURES, FROM_WIRE, TO_WIRE, decode_finish, encode_finish
from codenex.protocols.openai_chat.options import BUDGETS, LEVELS, level_of_budget, nearest

WORDS = {"stop", "length", "tool_calls", "content_filter", "function_call"}


def encoded(detail: FinishDetail, **changes: bool) -> str | None:
    given = {"has_content": True, "has_calls": False, "has_refusal": False, "own": False, "legacy": False, **changes}
    return encode_finish(detail, **given)


def test_every_reason_has_a_word_of_the_protocol_or_is_an_error():
    assert set(TO_WIRE) == set(FinishReason)
    assert {word for word in TO_WIRE.values() if word is not None} <= WORDS


def test_every_word_of_the_protocol_is_read_and_comes_back():
    for word in WORDS - {"function_call", "tool_calls"}:
        assert TO_WIRE[decode_finish(word).reason] == word
    assert decode_finish("function_call").reason is decode_finish("tool_calls").reason is FinishReason.TOOL_CALLS
    assert not FAILURES.keys() & FROM_WIRE.keys()


@pytest.mark.pitfall("FIN-6")
def test_an_unknown_word_is_kept_beside_the_nearest_reason():
    assert decode_finish("vendor_magic") == FinishDetail(FinishReason.OTHER, "vendor_magic")


@pytest.mark.pitfall("FIN-1", "FIN-2", "FIN-3")
def test_calls_decide_about_tool_calls():
    stop = FinishDetail(FinishReason.STOP)
    assert encoded(stop, has_calls=True) == "tool_calls"
    assert encoded(stop, has_calls=True, legacy=True) == "function_call"
    assert encoded(FinishDetail(FinishReason.TOOL_CALLS)) == "stop"
    assert encoded(FinishDetail(FinishReason.LENGTH), has_calls=True) == "length"


def test_nothing_at_all_for_a_reason_that_says_nothing_is_an_error():
    assert encoded(FinishDetail(FinishReason.OTHER), has_content=False) is None
    assert encoded(FinishDetail(FinishReason.OTHER)) == "stop"
    assert encoded(FinishDetail(FinishReason.MALFORMED_TOOL_CALL)) is None


def test_a_refusal_of_this_protocol_keeps_its_own_word():
    refusal = FinishDetail(FinishReason.REFUSAL, "stop")
    assert encoded(refusal, has_refusal=True, own=True) == "stop"
    assert encoded(refusal, has_refusal=True) == "content_filter"


def test_every_fault_has_a_type_of_the_specification():
    assert set(TYPES) == set(FaultKind)
    assert set(CODES) <= set(FaultKind)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_fault_can_be_written(kind: FaultKind):
    answer = encode_error(Fault(kind, "told"), "req")
    assert 400 <= answer.status < 600
    assert answer.status != 529


def test_statuses_and_words_mean_kinds():
    assert all(isinstance(kind, FaultKind) for kind in (*BY_STATUS.values(), *BY_WORD.values()))
    assert all(word == word.lower() for word in BY_WORD)


def test_budgets_rise_with_their_levels():
    limits = [limit for limit, _ in BUDGETS]
    assert limits == sorted(limits)
    assert [LEVELS.index(level) for _, level in BUDGETS] == sorted(LEVELS.index(level) for _, level in BUDGETS)


@pytest.mark.parametrize(
    ("budget", "level"),
    [(-1, None), (0, "none"), (1, "minimal"), (512, "minimal"), (1024, "low"), (8192, "medium"), (24576, "high")],
)
def test_a_budget_becomes_a_level(budget: int, level: str | None):
    assert level_of_budget(budget) == level
    assert level_of_budget(100_000) == "xhigh"


@pytest.mark.parametrize(
    ("level", "efforts", "sent"),
    [
        ("high", ("low", "high"), "high"),
        ("max", ("low", "medium", "high"), "high"),
        ("minimal", ("none", "low", "high"), "low"),
        ("none", ("minimal", "low"), "minimal"),
        ("xhigh", ("none", "high", "max"), "max"),
        ("turbo", ("low",), "turbo"),
    ],
)
def test_the_nearest_effort_is_found(level: str, efforts: tuple[str, ...], sent: str):
    assert nearest(level, efforts) == sent
