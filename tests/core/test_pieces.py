"""Texts in small pieces: nothing is lost, and few objects hold them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from codenex.core.assembly import Assembly
from codenex.core.pieces import MANY, SMALL, Pieces


@settings(max_examples=max(1000, settings.default.max_examples))
@given(st.lists(st.text(max_size=3), max_size=5 * MANY))
def test_the_text_is_what_was_added(texts: list[str]) -> None:
    pieces = Pieces()
    for text in texts:
        pieces.add(text)
    assert "".join(pieces) == "".join(texts)
    assert bool(pieces) == bool(texts)


def test_a_long_answer_is_held_as_few_texts() -> None:
    assembly = Assembly()
    assembly.open("text", "text")
    assembly.open("call", "tool_call")
    assembly.open("thought", "reasoning")
    for number in range(20_000):
        assembly.text("text", f"{number} ")
        assembly.arguments("call", f"{number} ")
        assembly.reasoning("thought", f"{number} ")
        assembly.take()
    whole = "".join(f"{number} " for number in range(20_000))
    parts = assembly._open
    for held in (parts["text"].pieces, parts["call"].pieces, parts["thought"].segments[0]):
        assert "".join(held) == whole
        assert len(held) <= 20_000 / MANY + MANY + 1


def test_large_texts_are_held_as_they_are() -> None:
    """Both ends of a translation hold the text of a stream: once, as long as neither copies it."""
    pieces, texts = Pieces(), [f"{number:>{SMALL}}" for number in range(3 * MANY)]
    for text in texts:
        pieces.add(text)
    assert all(one is other for one, other in zip(pieces, texts, strict=True))
    for text in ["small"] * (2 * MANY):
        pieces.add(text)
    assert len(pieces) <= 4 * MANY + 2
    assert "".join(pieces) == "".join(texts) + "small" * (2 * MANY)
