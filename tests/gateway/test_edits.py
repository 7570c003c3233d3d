"""The edit of a passthrough body changes named values and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codenex.core import json
from codenex.core.errors import Fault
from codenex.gateway.edits import edited, head_of

BODY = (
    b'{"messages": [ {"role":"user", "content":"h\xc3\xa9\\u2028 1.0"} ],\n "model":"a", "temperature":1.0,'
    b' "big":12345678901234567890, "x-new":{"b":1,"a":[1.50, 2E3]}}'
)


def test_an_edit_keeps_order_and_every_untouched_value_to_the_byte():
    out = edited(head_of(BODY), {"model": "b"})
    assert list(json.decode_raw_object(out)) == ["messages", "model", "temperature", "big", "x-new"]
    before, after = json.decode_raw_object(BODY), json.decode_raw_object(out)
    assert {k: bytes(v) for k, v in after.items() if k != "model"} == {
        k: bytes(v) for k, v in before.items() if k != "model"
    }
    assert bytes(after["model"]) == b'"b"'


def test_a_new_field_comes_last():
    assert edited(head_of(b'{"model":"a","z":1}'), {"stream_options": {"include_usage": True}}) == (
        b'{"model":"a","z":1,"stream_options":{"include_usage":true}}'
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","model":"b"}',
        b'{"model":"a","mod\\u0065l":"b"}',
        b'{"stream":true,"x":{"stream":1},"stream":false}',
    ],
)
@pytest.mark.parametrize("padding", [0, 10_000])
@pytest.mark.parametrize("blank", [b"", b"\n"])
def test_two_fields_that_policy_reads_are_refused(body, padding, blank):
    with pytest.raises(Fault) as caught:
        head_of(b'{"padding":"' + b"x" * padding + b'",' + body[1:] + blank)
    assert caught.value.status == 400
    assert "two fields" in caught.value.message


@given(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=4),
    st.sampled_from(["model", "stream", "x", "m\u00f6del"]),
)
def test_only_a_body_without_room_for_a_second_field_is_spared_the_search(values, name):
    fields = {**values, name: "padding" * 1000}
    fields["model"] = "m"
    fields.pop("stream", None)
    whole = json.encode(fields)
    assert head_of(whole).model == "m"
    for more in (b',"model":"n"}', b',"mod\\u0065l":"n"}', b' , "stream" : true, "stream":false }'):
        with pytest.raises(Fault):
            head_of(whole[:-1] + more)


def test_the_same_name_deeper_inside_is_no_repetition():
    body = (
        b'{"tools":[{"parameters":{"properties":{"model":{"type":"string"},"stream":{}}}}],"model":"a","stream":true}'
    )
    head = head_of(body)
    assert (head.model, head.stream) == ("a", True)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "JSON"),
        (b"[]", "JSON"),
        (b'{"model":1}', "model"),
        (b'{"model":"a","stream":"yes"}', "stream"),
        (b'{"model":"a","t":NaN}', "JSON"),
        (b'{"model":"\xff"}', "JSON"),
        (b'{"model":"\\ud800"}', ""),
        (b'{"a":' + b"[" * 100_000, "JSON"),
    ],
)
def test_bad_bodies_are_400_with_a_reason(body, word):
    with pytest.raises(Fault) as caught:
        head_of(body)
    assert caught.value.status == 400
    assert word in caught.value.message


def test_null_is_absent():
    head = head_of(b'{"model":null,"stream":null}')
    assert (head.model, head.stream) == (None, False)


@given(st.dictionaries(st.text(max_size=5), st.recursive(st.none() | st.integers() | st.text(), st.lists), max_size=6))
def test_any_object_survives_an_empty_edit(value):
    value.pop("model", None)
    value.pop("stream", None)
    assert json.decode(edited(head_of(json.encode(value)), {})) == value
