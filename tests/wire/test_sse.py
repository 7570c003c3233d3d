"""Server-sent events, as the WHATWG text has them, however the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support import sse as reference

from codenex.core.errors import Fault, FaultKind
from codenex.wire.sse import ERROR_FIELD, Frame, SseDecoder, data_event, last_boundary, named_event

CASES: dict[bytes, list[Frame]] = {
    b"data: a\n\n": [Frame(b"", b"a")],
    b"data:a\n\n": [Frame(b"", b"a")],
    b"data:  a \n\n": [Frame(b"", b" a ")],
    b"data: YHOO\ndata: +2\ndata: 10\n\n": [Frame(b"", b"YHOO\n+2\n10")],
    b"data\n\ndata\ndata\n\ndata:\n\n": [Frame(b"", b""), Frame(b"", b"\n"), Frame(b"", b"")],
    b": comment\n\ndata: x\n\n": [Frame(b"", b"x")],
    b"event: ping\n\ndata: x\n\n": [Frame(b"", b"x")],
    b"event: a\nevent: b\ndata: x\n\n": [Frame(b"b", b"x")],
    b"id: 1\nretry: 10\nunknown: y\ndata: x\n\n": [Frame(b"", b"x")],
    b" data: x\nDATA: y\n\n": [],
    b"data: x\r\n\r\ndata: y\r\rdata: z\n\n": [Frame(b"", b"x"), Frame(b"", b"y"), Frame(b"", b"z")],
    b"\xef\xbb\xbfdata: x\n\n": [Frame(b"", b"x")],
    b"data: x\n\n\xef\xbb\xbfdata: y\n\n": [Frame(b"", b"x")],
    "data: a\u2028b\x85c\u2029\x0b\x0c\n\n".encode(): [Frame(b"", "a\u2028b\x85c\u2029\x0b\x0c".encode())],
    b"data: [DONE]": [Frame(b"", b"[DONE]")],
    b"event: end\ndata: x\r": [Frame(b"end", b"x")],
    b"event: end": [],
    b"": [],
    b"\n\r\n\r": [],
    b"data: a: b\n\n": [Frame(b"", b"a: b")],
}


def decoded(*pieces: bytes) -> list[Frame]:
    decoder = SseDecoder()
    return [frame for piece in pieces for frame in decoder.feed(piece)] + decoder.eof()


@pytest.mark.parametrize("stream", CASES, ids=repr)
def test_whole(stream: bytes) -> None:
    assert decoded(stream) == CASES[stream]


def test_an_error_in_a_field_of_its_own_is_an_event_where_it_is_asked_for() -> None:
    stream = b"data: a\n\nerror: x: y\n\ndata: b\n\n"
    assert decoded(stream) == [Frame(b"", b"a"), Frame(b"", b"b")]
    decoder = SseDecoder(errors=True)
    assert decoder.feed(stream) == [Frame(b"", b"a"), Frame(ERROR_FIELD, b"x: y"), Frame(b"", b"b")]


@pytest.mark.parametrize("stream", CASES, ids=repr)
def test_byte_by_byte(stream: bytes) -> None:
    assert decoded(*(stream[i : i + 1] for i in range(len(stream)))) == CASES[stream]


@pytest.mark.parametrize("stream", CASES, ids=repr)
def test_every_cut(stream: bytes) -> None:
    for place in range(len(stream) + 1):
        assert decoded(stream[:place], stream[place:]) == CASES[stream]


lines = st.sampled_from(
    [
        b"data: x",
        b"data:",
        b"data",
        b"event: e",
        b":c",
        b"",
        b"",
        "data: é\u2028😀".encode(),
        b"id: 1",
        b"\xef\xbb\xbfdata: b",
        b"x",
    ]
)
streams = st.lists(st.tuples(lines, st.sampled_from([b"\n", b"\r", b"\r\n"])), max_size=12).map(
    lambda pairs: b"".join(line + end for line, end in pairs)
)


@given(streams | st.binary(max_size=20), st.lists(st.integers(1, 4), max_size=40))
def test_against_the_reference(stream: bytes, sizes: list[int]) -> None:
    pieces, position = [], 0
    for size in sizes:
        pieces.append(stream[position : position + size])
        position += size
    frames = decoded(*pieces, stream[position:])
    expected = reference.decode(stream, keep_unfinished=True)
    assert [
        (frame.event.decode(errors="replace") or "message", frame.data.decode(errors="replace")) for frame in frames
    ] == [(event.type, event.data) for event in expected]


#: Streams without a CR take a shorter way.
plain_streams = st.lists(lines, max_size=16).map(lambda found: b"".join(line + b"\n" for line in found))


@example(b":c\n\n\ndata: x\n", [2, 2], b"\r")
@given(plain_streams, st.lists(st.integers(1, 30), max_size=10), st.binary(max_size=8))
def test_plain_streams_against_the_reference(stream: bytes, sizes: list[int], end: bytes) -> None:
    test_against_the_reference.hypothesis.inner_test(stream + end, sizes)


@given(streams)
def test_a_boundary_leaves_whole_events_before_it(stream: bytes) -> None:
    boundary = last_boundary(stream)
    decoder = SseDecoder()
    before = decoder.feed(stream[:boundary])
    # A CR at the end waits for a LF that could follow; one byte more settles it.
    before += decoder.feed(b":")
    assert decoder.eof() == []
    assert before == decoded(stream[:boundary])
    assert before + decoded(stream[boundary:]) == decoded(stream) or stream[boundary:].startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    ("data", "length"),
    [
        (b"", 0),
        (b"data: x\n", 0),
        (b"data: x\n\n", 9),
        (b"data: x\n\ndata: y\n", 9),
        (b"data: x\r\n\r\ndata", 11),
        (b"data: x\r\n\r", 0),
        (b"data: x\r\rdata", 9),
        (b"a\n\nb\r\n\r\nc\r\r", 11),
        (b"\n\n", 2),
    ],
)
def test_last_boundary(data: bytes, length: int) -> None:
    assert last_boundary(data) == length
    assert last_boundary(bytearray(data)) == length


def test_what_is_written_is_read() -> None:
    written = data_event(b'{"a":1}') + named_event(b"message_stop", b"{}")
    assert written == b'data: {"a":1}\n\nevent: message_stop\ndata: {}\n\n'
    assert decoded(written) == [Frame(b"", b'{"a":1}'), Frame(b"message_stop", b"{}")]


@pytest.mark.parametrize("piece", [b"x" * 60, b"data: " + b"x" * 20 + b"\n"])
def test_an_endless_event_is_a_fault(piece: bytes) -> None:
    decoder = SseDecoder(limit=100)
    with pytest.raises(Fault) as caught:
        [decoder.feed(piece) for _ in range(10)]
    assert caught.value.kind is FaultKind.UPSTREAM


def test_many_events_are_no_endless_one() -> None:
    decoder = SseDecoder(limit=100)
    assert sum(len(decoder.feed(b"data: " + b"x" * 50 + b"\n\n")) for _ in range(100)) == 100
