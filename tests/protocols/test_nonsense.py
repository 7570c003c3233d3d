"""Whatever an upstream sends, a decoder answers with events or a fault: real answers with one thing wrong in them."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocols.corpus.all import STREAMS
from tests.protocols.readers import context

from codenex.core import events as e
from codenex.core.answer import fold
from codenex.core.errors import Fault
from codenex.core.stream_validator import StreamValidator
from codenex.gateway.spokes import SPOKES

EXAMPLES = settings(max_examples=max(1000, settings.default.max_examples if settings.default else 0))

#: What no field of an answer should hold, and what some fields may.
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 5, 2**31, 10**400, 0.5, -1e308, 1e308, "", " ", "x", "\u2028", "\x00", "null", "{}",
    "[1]", "9" * 400, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    [], [None], [[]], ["x"], [{}], {}, {"type": 5},
    {"text": []}, {"type": "text"}, {"error": {}}, {"id": {}, "name": [], "index": "0"},
)  # fmt: skip


def objects(stream: bytes) -> list[Any]:
    """The JSON values of a stream, an array or a body."""
    text = stream.decode(errors="replace").lstrip("\ufeff \r\n")
    if text[:1] in "[{":
        try:
            value = json.loads(text)
        except ValueError:
            return []
        return value if isinstance(value, list) else [value]
    out = []
    for line in text.replace("\r", "\n").split("\n"):
        if line.startswith("data: {"):
            try:
                out.append(json.loads(line[6:]))
            except ValueError:
                continue
    return out


VALUES = {
    protocol: [found for data in streams.values() if (found := objects(data))] for protocol, streams in STREAMS.items()
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything within a value."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [(*path, key) for key, _ in inner] + [place for key, item in inner for place in places(item, (*path, key))]


def spoilt(values: list[Any], source: random.Random) -> list[Any]:
    """The values with one or two things in them replaced, left out, doubled or put elsewhere."""
    out = copy.deepcopy(values)
    for _ in range(source.choice((1, 1, 2, 3))):
        found = places(out)
        if not found:
            break
        *path, last = source.choice(found)
        holder = out
        for key in path:
            holder = holder[key]
        match source.randrange(6):
            case 0:
                del holder[last]
            case 1 if isinstance(holder, list):
                holder.insert(last, copy.deepcopy(source.choice(holder)))
            case 2:
                holder[last] = [holder[last]]
            case 3 if isinstance(holder, dict):
                holder[source.choice(("type", "index", "id", "name", "text", "data", "content"))] = holder.pop(last)
            case _:
                holder[last] = copy.deepcopy(source.choice(ODD))
    return out


def framed(values: list[Any], kind: int) -> bytes:
    texts = [json.dumps(value) for value in values]
    match kind:
        case 0:
            return ("[" + ",".join(texts) + "]").encode()
        case 1:
            return (texts[-1] if texts else "").encode()
        case _:
            return "".join(f"data: {text}\n\n" for text in texts).encode()


@pytest.mark.pitfall("ERR-5", "ERR-9", "RSP-21", "SMP-11")
@pytest.mark.parametrize("protocol", STREAMS)
@EXAMPLES
@given(seed=st.integers(0, 2**63))
def test_an_answer_with_something_wrong_in_it(protocol: str, seed: int) -> None:
    source = random.Random(seed)
    spoke = SPOKES[protocol]
    values = spoilt(source.choice(VALUES[protocol]), source)
    data = framed(values, source.randrange(8))
    decoder = spoke.stream_decoder()
    validator = StreamValidator()
    events: list[e.StreamEvent] = [*decoder.feed(data), *decoder.eof()]
    for event in events:
        validator.check(event)
    validator.end()
    assert decoder.done
    # Whatever came out, every client can be told of it.
    client = SPOKES[source.choice(list(SPOKES))]
    encoder = client.stream_encoder(context())
    written = b"".join(encoder.send(event) for event in events) + encoder.end()
    assert written
    if not isinstance(events[-1], e.Error):
        refused = _refused(lambda: client.encode_response(fold(events), context()))
        assert refused is None or refused.from_upstream or refused.status >= 500
    body = json.dumps(values[-1] if values else None).encode()
    for decode in (spoke.decode_response, spoke.decode_models, spoke.decode_count):
        fault = _refused(lambda decode=decode: decode(body))
        assert fault is None or fault.from_upstream
    assert spoke.decode_error(500, [], body).from_upstream
    assert spoke.usage_of is not None
    spoke.usage_of(body)


def _refused(action: Any) -> Fault | None:
    try:
        action()
    except Fault as fault:
        return fault
    return None
