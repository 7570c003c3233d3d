"""Requests of Google clients, in every spelling they use, as the hub understands them."""

from __future__ import annotations

from typing import Any

import pytest

from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.core.parts import Media, Opaque, Part, Reasoning, ServerTool, Text, ToolCall, ToolResult
from codenex.core.request import FunctionTool, HostedTool, OutputFormat, ReasoningOptions, Request, ToolChoice
from codenex.protocols.gemini import SPOKE

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"


def decode(body: dict[str, Any], model: str | None = "gemini-3-pro-preview") -> Request:
    return SPOKE.decode_request(json.encode(body), model)


def parts_of(*parts: dict[str, Any], role: str = "user") -> tuple[Part, ...]:
    return decode({"contents": [{"role": role, "parts": list(parts)}]}).turns[0].parts


def refused(body: Any, model: str | None = "m") -> Fault:
    with pytest.raises(Fault) as caught:
        SPOKE.decode_request(body if isinstance(body, bytes) else json.encode(body), model)
    return caught.value


HELLO = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


@pytest.mark.pitfall("CLI-45")
def test_both_spellings_mean_the_same() -> None:
    camel = {
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"inlineData": {"mimeType": "image/png", "data": PNG}},
                    {"functionResponse": {"id": "c", "name": "f", "response": {"output": "x"}}},
                    {"fileData": {"fileUri": "gs://b/x.pdf", "mimeType": "application/pdf"}},
                ],
            },
            {
                "role": "model",
                "parts": [
                    {"functionCall": {"id": "c2", "name": "f", "args": {"some_key": 1}}, "thoughtSignature": "QUJD"}
                ],
            },
        ],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "generationConfig": {
            "maxOutputTokens": 5,
            "topP": 0.5,
            "stopSequences": ["a"],
            "responseMimeType": "application/json",
            "responseJsonSchema": {"type": "object"},
            "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 128},
        },
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
    }
    snake = {
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"inline_data": {"mime_type": "image/png", "data": PNG}},
                    {"function_response": {"id": "c", "name": "f", "response": {"output": "x"}}},
                    {"file_data": {"file_uri": "gs://b/x.pdf", "mime_type": "application/pdf"}},
                ],
            },
            {
                "role": "model",
                "parts": [
                    {"function_call": {"id": "c2", "name": "f", "args": {"some_key": 1}}, "thought_signature": "QUJD"}
                ],
            },
        ],
        "system_instruction": {"parts": [{"text": "Be brief."}]},
        "generation_config": {
            "max_output_tokens": 5,
            "top_p": 0.5,
            "stop_sequences": ["a"],
            "response_mime_type": "application/json",
            "response_json_schema": {"type": "object"},
            "thinking_config": {"include_thoughts": True, "thinking_budget": 128},
        },
        "tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": {"type": "object"}}]}],
        "tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}},
        "safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
    }
    assert decode(camel) == decode(snake)
    call = decode(camel).turns[2].parts[0]
    assert isinstance(call, ToolCall)
    assert call.arguments == '{"some_key":1}'


@pytest.mark.pitfall("NET-10")
@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("models/a", None, "a"),
        ("a", "models/b", "a"),
        (None, "models/b", "b"),
        (None, "publishers/google/models/c", "c"),
    ],
)
def test_the_model_of_the_path_wins(path: str | None, body: str | None, expected: str) -> None:
    assert decode({**HELLO, "model": body}, path).model == expected


@pytest.mark.pitfall("ROL-14", "SYS-1")
def test_roles() -> None:
    request = decode(
        {
            "systemInstruction": {"role": "user", "parts": [{"text": "A"}, {"text": "B"}]},
            "contents": [
                {"parts": [{"text": "no role"}]},
                {"role": "model", "parts": [{"text": "answer"}]},
                {"role": "function", "parts": [{"functionResponse": {"name": "f", "response": {}}}]},
                {"role": "system", "parts": [{"text": "between"}]},
            ],
        }
    )
    assert [(turn.role, turn.origin) for turn in request.turns] == [
        ("system", "instructions"),
        ("user", None),
        ("assistant", None),
        ("user", None),
        ("system", "system"),
    ]
    assert request.turns[0].parts == (Text("A"), Text("B"))
    assert decode({**HELLO, "systemInstruction": "plain"}).turns[0].parts == (Text("plain"),)
    assert decode({"contents": {"parts": {"text": "one"}}}).turns[0].parts == (Text("one"),)


def test_a_stream_kept_chunk_by_chunk_is_one_turn() -> None:
    chunks = [
        {"text": "Hmm", "thought": True},
        {"text": "Hel"},
        {"text": "lo"},
        {"text": "", "thoughtSignature": "QUJD"},
        {"text": "!"},
        {"text": ""},
    ]
    contents = [{"role": "user", "parts": [{"text": "Hi"}]}, *({"role": "model", "parts": [part]} for part in chunks)]
    turns = decode({"contents": contents}).turns
    assert len(turns) == 2
    texts = [(type(part).__name__, getattr(part, "text", "")) for part in turns[1].parts]
    assert texts == [("Reasoning", "Hmm"), ("Text", "Hello"), ("Text", ""), ("Text", "!")]


@pytest.mark.pitfall("ROL-8")
def test_a_space_between_pieces_of_an_answer_is_kept() -> None:
    pieces = [{"text": "1,"}, {"text": " "}, {"text": "2"}, {"text": "\n\n"}, {"text": "3"}]
    in_one = [{"role": "user", "parts": [{"text": "Hi"}]}, {"role": "model", "parts": pieces}]
    assert decode({"contents": in_one}).turns[1].parts == (Text("1, 2\n\n3"),)
    asked = [{"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}]
    assert decode({"contents": asked}).turns[0].parts == (Text("a"), Text("b"))


@pytest.mark.pitfall("TOOL-2", "TOOL-4", "TOOL-6", "TOOL-40")
def test_calls_without_ids_are_paired_in_order_by_name() -> None:
    def history(count: int) -> dict[str, Any]:
        step = [
            {"role": "model", "parts": [{"functionCall": {"name": n, "args": {}}} for n in ("a", "a", "b")]},
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": n, "response": {"output": text}}}
                    for n, text in (("b", "3"), ("a", "1"), ("a", "2"))
                ],
            },
        ]
        return {"contents": [*HELLO["contents"], *(content for _ in range(count) for content in step)]}

    turns = decode(history(2)).turns
    calls = [part for turn in turns for part in turn.parts if isinstance(part, ToolCall)]
    results = {part.call_id: part.parts for turn in turns for part in turn.parts if isinstance(part, ToolResult)}
    assert len({call.id for call in calls}) == 6
    assert [results[call.id] for call in calls] == [(Text("1"),), (Text("2"),), (Text("3"),)] * 2
    assert decode(history(1)).turns == turns[:3]


@pytest.mark.pitfall("TOOL-6")
def test_an_id_that_comes_again_is_another_call() -> None:
    step = [
        {"role": "model", "parts": [{"functionCall": {"id": "0", "name": "a"}}]},
        {"role": "user", "parts": [{"functionResponse": {"id": "0", "name": "a", "response": {"output": "x"}}}]},
    ]
    turns = decode({"contents": [*HELLO["contents"], *step, *step]}).turns
    ids = [part.id for turn in turns for part in turn.parts if isinstance(part, ToolCall)]
    answered = [part.call_id for turn in turns for part in turn.parts if isinstance(part, ToolResult)]
    assert ids[0] == "0"
    assert ids == answered
    assert len(set(ids)) == 2


@pytest.mark.pitfall("TOOL-7", "TOOL-9")
@pytest.mark.parametrize(
    ("args", "text"),
    [(None, "{}"), ({}, "{}"), ({"b": 1, "a": 1.5}, '{"b":1,"a":1.5}'), ('{"x":1}', '{"x":1}'), ("", "{}")],
)
def test_arguments_are_json_text(args: Any, text: str) -> None:
    (call,) = parts_of({"functionCall": {"name": "f", "args": args}}, role="model")
    assert isinstance(call, ToolCall)
    assert call.arguments == text


@pytest.mark.pitfall("TOOL-21", "TOOL-21b", "TOOL-20")
@pytest.mark.parametrize(
    ("response", "text", "is_error"),
    [
        ({"output": "fine"}, "fine", False),
        ({"error": "broken"}, "broken", True),
        ({"error": {"code": 1}}, '{"code":1}', True),
        ({"result": "x"}, '{"result":"x"}', False),
        ({"output": {"a": 1}}, '{"output":{"a":1}}', False),
        ({"error": "e", "output": "o"}, '{"error":"e","output":"o"}', False),
    ],
)
def test_results(response: Any, text: str, is_error: bool) -> None:
    (result,) = parts_of({"functionResponse": {"name": "f", "response": response}})
    assert isinstance(result, ToolResult)
    assert (result.parts, result.is_error) == ((Text(text),), is_error)


@pytest.mark.pitfall("TOOL-20")
def test_files_in_a_result() -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    (result,) = parts_of({"functionResponse": {"name": "f", "response": {"output": ""}, "parts": [image]}})
    assert isinstance(result, ToolResult)
    assert result.parts == (Media("image", "image/png", PNG),)


@pytest.mark.pitfall("MED-2", "MED-6")
@pytest.mark.parametrize(
    ("blob", "kind", "media_type", "data"),
    [
        ({"mimeType": "image/jpg", "data": "/9j/AAAA"}, "image", "image/jpeg", "/9j/AAAA"),
        ({"data": PNG}, "image", "image/png", PNG),
        ({"mimeType": "application/pdf", "data": "JVBERi0xLg"}, "document", "application/pdf", "JVBERi0xLg=="),
        ({"mimeType": "audio/L16;rate=24000", "data": "_-8="}, "audio", "audio/L16;rate=24000", "/+8="),
        ({"mimeType": "text/csv", "data": "YSxi\n"}, "document", "text/csv", "YSxi"),
    ],
)
def test_blobs(blob: dict[str, Any], kind: str, media_type: str, data: str) -> None:
    (media,) = parts_of({"inlineData": blob})
    assert isinstance(media, Media)
    assert (media.kind, media.media_type, media.data) == (kind, media_type, data)


@pytest.mark.pitfall("MED-1", "MED-11")
def test_files_of_google_are_ids_and_others_addresses() -> None:
    own = "https://generativelanguage.googleapis.com/v1beta/files/abc"
    for address in (own, "gs://bucket/a.png", "files/abc"):
        (media,) = parts_of({"fileData": {"fileUri": address, "mimeType": "image/png"}})
        assert isinstance(media, Media)
        assert (media.file_id, media.url) == (address, None)
    (video,) = parts_of({"fileData": {"fileUri": "https://www.youtube.com/watch?v=x"}})
    assert video == Media("video", url="https://www.youtube.com/watch?v=x")


@pytest.mark.pitfall("RSN-8", "RSN-16", "ROL-3", "RSN-17")
def test_thoughts_and_signatures() -> None:
    thought, text, empty, hidden = parts_of(
        {"text": "Let me see", "thought": True},
        {"text": "Yes", "thoughtSignature": "QUI_-A=="},
        {"text": "", "thoughtSignature": "QUJD"},
        {"thought": True, "text": "", "thoughtSignature": "QUJD"},
        role="model",
    )
    assert thought == Reasoning(("Let me see",))
    assert isinstance(text, Text)
    assert text.signature is not None
    assert (text.signature.vendor, text.signature.payload) == ("gemini", "QUI/+A==")
    assert isinstance(empty, Text)
    assert empty.text == ""
    assert isinstance(hidden, Reasoning)
    assert hidden.redacted


def test_tools_of_google_and_unknown_parts_are_kept() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1+1", "id": "x"}, "thoughtSignature": "QUJD"}
    done = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}}
    new = {"hologram": {"depth": 3}}
    first, second, third = parts_of(code, done, new, role="model")
    assert first == ServerTool("gemini", "executableCode", code, "x", "```python\n1+1\n```")
    assert isinstance(second, ServerTool)
    assert second.text == "```\n2\n```"
    assert third == Opaque("gemini", "hologram", new)
    (media,) = parts_of({"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}, "videoMetadata": {"fps": 2}})
    assert isinstance(media, Media)
    assert media.extras == {"videoMetadata": {"fps": 2}}


@pytest.mark.pitfall("SMP-10", "SMP-11", "SMP-12", "SMP-15", "SMP-1")
def test_the_whole_of_generation_config() -> None:
    request = decode(
        {
            **HELLO,
            "generationConfig": {
                "temperature": 0,
                "topP": 0.0,
                "topK": 40.0,
                "candidateCount": "2",
                "maxOutputTokens": "1024",
                "stopSequences": ["x", "y"],
                "seed": 0,
                "presencePenalty": 0.1,
                "frequencyPenalty": None,
                "responseLogprobs": True,
                "logprobs": 3,
                "responseModalities": ["TEXT"],
                "thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": False},
            },
            "tools": None,
            "toolConfig": None,
            "serviceTier": "flex",
            "store": False,
        }
    )
    sampling = request.sampling
    assert (sampling.temperature, sampling.top_p, sampling.top_k, sampling.choices, sampling.seed) == (0, 0.0, 40, 2, 0)
    assert (sampling.stop, sampling.presence_penalty, sampling.frequency_penalty) == (("x", "y"), 0.1, None)
    assert (sampling.logprobs, sampling.top_logprobs, request.max_output_tokens) == (True, 3, 1024)
    assert request.reasoning == ReasoningOptions("low", visible=False)
    assert request.extras == {"generationConfig": {"responseModalities": ["TEXT"]}}
    assert request.service_tier == "flex"
    assert request.state is not None
    assert request.state.store is False


@pytest.mark.pitfall("OUT-1", "OUT-2")
@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, None),
        ({"responseMimeType": "text/plain"}, OutputFormat()),
        ({"responseMimeType": "application/json"}, OutputFormat("json_object")),
        (
            {"responseMimeType": "application/json", "responseSchema": {"type": "ARRAY", "items": {"type": "STRING"}}},
            OutputFormat("json_schema", schema={"type": "array", "items": {"type": "string"}}),
        ),
        (
            {"responseMimeType": "application/json", "responseJsonSchema": {"type": "OBJECT", "$schema": "s"}},
            OutputFormat("json_schema", schema={"type": "object", "$schema": "s"}),
        ),
    ],
)
def test_the_form_of_the_answer(config: dict[str, Any], expected: OutputFormat | None) -> None:
    assert decode({**HELLO, "generationConfig": config}).output == expected


def test_a_form_without_a_twin_is_kept() -> None:
    config = {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}}
    request = decode({**HELLO, "generationConfig": config})
    assert request.output is None
    assert request.extras == {"generationConfig": config}


@pytest.mark.pitfall("TOOL-22", "TOOL-44", "CLI-41")
def test_tools() -> None:
    request = decode(
        {
            **HELLO,
            "tools": [
                {
                    "functionDeclarations": [
                        {"name": "old", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}}}},
                        {
                            "name": "new",
                            "description": "D",
                            "parametersJsonSchema": {"type": "object"},
                            "behavior": "X",
                        },
                        {"name": "bare"},
                    ]
                },
                {"google_search": {}, "urlContext": {}},
                {"codeExecution": {}},
                {"teleport": {"to": "x"}},
            ],
        }
    )
    assert request.tools[:3] == (
        FunctionTool("old", schema={"type": "object", "properties": {"a": {"type": "integer"}}}),
        FunctionTool("new", "D", {"type": "object"}, extras={"behavior": "X"}),
        FunctionTool("bare"),
    )
    hosted = [(tool.type, tool.capability, tool.raw) for tool in request.tools if isinstance(tool, HostedTool)]
    assert hosted == [
        ("googleSearch", "web_search", {"googleSearch": {}}),
        ("urlContext", "web_fetch", {"urlContext": {}}),
        ("codeExecution", "code_execution", {"codeExecution": {}}),
        ("teleport", None, {"teleport": {"to": "x"}}),
    ]


@pytest.mark.pitfall("TOOL-26", "TOOL-31")
@pytest.mark.parametrize(
    ("config", "choice", "strict"),
    [
        ({"mode": "AUTO"}, ToolChoice("auto"), None),
        ({"mode": "any"}, ToolChoice("required"), None),
        ({"mode": "ANY", "allowedFunctionNames": ["f"]}, ToolChoice("one", ("f",)), None),
        ({"mode": "ANY", "allowedFunctionNames": ["f", "g"]}, ToolChoice("allowed", ("f", "g"), required=True), None),
        ({"mode": "NONE"}, ToolChoice("none"), None),
        ({"mode": "VALIDATED"}, ToolChoice("auto"), True),
        ({"mode": "VALIDATED", "allowedFunctionNames": ["f"]}, ToolChoice("allowed", ("f",)), True),
        ({"mode": "MODE_UNSPECIFIED"}, None, None),
        ({}, None, None),
    ],
)
def test_tool_choice(config: dict[str, Any], choice: ToolChoice | None, strict: bool | None) -> None:
    request = decode(
        {
            **HELLO,
            "tools": [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}],
            "toolConfig": {"functionCallingConfig": config},
        }
    )
    assert request.tool_choice == choice
    assert {tool.strict for tool in request.tools if isinstance(tool, FunctionTool)} == {strict}


def test_what_the_hub_has_no_name_for_is_kept() -> None:
    request = decode({**HELLO, "cachedContent": "cachedContents/x", "labels": {"a": "b"}, "novelty": 1})
    assert request.extras == {"cachedContent": "cachedContents/x", "labels": {"a": "b"}, "novelty": 1}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"contents": []}, "contents"),
        ({}, "contents"),
        ({"contents": 7}, "contents"),
        ({"contents": [7]}, "contents[0]"),
        ({"contents": [{"role": "robot", "parts": []}]}, "contents[0].role"),
        ({"contents": [{"parts": [{"text": 7}]}]}, "contents[0].parts[0].text"),
        (
            {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png"}}]}]},
            "contents[0].parts[0].inlineData.data",
        ),
        ({"contents": [{"parts": [{"functionCall": {"args": {}}}]}]}, "contents[0].parts[0].functionCall.name"),
        (
            {"contents": [{"parts": [{"functionCall": {"name": "f", "args": [1]}}]}]},
            "contents[0].parts[0].functionCall.args",
        ),
        ({**HELLO, "generationConfig": {"temperature": "hot"}}, "generationConfig.temperature"),
        ({**HELLO, "generationConfig": {"maxOutputTokens": 1.5}}, "generationConfig.maxOutputTokens"),
        (
            {**HELLO, "tools": [{"functionDeclarations": [{"description": "x"}]}]},
            "tools[0].functionDeclarations[0].name",
        ),
        (
            {**HELLO, "toolConfig": {"functionCallingConfig": {"mode": "MAYBE"}}},
            "toolConfig.functionCallingConfig.mode",
        ),
    ],
)
def test_faults_name_the_field(body: Any, param: str) -> None:
    fault = refused(body)
    assert (fault.kind, fault.status, fault.param) == (FaultKind.INVALID_REQUEST, 400, param)
    assert param in fault.message


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"contents":' + b"[" * 5000])
def test_nonsense_is_a_bad_request(body: bytes) -> None:
    assert refused(body).kind is FaultKind.INVALID_REQUEST
    assert refused(HELLO, None).param == "model"


@pytest.mark.pitfall("TOK-6")
def test_both_forms_of_a_count() -> None:
    assert SPOKE.decode_count_request is not None
    plain = SPOKE.decode_count_request(json.encode(HELLO), "m")
    wrapped = {
        "generateContentRequest": {**HELLO, "model": "models/m", "systemInstruction": {"parts": [{"text": "S"}]}}
    }
    assert plain.turns == decode(HELLO).turns
    assert SPOKE.decode_count_request(json.encode(wrapped), "m").turns[0].role == "system"
    snake = {"generate_content_request": wrapped["generateContentRequest"]}
    assert SPOKE.decode_count_request(json.encode(snake), None).model == "m"
