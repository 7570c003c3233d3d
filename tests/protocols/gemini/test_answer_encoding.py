"""Answers for Google's clients, streamed and whole: the same content either way, and the official SDK reads both."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from google.genai import errors, types
from tests.protocols.gemini.frames import (
    CONTEXT_ID,
    STOP,
    Object,
    accepted,
    chunks_of,
    context,
    decoded,
    encoded,
    sdk_answer,
    sdk_chunks,
    sdk_parts,
    streamed,
    unary,
)

from codenex.core import events as e
from codenex.core.answer import Answer, Choice, unfold
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.losses import Loss
from codenex.core.parts import (
    Citation,
    Compaction,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    ServerTool,
    Signature,
    Text,
    ToolCall,
    ToolResult,
)
from codenex.core.usage import Usage
from codenex.protocols.gemini import SPOKE
from codenex.protocols.gemini.finish import TO_HUB, TO_WIRE

SIGNED = Signature("gemini", "QUJD")
USAGE = Usage(input_uncached=3, input_cache_read=2, output_text=4, output_reasoning=1)


def answer(*parts: Part, finish: FinishDetail | None = STOP, protocol: str = "anthropic", **fields: Any) -> Answer:
    return Answer(protocol, "up-1", "upstream-model", 1.0, (Choice(0, parts, finish),), **fields)


def joined(chunks: list[Object]) -> list[Object]:
    """The parts of the first candidate as a client joins them: text to text of the same kind, unless it is signed."""
    out: list[Object] = []
    for chunk in chunks:
        for candidate in chunk.get("candidates", ()):
            for part in candidate["content"]["parts"] if candidate["index"] == 0 else ():
                before = out[-1] if out else {}
                alike = "text" in part and "text" in before and before.get("thought") == part.get("thought")
                if alike and "thoughtSignature" not in before:
                    out[-1] = {**before, **part, "text": before["text"] + part["text"]}
                elif part != {"text": ""}:
                    out.append(part)
    return out


def both(given: Answer) -> list[Object]:
    """The parts of an answer, the same in the stream and in the whole."""
    body, chunks = unary(given), streamed(given)
    found = joined([body])
    assert joined(chunks) == found
    for end, whole in zip(chunks[-1]["candidates"], body["candidates"], strict=True):
        assert {**end, "content": None} == {**whole, "content": None}
    assert chunks[-1].get("usageMetadata") == body.get("usageMetadata")
    return found


# --- the stream ---


@pytest.mark.pitfall("SSE-5", "USE-8", "FIN-8")
def test_a_stream_is_chunks_and_nothing_else() -> None:
    events = [*unfold(answer(Reasoning(("hm",)), Text("Hél\u2028lo"), usage=USAGE))]
    events[4:4] = [e.Ping(), e.UsageSnapshot(Usage(input_uncached=1)), e.Raw("anthropic", "novel", {})]
    data = encoded(events)
    chunks = chunks_of(data)
    identity = {"modelVersion": "gemini-alias", "responseId": CONTEXT_ID}
    assert chunks == [
        {"candidates": [{"content": {"parts": [{"text": "hm", "thought": True}], "role": "model"}, "index": 0}],
         **identity},
        {"candidates": [{"content": {"parts": [{"text": "Hél\u2028lo"}], "role": "model"}, "index": 0}], **identity},
        {
            "candidates": [{"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {
                "promptTokenCount": 5,
                "cachedContentTokenCount": 2,
                "candidatesTokenCount": 4,
                "thoughtsTokenCount": 1,
                "totalTokenCount": 10,
            },
            **identity,
        },
    ]  # fmt: skip
    # U+2028 is text, and no end of a line.
    assert "\u2028".encode() in data
    read = sdk_chunks(data)
    assert "".join(part.text or "" for part in sdk_parts(read) if not part.thought) == "Hél\u2028lo"
    assert [chunk.response_id for chunk in read] == [CONTEXT_ID] * 3
    usage = read[-1].usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.total_token_count) == (5, 10)


@pytest.mark.pitfall("SSE-5")
def test_the_other_form_of_a_stream_is_one_array() -> None:
    given = answer(Text("a"), ToolCall("c1", "f", "{}"), usage=USAGE)
    data = encoded(list(unfold(given)), context(array_stream=True))
    assert [accepted(chunk) for chunk in json.loads(data)] == streamed(given)
    assert data.startswith(b'[{"candidates"')
    assert data.endswith(b"}]")
    # Every element is whole at once: it can be read before the array ends.
    encoder = SPOKE.stream_encoder(context(array_stream=True))
    pieces = [piece for event in unfold(given) if (piece := encoder.send(event))]
    assert [piece[:1] for piece in pieces] == [b"[", b","]
    assert all(json.loads(piece.lstrip(b"[,\r\n")) for piece in pieces)
    assert encoder.end().startswith(b",\r\n{")
    empty = SPOKE.stream_encoder(context(array_stream=True)).end()
    assert [accepted(chunk)["candidates"][0]["finishReason"] for chunk in json.loads(empty)] == ["OTHER"]


@pytest.mark.pitfall("SSE-6", "SSE-5")
@pytest.mark.parametrize("array", [False, True])
def test_signs_of_life_are_blank_lines(array: bool) -> None:
    encoder = SPOKE.stream_encoder(context(array_stream=array))
    events = list(unfold(answer(Text("ab"))))
    data = b"".join(encoder.ping() + encoder.send(event) + encoder.ping() for event in events)
    assert encoder.ping() == b"\n"
    data += encoder.end()
    assert encoder.ping() == b""
    if array:
        assert len(json.loads(data)) == 2
    else:
        assert "".join(part.text or "" for part in sdk_parts(sdk_chunks(data))) == "ab"


@pytest.mark.pitfall("SSE-12")
def test_nothing_comes_after_the_end() -> None:
    for array in (False, True):
        for finish in ("end", "fail"):
            encoder = SPOKE.stream_encoder(context(array_stream=array))
            last = encoder.end() if finish == "end" else encoder.fail(Fault(FaultKind.INTERNAL, "x"))
            assert last
            event = e.Error(Fault(FaultKind.INTERNAL, "late"))
            assert encoder.send(event) == encoder.end() == encoder.fail(event.fault) == encoder.ping() == b""


@pytest.mark.pitfall("ERR-7")
@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize("count", [0, 3])
def test_an_error_in_the_middle_is_the_last_chunk(array: bool, count: int) -> None:
    fault = Fault(FaultKind.OVERLOADED, "busy", retry_after=2.0)
    for by_event in (True, False):
        encoder = SPOKE.stream_encoder(context(array_stream=array))
        data = b"".join(encoder.send(event) for event in list(unfold(answer(Text("a"))))[:count])
        data += encoder.send(e.Error(fault)) if by_event else encoder.fail(fault)
        if array:
            last = json.loads(data)[-1]
        else:
            assert data.endswith(b"\n\n")
            last = json.loads(data[:-2].rpartition(b"\n\n")[2].removeprefix(b"data: "))
            with pytest.raises(errors.ServerError, match="busy"):
                sdk_chunks(data)
        assert last["error"] == {
            "code": 503,
            "message": "busy",
            "status": "UNAVAILABLE",
            "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}],
        }


@pytest.mark.pitfall("TOOL-14", "TOOL-18")
def test_a_call_comes_whole_and_never_in_pieces() -> None:
    events: list[e.StreamEvent] = [
        e.Start("openai-chat"),
        e.PartStart(0, "tool_call", id="a", name="f"),
        e.ToolArgumentsDelta(0, '{"x"'),
        e.PartStart(1, "tool_call", id="b", name="g"),
        e.ToolArgumentsDelta(1, '{"y":2}'),
        e.ToolArgumentsDelta(0, ":1}"),
        e.PartStop(1, ToolCall("b", "g", '{"y":2}')),
        e.PartStop(0, ToolCall("a", "f", '{"x":1}')),
        e.Finish(FinishDetail(FinishReason.TOOL_CALLS)),
    ]
    encoder = SPOKE.stream_encoder(context())
    pieces = [encoder.send(event) for event in events]
    assert [bool(piece) for piece in pieces] == [False] * 7 + [True, False]
    calls = [part["functionCall"] for part in joined(chunks_of(b"".join([*pieces, encoder.end()])))]
    assert calls == [{"id": "a", "name": "f", "args": {"x": 1}}, {"id": "b", "name": "g", "args": {"y": 2}}]


def test_text_goes_out_as_it_comes() -> None:
    encoder = SPOKE.stream_encoder(context())
    encoder.send(e.Start("anthropic"))
    assert encoder.send(e.PartStart(0, "text")) == b""
    assert encoder.send(e.TextDelta(0, "")) == b""
    assert b'"a"' in encoder.send(e.TextDelta(0, "a"))
    assert b'"b"' in encoder.send(e.TextDelta(0, "b"))
    # The final form adds what the pieces have not said, and takes nothing back.
    assert b'"c"' in encoder.send(e.PartStop(0, Text("abc")))
    encoder.send(e.PartStart(1, "text"))
    encoder.send(e.TextDelta(1, "x"))
    assert encoder.send(e.PartStop(1, Text("other"))) == b""
    # A piece of a part that never began is nobody's.
    assert encoder.send(e.TextDelta(7, "z")) == b""


def test_parts_at_the_same_time_come_one_after_the_other() -> None:
    events: list[e.StreamEvent] = [
        e.Start("openai-responses"),
        e.PartStart(0, "reasoning"),
        e.ReasoningDelta(0, "a", 0),
        e.PartStart(1, "text"),
        e.TextDelta(1, "x"),
        e.ReasoningDelta(0, "b", 1),
        e.ReasoningDelta(0, "c", 1),
        e.PartStop(0, Reasoning(("a", "bc"))),
        e.TextDelta(1, "y"),
        e.PartStop(1, Text("xy")),
        e.Finish(STOP),
    ]
    assert joined(chunks_of(encoded(events))) == [{"text": "a\n\nbc", "thought": True}, {"text": "xy"}]
    # Where a stream ends in the middle, all that came is told.
    assert joined(chunks_of(encoded(events[:6]))) == [{"text": "a\n\nb", "thought": True}, {"text": "x"}]


# --- parts, streamed and whole ---


def test_texts() -> None:
    assert both(answer(Text("a"), Text("b"))) == [{"text": "ab"}]
    assert both(answer(Text("a"), Reasoning(("b",)))) == [{"text": "a"}, {"text": "b", "thought": True}]
    assert both(answer(Text(""))) == []
    assert both(answer(Refusal("I can't."))) == [{"text": "I can't."}]
    assert both(answer(Refusal(""))) == []


@pytest.mark.pitfall("RSN-14", "RSN-16")
def test_reasoning() -> None:
    assert both(answer(Reasoning(("a", "b")))) == [{"text": "a\n\nb", "thought": True}]
    assert both(answer(Reasoning(()))) == []


@pytest.mark.pitfall("RSN-8", "SIG-1")
def test_signatures() -> None:
    found = both(
        answer(
            Reasoning(("a",), signature=SIGNED),
            Text("b", signature=SIGNED),
            Text("", signature=SIGNED),
            ToolCall("c1", "f", "{}", signature=SIGNED),
            Media("image", "image/png", "iVBORw0KGgo=", signature=SIGNED),
            protocol="gemini",
        )
    )
    assert [part.get("thoughtSignature") for part in found] == ["QUJD"] * 5
    foreign = Signature("anthropic", "an envelope, not base64")
    # The SDK refuses what is no base64.
    parts = sdk_parts(sdk_chunks(encoded(list(unfold(answer(Text("x", signature=foreign)))))))
    assert any(part.thought_signature for part in parts)


@pytest.mark.pitfall("TOOL-7", "TOOL-9", "TOOL-40")
@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (ToolCall("c1", "f", '{"a": 1}'), {"id": "c1", "name": "f", "args": {"a": 1}}),
        (ToolCall("c1", "f", ""), {"id": "c1", "name": "f", "args": {}}),
        (ToolCall("c1", "f", "null"), {"id": "c1", "name": "f", "args": {}}),
        (ToolCall("", "f", "{}"), {"name": "f", "args": {}}),
        (ToolCall("c1", "f", "[1]"), {"id": "c1", "name": "f", "args": {"value": [1]}}),
        (ToolCall("c1", "f", '"{\\"a\\": 1}"'), {"id": "c1", "name": "f", "args": {"a": 1}}),
        (ToolCall("c1", "f", "free text", "custom"), {"id": "c1", "name": "f", "args": {"input": "free text"}}),
        (ToolCall("c1", "f", "{}", namespace="ns"), {"id": "c1", "name": "ns__f", "args": {}}),
    ],
)
def test_calls(call: ToolCall, expected: Object) -> None:
    given = answer(call, finish=FinishDetail(FinishReason.TOOL_CALLS, "tool_use"))
    assert both(given) == [{"functionCall": expected}]
    assert unary(given)["candidates"][0]["finishReason"] == "STOP"
    read = sdk_answer(SPOKE.encode_response(given, context()))
    assert [(one.name, one.args) for one in read.function_calls or []] == [(expected["name"], expected["args"])]


@pytest.mark.pitfall("TOOL-8", "FIN-2", "FIN-3")
@pytest.mark.parametrize(
    "reason", [FinishReason.LENGTH, FinishReason.TOOL_CALLS, FinishReason.STOP, FinishReason.OTHER]
)
def test_a_call_that_is_cut_off_is_left_out(reason: FinishReason) -> None:
    given = answer(Text("x"), ToolCall("c1", "f", '{"a": "b', complete=False), finish=FinishDetail(reason, "raw"))
    assert both(given) == [{"text": "x"}]
    # It must not look like an answer that is whole.
    assert unary(given)["candidates"][0]["finishReason"] == "MAX_TOKENS"
    circumstances = context()
    SPOKE.encode_response(given, circumstances)
    assert circumstances.losses.values() == (
        Loss("output.tool_call", "dropped", "the arguments of call c1 are cut off"),
    )


@pytest.mark.pitfall("TOOL-13")
def test_a_call_without_a_name_is_left_out() -> None:
    given = answer(Text("x"), ToolCall("c1", "", "{}"), finish=FinishDetail(FinishReason.TOOL_CALLS))
    assert both(given) == [{"text": "x"}]


def test_media() -> None:
    image = Media("image", "image/png", "iVBORw0KGgo=")
    assert both(answer(image)) == [{"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]
    sniffed = Media("image", None, "iVBORw0KGgo=")
    assert both(answer(sniffed)) == both(answer(image))
    odd = Media("document", None, "QUJD")
    assert both(answer(odd)) == [{"inlineData": {"mimeType": "application/octet-stream", "data": "QUJD"}}]
    address = Media("image", None, url="https://x.example/a.png")
    assert both(answer(address)) == [{"fileData": {"fileUri": "https://x.example/a.png"}}]
    own = Media("document", "application/pdf", file_id="https://generativelanguage.googleapis.com/v1beta/files/a")
    typed = {"mimeType": "application/pdf", "fileUri": own.file_id}
    assert both(answer(own, protocol="gemini")) == [{"fileData": typed}]
    read = sdk_parts(sdk_chunks(encoded(list(unfold(answer(image))))))
    assert [part.inline_data.data for part in read if part.inline_data is not None] == [b"\x89PNG\r\n\x1a\n"]


@pytest.mark.parametrize(
    ("part", "path"),
    [
        (Media("document", file_id="file-1"), "output.document"),
        (ServerTool("anthropic", "server_tool_use", {}), "output.server_tool_use"),
        (Compaction("anthropic", {}), "output.compaction"),
        (Opaque("openai-chat", "odd", {}), "output.odd"),
        (ToolResult("c1", (Text("x"),)), "output.tool_result"),
    ],
)
def test_what_has_no_place_is_a_loss(part: Part, path: str) -> None:
    for stream in (False, True):
        circumstances = context()
        if stream:
            encoded(list(unfold(answer(part))), circumstances)
        else:
            unary(answer(part), circumstances)
        assert [(loss.path, loss.action) for loss in circumstances.losses.values()] == [(path, "dropped")]
    assert both(answer(part)) == []


def test_events_and_probabilities_that_have_no_place_are_losses() -> None:
    circumstances = context()
    encoder = SPOKE.stream_encoder(circumstances)
    encoder.send(e.Start("anthropic"))
    encoder.send(e.Raw("anthropic", "novel", {}))
    encoder.send(e.Raw("gemini", "own", {}))
    encoder.send(e.LogprobDelta(({"token": "a", "logprob": -1.0},), kind="refusal"))
    assert [loss.path for loss in circumstances.losses.values()] == ["stream.novel", "logprobs.refusal"]
    whole = context()
    choice = Choice(0, (Text("a"),), STOP, (), ({"token": "a", "logprob": -1.0},))
    unary(Answer("openai-chat", choices=(choice,)), whole)
    assert [loss.path for loss in whole.losses.values()] == ["logprobs.refusal"]


def test_own_parts_and_fields_come_out_as_they_went_in() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "QUJD"}
    choice = Choice(
        0,
        (
            ServerTool("gemini", "executableCode", code),
            Media("image", "image/png", "iVBORw0KGgo=", extras={"inlineData": {"displayName": "a"}}),
            ToolCall("c1", "f", "{}", extras={"partMetadata": {"k": "v"}}),
        ),
        STOP,
        extras={"safetyRatings": [], "tokenCount": 3, "promptFeedback": {"safetyRatings": []}},
    )
    raw = {"promptTokenCount": 1, "totalTokenCount": 1, "trafficType": "ON_DEMAND"}
    given = Answer("gemini", choices=(choice,), usage=Usage(1, raw=raw), extras={"createTime": "2026-11-22T10:00:00Z"})
    body = unary(given)
    assert both(given) == [
        code,
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo=", "displayName": "a"}},
        {"functionCall": {"id": "c1", "name": "f", "args": {}}, "partMetadata": {"k": "v"}},
    ]
    assert body["candidates"][0]["tokenCount"] == 3
    assert body["promptFeedback"] == {"safetyRatings": []} == streamed(given)[-1]["promptFeedback"]
    assert body["usageMetadata"] == raw
    assert body["createTime"] == "2026-11-22T10:00:00Z" == streamed(given)[-1]["createTime"]
    # To a client of the same protocol they mean something, from another protocol they are not there at all.
    foreign = unary(msgspec.structs.replace(given, protocol="anthropic", choices=(Choice(0, choice.parts[1:2], STOP),)))
    assert "createTime" not in foreign
    assert "displayName" not in foreign["candidates"][0]["content"]["parts"][0]["inlineData"]


@pytest.mark.pitfall("SMP-6")
def test_several_candidates() -> None:
    given = Answer("openai-chat", choices=(Choice(0, (Text("a"),), STOP), Choice(1, (Text("b"),), STOP)))
    body, chunks = unary(given), streamed(given)
    assert [candidate["content"]["parts"] for candidate in body["candidates"]] == [[{"text": "a"}], [{"text": "b"}]]
    assert [[each["index"] for each in chunk["candidates"]] for chunk in chunks] == [[0], [1], [0, 1]]
    assert [each["finishReason"] for each in chunks[-1]["candidates"]] == ["STOP", "STOP"]


@pytest.mark.pitfall("SMP-7")
def test_log_probabilities() -> None:
    top = [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1.5}]
    tokens = ({"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": top}, {"token": "c", "logprob": -1.5})
    choice = Choice(0, (Text("ac"),), STOP, tokens)
    given = Answer("openai-chat", choices=(choice,))
    assert both(given) == [{"text": "ac"}]
    end = unary(given)["candidates"][0]
    assert end["logprobsResult"] == {
        "chosenCandidates": [{"token": "a", "logProbability": -0.5}, {"token": "c", "logProbability": -1.5}],
        "topCandidates": [
            {"candidates": [{"token": "a", "logProbability": -0.5}, {"token": "b", "logProbability": -1.5}]},
            {"candidates": []},
        ],
    }
    assert end["avgLogprobs"] == -1.0
    own = msgspec.structs.replace(
        given, protocol="gemini", choices=(msgspec.structs.replace(choice, extras={"avgLogprobs": -7.0}),)
    )
    assert unary(own)["candidates"][0]["avgLogprobs"] == -7.0
    bare = Answer("openai-chat", choices=(Choice(0, (Text("c"),), STOP, tokens[1:]),))
    assert "topCandidates" not in unary(bare)["candidates"][0]["logprobsResult"]


# --- the end ---


@pytest.mark.pitfall("FIN-6")
def test_the_tables_are_whole() -> None:
    assert set(TO_WIRE) == set(FinishReason)
    assert set(TO_WIRE.values()) <= {word.value for word in types.FinishReason}
    for word, reason in TO_HUB.items():
        own = answer(Text("x"), finish=FinishDetail(reason, word), protocol="gemini")
        # Google's own word comes back; its clients would ask again after a continuation that nobody can give.
        if word not in ("CONTINUATION", "FINISH_REASON_UNSPECIFIED"):
            assert unary(own)["candidates"][0]["finishReason"] == word
    for reason, word in TO_WIRE.items():
        given = answer(Text("x"), finish=FinishDetail(reason, message="told"))
        both(given)
        expected = "STOP" if reason is FinishReason.OTHER else word
        found = unary(given)["candidates"][0]
        assert (found["finishReason"], found["finishMessage"]) == (expected, "told")
    assert unary(answer(finish=FinishDetail(FinishReason.OTHER)))["candidates"][0]["finishReason"] == "OTHER"
    assert unary(answer(Text("x"), finish=FinishDetail(FinishReason.CONTINUATION, "CONTINUATION")))["candidates"][0][
        "finishReason"
    ] == "MAX_TOKENS"  # fmt: skip
    # A word of another vendor means nothing here.
    assert unary(answer(Text("x"), finish=FinishDetail(FinishReason.STOP, "MAX_TOKENS")))["candidates"][0][
        "finishReason"
    ] == "STOP"  # fmt: skip


@pytest.mark.pitfall("FIN-5")
def test_a_missing_finish_is_that_of_the_content() -> None:
    assert unary(answer(Text("x"), finish=None))["candidates"][0]["finishReason"] == "STOP"
    assert unary(answer(finish=None))["candidates"][0]["finishReason"] == "OTHER"
    assert streamed(answer(Text("x"), finish=None))[-1]["candidates"][0]["finishReason"] == "STOP"
    for nothing in (Answer("anthropic"), answer()):
        both(nothing)


@pytest.mark.pitfall("FIN-4")
def test_refusals() -> None:
    finish = FinishDetail(FinishReason.REFUSAL, "refusal", message="It is not allowed.")
    assert both(answer(Refusal("I can't."), finish=finish)) == [{"text": "I can't."}]
    # What a vendor says of a refusal that has no text would be seen by nobody.
    assert both(answer(finish=finish)) == [{"text": "It is not allowed."}]
    assert both(answer(finish=FinishDetail(FinishReason.REFUSAL))) == []
    for given in (answer(finish=finish), answer(Refusal("No."), finish=finish)):
        candidate = unary(given)["candidates"][0]
        assert (candidate["finishReason"], candidate["finishMessage"]) == ("SAFETY", "It is not allowed.")


@pytest.mark.pitfall("FIN-7")
def test_a_prompt_that_was_blocked() -> None:
    feedback = {"blockReason": "SAFETY", "safetyRatings": []}
    own = FinishDetail(FinishReason.PROMPT_FILTER, "SAFETY", None, None, feedback)
    foreign = FinishDetail(FinishReason.PROMPT_FILTER, "content_filter", message="told")
    for detail, expected in (
        (own, feedback),
        (foreign, {"blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "told"}),
    ):
        given = answer(finish=detail, usage=Usage(input_uncached=3))
        body = unary(given)
        assert body["promptFeedback"] == expected
        assert "candidates" not in body
        assert streamed(given) == [body]
        read = sdk_answer(json.dumps(body).encode())
        assert read.candidates is None
        assert read.prompt_feedback is not None
        assert read.prompt_feedback.block_reason is not None
    told = unary(answer(Text("x"), finish=foreign))["candidates"][0]
    assert told["finishReason"] == "PROHIBITED_CONTENT"


@pytest.mark.pitfall("USE-1", "USE-2", "USE-4", "USE-10")
@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        (Usage(), None),
        (Usage(3, output_text=4), {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7}),
        (
            Usage(1, 2, 3, 4, 5, 6, 7),
            {
                "promptTokenCount": 10,
                "cachedContentTokenCount": 2,
                "candidatesTokenCount": 6,
                "toolUsePromptTokenCount": 5,
                "thoughtsTokenCount": 7,
                "totalTokenCount": 28,
            },
        ),
        (
            Usage(0, 0, output_text=0, output_reasoning=0),
            {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0},
        ),
        (Usage(1, raw={"input_tokens": 9}), {"promptTokenCount": 1, "totalTokenCount": 1}),
    ],
)
def test_usage(usage: Usage | None, expected: Object | None) -> None:
    given = answer(Text("x"), usage=usage)
    both(given)
    assert unary(given).get("usageMetadata") == expected
    if usage is not None and expected is not None:
        again = [event.usage for event in decoded(encoded(list(unfold(given)))) if isinstance(event, e.UsageSnapshot)]
        assert again[0].total == usage.total


def test_usage_is_overwritten_by_what_comes_later() -> None:
    events: list[e.StreamEvent] = [e.Start("anthropic", usage=Usage(5, output_text=1)), e.Finish(STOP)]
    events.append(e.UsageSnapshot(Usage(output_text=9)))
    assert chunks_of(encoded(events))[-1]["usageMetadata"] == {
        "promptTokenCount": 5,
        "candidatesTokenCount": 9,
        "totalTokenCount": 14,
    }


# --- the SDK as reader ---

ANSWERS: dict[str, tuple[Part, ...]] = {
    "text": (Text("Hello 🌍\u2028\r\n there"),),
    "nothing": (),
    "reasoning": (Reasoning(("one", "two"), signature=Signature("openai", "envelope")), Text("so")),
    "calls": (Text("let me"), ToolCall("c1", "weather", '{"city":"Oslo"}'), ToolCall("c2", "clock"), Text("done")),
    "media": (Text("see"), Media("image", "image/png", "iVBORw0KGgo=")),
    "refusal": (Refusal("I can't."),),
    "cited": (Text("sky", (Citation("https://a.example", "A", "sky", 0, 3),)),),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_sdk_reads_whole_answers_and_streams_alike(name: str) -> None:
    given = answer(*ANSWERS[name], usage=USAGE)
    body = sdk_answer(SPOKE.encode_response(given, context()))
    chunks = sdk_chunks(encoded(list(unfold(given))))

    def told(parts: list[types.Part]) -> tuple[str, str, list[Any], list[Any]]:
        calls = [(one.id, one.name, one.args) for part in parts if (one := part.function_call) is not None]
        media = [one.data for part in parts if (one := part.inline_data) is not None]
        texts = ["".join(part.text or "" for part in parts if bool(part.thought) is hidden) for hidden in (False, True)]
        return texts[0], texts[1], calls, media

    assert told(sdk_parts(chunks)) == told(sdk_parts([body]))
    assert body.text == (told(sdk_parts([body]))[0] if name != "nothing" else "")
    assert chunks[-1].usage_metadata == body.usage_metadata
    assert chunks[-1].candidates is not None
    assert body.candidates is not None
    assert chunks[-1].candidates[0].finish_reason == body.candidates[0].finish_reason
    assert chunks[-1].candidates[0].grounding_metadata == body.candidates[0].grounding_metadata
