"""What encoding did to tools is undone in the answer."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codenex.core import events as e
from codenex.core import json
from codenex.core.parts import Text, ToolCall
from codenex.core.reversal import JsonStringUnescaper, Reversal, Reverser, ToolOrigin, argument_object, wrapped
from codenex.core.stream_validator import StreamValidator

REVERSAL = Reversal(
    {
        "box__run": ToolOrigin("run", "box"),
        "apply_patch": ToolOrigin("apply_patch", custom=True),
        "long_1a2b3c4d": ToolOrigin("long.name"),
    }
)


def call_events(name: str, pieces: list[str], *, complete: bool = True) -> list[e.StreamEvent]:
    return [
        e.PartStart(0, "tool_call", id="c", name=name),
        *(e.ToolArgumentsDelta(0, piece) for piece in pieces),
        e.PartStop(0, ToolCall("c", name, "".join(pieces), complete=complete)),
    ]


def reversed_events(events: list[e.StreamEvent]) -> list[e.StreamEvent]:
    reverser = Reverser(REVERSAL)
    validator = StreamValidator()
    validator.check(e.Start("x"))
    out = [back for event in events for back in reverser.push(event)]
    for event in out:
        validator.check(event)
    return out


def call_of(events: list[e.StreamEvent]) -> ToolCall:
    part = next(event.part for event in events if isinstance(event, e.PartStop))
    assert isinstance(part, ToolCall)
    return part


def cut_everywhere(text: str) -> list[list[str]]:
    ways = [[text[:place], text[place:]] for place in range(1, len(text))]
    return [[text], list(text), *ways]


@pytest.mark.pitfall("TOOL-25")
def test_names_and_namespaces_come_back() -> None:
    out = reversed_events(call_events("long_1a2b3c4d", ["{}"]))
    assert out[0] == e.PartStart(0, "tool_call", id="c", name="long.name")
    assert call_of(out) == ToolCall("c", "long.name", "{}")
    assert call_of(reversed_events(call_events("box__run", ["{}"]))) == ToolCall("c", "run", "{}", namespace="box")


def test_other_events_and_tools_pass() -> None:
    events: list[e.StreamEvent] = [
        *call_events("plain", ["{", "}"]),
        e.PartStart(1, "text"),
        e.TextDelta(1, "x"),
        e.PartStop(1, Text("x")),
        e.Ping(),
    ]
    assert reversed_events(events) == events


@pytest.mark.pitfall("TOOL-32")
@pytest.mark.parametrize("text", ["", '*** Begin\n+a\\b"c\t😀\u2028é/\x00', "{}", '{"input":"x"}'])
def test_the_free_text_of_a_custom_tool_is_unwrapped_at_every_cut(text: str) -> None:
    for spelled in (wrapped(text), ' { "input" :\n' + ascii_json(text) + " }"):
        for pieces in cut_everywhere(spelled):
            out = reversed_events(call_events("apply_patch", pieces))
            assert call_of(out) == ToolCall("c", "apply_patch", text, "custom")
            assert "".join(event.text for event in out if isinstance(event, e.ToolArgumentsDelta)) == text


def ascii_json(text: str) -> str:
    units = text.encode("utf-16-be", "surrogatepass")
    return '"' + "".join(f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2)) + '"'


def test_custom_text_is_streamed_and_not_held_back() -> None:
    out = reversed_events(call_events("apply_patch", ['{"inp', 'ut": "one ', "two", ' three"}']))
    assert [event.text for event in out if isinstance(event, e.ToolArgumentsDelta)] == ["one ", "two", " three"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("just text", "just text"),
        ('{"patch": "x"}', '{"patch": "x"}'),
        ('{"other": 1, "input": "x"}', "x"),
        ('{"input": 5}', '{"input": 5}'),
        ('{"input": "x", "more": 1}', "x"),
        ("", ""),
        ("{}", "{}"),
        ('{"input": "\\ud800x"}', "\ufffdx"),
    ],
)
def test_other_forms_of_custom_arguments(arguments: str, expected: str) -> None:
    for pieces in cut_everywhere(arguments) if arguments else [[]]:
        assert call_of(reversed_events(call_events("apply_patch", pieces))).arguments == expected


@pytest.mark.pitfall("TOOL-8")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [('{"input": "one tw', "one tw"), ('{"input": "one\\', "one"), ('{"input": "', ""), ('{"in', ""), ("", "")],
)
def test_a_custom_call_that_was_cut_off_shows_its_text_and_no_wrapping(arguments: str, expected: str) -> None:
    for pieces in cut_everywhere(arguments) if arguments else [[]]:
        call = call_of(reversed_events(call_events("apply_patch", pieces, complete=False)))
        assert (call.arguments, call.complete) == (expected, False)


def test_a_call_in_one_piece_is_unwrapped_too() -> None:
    stop = e.PartStop(0, ToolCall("c", "apply_patch", wrapped("x")))
    assert Reverser(REVERSAL).push(stop) == [
        e.ToolArgumentsDelta(0, "x"),
        e.PartStop(0, ToolCall("c", "apply_patch", "x", "custom")),
    ]


@given(st.text(), st.lists(st.integers(1, 5), max_size=40), st.booleans())
def test_unescaping_any_text_at_any_cut(text: str, sizes: list[int], escaped: bool) -> None:
    data = '{"input":' + (ascii_json(text) if escaped else json.encode_text(text)) + "}"
    unescaper = JsonStringUnescaper()
    pieces, position = [], 0
    for size in sizes:
        pieces.append(unescaper.feed(data[position : position + size]))
        position += size
    pieces.append(unescaper.feed(data[position:]))
    assert "".join(pieces) == unescaper.sent == text
    assert unescaper.feed('more"') == ""


@given(st.text(alphabet='{}":input\\u12dabc0 n'), st.integers(0, 30))
def test_nonsense_gives_the_same_at_any_cut(data: str, place: int) -> None:
    whole, cut = JsonStringUnescaper(), JsonStringUnescaper()
    data = '{"input":"' + data
    assert cut.feed(data[:place]) + cut.feed(data[place:]) == whole.feed(data)


def test_long_streams_are_unescaped_in_linear_time() -> None:
    begin = time.perf_counter()
    right, wrong = JsonStringUnescaper(), JsonStringUnescaper()
    right.feed('{"input":"')
    for _ in range(200_000):
        right.feed("0123456789")
        wrong.feed("0123456789")
    assert len(right.sent) == 2_000_000
    assert wrong.sent == ""
    assert time.perf_counter() - begin < 5


@pytest.mark.pitfall("TOOL-7", "TOOL-9")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", {}),
        ("  ", {}),
        ("null", {}),
        ('{"a":1}', {"a": 1}),
        ('"{\\"a\\":1}"', {"a": 1}),
        ('"text"', {"value": "text"}),
        ("[1]", {"value": [1]}),
        ("0", {"value": 0}),
        ('{"a":', None),
        ('{"a":1}{"a":1}', None),
    ],
)
def test_arguments_as_an_object(arguments: str, expected: dict[str, object] | None) -> None:
    assert argument_object(arguments) == expected


def test_an_empty_reversal_is_false() -> None:
    assert not Reversal()
    assert REVERSAL
