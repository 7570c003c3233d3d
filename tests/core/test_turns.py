"""Conversations in the form that targets demand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.support import strategies

from codenex.core.losses import Losses
from codenex.core.parts import Media, Part, Reasoning, Refusal, Signature, Text, ToolCall, ToolResult
from codenex.core.request import Turn, leading_system
from codenex.core.turns import CONTINUED, INTERRUPTED, is_settled, merged, paired, started_by_user, without_empty


def call(id: str, name: str = "f") -> ToolCall:
    return ToolCall(id, name, "{}")


def result(id: str, text: str = "ok", name: str | None = "f") -> ToolResult:
    return ToolResult(id, (Text(text),), name)


def user(*parts: Part) -> Turn:
    return Turn("user", parts)


def assistant(*parts: Part) -> Turn:
    return Turn("assistant", parts)


def system(text: str) -> Turn:
    return Turn("system", (Text(text),))


def pairs(*turns: Turn) -> tuple[tuple[Turn, ...], list[str]]:
    losses = Losses()
    return paired(turns, losses), [loss.reason for loss in losses.values()]


def test_a_conversation_in_order_stays_what_it_is() -> None:
    turns = (user(Text("q")), assistant(Text("a"), call("1"), call("2")), user(result("1"), result("2"), Text("go")))
    assert pairs(*turns) == (turns, [])


def test_without_tools_nothing_is_even_copied() -> None:
    turns = (system("s"), user(Text("q")), assistant(Text("a")))
    assert paired(turns, Losses()) is turns


def test_results_get_call_order_the_name_and_the_first_place() -> None:
    out, losses = pairs(
        assistant(call("1", "f"), call("2", "g")), user(Text("go"), result("2", name=None), result("1", name=None))
    )
    assert out[1] == user(result("1", name="f"), result("2", name="g"), Text("go"))
    assert losses == []


@pytest.mark.pitfall("ROL-6")
def test_a_call_without_result_is_told_to_be_interrupted() -> None:
    missing = ToolResult("1", (Text(INTERRUPTED),), "f", is_error=True)
    for after in ((), (user(Text("never mind")),)):
        out, losses = pairs(assistant(call("1")), *after)
        assert out[1].parts[0] == missing
        assert len(losses) == 1


@pytest.mark.pitfall("ROL-6")
def test_a_result_without_call_becomes_text() -> None:
    out, losses = pairs(user(Text("q"), result("gone", "the result")))
    assert out == (user(Text("q"), Text("the result")),)
    assert len(losses) == 1


@pytest.mark.pitfall("ROL-7")
def test_of_two_results_the_last_stays() -> None:
    out, losses = pairs(assistant(call("1")), user(result("1", "old")), user(result("1", "new"), Text("x")))
    assert out == (assistant(call("1")), user(result("1", "new")), user(Text("x")))
    assert len(losses) == 1


def test_a_late_result_moves_to_its_call() -> None:
    out, _ = pairs(assistant(call("1")), user(Text("wait")), assistant(Text("ok")), user(result("1")))
    assert out == (assistant(call("1")), user(result("1"), Text("wait")), assistant(Text("ok")))


def test_a_system_turn_in_between_moves_behind_the_results() -> None:
    out, _ = pairs(assistant(call("1")), system("note"), user(result("1")), user(Text("go")))
    assert out == (assistant(call("1")), user(result("1")), system("note"), user(Text("go")))


@pytest.mark.pitfall("ROL-11")
def test_results_of_adjacent_assistant_turns_follow_the_last_of_them() -> None:
    turns = (assistant(call("1")), assistant(call("2")), assistant(Text("done")), user(result("2"), result("1")))
    out, losses = pairs(*turns)
    assert out == (*turns[:3], user(result("1"), result("2")))
    assert losses == []


@pytest.mark.pitfall("TOOL-6")
def test_an_id_that_comes_again_in_every_turn_is_told_apart() -> None:
    turns = (
        assistant(call("0", "f")),
        user(result("0", "first")),
        assistant(call("0", "g")),
        user(result("0", "second", "g")),
        assistant(call("0", "h")),
        user(Text("stop")),
    )
    out, losses = pairs(*turns)
    calls = [part for turn in out for part in turn.parts if isinstance(part, ToolCall)]
    answers = [part for turn in out for part in turn.parts if isinstance(part, ToolResult)]
    assert calls[0].id == "0"
    assert len({each.id for each in calls}) == 3
    assert [answer.call_id for answer in answers] == [each.id for each in calls]
    assert [answer.parts for answer in answers] == [(Text("first"),), (Text("second"),), (Text(INTERRUPTED),)]
    assert len(losses) == 2
    assert pairs(*turns) == (out, losses)
    assert pairs(*turns, user(Text("more")))[0][: len(out)] == out


@pytest.mark.pitfall("TOOL-6", "TOOL-40")
def test_parallel_calls_without_ids_are_matched_by_order() -> None:
    out, _ = pairs(assistant(call("", "f"), call("", "g")), user(result("", "one", None), result("", "two", None)))
    first, second = (part for part in out[0].parts if isinstance(part, ToolCall))
    assert len({first.id, second.id, ""}) == 3
    assert out[1] == user(result(first.id, "one", "f"), result(second.id, "two", "g"))


@given(st.lists(strategies.turns, max_size=6).map(tuple))
def test_whatever_comes_in_every_call_is_answered_once_right_after_its_step(turns: tuple[Turn, ...]) -> None:
    out = merged(tuple(turn for turn in paired(turns, Losses()) if turn.role != "system"))
    for position, turn in enumerate(out):
        calls = [part.id for part in turn.parts if isinstance(part, ToolCall)]
        following = out[position + 1].parts if position + 1 < len(out) else ()
        answers = [part.call_id for part in following if isinstance(part, ToolResult)]
        if turn.role == "assistant":
            assert answers == calls
        if calls:
            assert all(isinstance(part, ToolResult) for part in following[: len(calls)])
    every = [part.call_id for turn in out for part in turn.parts if isinstance(part, ToolResult)]
    assert len(set(every)) == len(every)


@given(st.lists(strategies.turns, max_size=4).map(tuple) | strategies.conversations())
def test_a_settled_conversation_has_its_normal_form(turns: tuple[Turn, ...]) -> None:
    if not is_settled(turns):
        return
    losses = Losses()
    normal = merged(started_by_user(without_empty(paired(turns, losses)), losses))
    assert _nameless(normal) == _nameless(turns)
    assert losses.values() == ()


def _nameless(turns: tuple[Turn, ...]) -> list[list[Part]]:
    """The parts of turns, results without the names that they take over from calls."""
    return [
        [structs.replace(part, name=None) if isinstance(part, ToolResult) else part for part in turn.parts]
        for turn in turns
    ]


def test_what_is_settled_and_what_is_not() -> None:
    asked = user(Text("q"))
    step = (assistant(Text("a"), call("1"), call("2")), user(result("1"), result("2"), Text("go")))
    for good in (
        (asked,),
        (system("s"), system("t"), asked, assistant(Text("a"))),
        (asked, *step, assistant(Text("b")), asked),
    ):
        assert is_settled(good)
    for bad in (
        (),
        (system("s"),),
        (assistant(Text("a")), asked),
        (asked, asked),
        (asked, system("s")),
        (asked, user()),
        (user(Text(" ")),),
        (user(Text("q"), call("1")),),
        (asked, step[0]),
        (asked, step[0], user(result("1"))),
        (asked, step[0], user(result("1")), assistant(Text("b")), user(result("2"))),
        (asked, step[0], user(result("2"), result("1"))),
        (asked, step[0], user(result("1"), Text("go"), result("2"))),
        (asked, step[0], user(result("1"), result("2"), result("2"))),
        (asked, *step, *step),
        (asked, assistant(call("")), user(result(""))),
        (asked, user(result("1"))),
    ):
        assert not is_settled(bad)


@given(strategies.conversations())
def test_good_conversations_are_not_touched(turns: tuple[Turn, ...]) -> None:
    losses = Losses()
    out = paired(turns, losses)
    assert len(losses) == 0
    assert [turn.role for turn in out] == [turn.role for turn in turns]
    assert paired(out, losses) == out


@pytest.mark.pitfall("ROL-8")
@pytest.mark.parametrize(
    ("part", "kept"),
    [
        (Text(""), False),
        (Text(" \n\t"), False),
        (Text("x"), True),
        (Text("", signature=Signature("gemini", "s")), True),
        (Refusal(""), False),
        (Reasoning(("",)), False),
        (Reasoning((), redacted=True, signature=Signature("anthropic", "s")), True),
        (Media("image"), False),
        (Media("image", url="https://example.com"), True),
        (Media("document", text=""), True),
        (ToolCall("1", "f", ""), True),
        (ToolResult("1"), True),
    ],
)
def test_empty_parts_go_and_so_do_empty_turns(part: Part, kept: bool) -> None:
    turns = (user(Text("q")), user(part))
    assert without_empty(turns) == (turns if kept else turns[:1])


def test_only_what_is_empty_goes() -> None:
    assert without_empty((user(Text(""), Text("a"), Text(" ")),)) == (user(Text("a")),)


def test_neighbours_of_one_role_are_joined_but_not_system_turns() -> None:
    turns = (system("a"), system("b"), user(Text("1")), user(Text("2")), assistant(Text("3")), assistant(Text("4")))
    assert merged(turns) == (
        system("a"),
        system("b"),
        user(Text("1"), Text("2")),
        assistant(Text("3"), Text("4")),
    )


def test_a_conversation_begins_with_the_user() -> None:
    losses = Losses()
    good = (system("s"), user(Text("q")))
    assert started_by_user(good, losses) is good
    assert len(losses) == 0
    assert started_by_user((assistant(Text("hi")),), losses) == (user(Text(CONTINUED)), assistant(Text("hi")))
    assert started_by_user((system("s"),), losses) == (system("s"), user(Text(".")))
    assert started_by_user((), losses) == (user(Text(".")),)
    assert len(losses) == 1


def test_leading_system_turns() -> None:
    turns = (system("a"), system("b"), user(Text("q")), system("c"))
    assert leading_system(turns) == (turns[:2], turns[2:])
    assert leading_system(()) == ((), ())
