"""Parts are assembled from deltas."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from tests.support.strategies import answers

from codenex.core import events as e
from codenex.core.answer import Answer, fold, unfold
from codenex.core.assembly import Assembly
from codenex.core.parts import Citation, Media, Opaque, Reasoning, Refusal, Signature, Text, ToolCall
from codenex.core.stream_validator import StreamValidator


def stops(assembly: Assembly) -> list[Any]:
    return [event.part for event in assembly.take() if isinstance(event, e.PartStop)]


def test_text_with_its_source_and_signature() -> None:
    assembly = Assembly()
    citation, signature = Citation("https://example.com"), Signature("gemini", "s")
    assembly.open("t", "text", item_id="msg_1", extras={"a": 1})
    for piece in ("He", "", "llo"):
        assembly.text("t", piece)
    assembly.cite("t", citation)
    assembly.sign("t", Signature("gemini", "older"))
    assembly.sign("t", signature)
    assembly.close("t")
    assert assembly.take() == [
        e.PartStart(0, "text", item_id="msg_1"),
        e.TextDelta(0, "He"),
        e.TextDelta(0, "llo"),
        e.CitationAdd(0, citation),
        e.SignatureSet(0, Signature("gemini", "older")),
        e.SignatureSet(0, signature),
        e.PartStop(0, Text("Hello", (citation,), signature=signature, extras={"a": 1}, item_id="msg_1")),
    ]
    assert assembly.take() == []


def test_parts_run_at_the_same_time_and_are_numbered_by_their_start() -> None:
    assembly = Assembly()
    assembly.open(("call", 0), "tool_call", id="a", name="f")
    assembly.open(("call", 1), "tool_call", 1, id="b", name="g", tool_kind="custom", namespace="n", item_id="ctc_1")
    assembly.arguments(("call", 1), "free")
    assembly.arguments(("call", 0), "{")
    assembly.arguments(("call", 0), "}")
    assert assembly.open_keys() == [("call", 0), ("call", 1)]
    assert assembly.is_open(("call", 0))
    assert assembly.text_so_far(("call", 0)) == "{}"
    assembly.close_all(1)
    assert not assembly.is_open(("call", 1))
    assembly.close_all(complete=False)
    out = assembly.take()
    assert out[-2:] == [
        e.PartStop(1, ToolCall("b", "g", "free", "custom", "ctc_1", "n"), 1),
        e.PartStop(0, ToolCall("a", "f", "{}", complete=False)),
    ]


def test_reasoning_has_paragraphs() -> None:
    assembly = Assembly()
    assembly.open("r", "reasoning", raw=True, item_id="rs_1")
    assembly.reasoning("r", "one ")
    assembly.reasoning("r", "two", 2)
    assembly.reasoning("r", "", 5)
    assembly.reasoning("r", "more", 0)
    assembly.close("r")
    assert stops(assembly) == [Reasoning(("one more", "", "two"), raw=True, item_id="rs_1")]


def test_redacted_reasoning_is_nothing_but_its_signature() -> None:
    assembly = Assembly()
    signature = Signature("anthropic", "x")
    assembly.open("r", "reasoning", extras={"redacted": True})
    assembly.sign("r", signature)
    assembly.close("r")
    (part,) = stops(assembly)
    assert part.redacted
    assert part.signature == signature


def test_refusals() -> None:
    assembly = Assembly()
    assembly.open("r", "refusal")
    assembly.text("r", "no")
    assembly.close("r")
    assert stops(assembly) == [Refusal("no")]


def test_media_keeps_what_was_known_of_it() -> None:
    assembly = Assembly()
    signature = Signature("gemini", "s")
    known = Media("image", "image/png", filename="a.png", extras={"b": 1})
    assembly.open("m", "media", media=known)
    assembly.data("m", "AA")
    assembly.data("m", "")
    assembly.data("m", "AA")
    assembly.sign("m", signature)
    assembly.close("m")
    assembly.open("u", "media", media=Media("image", url="https://example.com"))
    assembly.sign("u", signature)
    assembly.close("u")
    assert stops(assembly) == [
        Media("image", "image/png", "AAAA", filename="a.png", signature=signature, extras={"b": 1}),
        Media("image", url="https://example.com", signature=signature),
    ]


def test_opening_again_closes_first_and_closing_twice_is_nothing() -> None:
    assembly = Assembly()
    assembly.open("t", "text")
    assembly.text("t", "a")
    assembly.open("t", "text")
    assembly.close("t")
    assembly.close("t")
    assembly.close("unknown")
    assert stops(assembly) == [Text("a"), Text("")]


def test_a_final_part_replaces_what_was_assembled() -> None:
    assembly = Assembly()
    assembly.open("t", "text")
    assembly.text("t", "a")
    assembly.close("t", Text("a", extras={"final": True}))
    assert stops(assembly) == [Text("a", extras={"final": True})]


def test_whole_parts_take_the_next_number() -> None:
    assembly = Assembly()
    assembly.open("t", "text")
    assembly.whole(Opaque("gemini", "odd", {}), 1)
    assembly.close("t")
    out = assembly.take()
    assert [event.index for event in out if isinstance(event, e.PartStart)] == [0, 1]
    assert out[2] == e.PartStop(1, Opaque("gemini", "odd", {}), 1)


@pytest.mark.parametrize("kind", ["server_tool", "compaction", "opaque"])
def test_parts_without_deltas_cannot_be_assembled(kind: Any) -> None:
    assembly = Assembly()
    assembly.open("x", kind)
    with pytest.raises(ValueError, match="assembled"):
        assembly.close("x")


@settings(deadline=None)
@given(answers)
def test_replaying_deltas_builds_the_same_parts(answer: Answer) -> None:
    assembly = Assembly()
    expected = []
    for event in unfold(answer):
        match event:
            case e.PartStart(kind="text" | "refusal" | "reasoning" | "tool_call"):
                assembly.open(
                    event.index,
                    event.kind,
                    event.choice,
                    id=event.id,
                    name=event.name,
                    tool_kind=event.tool_kind,
                    namespace=event.namespace,
                    item_id=event.item_id,
                    raw=event.raw,
                )
            case e.TextDelta():
                assembly.text(event.index, event.text)
            case e.ReasoningDelta():
                assembly.reasoning(event.index, event.text, event.segment)
            case e.ToolArgumentsDelta():
                assembly.arguments(event.index, event.text)
            case e.CitationAdd():
                assembly.cite(event.index, event.citation)
            case e.SignatureSet() if assembly.is_open(event.index):
                assembly.sign(event.index, event.signature)
            case e.PartStop(part=Text() | Refusal() | Reasoning() | ToolCall()):
                expected.append(event.part)
                assembly.close(event.index)
            case _:
                pass
    built = stops(assembly)
    assert [_bare(part) for part in built] == [_bare(part) for part in expected]


def _bare(part: Any) -> Any:
    """Without what the deltas do not carry: extras, and paragraphs at the end that are empty."""
    if isinstance(part, Reasoning):
        segments = list(part.segments)
        while segments and not segments[-1]:
            segments.pop()
        return (segments, part.raw, part.item_id, part.signature)
    return {name: getattr(part, name) for name in part.__struct_fields__ if name != "extras"}


def test_what_an_assembly_emits_is_legal() -> None:
    assembly = Assembly()
    validator = StreamValidator()
    validator.check(e.Start("x"))
    assembly.open(0, "text")
    assembly.open(1, "tool_call", id="a", name="f")
    assembly.text(0, "x")
    assembly.close_all()
    for event in assembly.take():
        validator.check(event)
    assert fold([e.Start("x"), e.Ping()]).choices == ()


def test_a_leap_of_paragraphs_does_not_fill_the_memory() -> None:
    assembly = Assembly()
    assembly.open("r", "reasoning")
    assembly.reasoning("r", "far", 10**12)
    assembly.close("r")
    (part,) = stops(assembly)
    assert len(part.segments) <= 101
    assert part.segments[-1] == "far"
