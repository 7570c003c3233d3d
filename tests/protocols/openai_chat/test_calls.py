"""Fragments of calls, in all the ways in which servers send them, become whole calls."""

from __future__ import annotations

from typing import Any

import pytest
from tests.protocols.openai_chat.samples import Object, call, calls_of, chunk, decoded, folded, stream

from codenex.core import events as e
from codenex.core.finish import FinishReason
from codenex.core.parts import Signature, ToolCall


def calls(*deltas: Object, finish: str = "tool_calls") -> list[tuple[str, str, str]]:
    return calls_of(folded(*(chunk(delta) for delta in deltas), chunk({}, finish)))


PAIR = [("a", "f", '{"x":1}'), ("b", "g", '{"y":2}')]


@pytest.mark.pitfall("TOOL-13", "TOOL-14", "TOOL-15", "TOOL-16")
@pytest.mark.parametrize(
    "deltas",
    [
        [call(0, id="a", name="f", arguments='{"x":1}'), call(1, id="b", name="g", arguments='{"y":2}')],
        [
            call(0, id="a", name="f", arguments=""),
            call(0, arguments='{"x"'),
            call(0, arguments=":1}"),
            call(1, id="b", name="g", arguments=""),
            call(1, arguments='{"y":2}'),
        ],
        # interleaved
        [
            call(0, id="a", name="f"),
            call(1, id="b", name="g"),
            call(0, arguments='{"x"'),
            call(1, arguments='{"y"'),
            call(0, arguments=":1}"),
            call(1, arguments=":2}"),
        ],
        # several fragments in one chunk
        [
            {"tool_calls": call(0, id="a", name="f")["tool_calls"] + call(1, id="b", name="g")["tool_calls"]},
            {"tool_calls": call(1, arguments='{"y":2}')["tool_calls"] + call(0, arguments='{"x":1}')["tool_calls"]},
        ],
        # numbered from 1, sparsely, all 0, not at all
        [call(1, id="a", name="f", arguments='{"x":1}'), call(7, id="b", name="g", arguments='{"y":2}')],
        [call(0, id="a", name="f", arguments='{"x":1}'), call(0, id="b", name="g", arguments='{"y":2}')],
        [call(None, id="a", name="f", arguments='{"x":1}'), call(None, id="b", name="g", arguments='{"y":2}')],
        [
            call(None, id="a", name="f"),
            call(None, arguments='{"x":1}'),
            call(None, id="b", name="g"),
            call(None, arguments='{"y":'),
            call(None, arguments="2}"),
        ],
        # ids and names again in each chunk
        [
            call(0, id="a", name="f", arguments='{"x"'),
            call(0, id="a", name="f", arguments=":1}"),
            call(1, id="b", name="g", arguments='{"y"'),
            call(1, id="b", name="g", arguments=":2}"),
        ],
        # late id, late name, arguments first
        [
            call(0, name="f"),
            call(0, id="a"),
            call(0, arguments='{"x":1}'),
            call(1, id="b"),
            call(1, arguments='{"y":2}'),
            call(1, name="g"),
        ],
        # empty id and name after the first
        [
            call(0, id="a", name="f", arguments='{"x"'),
            {"tool_calls": [{"index": 0, "id": "", "function": {"name": "", "arguments": ":1}"}}]},
            call(1, id="b", name="g", arguments='{"y":2}'),
        ],
        # null and missing things
        [
            {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": None}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": '{"x":1}', "name": None}, "type": None}]},
            {"tool_calls": [{"index": 1, "id": "b", "function": {"name": "g", "arguments": '{"y":2}'}}, None]},
            {"tool_calls": None},
        ],
        # a name in pieces
        [
            call(0, id="a", name="f"),
            call(0, arguments='{"x":1}'),
            call(1, id="b", name="g"),
            call(1, name="g"),
            call(1, arguments='{"y":2}'),
        ],
        # arguments as objects
        [
            {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": {"x": 1}}}]},
            {"tool_calls": [{"index": 1, "id": "b", "function": {"name": "g", "arguments": {"y": 2}}}]},
        ],
    ],
)
def test_two_calls(deltas: list[Object]):
    assert calls(*deltas) == PAIR


def test_a_name_in_pieces():
    assert calls(call(0, id="a", name="get_"), call(0, name="weather"), call(0, arguments="{}")) == [
        ("a", "get_weather", "{}")
    ]


@pytest.mark.pitfall("TOOL-11")
@pytest.mark.parametrize(
    "pieces",
    [
        ['{"x":', "1}", '{"x":1}'],
        ['{"x":1}', '{"x":1}'],
        ["{}", '{"x":1}'],
        ['{"x":1', "}", "", '{"x":1}'],
    ],
)
def test_arguments_that_come_twice(pieces: list[str]):
    deltas = [call(0, id="a", name="f"), *(call(0, arguments=piece) for piece in pieces)]
    assert calls(*deltas) == [("a", "f", '{"x":1}')]


def test_nested_objects_are_not_taken_for_repetitions():
    assert calls(
        call(0, id="a", name="f", arguments='{"x":'), call(0, arguments='{"x":1}'), call(0, arguments="}")
    ) == [("a", "f", '{"x":{"x":1}}')]


@pytest.mark.pitfall("TOOL-9")
@pytest.mark.parametrize("arguments", [None, "", "{}"])
def test_calls_without_arguments(arguments: Any):
    found = folded(chunk(call(0, id="a", name="f", arguments=arguments)), chunk({}, "tool_calls"))
    (part,) = found.choices[0].parts
    assert isinstance(part, ToolCall)
    assert part.complete
    assert part.arguments in ("", "{}")


@pytest.mark.pitfall("TOOL-2", "TOOL-4", "TOOL-40")
def test_missing_ids_are_made_and_stay_the_same():
    deltas = [
        {"tool_calls": [{"index": 0, "id": "", "function": {"name": "f", "arguments": '{"x":1}'}}]},
        {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": '{"x":2}'}}]},
    ]
    got = calls(*deltas, finish="stop")
    assert [(name, arguments) for _, name, arguments in got] == [("f", '{"x":1}'), ("f", '{"x":2}')]
    assert got[0][0] != got[1][0]
    assert all(identity.startswith("call_") for identity, _, _ in got)
    assert calls(*deltas) == got


@pytest.mark.pitfall("TOOL-6")
def test_the_same_id_twice_in_one_answer():
    got = calls(call(0, id="0", name="f", arguments='{"x":1}'), call(1, id="0", name="g", arguments='{"y":2}'))
    assert [(name, arguments) for _, name, arguments in got] == [("f", '{"x":1}'), ("g", '{"y":2}')]
    assert got[0][0] != got[1][0]


@pytest.mark.pitfall("TOOL-13", "FIN-2")
def test_a_call_without_a_name_is_none():
    found = folded(chunk({"content": "x"}), chunk(call(0, id="a", arguments="{}")), chunk({}, "tool_calls"))
    assert calls_of(found) == []
    assert found.choices[0].finish is not None
    assert found.choices[0].finish.reason is FinishReason.STOP


def test_the_legacy_form():
    found = folded(
        chunk({"function_call": {"name": "f", "arguments": ""}}),
        chunk({"function_call": {"arguments": '{"x"'}}),
        chunk({"function_call": {"arguments": ":1}"}}),
        chunk({}, "function_call"),
    )
    ((identity, name, arguments),) = calls_of(found)
    assert (name, arguments) == ("f", '{"x":1}')
    assert identity
    assert found.choices[0].finish is not None
    assert found.choices[0].finish.reason is FinishReason.TOOL_CALLS


def test_custom_calls():
    found = folded(
        chunk(
            {"tool_calls": [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "patch", "input": "*** "}}]}
        ),
        chunk({"tool_calls": [{"index": 0, "custom": {"input": "{go"}}]}),
        chunk({}, "tool_calls"),
    )
    assert found.choices[0].parts == (ToolCall("a", "patch", "*** {go", "custom"),)


@pytest.mark.pitfall("TOOL-38")
@pytest.mark.parametrize("name", ["multi_tool_use.parallel", "parallel"])
def test_the_dispatcher_of_parallel_calls_is_taken_apart(name: str):
    uses = '{"tool_uses":[{"recipient_name":"functions.f","parameters":{"x":1}},{"recipient_name":"functions.g",'
    got = calls(
        call(0, id="a", name=name, arguments=uses[:30]),
        call(0, arguments=uses[30:] + '"parameters":{}}]}'),
        call(1, id="b", name="h", arguments="{}"),
    )
    assert sorted((name, arguments) for _, name, arguments in got) == [("f", '{"x":1}'), ("g", "{}"), ("h", "{}")]
    assert len({identity for identity, _, _ in got}) == 3


def test_a_tool_that_only_is_called_parallel():
    assert calls(call(0, id="a", name="parallel", arguments='{"tasks":[]}')) == [("a", "parallel", '{"tasks":[]}')]


def test_signatures_of_calls():
    extra = {"extra_content": {"google": {"thought_signature": "s"}}}
    found = folded(
        chunk(call(0, id="a", name="f", arguments="{}", **extra)),
        chunk(call(1, id="b", name="g", arguments='{"y"')),
        chunk(call(1, arguments=":2}", **extra)),
        chunk(
            {
                "reasoning_details": [{"type": "reasoning.encrypted", "data": "d", "id": "c"}],
                **call(2, id="c", name="h", arguments="{}", note=1),
            }
        ),
        chunk({}, "tool_calls"),
    )
    signature = Signature("openai", "s")
    assert found.choices[0].parts == (
        ToolCall("a", "f", "{}", signature=signature),
        ToolCall("b", "g", '{"y":2}', signature=signature),
        ToolCall("c", "h", "{}", signature=Signature("openai", "d"), extras={"note": 1}),
    )


def test_arguments_go_out_as_they_come():
    data = stream(chunk(call(0, id="a", name="f", arguments='{"x"')), done=False)
    events = decoded(data + stream(chunk(call(0, arguments=":1}")), chunk({}, "tool_calls")))
    first = next(number for number, event in enumerate(events) if isinstance(event, e.ToolArgumentsDelta))
    assert events[first] == e.ToolArgumentsDelta(0, '{"x"')
    assert events[first - 1] == e.PartStart(0, "tool_call", id="a", name="f")
