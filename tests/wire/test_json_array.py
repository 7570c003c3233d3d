"""Elements of a JSON array, however the bytes are cut."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.strategies import json_objects

from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.wire.json_array import JsonArrayDecoder

CASES: dict[bytes, list[bytes]] = {
    b"[]": [],
    b"": [],
    b" [ ] ": [],
    b'[{"a":1}]': [b'{"a":1}'],
    b'[{"a":1}\n,\r\n{"b":2}]': [b'{"a":1}', b'{"b":2}'],
    b'{"error":{"code":400}}': [b'{"error":{"code":400}}'],
    b'[{"a":"]}\\"{["},{"b":"\\\\"},{}]': [b'{"a":"]}\\"{["}', b'{"b":"\\\\"}', b"{}"],
    b'[{"a":[[1],{"b":[]}]}]': [b'{"a":[[1],{"b":[]}]}'],
    b"[[1],[2]]": [b"[1]", b"[2]"],
    b'["{",{"a":1}]': [b'{"a":1}'],
    '[{"a":"é😀\u2028"}]'.encode(): ['{"a":"é😀\u2028"}'.encode()],
    b'[{"a":1},{"b"': [b'{"a":1}'],
}


def elements(*pieces: bytes) -> list[bytes]:
    decoder = JsonArrayDecoder()
    return [element for piece in pieces for element in decoder.feed(piece)]


@pytest.mark.parametrize("body", CASES, ids=repr)
def test_whole_and_cut_everywhere(body: bytes) -> None:
    assert elements(body) == CASES[body]
    assert elements(*(body[i : i + 1] for i in range(len(body)))) == CASES[body]
    for place in range(len(body) + 1):
        assert elements(body[:place], b"", body[place:]) == CASES[body]


@given(st.lists(json_objects, max_size=4), st.lists(st.integers(1, 9), max_size=40))
def test_random_arrays(values: list[dict[str, object]], sizes: list[int]) -> None:
    body = b"[" + b",\n".join(map(json.encode, values)) + b"]"
    pieces, position = [], 0
    for size in sizes:
        pieces.append(body[position : position + size])
        position += size
    assert list(map(json.decode, elements(*pieces, body[position:]))) == values


def test_open_tells_of_a_begun_element() -> None:
    decoder = JsonArrayDecoder()
    seen = []
    for piece in (b"[", b"{", b'"a":1', b"}", b"]"):
        decoder.feed(piece)
        seen.append(decoder.open)
    assert seen == [False, True, True, False, False]


def test_an_endless_element_is_a_fault() -> None:
    decoder = JsonArrayDecoder(limit=50)
    decoder.feed(b"[")
    with pytest.raises(Fault) as caught:
        [decoder.feed(b'{"a":"xxxxx') for _ in range(10)]
    assert caught.value.kind is FaultKind.UPSTREAM


def test_a_large_picture_is_passed_over_quickly() -> None:
    body = b'[{"data":"' + b"A" * 20_000_000 + b'"}]'
    decoder = JsonArrayDecoder()
    begin = time.perf_counter()
    found = sum(len(decoder.feed(body[i : i + 262_144])) for i in range(0, len(body), 262_144))
    assert found == 1
    assert time.perf_counter() - begin < 5
