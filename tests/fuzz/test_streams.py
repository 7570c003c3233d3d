"""Whatever bytes a stream has, its decoder gives events with an end, however the bytes are cut, and raises nothing.

Streams whose JSON is sound and says odd things are in ``tests/protocols/test_nonsense.py``.
"""

from __future__ import annotations

from collections import Counter

import pytest
from tests.fuzz.mutation import INPUTS, mutated, pieces, sources
from tests.protocols.corpus.all import STREAMS
from tests.protocols.readers import context

from codenex.core import events as e
from codenex.core.stream_validator import StreamValidator
from codenex.gateway.spokes import SPOKES

WORDS = (
    b"data: [DONE]\n\n", b"data: {}\n\n", b"data:\n\n", b"event: error\n", b"event: message_stop\n", b": ping\n\n",
    b"retry: 1\n", b"id: \0\n", b"error: {\"code\":500}\n\n", b"data: {\"error\":{\"message\":\"no\"}}\n\n", b"null",
    b"[]", b"{}", b"1e999", b"\"\\ud800\"", b"\"\\u0000\"", b"data: ", b"\xf0\x9f\x98", b"[" * 2000, b"{\"a\":" * 2000,
    b"\"choices\":null", b"\"choices\":[null]", b"\"usage\":{}", b"\"index\":99999999999",
)  # fmt: skip
#: Long ones add time and no shapes.
SEEDS = {protocol: [data for data in streams.values() if len(data) < 6000] for protocol, streams in STREAMS.items()}


@pytest.mark.timeout(7200)
def test_no_bytes_upset_a_decoder() -> None:
    seen: Counter[str] = Counter()
    protocols = list(SEEDS)
    for seed, source in sources():
        protocol = protocols[seed % len(protocols)]
        data = mutated(source, SEEDS[protocol], WORDS)
        decoder = SPOKES[protocol].stream_decoder()
        client = SPOKES[protocols[source.randrange(len(protocols))]]
        try:
            events: list[e.StreamEvent] = []
            for piece in pieces(source, data):
                events += decoder.feed(piece)
            events += decoder.eof()
            validator = StreamValidator()
            for event in events:
                validator.check(event)
            validator.end()
            assert decoder.done
            encoder = client.stream_encoder(context())
            assert b"".join(map(encoder.send, events)) + encoder.end()
        except BaseException as error:
            raise AssertionError(f"stream {seed}") from error
        seen["failed" if isinstance(events[-1], e.Error) else "whole"] += 1
    assert seen["failed"] > INPUTS / 10
    assert seen["whole"] > INPUTS / 100
    print(f"{INPUTS} streams: {dict(seen)}")
