"""Model lists, token counts and usage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.pagination import SyncPage
from openai.types import Model as OpenAIModel
from openai.types.responses import ResponseUsage
from openai.types.responses.input_token_count_response import InputTokenCountResponse
from pydantic import TypeAdapter
from tests.protocols.openai_responses.samples import USAGE, response

from codenex.core.errors import Fault
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import Refusal
from codenex.core.spoke import Model
from codenex.core.usage import Usage
from codenex.protocols.openai_responses import SPOKE
from codenex.protocols.openai_responses.usage import (
    REASONS,
    STATUSES,
    decode_finish,
    decode_usage,
    encode_finish,
    encode_usage,
)


@pytest.mark.pitfall("NET-4")
def test_lists_are_those_of_the_sdk() -> None:
    models = [Model("a", "me", created=5), Model("b/c")]
    page = TypeAdapter(SyncPage[OpenAIModel]).validate_json(SPOKE.encode_models(models))
    assert [(model.id, model.owned_by, model.created) for model in page.data] == [("a", "me", 5), ("b/c", "codenex", 0)]
    assert SPOKE.decode_models(SPOKE.encode_models(models)) == models
    assert TypeAdapter(OpenAIModel).validate_json(SPOKE.encode_model(models[0])).id == "a"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"data": [{"id": "a", "context_length": 10, "max_output_tokens": 5}]},
         [Model("a", max_input_tokens=10, max_output_tokens=5)]),
        ([{"id": "a"}, {"no": 1}, 7], [Model("a")]),
        ({"models": [{"name": "a"}, "b"]}, [Model("a"), Model("b")]),
    ],
)  # fmt: skip
def test_lists_of_other_servers(body: Any, expected: list[Model]) -> None:
    assert SPOKE.decode_models(json.dumps(body).encode()) == expected


@pytest.mark.parametrize("body", [b"", b"{}", b'{"data":5}', b"<html>"])
def test_a_list_that_is_none(body: bytes) -> None:
    with pytest.raises(Fault):
        SPOKE.decode_models(body)


@pytest.mark.pitfall("TOK-1")
def test_counts() -> None:
    body = SPOKE.encode_count(42)
    assert TypeAdapter(InputTokenCountResponse).validate_json(body).input_tokens == 42
    assert SPOKE.decode_count(body) == 42
    for wrong in (b"{}", b"x", b'{"input_tokens":true}'):
        with pytest.raises(Fault):
            SPOKE.decode_count(wrong)


@pytest.mark.pitfall("USE-1", "USE-2")
def test_usage_goes_there_and_back() -> None:
    usage = decode_usage(USAGE)
    assert usage is not None
    assert usage.input_total == 20
    encoded = encode_usage(usage)
    assert encoded == USAGE
    assert TypeAdapter(ResponseUsage).validate_python(encoded).total_tokens == 32


@pytest.mark.pitfall("USE-1", "USE-9", "USE-10")
def test_every_bucket_counts() -> None:
    usage = Usage(1, 2, 4, 8, 16, 32, 64)
    assert encode_usage(usage) == {
        "input_tokens": 31,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 12},
        "output_tokens": 96,
        "output_tokens_details": {"reasoning_tokens": 64},
        "total_tokens": 127,
    }
    empty = encode_usage(Usage())
    assert empty is not None
    assert empty["total_tokens"] == 0
    assert encode_usage(None) is None


@pytest.mark.pitfall("USE-3", "USE-9")
@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ("x", None),
        ({}, None),
        ({"input_tokens": 3, "output_tokens": 4}, (3, None, 4, None)),
        ({"input_tokens": 3, "input_tokens_details": None, "output_tokens": 4}, (3, None, 4, None)),
        ({"prompt_tokens": 3, "completion_tokens": 4}, (3, None, 4, None)),
        ({"input_tokens": 3, "input_tokens_details": {"cached_tokens": 9}, "output_tokens": 4}, (0, 9, 4, None)),
        (
            {"input_tokens": 3, "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 9}},
            (3, None, 0, 4),
        ),
    ],
)
def test_usage_of_other_servers(usage: Any, expected: tuple[int | None, ...] | None) -> None:
    found = decode_usage(usage)
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (found.input_uncached, found.input_cache_read, found.output_text, found.output_reasoning) == expected


def test_usage_of_a_body() -> None:
    assert SPOKE.usage_of is not None
    usage = SPOKE.usage_of(json.dumps(response("completed", usage=USAGE, service_tier="flex")).encode())
    assert usage is not None
    assert (usage.total, usage.service_tier) == (32, "flex")
    assert SPOKE.usage_of(b"x") is None


def test_every_reason_has_a_status() -> None:
    assert set(STATUSES) == set(FinishReason)
    for spelled, reason in REASONS.items():
        fields = response("incomplete", incomplete_details={"reason": spelled})
        assert decode_finish(fields, refused=False) == FinishDetail(reason, spelled)
    for status, why in STATUSES.values():
        if why is not None:
            assert STATUSES[REASONS[why]] == (status, why)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (response("completed"), FinishReason.STOP),
        (response("cancelled"), FinishReason.CANCELLED),
        (response("incomplete"), FinishReason.OTHER),
        (response("incomplete", incomplete_details={"reason": "boredom"}), FinishReason.OTHER),
        ({"output": []}, FinishReason.STOP),
    ],
)
def test_statuses(fields: dict[str, Any], reason: FinishReason) -> None:
    assert decode_finish(fields, refused=False).reason is reason


@pytest.mark.pitfall("FIN-4")
def test_refusals_are_complete_where_they_speak() -> None:
    refusal = FinishDetail(FinishReason.REFUSAL)
    assert encode_finish(refusal, [Refusal("no")]) == ("completed", None)
    assert encode_finish(refusal, []) == ("incomplete", "content_filter")
    assert decode_finish(response("completed"), refused=True).reason is FinishReason.REFUSAL
