"""Sources of an answer: Google counts bytes over a whole text, the hub characters of a part."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.gemini.frames import (
    Object,
    accepted,
    answered,
    call,
    chunk,
    decoded,
    parts_of,
    sse,
    streamed,
    text,
    thought,
    unary,
    whole,
)

from codenex.core import events as e
from codenex.core.answer import Answer, Choice, fold
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import Citation, Part, Text
from codenex.protocols.gemini.grounding import encode_grounding

EXAMPLES = settings(max_examples=max(1000, settings.default.max_examples if settings.default else 0))
WEB = {"web": {"uri": "https://a.example", "title": "A", "domain": "a.example"}}
OTHER = {"web": {"uri": "https://b.example"}}


def support(said: str, place: int, *numbers: int, quoted: bool = True, of: str = "") -> Object:
    """A passage at a byte offset."""
    start, end = place, place + len(said.encode())
    segment: Object = {"startIndex": start, "endIndex": end, **({"text": of or said} if quoted else {})}
    if not start:
        # A zero is left out.
        del segment["startIndex"]
    return {"segment": segment, "groundingChunkIndices": list(numbers), "confidenceScores": [0.9]}


def citations_of(*chunks: Object) -> tuple[Citation, ...]:
    """The sources of the last text."""
    return [part for part in parts_of(*chunks) if isinstance(part, Text)][-1].citations


@pytest.mark.pitfall("TOOL-24")
@pytest.mark.parametrize("quoted", [True, False])
def test_offsets_in_bytes_become_offsets_in_characters(quoted: bool) -> None:
    said = "Höhe: 8 849 m 🏔. Ja."
    before = "Höhe: "
    metadata = {
        "webSearchQueries": ["everest"],
        "searchEntryPoint": {"renderedContent": "<div>"},
        "groundingChunks": [WEB, OTHER],
        "groundingSupports": [
            support("8 849 m 🏔", len(before.encode()), 0, 1, quoted=quoted),
            support("Höhe", 0, 1, quoted=quoted),
        ],
    }
    last = chunk(*text(said[9:]), finish="STOP", groundingMetadata=metadata)
    answer = answered(chunk(*text(said[:9])), last)
    (part,) = answer.choices[0].parts
    assert isinstance(part, Text)
    assert part.citations == (
        Citation("https://a.example", "A", "8 849 m 🏔", 6, 15),
        Citation("https://b.example", None, "8 849 m 🏔", 6, 15),
        Citation("https://b.example", None, "Höhe", 0, 4),
    )
    assert [said[each.start : each.end] for each in part.citations] == [each.cited_text for each in part.citations]
    # A client of the same protocol has all of it back.
    assert answer.choices[0].extras == {"groundingMetadata": metadata}
    assert unary(answer)["candidates"][0]["groundingMetadata"] == metadata
    assert streamed(answer)[-1]["candidates"][0]["groundingMetadata"] == metadata


@pytest.mark.parametrize(
    ("place", "said", "expected"),
    [
        (0, "b", ("b", 1, 2)),  # a wrong offset, but the passage stands elsewhere
        (1, "zz", ("zz", None, None)),  # nowhere
        (90, "a", ("a", 0, 1)),  # behind the end
        (1, "", (None, None, None)),  # in the middle of a character
    ],
)
def test_offsets_that_do_not_fit(place: int, said: str, expected: Any) -> None:
    passage = support(said, place, 0, quoted=bool(said))
    if not said:
        passage["segment"]["endIndex"] = 3
    metadata = {"groundingChunks": [OTHER], "groundingSupports": [passage]}
    begin = "é" if not said else ""
    (citation,) = citations_of(chunk(*text(begin + "abc"), finish="STOP", groundingMetadata=metadata))
    assert (citation.cited_text, citation.start, citation.end) == expected


def test_sources_of_no_passage() -> None:
    chunks = [
        WEB,
        {"retrievedContext": {"uri": "gs://b/x", "title": "X", "text": "…"}},
        {"maps": {"uri": "https://m.example", "title": "M", "placeId": "p"}},
        {"image": {"sourceUri": "https://i.example", "imageUri": "https://i.example/1.png"}},
        {"novel": {"uri": "https://n.example"}},
        {"web": 5},
    ]
    metadata = {"groundingChunks": [*chunks, None], "groundingSupports": [support("a", 0, 1, 99, -1, "x")]}
    found = citations_of(chunk(*text("a"), finish="STOP", groundingMetadata=metadata))
    assert [(each.url, each.title, each.start) for each in found] == [
        ("gs://b/x", "X", 0),
        ("https://a.example", "A", None),
        ("https://m.example", "M", None),
        ("https://i.example", None, None),
        (None, None, None),
        (None, None, None),
    ]


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        5,
        {},
        {"groundingChunks": 5, "groundingSupports": 5},
        {"groundingChunks": [], "groundingSupports": [{"groundingChunkIndices": [0]}, {"segment": 5}, 7]},
        {"groundingSupports": [{"segment": {"startIndex": "x", "endIndex": -1}, "groundingChunkIndices": 5}]},
    ],
)
def test_metadata_without_sources(metadata: Any) -> None:
    assert citations_of(chunk(*text("a"), finish="STOP", groundingMetadata=metadata)) == ()


def test_the_other_spelling() -> None:
    metadata = {
        "grounding_chunks": [{"retrieved_context": {"uri": "gs://b", "title": "T"}}],
        "grounding_supports": [{"segment": {"start_index": 0, "end_index": 1}, "grounding_chunk_indices": [0]}],
    }
    assert citations_of(chunk(*text("ab"), finish="STOP", grounding_metadata=metadata)) == (
        Citation("gs://b", "T", "a", 0, 1),
    )


def test_passages_of_several_texts() -> None:
    metadata = {
        "groundingChunks": [WEB, OTHER],
        "groundingSupports": [support("one", 0, 0), support("two", 0, 1), support("three", 99, 1)],
    }
    parts = [*thought("hm"), *text("one"), call("f", {}, id="1"), *text("two")]
    body = chunk(*parts, finish="STOP", groundingMetadata=metadata)
    expected = [
        (Citation("https://a.example", "A", "one", 0, 3),),
        (Citation("https://b.example", None, "two", 0, 3), Citation("https://b.example", None, "three")),
    ]
    assert [part.citations for part in whole(body).choices[0].parts if isinstance(part, Text)] == expected
    # In a stream the texts before are over when their sources come; those of the last one are found all the same.
    found = parts_of(*(chunk(part) for part in parts), chunk(finish="STOP", groundingMetadata=metadata))
    assert [part.citations for part in found if isinstance(part, Text)][1] == (
        Citation("https://a.example", "A", "one"),
        *expected[1],
    )


@pytest.mark.pitfall("ROL-3")
def test_a_signature_does_not_part_a_text_from_its_sources() -> None:
    metadata = {"groundingChunks": [WEB], "groundingSupports": [support("a", 0, 0)]}
    signature = {"text": "", "thoughtSignature": "QUJD"}
    first, second = parts_of(chunk(*text("a")), chunk(signature), chunk(finish="STOP", groundingMetadata=metadata))
    assert isinstance(first, Text)
    assert isinstance(second, Text)
    assert [len(part.citations) for part in (first, second)] == [1, 0]
    signed = chunk(*text("a", thoughtSignature="QUJD"), finish="STOP", groundingMetadata=metadata)
    assert len(citations_of(signed)) == 1


@pytest.mark.parametrize("name", ["citations", "citationSources"])
def test_passages_that_were_taken_over(name: str) -> None:
    listed = [
        {"startIndex": 3, "endIndex": 5, "uri": "https://a.example", "license": "mit"},
        {"endIndex": 2, "title": "T"},
        {"startIndex": 50, "endIndex": 70, "uri": "https://b.example"},
    ]
    answer = answered(chunk(*text("é bcd"), finish="STOP", citationMetadata={name: listed}))
    (part,) = answer.choices[0].parts
    assert isinstance(part, Text)
    assert part.citations == (
        Citation("https://a.example", None, "bc", 2, 4),
        Citation(None, "T", "é", 0, 1),
        Citation("https://b.example"),
    )
    if name == "citations":
        # The form of today goes back to a client as it came.
        assert unary(answer)["candidates"][0]["citationMetadata"] == {name: listed}


def test_sources_without_a_text() -> None:
    metadata = {"groundingChunks": [WEB]}
    events = decoded(sse(chunk(call("f", id="1"), finish="STOP", groundingMetadata=metadata)))
    assert not any(isinstance(event, e.CitationAdd) for event in events)
    assert fold(events).choices[0].extras == {"groundingMetadata": metadata}


# --- to the client ---


def _answer(*parts: Part) -> Answer:
    return Answer("anthropic", choices=(Choice(0, parts, FinishDetail(FinishReason.STOP)),))


@pytest.mark.pitfall("TOOL-24")
def test_citations_become_grounding() -> None:
    cited = Text(
        "é: 8 849 m",
        (
            Citation("https://a.example", "A", None, 3, 10),
            Citation("https://b.example", None, None, 3, 10),
            Citation("https://a.example", "A", None, 3, 10),
            Citation("https://c.example", "C"),
            Citation(None, "A document", "quoted", 0, 1),
        ),
    )
    expected = {
        "groundingChunks": [
            {"web": {"uri": "https://a.example", "title": "A"}},
            {"web": {"uri": "https://b.example"}},
            {"web": {"uri": "https://c.example", "title": "C"}},
            {"retrievedContext": {"title": "A document"}},
        ],
        "groundingSupports": [
            {"segment": {"startIndex": 4, "endIndex": 11, "text": "8 849 m"}, "groundingChunkIndices": [0, 1]},
            {"segment": {"startIndex": 0, "endIndex": 2, "text": "é"}, "groundingChunkIndices": [3]},
        ],
    }
    assert unary(_answer(cited))["candidates"][0]["groundingMetadata"] == expected
    assert streamed(_answer(cited))[-1]["candidates"][0]["groundingMetadata"] == expected
    later = unary(_answer(Text("x"), cited))["candidates"][0]["groundingMetadata"]
    assert [each["segment"].get("partIndex") for each in later["groundingSupports"]] == [1, 1]
    assert "groundingMetadata" not in unary(_answer(Text("x")))["candidates"][0]


_PASSAGES = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 12), st.sampled_from(("https://a", "https://b", None))), max_size=4
)


@EXAMPLES
@given(st.text(st.sampled_from("aé👋\u2028 "), min_size=1, max_size=12), _PASSAGES)
def test_what_is_encoded_is_decoded_again(said: str, passages: list[tuple[int, int, str | None]]) -> None:
    citations: list[Citation] = []
    for first, second, url in passages:
        start, end = sorted((first % (len(said) + 1), second % (len(said) + 1)))
        citations.append(Citation(url, "T", said[start:end], start, end))
    metadata = encode_grounding([(0, said, tuple(citations))])
    body = chunk(*text(said), finish="STOP", **({"groundingMetadata": metadata} if metadata is not None else {}))
    (part,) = whole(accepted(body)).choices[0].parts
    assert isinstance(part, Text)
    assert set(part.citations) == set(citations) if passages else part.citations == ()
