"""The reference decoder does what the WHATWG text says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.sse import ServerSentEvent, decode


def event(data: str, kind: str = "message", last_id: str = "") -> ServerSentEvent:
    return ServerSentEvent(kind, data, last_id)


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        # The examples of the text itself.
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [event("YHOO\n+2\n10")]),
        (
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            [event("first event", last_id="1"), event("second event"), event(" third event")],
        ),
        (b"data\n\ndata\ndata\n\ndata:", [event(""), event("\n")]),
        (b"data:test\n\ndata: test\n\n", [event("test"), event("test")]),
        # And the corners.
        (b"data: a\r\rdata: b\r\n\r\ndata: c\n\n", [event("a"), event("b"), event("c")]),
        (b"\xef\xbb\xbfdata: a\n\n", [event("a")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
        (b"event: ping\ndata: {}\n\n", [event("{}", "ping")]),
        (b"event: lost\n\ndata: x\n\n", [event("x")]),
        (b"data: a\xe2\x80\xa8b\xc2\x85c\x0bd\n\n", [event("a\u2028b\x85c\x0bd")]),
        (b"id: 1\0\ndata: x\n\n", [event("x")]),
        (b"retry: 10\nunknown: y\n: c\ndata: x\n\n", [event("x")]),
        (b"data: \xff\n\n", [event("\ufffd")]),
        (b"", []),
    ],
)
def test_the_text_s_examples(stream: bytes, events: list[ServerSentEvent]) -> None:
    assert decode(stream) == events


def test_an_unfinished_event_is_dropped_or_kept() -> None:
    assert decode(b"data: a\n\ndata: b") == [event("a")]
    assert decode(b"data: a\n\ndata: b\n") == [event("a")]
    assert decode(b"data: a\n\ndata: b", keep_unfinished=True) == [event("a"), event("b")]


@given(st.lists(st.tuples(st.text(), st.sampled_from(["\n", "\r", "\r\n"])), max_size=8))
def test_what_is_written_is_read(written: list[tuple[str, str]]) -> None:
    clean = [(data.replace("\r", "").replace("\n", ""), end) for data, end in written]
    stream = "".join(f"data: {data}{end}{end}" for data, end in clean).encode("utf-8", "replace")
    # A CR and the LF of the next line's end would be one; here every line begins with a letter.
    assert [found.data for found in decode(stream)] == [data.encode("utf-8", "replace").decode() for data, _ in clean]
