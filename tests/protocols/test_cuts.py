"""Streams say the same however their bytes are cut, their events are legal, and every client's SDK reads them."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterable, Iterator

import pytest
from tests.protocols.corpus.all import NAMES, STREAMS
from tests.protocols.corpus.framing import FRAMINGS
from tests.protocols.readers import FAILURES, READERS, encoded, said
from tests.support.runs import spread

from codenex.core import events as e
from codenex.core.answer import fold
from codenex.core.errors import FaultKind
from codenex.core.finish import FinishReason
from codenex.core.parts import Media, ToolCall
from codenex.core.reversal import JsonStringUnescaper
from codenex.core.stream_validator import StreamValidator
from codenex.gateway.spokes import SPOKES
from codenex.wire.json_array import JsonArrayDecoder
from codenex.wire.sse import SseDecoder

#: Random ways to cut each stream.
CUTS = 1000 if os.environ.get("CODENEX_DEEP") == "1" else 50


def cut(data: bytes, source: random.Random) -> list[bytes]:
    """Cut at a few places, or at many; empty pieces as well."""
    places = sorted(source.choices(range(len(data) + 1), k=source.choice((1, 2, 7, 30))))
    return [data[low:high] for low, high in zip([0, *places], [*places, len(data)], strict=True)]


def every_cut(data: bytes) -> Iterator[list[bytes]]:
    """Whole, byte by byte, and at random places."""
    yield [data]
    yield [data[place : place + 1] for place in range(len(data))]
    source = random.Random(len(data))
    for _ in range(CUTS):
        yield cut(data, source)


def decoded(protocol: str, pieces: Iterable[bytes]) -> list[e.StreamEvent]:
    decoder = SPOKES[protocol].stream_decoder()
    events = [event for piece in pieces for event in spread(decoder.feed(piece))]
    events += spread(decoder.eof())
    assert decoder.done
    assert decoder.feed(b"data: {}\n\n") == [] == decoder.eof()
    return events


def check(events: list[e.StreamEvent]) -> None:
    validator = StreamValidator()
    for event in events:
        validator.check(event)
    validator.end()


@pytest.mark.pitfall("SSE-1", "SSE-2", "SSE-20")
@pytest.mark.parametrize(("protocol", "name"), NAMES)
def test_a_stream_says_the_same_however_it_is_cut(protocol: str, name: str) -> None:
    data = STREAMS[protocol][name]
    expected = decoded(protocol, [data])
    check(expected)
    for pieces in every_cut(data):
        assert decoded(protocol, pieces) == expected


@pytest.mark.pitfall("SSE-2", "SSE-5", "SSE-20")
@pytest.mark.parametrize("protocol", STREAMS)
@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_stream_says_the_same_however_it_is_framed(protocol: str, framing: str) -> None:
    streams = STREAMS[protocol]
    assert decoded(protocol, [streams[f"rich ({framing})"]]) == decoded(protocol, [streams["rich"]])


def test_the_corpus_has_what_matters() -> None:
    for protocol, streams in STREAMS.items():
        assert len(streams) >= 12
        told = [decoded(protocol, [data]) for data in streams.values()]
        answers = [fold(events) for events in told if not isinstance(events[-1], e.Error)]
        parts = [part for answer in answers for choice in answer.choices for part in choice.parts]
        assert {"Text", "Reasoning", "ToolCall"} <= {type(part).__name__ for part in parts}
        assert any(getattr(part, "signature", None) is not None for part in parts)
        assert any("\u2028".encode() in data for data in streams.values())
        faults = {last.fault.kind for events in told if isinstance(last := events[-1], e.Error)}
        assert {FaultKind.UPSTREAM_TRUNCATED, FaultKind.UPSTREAM} < faults


@pytest.mark.pitfall("ERR-8", "SSE-18", "FIN-5")
@pytest.mark.parametrize(("protocol", "name"), NAMES)
def test_a_stream_that_ends_early_ends_in_an_error(protocol: str, name: str) -> None:
    data = STREAMS[protocol][name]
    whole = decoded(protocol, [data])
    places = {match.end() for match in re.finditer(rb"(\r\n|\n|\r){2}", data)}
    places.update(random.Random(len(data)).sample(range(len(data)), min(60, len(data))))
    for place in places:
        events = decoded(protocol, [data[:place]])
        check(events)
        last = events[-1]
        if isinstance(last, e.Error):
            # The client must be told of what is missing, by an error that the gateway has to write.
            assert last == whole[-1] or last.fault.kind is FaultKind.UPSTREAM_TRUNCATED or name == "page"
        elif name != "a reason on every chunk":
            # The answer was whole, but for what may stand behind its end.
            assert fold(events).choices == fold(whole).choices


@pytest.mark.parametrize("client", READERS)
@pytest.mark.parametrize(("protocol", "name"), [(protocol, name) for protocol, name in NAMES if "rich (" not in name])
def test_every_client_reads_every_stream(protocol: str, name: str, client: str) -> None:
    """What the SDK finds in it is what the stream said; what failed in the middle is raised."""
    events = decoded(protocol, [STREAMS[protocol][name]])
    stream = encoded(client, events)
    # Types can't know what only the newest server of the same protocol sends.
    typed = not (name == "unknown" and client == protocol)
    if fails(events, client):
        with pytest.raises(FAILURES):
            READERS[client](stream, typed=typed)
        return
    text, calls = READERS[client](stream, typed=typed)
    answer = fold(events)
    expected = said(answer)
    parts = answer.choices[0].parts
    if not any(isinstance(part, Media) and part.text for part in parts):
        # A text after a call is a paragraph of its own where the protocol has one text only.
        assert text.replace("\n\n", "") == expected[0].replace("\n\n", "")
    if all(part.complete for part in parts if isinstance(part, ToolCall)):
        assert calls == expected[1]


def fails(events: list[e.StreamEvent], client: str) -> bool:
    """Whether a client is told of a failure: that of the upstream, or an end for which its protocol has no word."""
    if isinstance(events[-1], e.Error):
        return True
    answer = fold(events)
    reasons = [choice.finish.reason for choice in answer.choices if choice.finish is not None]
    if FinishReason.MALFORMED_TOOL_CALL in reasons:
        return client != "gemini"
    return client == "openai-chat" and reasons == [FinishReason.OTHER] and said(answer) == ("", [])


# --- the bytes below ---


@pytest.mark.parametrize(("protocol", "name"), NAMES)
def test_frames_and_elements_are_the_same_however_they_are_cut(protocol: str, name: str) -> None:
    data = STREAMS[protocol][name]

    def frames(pieces: list[bytes]) -> list[object]:
        decoder = SseDecoder()
        return [*(frame for piece in pieces for frame in decoder.feed(piece)), *decoder.eof()]

    def elements(pieces: list[bytes]) -> tuple[list[bytes], bool]:
        decoder = JsonArrayDecoder()
        return [element for piece in pieces for element in decoder.feed(piece)], decoder.open

    expected = frames([data]), elements([data])
    for pieces in every_cut(data):
        assert (frames(pieces), elements(pieces)) == expected


def test_unescaping_is_the_same_however_the_text_is_cut() -> None:
    text = '{"input": "*** Begin\\n+\\"é\\u2028\\ud83d\\udc4b\\\\👋\\t\\/\\u00e9\\ud800x"}'
    whole = JsonStringUnescaper().feed(text)
    assert whole == '*** Begin\n+"é\u2028👋\\👋\t/é\ufffdx'
    source = random.Random(1)
    for number in range(CUTS + 1):
        places = range(len(text) + 1) if number == 0 else sorted(source.choices(range(len(text) + 1), k=5))
        pieces = [text[low:high] for low, high in zip([0, *places], [*places, len(text)], strict=True)]
        unescaper = JsonStringUnescaper()
        assert "".join(unescaper.feed(piece) for piece in pieces) == whole == unescaper.sent
