"""Google's streams, well-behaved and not, become the hub's events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.protocols.gemini.frames import (
    MODEL,
    Object,
    answered,
    array,
    call,
    chunk,
    decoded,
    fault_of,
    finish_of,
    parts_of,
    sse,
    text,
    thought,
    whole,
)

from codenex.core import events as e
from codenex.core.answer import fold
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import Media, Opaque, Reasoning, ServerTool, Signature, Text, ToolCall
from codenex.core.usage import Usage
from codenex.protocols.gemini import SPOKE
from codenex.protocols.gemini.finish import TO_HUB
from codenex.protocols.gemini.types import SENTINEL

USAGE = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
SIGNED = Signature("gemini", "QUJD")
HELLO = (chunk(*text("Hél")), chunk(*text("lo 👋\u2028")), chunk(*text("!"), finish="STOP", usage=USAGE))


def test_a_plain_answer() -> None:
    assert decoded(sse(*HELLO)) == [
        e.Start("gemini", "resp-1", MODEL),
        e.PartStart(0, "text"),
        e.TextDelta(0, "Hél"),
        e.TextDelta(0, "lo 👋\u2028"),
        e.TextDelta(0, "!"),
        e.UsageSnapshot(Usage(3, output_text=2, raw=USAGE)),
        e.PartStop(0, Text("Héllo 👋\u2028!")),
        e.Finish(FinishDetail(FinishReason.STOP, "STOP")),
    ]


# --- framing --------------------------------------------------------------------------------------------------------


@pytest.mark.pitfall("SSE-5")
@pytest.mark.parametrize(
    "data",
    [
        array(*HELLO),
        b"\xef\xbb\xbf\r\n " + array(*HELLO),
        json.dumps(HELLO).encode(),
        "\n".join(json.dumps(each) for each in HELLO).encode(),
        b"\n\n" + sse(*HELLO),
        sse(*HELLO, "data: [DONE]\n\n"),
        sse(": keep-alive\n\n", *HELLO, "event: end\n\n"),
    ],
    ids=["array", "bom", "compact array", "lines", "blank lines", "done", "comments"],
)
def test_every_way_to_frame_chunks(data: bytes) -> None:
    assert decoded(data) == decoded(sse(*HELLO))


@pytest.mark.pitfall("SSE-10")
def test_a_whole_answer_in_place_of_a_stream() -> None:
    body = {**chunk(*text("hi")), "usageMetadata": USAGE}
    assert decoded(json.dumps(body).encode()) == SPOKE.decode_response(json.dumps(body).encode())
    # An object that says nothing of its end is whole; a stream that does not is cut off.
    assert fault_of(sse(body)).kind is FaultKind.UPSTREAM_TRUNCATED


def test_chunks_in_an_envelope() -> None:
    wrapped = [{"response": each, "traceId": "t", "metadata": {}} for each in HELLO]
    assert decoded(sse(*wrapped)) == decoded(sse(*HELLO)) == decoded(array(*wrapped))


def test_names_in_the_other_spelling() -> None:
    snake = {
        "candidates": [
            {
                "content": {
                    "parts": [
                        {"function_call": {"name": "f", "args": {"snake_key": 1}}, "thought_signature": "QUJD"},
                        {"inline_data": {"mime_type": "image/png", "data": "iVBORw0KGgo="}},
                    ]
                },
                "finish_reason": "STOP",
                "finish_message": "done",
                "index": 0,
            }
        ],
        "usage_metadata": {"prompt_token_count": 3, "candidates_token_count": 2, "total_token_count": 5},
        "response_id": "resp-1",
        "model_version": MODEL,
    }
    answer = answered(snake)
    called, image = answer.choices[0].parts
    assert isinstance(called, ToolCall)
    assert (called.name, called.arguments, called.signature) == ("f", '{"snake_key":1}', SIGNED)
    assert image == Media("image", "image/png", "iVBORw0KGgo=")
    assert finish_of(answer).message == "done"
    assert (answer.id, answer.model) == ("resp-1", MODEL)
    assert answer.usage is not None
    assert (answer.usage.input_uncached, answer.usage.output_text) == (3, 2)


# --- the end --------------------------------------------------------------------------------------------------------


@pytest.mark.pitfall("ERR-8", "FIN-5", "SSE-18")
@pytest.mark.parametrize("count", range(len(HELLO)))
def test_the_end_of_bytes_before_the_end_of_the_answer_is_an_error(count: int) -> None:
    for data in (sse(*HELLO[:count]), array(*HELLO[:count])[:-2], array(*HELLO[:count])):
        assert fault_of(data).kind is FaultKind.UPSTREAM_TRUNCATED


@pytest.mark.pitfall("ERR-8", "SSE-18")
@pytest.mark.parametrize("frame", [sse, array])
def test_the_end_of_bytes_within_a_chunk_is_a_truncation(frame: Any) -> None:
    data = frame(*HELLO)
    complete = decoded(data)
    for length in range(len(data)):
        events = decoded(data[:length])
        if events != complete:
            assert isinstance(events[-1], e.Error)
            assert events[-1].fault.kind is FaultKind.UPSTREAM_TRUNCATED
    early = frame(chunk(*text("a"), finish="STOP"), chunk(*text("b"), finish="STOP"))
    # What has been begun after a finish reason belongs to the answer.
    assert fault_of(early[:-12]).kind is FaultKind.UPSTREAM_TRUNCATED


@pytest.mark.pitfall("FIN-8", "FIN-5")
def test_a_reason_on_every_chunk_ends_nothing() -> None:
    answer = answered(
        chunk(*text("a"), finish="STOP"),
        chunk(call("f"), finish="STOP"),
        chunk(*text("b"), finish="MAX_TOKENS"),
        chunk(finish="STOP", usage=USAGE),
    )
    assert [type(part) for part in answer.choices[0].parts] == [Text, ToolCall, Text]
    # A plain end that comes later does not undo a reason.
    assert finish_of(answer).reason is FinishReason.LENGTH
    assert finish_of(answered(chunk(finish="STOP"), chunk(finish="SAFETY"))).raw == "SAFETY"


def test_an_unspecified_reason_is_none() -> None:
    unspecified = chunk(*text("a"), finish="FINISH_REASON_UNSPECIFIED")
    assert fault_of(sse(unspecified)).kind is FaultKind.UPSTREAM_TRUNCATED
    assert finish_of(answered(unspecified, chunk(finish="STOP"))).raw == "STOP"


@pytest.mark.pitfall("FIN-1")
def test_a_call_in_the_last_chunk_is_a_reason() -> None:
    answer = answered(chunk(call("f", {"a": 1}, id="c1"), finish="STOP"))
    assert answer.choices[0].parts == (ToolCall("c1", "f", '{"a":1}'),)
    assert (finish_of(answer).reason, finish_of(answer).raw) == (FinishReason.TOOL_CALLS, "STOP")


@pytest.mark.pitfall("FIN-6")
def test_every_reason_of_the_sdk_is_known() -> None:
    from google.genai.types import BlockedReason
    from google.genai.types import FinishReason as Words

    from codenex.protocols.gemini.finish import BLOCK_REASONS

    assert {word.value for word in Words} - TO_HUB.keys() == set()
    assert {word.value for word in BlockedReason} == BLOCK_REASONS
    for word, reason in TO_HUB.items():
        if word != "FINISH_REASON_UNSPECIFIED":
            assert finish_of(answered(chunk(*text("x"), finish=word))).reason is reason
    assert finish_of(answered(chunk(finish="NOVEL"))) == FinishDetail(FinishReason.OTHER, "NOVEL")


def test_a_malformed_call() -> None:
    answer = answered(chunk(finish="MALFORMED_FUNCTION_CALL", finishMessage="Malformed function call: print(f())"))
    assert answer.choices[0].parts == ()
    assert finish_of(answer) == FinishDetail(
        FinishReason.MALFORMED_TOOL_CALL, "MALFORMED_FUNCTION_CALL", message="Malformed function call: print(f())"
    )


@pytest.mark.pitfall("FIN-7")
@pytest.mark.parametrize("frame", [sse, array])
def test_a_prompt_that_was_blocked(frame: Any) -> None:
    feedback = {"blockReason": "SAFETY", "blockReasonMessage": "no", "safetyRatings": []}
    events = decoded(frame({"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 4}, "responseId": "r"}))
    answer = fold(events)
    assert finish_of(answer) == FinishDetail(FinishReason.PROMPT_FILTER, "SAFETY", None, "no", feedback)
    assert answer.usage is not None
    assert answer.usage.input_uncached == 4
    assert (
        fold(
            SPOKE.decode_response(
                frame({"promptFeedback": feedback})[6:] if frame is sse else array({"promptFeedback": feedback})
            )
        ).choices
        == answer.choices
    )


def test_a_prompt_that_is_blocked_after_the_beginning() -> None:
    answer = answered(chunk(*text("a")), {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
    assert answer.choices[0].parts == (Text("a"),)
    assert (finish_of(answer).reason, finish_of(answer).raw) == (FinishReason.PROMPT_FILTER, "PROHIBITED_CONTENT")


def test_feedback_without_a_reason_blocks_nothing() -> None:
    feedback = {"safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}]}
    answer = answered({**chunk(*text("a"), finish="STOP"), "promptFeedback": feedback})
    assert finish_of(answer).reason is FinishReason.STOP
    assert answer.choices[0].extras == {"promptFeedback": feedback}
    assert fault_of(sse({"promptFeedback": feedback})).kind is FaultKind.UPSTREAM_TRUNCATED


@pytest.mark.pitfall("FIN-7", "ROL-8")
@pytest.mark.parametrize(
    "empty",
    [
        {"candidates": [], "responseId": "resp-1", "modelVersion": MODEL},
        {"responseId": "resp-1", "modelVersion": MODEL, "candidates": None},
        chunk(),
        chunk(content={}),
        chunk(content=None),
        chunk(content={"parts": []}),
        chunk({}),
        chunk(*text("")),
        chunk(*thought("")),
        {"candidates": [{"index": 0}, None, 5], "responseId": "resp-1", "modelVersion": MODEL},
    ],
)
def test_chunks_that_say_nothing(empty: Object) -> None:
    assert decoded(sse(empty, *HELLO, empty)) == decoded(sse(*HELLO))
    assert parts_of(empty, chunk(finish="STOP")) == ()


def test_an_answer_without_candidates() -> None:
    assert fault_of(sse({"usageMetadata": USAGE})).kind is FaultKind.UPSTREAM_TRUNCATED
    assert fault_of(sse()).kind is FaultKind.UPSTREAM_TRUNCATED
    assert fault_of(b"  \r\n").kind is FaultKind.UPSTREAM_TRUNCATED
    with pytest.raises(Fault, match="no candidate") as caught:
        SPOKE.decode_response(b'{"candidates":[]}')
    assert caught.value.kind is FaultKind.UPSTREAM


# --- errors ---------------------------------------------------------------------------------------------------------

BUSY = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}


@pytest.mark.pitfall("ERR-7", "ERR-9")
@pytest.mark.parametrize("frame", [sse, array])
@pytest.mark.parametrize("before", [(), HELLO[:1], HELLO])
def test_an_error_in_the_stream(frame: Any, before: tuple[Object, ...]) -> None:
    fault = fault_of(frame(*before, BUSY, chunk(*text("more"), finish="STOP")))
    assert (fault.kind, fault.status, fault.message) == (FaultKind.OVERLOADED, 503, "The model is overloaded.")
    assert fault.from_upstream


def test_an_error_in_other_clothes() -> None:
    assert fault_of(sse({"response": BUSY})).kind is FaultKind.OVERLOADED
    assert fault_of(json.dumps(BUSY).encode()).kind is FaultKind.OVERLOADED
    assert fault_of(sse(json.dumps(BUSY))).kind is FaultKind.OVERLOADED
    assert fault_of(sse({"error": "no"})).message == "no"
    assert fault_of(sse(f"data: {json.dumps([BUSY])}\n\n")).kind is FaultKind.OVERLOADED
    with pytest.raises(Fault, match="overloaded"):
        SPOKE.decode_response(json.dumps([BUSY]).encode())


@pytest.mark.parametrize(
    "junk", ["data: {nope\n\n", "data: 17\n\n", 'data: "x"\n\n', "data: {}}\n\n", "data: \x00\n\n"]
)
def test_nonsense_is_an_error(junk: str) -> None:
    assert fault_of(sse(HELLO[0], junk, *HELLO[1:])).kind is FaultKind.UPSTREAM


def test_html_in_place_of_a_stream() -> None:
    assert fault_of(b"<html><h1>Bad gateway</h1></html>").kind is FaultKind.UPSTREAM_TRUNCATED


# --- parts ----------------------------------------------------------------------------------------------------------


def test_several_parts_in_one_chunk() -> None:
    parts = (*thought("a", "b"), *text("c", "d"), call("f", {}, id="1"), call("f", {}, id="2"), *text("e"))
    expected = (Reasoning(("ab",)), Text("cd"), ToolCall("1", "f", "{}"), ToolCall("2", "f", "{}"), Text("e"))
    assert parts_of(chunk(*parts, finish="STOP")) == expected
    assert parts_of(*(chunk(part) for part in parts), chunk(finish="STOP")) == expected


@pytest.mark.pitfall("RSN-15", "RSN-16")
def test_thinking_between_the_text() -> None:
    assert parts_of(chunk(*thought("a"), *text("b"), *thought("c"), *text("d"), finish="STOP")) == (
        Reasoning(("a",)),
        Text("b"),
        Reasoning(("c",)),
        Text("d"),
    )


@pytest.mark.pitfall("RSN-8", "ROL-3")
def test_a_signed_part_stands_alone() -> None:
    assert parts_of(
        chunk(*text("a")),
        chunk(*text("b", thoughtSignature="QUJD")),
        chunk(*text("c")),
        chunk(*thought("d")),
        chunk(*thought("e", thoughtSignature="QUJD")),
        chunk(*thought("f")),
        chunk(call("f", {}, id="1", thoughtSignature="QUJD"), call("g", {}, id="2"), finish="STOP"),
    ) == (
        Text("a"),
        Text("b", signature=SIGNED),
        Text("c"),
        Reasoning(("d",)),
        Reasoning(("e",), signature=SIGNED),
        Reasoning(("f",)),
        ToolCall("1", "f", "{}", signature=SIGNED),
        ToolCall("2", "g", "{}"),
    )


@pytest.mark.pitfall("RSN-8", "ROL-8")
@pytest.mark.parametrize("empty", [{"text": "", "thoughtSignature": "QUJD"}, {"thoughtSignature": "QUJD"}])
def test_a_signature_on_empty_text(empty: Object) -> None:
    signed = Text("", signature=SIGNED)
    assert parts_of(chunk(*text("a")), chunk(empty, finish="STOP")) == (Text("a"), signed)
    assert parts_of(chunk(empty, finish="STOP")) == (signed,)
    assert parts_of(chunk(empty, empty, *text("b"), empty, finish="STOP")) == (signed, signed, Text("b"), signed)
    assert parts_of(chunk(call("f", id="1"), empty, finish="STOP")) == (ToolCall("1", "f", "{}"), signed)
    assert parts_of(chunk(*thought("a"), empty, *thought("b"), finish="STOP")) == (
        Reasoning(("a",)),
        signed,
        Reasoning(("b",)),
    )


@pytest.mark.pitfall("RSN-17")
def test_a_signature_on_empty_thinking() -> None:
    hidden = {"text": "", "thought": True, "thoughtSignature": "QUJD"}
    redacted = Reasoning((), redacted=True, signature=SIGNED)
    assert parts_of(chunk(hidden), chunk(*text("a"), finish="STOP")) == (redacted, Text("a"))
    assert parts_of(chunk(*thought("x"), hidden, finish="STOP")) == (Reasoning(("x",)), redacted)


@pytest.mark.pitfall("SIG-3", "SIG-5")
def test_signatures_in_every_spelling() -> None:
    huge = "QUJD" * 250_000
    for given, payload in ((huge, huge), ("_-8", "/+8="), (SENTINEL, SENTINEL), ("QQ", "QQ==")):
        (part,) = parts_of(chunk(call("f", id="1", thoughtSignature=given), finish="STOP"))
        assert isinstance(part, ToolCall)
        assert part.signature == Signature("gemini", payload)
    (part,) = parts_of(chunk(call("f", id="1", thoughtSignature=""), finish="STOP"))
    assert isinstance(part, ToolCall)
    assert part.signature is None


@pytest.mark.pitfall("TOOL-2", "TOOL-4", "TOOL-9")
def test_calls_without_an_id() -> None:
    chunks = (chunk(call("f", {"a": 1}), call("f", {"a": 1})), chunk(call("g"), finish="STOP"))
    found = [part for part in parts_of(*chunks) if isinstance(part, ToolCall)]
    assert [(part.name, part.arguments) for part in found] == [("f", '{"a":1}'), ("f", '{"a":1}'), ("g", "{}")]
    assert len({part.id for part in found}) == 3
    # The same answer has the same ids, framed in whatever way; another answer has others.
    assert parts_of(*chunks) == tuple(found) == fold(decoded(array(*chunks))).choices[0].parts
    other = [{**each, "responseId": "resp-2"} for each in chunks]
    assert not {part.id for part in parts_of(*other) if isinstance(part, ToolCall)} & {part.id for part in found}
    nameless = [{key: value for key, value in each.items() if key != "responseId"} for each in chunks]
    assert all(part.id for part in parts_of(*nameless) if isinstance(part, ToolCall))


@pytest.mark.pitfall("TOOL-6")
def test_ids_that_come_again() -> None:
    found = parts_of(chunk(call("f", id="0"), call("g", id="0"), finish="STOP"))
    ids = [part.id for part in found if isinstance(part, ToolCall)]
    assert ids[0] == "0"
    assert len(set(ids)) == 2


@pytest.mark.pitfall("TOOL-7", "TOOL-10")
@pytest.mark.parametrize(
    ("args", "arguments"),
    [
        ({}, "{}"),
        (None, "{}"),
        ({"a": 1.0, "b": [None, "\u2028é"], "ab": 2**53}, '{"a":1.0,"b":[null,"\u2028é"],"ab":9007199254740992}'),
        ('{"a": 1}', '{"a": 1}'),
        ("", "{}"),
        ({"": ""}, '{"":""}'),
    ],
)
def test_arguments(args: Any, arguments: str) -> None:
    (part,) = parts_of(chunk({"functionCall": {"name": "f", "id": "1", "args": args}}, finish="STOP"))
    assert part == ToolCall("1", "f", arguments)


@pytest.mark.pitfall("TOOL-13", "FIN-2")
def test_a_call_without_a_name_is_none() -> None:
    answer = answered(chunk({"functionCall": {"args": {}}}, {"functionCall": 5}, finish="STOP"))
    assert [part for part in answer.choices[0].parts if isinstance(part, ToolCall)] == []
    assert finish_of(answer).reason is FinishReason.STOP


@pytest.mark.pitfall("TOOL-18")
def test_arguments_in_pieces() -> None:
    def piece(*pieces: Object, more: bool = True, **fields: Any) -> Object:
        body = {"partialArgs": list(pieces), **({"willContinue": True} if more else {}), **fields}
        return chunk({"functionCall": body})

    found = answered(
        chunk({"functionCall": {"name": "f", "id": "1", "willContinue": True}, "thoughtSignature": "QUJD"}),
        piece({"jsonPath": "$.city", "stringValue": "Os", "willContinue": True}),
        piece({"jsonPath": "$.city", "stringValue": "lo"}),
        piece({"jsonPath": "$.days[1].name", "stringValue": "Tue"}, {"jsonPath": "$.days[0]", "numberValue": 1.0}),
        piece({"jsonPath": "$['odd key'].x", "boolValue": False}, {"jsonPath": "$.none", "nullValue": "NULL_VALUE"}),
        piece({"jsonPath": "$.half", "numberValue": 0.5}, {"json_path": "$.snake", "string_value": "s"}, more=False),
        chunk(call("g", {"a": 1}, id="2"), finish="STOP"),
    )
    first, second = found.choices[0].parts
    assert isinstance(first, ToolCall)
    assert json.loads(first.arguments) == {
        "city": "Oslo",
        "days": [1, {"name": "Tue"}],
        "odd key": {"x": False},
        "none": None,
        "half": 0.5,
        "snake": "s",
    }
    assert (first.id, first.name, first.complete, first.signature) == ("1", "f", True, SIGNED)
    assert second == ToolCall("2", "g", '{"a":1}')


@pytest.mark.pitfall("TOOL-8", "TOOL-18")
def test_arguments_in_pieces_that_never_end() -> None:
    begun = chunk({"functionCall": {"name": "f", "id": "1", "partialArgs": [], "willContinue": True}})
    piece = {"jsonPath": "$.a", "stringValue": "x"}
    more = chunk({"functionCall": {"partialArgs": [piece], "willContinue": True}})
    (part,) = parts_of(begun, more, chunk(finish="MAX_TOKENS"))
    assert part == ToolCall("1", "f", '{"a":"x"}', complete=False)
    # Another name is another call.
    first, second = parts_of(begun, chunk(call("g", {}, id="2"), finish="STOP"))
    assert first == ToolCall("1", "f", "{}", complete=False)
    assert second == ToolCall("2", "g", "{}")
    # Whole arguments may stand beside the pieces; paths that fit nothing are passed over.
    odd = [
        {"jsonPath": "$.a.b", "stringValue": "in a string"},
        {"jsonPath": "$.list[99999]", "stringValue": "too far"},
        {"jsonPath": "$.list[99999].x", "stringValue": "too far"},
        {"jsonPath": "", "stringValue": "nowhere"},
        {"jsonPath": 5},
        None,
    ]
    args = {"a": "x", "list": []}
    (part,) = parts_of(
        chunk({"functionCall": {"name": "f", "id": "1", "args": args, "partialArgs": odd}}, finish="STOP")
    )
    assert isinstance(part, ToolCall)
    assert {key: value for key, value in json.loads(part.arguments).items() if key} == args


@pytest.mark.pitfall("MED-6", "MED-2")
@pytest.mark.parametrize(
    ("blob", "expected"),
    [
        ({"mimeType": "image/png", "data": "iVBORw0KGgo="}, Media("image", "image/png", "iVBORw0KGgo=")),
        ({"data": "iVBORw0KGgo"}, Media("image", "image/png", "iVBORw0KGgo=")),
        ({"mimeType": "audio/L16;rate=24000", "data": "_-8"}, Media("audio", "audio/L16;rate=24000", "/+8=")),
        ({"mimeType": "video/mp4", "data": "AAAA", "displayName": "a.mp4"},
         Media("video", "video/mp4", "AAAA", filename="a.mp4")),
    ],
)  # fmt: skip
def test_media(blob: Object, expected: Media) -> None:
    signed = {"inlineData": blob, "thoughtSignature": "QUJD"}
    assert parts_of(chunk(*text("a"), {"inlineData": blob}, *text("b"), finish="STOP")) == (
        Text("a"),
        expected,
        Text("b"),
    )
    (part,) = parts_of(chunk(signed, finish="STOP"))
    assert isinstance(part, Media)
    assert part.signature == SIGNED


def test_files() -> None:
    own = "https://generativelanguage.googleapis.com/v1beta/files/abc"
    assert parts_of(
        chunk(
            {"fileData": {"fileUri": own, "mimeType": "image/png"}},
            {"fileData": {"fileUri": "https://x.example/a.pdf", "mimeType": "application/pdf"}},
            {"fileData": {"mimeType": "image/png"}},
            finish="STOP",
        )
    ) == (
        Media("image", "image/png", file_id=own),
        Media("document", "application/pdf", url="https://x.example/a.pdf"),
        Opaque("gemini", "fileData", {"fileData": {"mimeType": "image/png"}}),
    )


@pytest.mark.pitfall("TOOL-23")
def test_tools_that_google_runs() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "print(1)"}, "thoughtSignature": "QUJD"}
    result = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}
    search = {"toolCall": {"id": "s1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["x"]}}}
    found = {"toolResponse": {"id": "s1", "toolType": "GOOGLE_SEARCH_WEB", "response": {}}}
    answer = answered(chunk(*text("a"), code, result), chunk(search, found, *text("b"), finish="STOP"))
    assert answer.choices[0].parts == (
        Text("a"),
        ServerTool("gemini", "executableCode", code, None, "```python\nprint(1)\n```"),
        ServerTool("gemini", "codeExecutionResult", result, None, "```\n1\n\n```"),
        ServerTool("gemini", "toolCall", search, "s1"),
        ServerTool("gemini", "toolResponse", found, "s1"),
        Text("b"),
    )
    assert finish_of(answer).reason is FinishReason.STOP


def test_unknown_parts_and_fields_are_kept() -> None:
    novel = {"hologram": {"x": 1}, "thoughtSignature": "QUJD"}
    beside = {"text": "a", "partMetadata": {"k": "v"}}
    first = {**chunk(*text("x"), beside, novel), "modelStatus": {"modelStage": "STABLE"}, "novelty": [1]}
    last = chunk(finish="STOP", avgLogprobs=-0.5, safetyRatings=[], tokenCount=3, urlContextMetadata={"a": 1})
    answer = answered(first, last)
    assert answer.extras == {"modelStatus": {"modelStage": "STABLE"}, "novelty": [1]}
    plain, marked, opaque = answer.choices[0].parts
    assert plain == Text("x")
    assert marked == Text("a", extras={"partMetadata": {"k": "v"}})
    assert opaque == Opaque("gemini", "hologram", novel)
    assert answer.choices[0].extras == {
        "avgLogprobs": -0.5,
        "safetyRatings": [],
        "tokenCount": 3,
        "urlContextMetadata": {"a": 1},
    }


@pytest.mark.pitfall("SMP-6")
def test_several_candidates() -> None:
    def both(first: Object, second: Object) -> Object:
        return {"candidates": [{**first["candidates"][0], "index": 0}, {**second["candidates"][0], "index": 1}]}

    answer = answered(
        both(chunk(*text("a")), chunk(*text("x"))),
        both(chunk(*text("b"), finish="STOP"), chunk(*text("y"))),
        {"candidates": [{**chunk(call("f"), finish="STOP")["candidates"][0], "index": 1}]},
    )
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert answer.choices[0].parts == (Text("ab"),)
    assert [type(part) for part in answer.choices[1].parts] == [Text, ToolCall]
    reasons = [finish_of(answer, number).reason for number in (0, 1)]
    assert reasons == [FinishReason.STOP, FinishReason.TOOL_CALLS]
    # Without an index the place counts.
    bare = [{key: value for key, value in chunk(*text(each), finish="STOP")["candidates"][0].items() if key != "index"}
            for each in "ab"]  # fmt: skip
    assert [choice.parts for choice in answered({"candidates": bare}).choices] == [(Text("a"),), (Text("b"),)]


@pytest.mark.pitfall("SMP-7")
def test_log_probabilities() -> None:
    result = {
        "chosenCandidates": [{"token": "é", "tokenId": 5, "logProbability": -0.5}, {"token": 5}, "odd"],
        "topCandidates": [{"candidates": [{"token": "é", "logProbability": -0.5}, {"token": "e"}]}],
    }
    events = decoded(sse(chunk(*text("é"), logprobsResult=result), chunk(finish="STOP", logprobsResult={})))
    assert [event for event in events if isinstance(event, e.LogprobDelta)] == [
        e.LogprobDelta(
            (
                {
                    "token": "é",
                    "logprob": -0.5,
                    "bytes": [195, 169],
                    "top_logprobs": [
                        {"token": "é", "logprob": -0.5, "bytes": [195, 169]},
                        {"token": "e", "logprob": 0.0, "bytes": [101]},
                    ],
                },
            )
        )
    ]


# --- usage ----------------------------------------------------------------------------------------------------------


@pytest.mark.pitfall("USE-1", "USE-2", "USE-4", "USE-9", "RSN-19")
@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"promptTokenCount": 10, "candidatesTokenCount": 4, "totalTokenCount": 14}, Usage(10, output_text=4)),
        # What is cached counts within the prompt; thoughts and tools count beside.
        (
            {
                "promptTokenCount": 10,
                "cachedContentTokenCount": 6,
                "candidatesTokenCount": 4,
                "thoughtsTokenCount": 3,
                "toolUsePromptTokenCount": 2,
                "totalTokenCount": 19,
            },
            Usage(4, 6, input_tool=2, output_text=4, output_reasoning=3),
        ),
        # Some hosts count thoughts among the candidates, which the total shows.
        (
            {"promptTokenCount": 10, "candidatesTokenCount": 7, "thoughtsTokenCount": 3, "totalTokenCount": 17},
            Usage(10, output_text=4, output_reasoning=3),
        ),
        # A count of zero is left out, and is no unknown one.
        (
            {"promptTokenCount": 10, "thoughtsTokenCount": 3, "totalTokenCount": 13},
            Usage(10, output_text=0, output_reasoning=3),
        ),
        ({"promptTokenCount": 10, "totalTokenCount": 10}, Usage(10, output_text=0)),
        ({"promptTokenCount": "10", "candidatesTokenCount": 4.0}, Usage(10, output_text=4)),
        ({"promptTokenCount": 3, "cachedContentTokenCount": 9}, Usage(0, 9, output_text=0)),
        ({"promptTokenCount": 1, "trafficType": "ON_DEMAND"}, Usage(1, output_text=0, service_tier="ON_DEMAND")),
        ({"promptTokenCount": 1, "serviceTier": "flex"}, Usage(1, output_text=0, service_tier="flex")),
        ({"prompt_token_count": 1, "candidates_token_count": 2}, Usage(1, output_text=2)),
        ({"trafficType": "ON_DEMAND"}, None),
        ({"promptTokenCount": True, "candidatesTokenCount": "many"}, None),
        ({}, None),
        (None, None),
        ([1], None),
    ],
)
def test_usage(raw: Any, expected: Usage | None) -> None:
    body = {**chunk(*text("x"), finish="STOP"), "usageMetadata": raw}
    assert SPOKE.usage_of is not None
    for found in (
        answered(body).usage,
        whole(body).usage,
        SPOKE.usage_of(json.dumps(body).encode()),
        SPOKE.usage_of(json.dumps({"response": body}).encode()),
    ):
        if expected is None:
            assert found is None
        else:
            assert found is not None
            assert found.raw == raw
            names = [name for name in Usage.__struct_fields__ if name != "raw"]
            assert [getattr(found, name) for name in names] == [getattr(expected, name) for name in names]


def test_usage_of_nothing() -> None:
    assert SPOKE.usage_of is not None
    assert SPOKE.usage_of(b"[]") is None
    assert SPOKE.usage_of(b"<html>") is None


@pytest.mark.pitfall("USE-8")
def test_usage_is_a_running_snapshot() -> None:
    counts = [
        {"promptTokenCount": 3, "candidatesTokenCount": count, "totalTokenCount": 3 + count} for count in (1, 1, 9)
    ]
    events = decoded(sse(*(chunk(*text("x"), usage=each) for each in counts), chunk(finish="STOP")))
    snapshots = [event.usage for event in events if isinstance(event, e.UsageSnapshot)]
    assert [usage.output_text for usage in snapshots] == [1, 9]
    assert fold(events).usage == snapshots[-1]


def test_times() -> None:
    for given, seconds in (
        ("2026-11-22T10:00:00.5Z", 1795341600.5),
        ("2026-11-22T10:00:00", None),
        ("x", None),
        (5, None),
    ):
        assert answered({**chunk(finish="STOP"), "createTime": given}).created == seconds
