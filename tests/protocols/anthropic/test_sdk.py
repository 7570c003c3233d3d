"""The official SDK as judge: what we write, it reads, whole and streamed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anthropic
import httpx2 as httpx
import pydantic
import pytest
from anthropic.types import MessageParam, ToolParam
from anthropic.types.beta import BetaMessage, BetaRawMessageStreamEvent
from anthropic.types.beta.message_create_params import MessageCreateParamsNonStreaming
from tests.protocols.anthropic.frames import context, encoded, values
from tests.protocols.anthropic.test_encoder import answer, unary

from codenex.core.answer import unfold
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.losses import Losses
from codenex.core.parts import Part, Reasoning, Refusal, Signature, Text, ToolCall
from codenex.core.spoke import Model
from codenex.core.usage import Usage
from codenex.models.anthropic import capabilities
from codenex.protocols.anthropic import SPOKE

Handler = Callable[[httpx.Request], httpx.Response]

MESSAGES: list[MessageParam] = [{"role": "user", "content": "hi"}]
USAGE = Usage(12, 3, 4, 0, None, 20, 5)
ANSWERS: dict[str, tuple[Part, ...]] = {
    "text": (Text("Hello 🌍\u2028 there"),),
    "nothing": (),
    "reasoning": (Reasoning(("one", "two"), signature=Signature("openai", "envelope")), Text("so")),
    "hidden reasoning": (Reasoning(signature=Signature("gemini", "envelope")), Text("so")),
    "calls": (
        Text("let me"),
        ToolCall("call_1", "weather", '{"city":"Oslo"}'),
        ToolCall("call.2", "clock", ""),
        Text("done"),
    ),
    "refusal": (Refusal("I can't."),),
}


def client(handler: Handler) -> anthropic.Anthropic:
    transport = httpx.MockTransport(handler)
    return anthropic.Anthropic(
        api_key="test-key", base_url="http://gateway.test", max_retries=0, http_client=httpx.Client(transport=transport)
    )


def serving(content: bytes, kind: str = "application/json", status: int = 200, **headers: str) -> Handler:
    return lambda request: httpx.Response(status, headers={"content-type": kind, **headers}, content=content)


def plain(blocks: list[Any]) -> list[dict[str, Any]]:
    return [block.model_dump(exclude_none=True) for block in blocks]


@pytest.mark.parametrize("name", ANSWERS)
def test_the_sdk_reads_whole_answers_and_streams_alike(name: str) -> None:
    reason = FinishReason.REFUSAL if name == "refusal" else FinishReason.STOP
    given = answer(*ANSWERS[name], finish=FinishDetail(reason), usage=USAGE)
    body = json.dumps(unary(given)).encode()
    whole = client(serving(body)).messages.create(model="m", max_tokens=10, messages=MESSAGES)
    sse = encoded(list(unfold(given)), context(estimate=lambda: 9))
    with client(serving(sse, "text/event-stream")).messages.stream(
        model="m", max_tokens=10, messages=MESSAGES
    ) as stream:
        text = "".join(stream.text_stream)
        streamed = stream.get_final_message()
    assert plain(streamed.content) == plain(whole.content)
    assert text == "".join(block.text for block in whole.content if block.type == "text")
    assert (streamed.stop_reason, streamed.id) == (whole.stop_reason, whole.id)
    for message in (whole, streamed):
        usage = message.usage
        assert (usage.input_tokens, usage.output_tokens) == (12, 25)
        assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (3, 4)
    assert whole.stop_reason == {"calls": "tool_use", "refusal": "refusal"}.get(name, "end_turn")


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_have_the_types_of_the_sdk(name: str) -> None:
    given = answer(*ANSWERS[name], usage=USAGE)
    pydantic.TypeAdapter(BetaMessage).validate_python(unary(given))
    events: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(BetaRawMessageStreamEvent)
    for value in values(encoded(list(unfold(given)))):
        events.validate_python(value)


@pytest.mark.pitfall("ERR-7")
def test_the_sdk_raises_what_fails_in_the_middle() -> None:
    encoder = SPOKE.stream_encoder(context())
    events = list(unfold(answer(Text("x"))))
    sse = b"".join(encoder.send(event) for event in events[:3]) + encoder.fail(Fault(FaultKind.OVERLOADED, "busy"))
    with (
        pytest.raises(anthropic.APIStatusError, match="busy"),
        client(serving(sse, "text/event-stream")).messages.stream(
            model="m", max_tokens=10, messages=MESSAGES
        ) as stream,
    ):
        stream.get_final_message()


@pytest.mark.pitfall("ERR-1", "ERR-12")
@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        (FaultKind.INVALID_REQUEST, anthropic.BadRequestError),
        (FaultKind.AUTHENTICATION, anthropic.AuthenticationError),
        (FaultKind.PERMISSION, anthropic.PermissionDeniedError),
        (FaultKind.MODEL_NOT_FOUND, anthropic.NotFoundError),
        (FaultKind.CONFLICT, anthropic.ConflictError),
        (FaultKind.UNPROCESSABLE, anthropic.UnprocessableEntityError),
        (FaultKind.RATE_LIMIT, anthropic.RateLimitError),
        (FaultKind.UPSTREAM, anthropic.InternalServerError),
    ],
)
def test_the_sdk_raises_its_own_exceptions(kind: FaultKind, raised: type[anthropic.APIStatusError]) -> None:
    error = SPOKE.encode_error(Fault(kind, "reason", retry_after=1.2), "req_7")
    handler = serving(error.body, "application/json", error.status, **dict(error.headers))
    with pytest.raises(raised) as found:
        client(handler).messages.create(model="m", max_tokens=10, messages=MESSAGES)
    assert "reason" in found.value.message
    assert found.value.request_id == "req_7"
    assert found.value.response.headers["retry-after"] == "2"


def test_the_sdk_reads_lists_and_counts() -> None:
    listed = client(serving(SPOKE.encode_models([Model("claude-a", created=1_769_904_000)]))).models.list()
    assert [(model.id, model.display_name, model.created_at.year) for model in listed] == [
        ("claude-a", "claude-a", 2026)
    ]
    counted = client(serving(SPOKE.encode_count(7))).messages.count_tokens(model="m", messages=MESSAGES)
    assert counted.input_tokens == 7


def test_what_the_sdk_sends_is_understood() -> None:
    sent: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return httpx.Response(200, json=unary(answer(Text("x"))))

    tool: ToolParam = {"name": "f", "input_schema": {"type": "object", "properties": {}}}
    client(handler).messages.create(
        model="claude-opus-5",
        max_tokens=2000,
        system="s",
        messages=[
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "r"}]},
        ],
        tools=[tool],
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
    )
    request = SPOKE.decode_request(sent[0], None)
    assert [turn.role for turn in request.turns] == ["system", "user", "assistant", "user"]
    again = SPOKE.encode_request(request, capabilities(request.model), Losses())
    body = json.loads(again.body)
    assert body == json.loads(sent[0])
    pydantic.TypeAdapter(MessageCreateParamsNonStreaming).validate_python(body)
