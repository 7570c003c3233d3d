"""Playbooks of the lanes: bytes in, bytes out, cut at every position. No socket and no clock."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.scenario import SCENARIOS, Scenario, say
from tests.support.sse import ServerSentEvent, decode
from tests.support.vendors.dialects import DIALECTS

from codenex.core.errors import Fault, FaultKind
from codenex.core.render import RenderContext
from codenex.gateway.lanes import ArrayLane, PassthroughLane
from codenex.gateway.spokes import SPOKES
from codenex.wire.sse import EVENT_LIMIT, last_boundary

SPOKE_OF = {
    "openai_chat": "openai-chat",
    "openai_responses": "openai-responses",
    "anthropic": "anthropic",
    "gemini": "gemini",
}
REQUEST = {"model": "m", "stream": True, "stream_options": {"include_usage": True}}
BLOCK = b"x" * (8 * 1024 * 1024)
ENDINGS = {"LF": b"\n", "CRLF": b"\r\n", "CR": b"\r"}


def stream_of(protocol: str, scenario: Scenario = SCENARIOS["one letter"], ending: bytes = b"\n") -> bytes:
    """What the vendor streams, with another line ending if asked for."""
    plain = b"".join(DIALECTS[protocol].answers.stream(scenario.asked("m"), REQUEST))
    return plain.replace(b"\r\n", b"\n").replace(b"\n", ending)


def passthrough(protocol: str) -> PassthroughLane:
    return PassthroughLane(SPOKES[SPOKE_OF[protocol]].stream_decoder)


def whole_events(data: bytes) -> list[ServerSentEvent]:
    """The events of bytes that must end with one."""
    events = decode(data)
    assert events == decode(data, keep_unfinished=True), f"half an event: {data[-80:]!r}"
    return events


# --- where events end


@pytest.mark.parametrize(
    ("data", "length"),
    [
        (b"", 0),
        (b"data: a", 0),
        (b"data: a\n", 0),
        (b"data: a\n\n", 9),
        (b"data: a\n\ndata: b", 9),
        (b"data: a\n\ndata: b\n\n", 18),
        (b"data: a\r\n", 0),
        (b"data: a\r\n\r", 0),
        (b"data: a\r\n\r\n", 11),
        (b"data: a\r\n\r\nx", 11),
        (b"data: a\r", 0),
        (b"data: a\r\r", 9),
        (b"data: a\r\rx", 9),
        (b"data: a\n\r\n", 10),
        (b"data: a\r\n\n", 10),
        (b"data: a\n\r", 0),
        (b"data: a\n\rx", 9),
        (b"data: a\n\rx\r\n", 9),
        (b"data: a\n\r\ndata: b\r\n", 10),
        (b"\n\n", 2),
        (": \u2028\u0085 a\n".encode(), 0),
    ],
)
def test_where_the_last_whole_event_ends(data: bytes, length: int) -> None:
    assert last_boundary(data) == length


@settings(max_examples=max(1000, settings.default.max_examples))
@given(st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b"data: a", b"event: b", b": c", b"data: "]), max_size=12))
def test_a_boundary_ends_all_whole_events_and_no_part_of_one(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    cut = last_boundary(data)
    assert whole_events(data[:cut]) == decode(data[:cut])
    # A CR at the very end may be half of a line's end, so that it decides nothing yet.
    settled = data[:-1] if data.endswith(b"\r") and not data.endswith(b"\r\r") else data
    assert whole_events(data[:cut]) == decode(settled)


# --- passthrough


def ends_of(data: bytes, ending: bytes) -> list[int]:
    """Where the events of a stream end; 0 is the beginning."""
    ends = [0, *(match.end() for match in re.finditer(re.escape(ending * 2), data))]
    assert len(whole_events(data)) == len(ends) - 1
    return ends


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("protocol", SPOKE_OF)
def test_wherever_it_is_cut_whole_events_come_out_and_all_the_bytes(protocol: str, ending: str) -> None:
    data = stream_of(protocol, ending=ENDINGS[ending])
    ends = ends_of(data, ENDINGS[ending])
    for cut in range(len(data) + 1):
        lane = passthrough(protocol)
        first, second, last = lane.feed(data[:cut]), lane.feed(data[cut:]), lane.eof()

        assert first + second + last == data
        assert len(first) == max(end for end in ends if end <= cut)
        assert lane.seen.done
        assert lane.seen.content
        assert lane.seen.fault is None


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("protocol", SPOKE_OF)
def test_byte_by_byte_whole_events_come_out(protocol: str, ending: str) -> None:
    data = stream_of(protocol, ending=ENDINGS[ending])
    lane = passthrough(protocol)
    sent = [0]
    for byte in data:
        piece = lane.feed(bytes([byte]))
        assert data.startswith(piece, sent[-1])
        if piece:
            sent.append(sent[-1] + len(piece))

    assert lane.eof() == b""
    assert sent == ends_of(data, ENDINGS[ending])


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("protocol", SPOKE_OF)
def test_a_stream_that_ends_early_ends_with_a_whole_event_and_a_fault(protocol: str, ending: str) -> None:
    data = stream_of(protocol, ending=ENDINGS[ending])
    events, ends = decode(data), ends_of(data, ENDINGS[ending])
    for cut in range(len(data)):
        lane = passthrough(protocol)
        sent = lane.feed(data[:cut]) + lane.eof()
        if lane.seen.fault is not None:
            assert not lane.seen.told, "the relay has to say it"
            assert sent == data[: max(end for end in ends if end <= cut)]
        else:
            # What was missing is a blank line, which is written for the upstream, or what nobody needs.
            assert lane.seen.done
            assert lane.seen.finish is not None
            received = whole_events(sent)
            assert received == events[: len(received)]


@pytest.mark.parametrize("protocol", SPOKE_OF)
def test_nothing_comes_out_after_the_end(protocol: str) -> None:
    data = stream_of(protocol)
    lane = passthrough(protocol)
    lane.feed(data)
    lane.eof()
    assert lane.seen.done
    assert lane.feed(b"data: more\n\n") == b""
    assert lane.eof() == b""


@pytest.mark.parametrize("protocol", SPOKE_OF)
def test_an_error_of_the_vendor_is_told_by_its_own_event(protocol: str) -> None:
    dialect = DIALECTS[protocol]
    after = dialect.handshake + 2
    chunks = dialect.errors.failing_stream(SCENARIOS["text"].asked("m"), REQUEST, "overloaded", after=after)
    data = b"".join(chunks)
    lane = passthrough(protocol)
    assert lane.feed(data) == data
    assert lane.seen.fault is not None
    assert lane.seen.told


@pytest.mark.parametrize("protocol", SPOKE_OF)
def test_an_error_without_its_blank_line_still_has_to_be_told(protocol: str) -> None:
    dialect = DIALECTS[protocol]
    after = dialect.handshake + 2
    chunks = dialect.errors.failing_stream(SCENARIOS["text"].asked("m"), REQUEST, "overloaded", after=after)
    data = b"".join(chunks).rstrip(b"\n")
    lane = passthrough(protocol)
    sent = lane.feed(data) + lane.eof()
    whole_events(sent)
    assert lane.seen.fault is not None
    told = lane.seen.fault.message in sent.decode()
    assert lane.seen.told is told


@pytest.mark.parametrize("protocol", SPOKE_OF)
def test_an_event_without_an_end_is_no_silent_end(protocol: str) -> None:
    data = stream_of(protocol, SCENARIOS["text"])
    half = data[: data.index(b"\n\n", len(data) // 2) + 2]
    lane = passthrough(protocol)
    assert lane.feed(half) == half
    sent = lane.feed(b"data: ")
    for _ in range(EVENT_LIMIT // len(BLOCK) + 1):
        sent += lane.feed(BLOCK)
        if lane.seen.fault is not None:
            break
    assert sent == b""
    assert lane.seen.fault is not None
    assert not lane.seen.told


def test_a_large_event_in_small_reads_costs_what_it_weighs() -> None:
    """Looking again at all that is held whenever a bit comes would take minutes here."""
    lane = passthrough("gemini")
    picture = b"A" * (12 * 1024 * 1024)
    data = b'data: {"candidates":[{"content":{"role":"model","parts":[{"inlineData":{"mimeType":"image/png","data":"'
    data += picture + b'"}}]},"finishReason":"STOP"}]}\n\n'
    sent = [lane.feed(data[start : start + 2048]) for start in range(0, len(data), 2048)]
    assert b"".join(sent) + lane.eof() == data
    assert lane.seen.fault is None


# --- arrays


def array_lane() -> ArrayLane:
    spoke = SPOKES["gemini"]
    return ArrayLane(spoke.stream_decoder(), spoke.stream_encoder(RenderContext("id", 0, "m", array_stream=True)).fail)


def values(data: bytes) -> list[dict[str, object]]:
    """The objects of Gemini's event stream."""
    return [json.loads(event.data) for event in decode(data, keep_unfinished=True)]


def opened(sent: bytes) -> list[dict[str, object]]:
    """The elements of an array that is still open."""
    elements: list[dict[str, object]] = json.loads(sent + b"]") if sent else []
    return elements


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_array_has_whole_elements_wherever_it_is_cut(ending: str) -> None:
    data = stream_of("gemini", ending=ENDINGS[ending])
    expected = values(data)
    for cut in range(len(data) + 1):
        lane = array_lane()
        first = lane.feed(data[:cut])
        assert opened(first) == expected[: len(opened(first))]
        sent = first + lane.feed(data[cut:]) + lane.eof()
        assert json.loads(sent) == expected
        assert lane.seen.done


def test_an_array_byte_by_byte() -> None:
    data = stream_of("gemini")
    lane, sent = array_lane(), b""
    for byte in data:
        piece = lane.feed(bytes([byte]))
        sent += piece
        if piece:
            opened(sent)
    assert json.loads(sent + lane.eof()) == values(data)


def test_the_elements_are_the_vendors_bytes() -> None:
    data = stream_of("gemini", say("Grüße 漢字"))
    lane = array_lane()
    sent = lane.feed(data) + lane.eof()
    for event in decode(data):
        assert event.data.encode() in sent


def test_an_array_that_ends_early_is_closed_by_the_error() -> None:
    data = stream_of("gemini", SCENARIOS["text"])
    for cut in range(data.index(b"\n\n") + 2, len(data) - 2):
        lane = array_lane()
        sent = lane.feed(data[:cut]) + lane.eof()
        if lane.seen.fault is None:
            continue
        assert not lane.seen.done
        sent += lane.fail(lane.seen.fault)
        *elements, error = json.loads(sent)
        assert elements == values(data)[: len(elements)]
        assert error["error"]["message"] == lane.seen.fault.message


def test_an_error_of_the_vendor_is_the_last_element_once() -> None:
    dialect = DIALECTS["gemini"]
    chunks = dialect.errors.failing_stream(SCENARIOS["text"].asked("m"), REQUEST, "overloaded", after=2)
    lane = array_lane()
    sent = lane.feed(b"".join(chunks))
    assert lane.seen.fault is not None
    assert not lane.seen.told
    sent += lane.fail(lane.seen.fault)
    elements = json.loads(sent)
    assert ["error" in element for element in elements] == [False] * (len(elements) - 1) + [True]


@pytest.mark.parametrize(
    "noise", [b"data:\n\n", b"data: [DONE]\n\n", b": ping\n\n", b"event: x\n\n", b"data:  \n\n", b"id: 1\ndata: \n\n"]
)
def test_what_is_no_object_is_no_element(noise: bytes) -> None:
    events = re.findall(rb".+?\n\n", stream_of("gemini"), re.DOTALL)
    lane = array_lane()
    sent = b"".join(lane.feed(part) for event in events for part in (noise, event)) + lane.feed(noise) + lane.eof()
    assert json.loads(sent) == values(b"".join(events))


def test_broken_json_from_the_upstream_breaks_no_array() -> None:
    data = stream_of("gemini", SCENARIOS["text"])
    half = data[: data.index(b"\n\n") + 2]
    lane = array_lane()
    sent = lane.feed(half + b'data: {"candidates": [\n\n')
    assert lane.seen.fault is not None
    sent += lane.fail(lane.seen.fault)
    first, error = json.loads(sent)
    assert [first] == values(half)
    assert "error" in error


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_an_upstream_that_answers_with_an_array_itself(step: int) -> None:
    elements = values(stream_of("gemini"))
    for data in (json.dumps(elements), json.dumps(elements, indent=2), f"\ufeff\n {json.dumps(elements)}\n"):
        raw = data.encode()
        lane = array_lane()
        sent = b"".join(lane.feed(raw[start : start + step]) for start in range(0, len(raw), step)) + lane.eof()
        assert json.loads(sent) == elements
        assert lane.seen.fault is None


def test_an_upstream_that_answers_with_one_object() -> None:
    answer = DIALECTS["gemini"].answers.unary(SCENARIOS["text"].asked("m"), {})
    lane = array_lane()
    assert json.loads(lane.feed(answer) + lane.eof()) == [json.loads(answer)]
    assert lane.seen.fault is None


def test_an_array_takes_nothing_after_its_end() -> None:
    lane = array_lane()
    sent = lane.feed(stream_of("gemini")) + lane.eof()
    assert lane.feed(b'data: {"more": 1}\n\n') == lane.eof() == b""
    assert json.loads(sent)


def test_an_element_without_an_end_is_no_silent_end() -> None:
    for opening in (b'data: {"candidates": "', b'[{"candidates": "'):
        lane = array_lane()
        sent = lane.feed(opening)
        for _ in range(EVENT_LIMIT // len(BLOCK) + 1):
            sent += lane.feed(BLOCK)
        assert sent == b""
        assert lane.seen.fault is not None
        (error,) = json.loads(lane.fail(lane.seen.fault))
        assert error["error"]["message"] == lane.seen.fault.message


def test_a_failure_before_anything_was_sent_is_an_array_of_its_own() -> None:
    lane = array_lane()
    sent = lane.fail(Fault(FaultKind.UPSTREAM_TRUNCATED, "nothing came"))
    (error,) = json.loads(sent)
    assert error["error"]["message"] == "nothing came"
