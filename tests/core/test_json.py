"""JSON: one error type, nothing lost, doubled keys found."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.strategies import json_values

from codenex.core import json

MALFORMED = [
    b"",
    b"{",
    b"[1,]",
    b"nul",
    b"NaN",
    b"[Infinity]",
    b"-Infinity",
    b'"\\ud800"',
    b'"\\udc00x"',
    b'"\xff"',
    b'{"a":1}x',
    b"'a'",
    b'{"a" 1}',
    b'"\x00"',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"1e999999",
    b"01",
    b"\xef\xbb\xbf{",
]


@pytest.mark.parametrize("data", MALFORMED, ids=lambda data: repr(data[:12]))
def test_nonsense_raises_one_error(data: bytes) -> None:
    for decode in (json.decode, json.decode_object):
        with pytest.raises(json.MalformedJson) as caught:
            decode(data)
        assert str(caught.value)
    assert json.try_object(data) is None
    with pytest.raises(json.MalformedJson):
        json.decode_raw_object(data)
    with pytest.raises(json.MalformedJson):
        json.decode_as(dict[str, int], data)


def test_deep_nesting_is_named() -> None:
    with pytest.raises(json.MalformedJson, match="nested"):
        json.decode(b"[" * 100_000)


def test_a_python_string_with_lone_surrogates_is_malformed() -> None:
    with pytest.raises(json.MalformedJson):
        json.decode('"\ud800"')


@pytest.mark.parametrize("data", [b"[]", b"1", b'"x"', b"null"])
def test_an_object_is_demanded(data: bytes) -> None:
    with pytest.raises(json.MalformedJson):
        json.decode_object(data)
    assert json.try_object(data) is None


@given(json_values)
def test_values_survive(value: object) -> None:
    assert json.decode(json.encode(value)) == value
    assert json.decode(json.encode_text(value)) == value


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**40])
def test_big_integers_stay_what_they_are(number: int) -> None:
    decoded = json.decode(str(number).encode())
    if number.bit_length() <= 64:
        assert decoded == number
    else:
        assert decoded == pytest.approx(number)


def test_order_and_characters_are_kept() -> None:
    text = '{"z":1,"a":"\u2028é😀/","m":null}'
    assert json.encode_text(json.decode(text)) == text


def test_raw_values_stay_the_bytes_they_were() -> None:
    raw = json.decode_raw_object(b'{"n": 1.0 , "big":123456789012345678901234567890, "o":{"b":1, "a":2}}')
    assert bytes(raw["n"]) == b"1.0"
    assert bytes(raw["big"]) == b"123456789012345678901234567890"
    assert json.encode(raw) == b'{"n":1.0,"big":123456789012345678901234567890,"o":{"b":1, "a":2}}'


KEYS = frozenset({"model", "stream"})


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"{}", None),
        (b' { "model" : 1 } ', None),
        (b'{"model":1,"stream":2}', None),
        (b'{"model":1,"model":2}', "model"),
        (b'{"model":1,"mod\\u0065l":2}', "model"),
        (b'{"\\u006dodel":1,"\\u006Dodel":2}', "model"),
        (b'{"stream":{"stream":1},"a":["stream"]}', None),
        (b'{"a":{"model":1},"model":"x","b":[{"model":2}]}', None),
        (b'{"a":"\\"model\\":1,","model":1}', None),
        (b'{"a":"\\\\","model":1,"b":"\\\\\\"","model":2}', "model"),
        (b'{"a":"}{][,\\"","stream":1 , "b":-1.5e3,\n"stream" :2}', "stream"),
        (b'{"x":1,"x":2,"model":1}', None),
        (b'{"model":[1,2,{"a":[]}],"model":null}', "model"),
        (b'{"model\\u0000":1,"model":2}', None),
        ('{"é":"ü","model":1,"é":1,"model":2}'.encode(), "model"),
    ],
)
def test_doubled_keys(data: bytes, expected: str | None) -> None:
    json.decode_object(data)
    assert json.duplicate_keys(data, KEYS) == expected


@given(st.lists(st.tuples(st.sampled_from(["model", "stream", 'a"\\', "b"]), json_values), max_size=5), st.booleans())
def test_doubled_keys_against_a_count(pairs: list[tuple[str, object]], escaped: bool) -> None:
    def spelled(key: str) -> str:
        if escaped:
            return '"' + "".join(f"\\u{ord(character):04x}" for character in key) + '"'
        return json.encode_text(key)

    data = "{" + " , ".join(f"{spelled(key)} :{json.encode_text(value)}" for key, value in pairs) + "}"
    names = [key for key, _ in pairs if key in KEYS]
    doubled = next((name for position, name in enumerate(names) if name in names[:position]), None)
    assert json.duplicate_keys(data.encode(), KEYS) == doubled


def test_doubled_keys_in_a_large_body_are_found_quickly() -> None:
    values = b"[" + b",".join([b'{"a":[1,2,"\\u00e9\\"model"]}'] * 50_000) + b"]"
    data = b'{"messages":' + values + b',"numbers":[' + b"1," * 500_000 + b'1],"model":"a","mod\\u0065l":"b"}'
    begin = time.perf_counter()
    assert json.duplicate_keys(data, KEYS) == "model"
    assert time.perf_counter() - begin < 10
