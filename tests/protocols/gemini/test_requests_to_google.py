"""Requests of the hub as Google gets them; an independent list of Google's refusals judges each."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import strategies
from tests.support.vendors.gemini.rules import check_request

from codenex.core.errors import Fault, FaultKind
from codenex.core.losses import Losses
from codenex.core.parts import (
    CacheHint,
    Citation,
    Compaction,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    ServerTool,
    Signature,
    Text,
    ToolCall,
    ToolResult,
)
from codenex.core.request import (
    CustomTool,
    FunctionTool,
    HostedTool,
    OutputFormat,
    ReasoningOptions,
    Request,
    Sampling,
    State,
    ToolChoice,
    Turn,
)
from codenex.core.reversal import ToolOrigin
from codenex.models.gemini import capabilities
from codenex.protocols.gemini import SPOKE
from codenex.protocols.gemini.types import SENTINEL, generate_path

USER = Turn("user", (Text("Hi"),))
NEW, OLD, EARLY = "gemini-3.1-pro-preview", "gemini-2.5-pro", "gemini-2.0-flash"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def ask(*turns: Turn, protocol: str = "openai_chat", **fields: Any) -> Request:
    return Request(protocol, "alias", turns if turns else (USER,), **fields)


def sent(request: Request, model: str = NEW, **overrides: Any) -> tuple[dict[str, Any], list[str]]:
    """Encode; return the body and the losses as ``path=action``."""
    losses = Losses()
    encoded = SPOKE.encode_request(request, capabilities(model, overrides), losses)
    body: dict[str, Any] = json.loads(encoded.body)
    assert not check_request(body, None, "/v1beta" + generate_path(model, stream=False))
    return body, [f"{loss.path}={loss.action}" for loss in losses.values()]


def contents_of(*turns: Turn, model: str = NEW, protocol: str = "openai_chat") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sent(ask(*turns, protocol=protocol), model)[0]["contents"]
    return found


def unsupported(request: Request, model: str = NEW) -> Fault:
    with pytest.raises(Fault) as caught:
        SPOKE.encode_request(request, capabilities(model), Losses())
    assert caught.value.kind is FaultKind.UNSUPPORTED
    return caught.value


def model_turn(*parts: Any) -> Turn:
    return Turn("assistant", parts)


# --- turns ---


@pytest.mark.pitfall("SYS-1", "SYS-3", "SYS-5", "SYS-7")
def test_system_text_leads_or_stays_in_its_place() -> None:
    body, losses = sent(
        ask(
            Turn("system", (Text("A"), Text("B", cache=CacheHint())), "system"),
            Turn("system", (Text("C"),), "developer"),
            USER,
            Turn("system", (Text("Now be brief."),), "system"),
        )
    )
    assert body["systemInstruction"] == {"parts": [{"text": "A"}, {"text": "B"}, {"text": "C"}]}
    reminder = {"text": "<system-reminder>\nNow be brief.\n</system-reminder>"}
    assert body["contents"] == [{"role": "user", "parts": [{"text": "Hi"}, reminder]}]
    assert losses == ["cache_control=dropped", "messages.role=adapted"]


def test_a_system_turn_in_the_middle_without_text_leaves_no_empty_contents() -> None:
    silent = Turn("system", (Text("", signature=Signature("gemini", "c2ln")),), "system")
    assert [turn["parts"] for turn in contents_of(Turn("user", ()), silent)] == [[{"text": "."}]]
    assert [turn["parts"] for turn in contents_of(USER, silent)] == [[{"text": "Hi"}]]


@pytest.mark.pitfall("SYS-2", "ROL-2")
def test_a_conversation_begins_with_the_user() -> None:
    assert contents_of(Turn("system", (Text("Only this"),), "system")) == [{"role": "user", "parts": [{"text": "."}]}]
    first, second = contents_of(model_turn(Text("And so")))
    assert first == {"role": "user", "parts": [{"text": "(continued)"}]}
    assert second["role"] == "model"


@pytest.mark.pitfall("ROL-1", "ROL-8", "ROL-9", "RSN-21", "RSN-22", "RSN-13")
def test_empty_and_foreign_parts_leave_no_empty_turns() -> None:
    turns = contents_of(
        USER,
        model_turn(Reasoning(("Hm",), signature=Signature("anthropic", "x")), Text(" ")),
        Turn("user", (Text("More"), Text("and more"))),
    )
    assert turns == [{"role": "user", "parts": [{"text": "Hi"}, {"text": "More"}, {"text": "and more"}]}]


@pytest.mark.pitfall("ROL-4")
def test_a_prefill_goes_on_or_is_asked_to() -> None:
    request = ask(USER, model_turn(Text("So")))
    assert sent(request)[0]["contents"][-1]["role"] == "model"
    body, losses = sent(request, prefill=False)
    assert body["contents"][-1] == {"role": "user", "parts": [{"text": "Continue."}]}
    assert losses == ["messages=adapted"]


@pytest.mark.pitfall("ROL-5", "ROL-6", "ROL-7", "TOOL-2", "TOOL-3")
def test_results_stand_behind_their_calls_in_their_order() -> None:
    turns = (
        USER,
        model_turn(ToolCall("c1", "f", "{}"), ToolCall("c2", "g", '{"a":1}')),
        Turn("system", (Text("aside"),), "system"),
        Turn("user", (Text("also"), ToolResult("c2", (Text("two"),)), ToolResult("gone", (Text("lost"),)))),
    )
    new, old = contents_of(*turns), contents_of(*turns, model=OLD)
    answers = [part["functionResponse"] for part in new[2]["parts"] if "functionResponse" in part]
    assert answers == [
        {"id": "c1", "name": "f", "response": {"error": "[no result: interrupted]"}},
        {"id": "c2", "name": "g", "response": {"output": "two"}},
    ]
    texts = [part["text"] for part in new[2]["parts"] if "text" in part]
    assert texts == ["<system-reminder>\naside\n</system-reminder>", "also", "lost"]
    assert "id" not in old[1]["parts"][0]["functionCall"]
    assert "id" not in old[2]["parts"][0]["functionResponse"]


@pytest.mark.pitfall("TOOL-7", "TOOL-8", "TOOL-9", "TOOL-32")
def test_arguments_are_objects() -> None:
    turns = contents_of(
        USER,
        model_turn(
            ToolCall("a", "f", ""),
            ToolCall("b", "f", "[1]"),
            ToolCall("c", "f", '"{\\"x\\":1}"'),
            ToolCall("d", "f", '{"cut":'),
            ToolCall("e", "patch", "*** Begin", kind="custom"),
        ),
    )
    assert [part["functionCall"]["args"] for part in turns[1]["parts"]] == [
        {},
        {"value": [1]},
        {"x": 1},
        {"input": "*** Begin"},
    ]
    assert len(turns[2]["parts"]) == 4


@pytest.mark.pitfall("TOOL-21", "TOOL-21b", "TOOL-21c")
@pytest.mark.parametrize(
    ("text", "is_error", "response"),
    [
        ("plain", False, {"output": "plain"}),
        ("", False, {"output": ""}),
        ('{"a":1}', False, {"a": 1}),
        ("[1,2]", False, {"output": "[1,2]"}),
        ('{"$ref":"#/x"}', False, {"output": '{"$ref":"#/x"}'}),
        ('{"a":{"b":[{"$ref":"x"}]}}', False, {"output": '{"a":{"b":[{"$ref":"x"}]}}'}),
        ('{"output":"x"}', False, {"output": '{"output":"x"}'}),
        ("boom", True, {"error": "boom"}),
        ('{"looks":"like', False, {"output": '{"looks":"like'}),
    ],
)
def test_results_are_objects(text: str, is_error: bool, response: dict[str, Any]) -> None:
    turns = contents_of(
        USER, model_turn(ToolCall("c", "f", "{}")), Turn("user", (ToolResult("c", (Text(text),), is_error=is_error),))
    )
    assert turns[2]["parts"][0]["functionResponse"]["response"] == response


@pytest.mark.pitfall("TOOL-20")
def test_files_of_results() -> None:
    turns = (
        USER,
        model_turn(ToolCall("c", "shot", "{}")),
        Turn("user", (ToolResult("c", (Text("done"), Media("image", "image/png", PNG))),)),
    )
    image = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    assert contents_of(*turns)[2]["parts"] == [
        {"functionResponse": {"id": "c", "name": "shot", "response": {"output": "done"}, "parts": [image]}}
    ]
    assert contents_of(*turns, model=OLD)[2]["parts"] == [
        {"functionResponse": {"name": "shot", "response": {"output": "done"}}},
        {"text": "[files returned by shot]"},
        image,
    ]


# --- signatures ---


def signed(payload: str) -> Signature:
    return Signature("gemini", payload)


@pytest.mark.pitfall("RSN-8", "SIG-1", "SIG-4")
def test_the_first_call_of_each_step_is_signed() -> None:
    def step(number: int, **fields: Any) -> tuple[Turn, Turn]:
        calls = (ToolCall(f"a{number}", "f", "{}", **fields), ToolCall(f"b{number}", "f", "{}"))
        return model_turn(*calls), Turn("user", tuple(ToolResult(call.id, (Text("r"),)) for call in calls))

    turns = (USER, *step(1), Turn("user", (Text("Next"),)), *step(2, signature=signed("QUJD")), *step(3))
    for model, expected in (
        (NEW, [SENTINEL, None, "QUJD", None, SENTINEL, None]),
        (OLD, [None, None, "QUJD", None, None, None]),
    ):
        parts = [part for turn in contents_of(*turns, model=model) for part in turn["parts"]]
        assert [part.get("thoughtSignature") for part in parts if "functionCall" in part] == expected


@pytest.mark.pitfall("RSN-8", "ROL-3", "SIG-5")
def test_signatures_that_travelled_in_thoughts_come_back_to_their_parts() -> None:
    turns = contents_of(
        USER,
        model_turn(
            Reasoning(("Thinking",), signature=signed("QUJD")),
            Text("Look:"),
            Reasoning((), redacted=True, signature=signed("REVG")),
            ToolCall("c", "f", "{}"),
            Reasoning((), redacted=True, signature=signed("R0hJ")),
        ),
        protocol="anthropic",
    )
    call = {"functionCall": {"id": "c", "name": "f", "args": {}}, "thoughtSignature": "REVG"}
    assert turns[1]["parts"] == [
        {"text": "Thinking", "thought": True},
        {"text": "Look:", "thoughtSignature": "QUJD"},
        call,
        {"text": "", "thoughtSignature": "R0hJ"},
    ]


@pytest.mark.pitfall("SIG-1", "RSN-17")
def test_foreign_signatures_are_left_out() -> None:
    body, losses = sent(ask(USER, model_turn(Text("Hm", signature=Signature("openai", "gAAAA")))))
    assert body["contents"][1]["parts"] == [{"text": "Hm"}]
    assert losses == ["signature=dropped"]


# --- parts ---


@pytest.mark.pitfall("MED-1", "MED-2", "MED-3", "MED-4", "MED-5", "MED-6")
@pytest.mark.parametrize(
    ("media", "part"),
    [
        (Media("image", None, PNG), {"inlineData": {"mimeType": "image/png", "data": PNG}}),
        (Media("image", "image/png", f"data:;base64,{PNG}"), {"inlineData": {"mimeType": "image/png", "data": PNG}}),
        (
        Media("document", "application/pdf", "JVBERi0x"),
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0x"}},
    ),
        (Media("audio", "audio/wav", "UklGRg=="), {"inlineData": {"mimeType": "audio/wav", "data": "UklGRg=="}}),
        (Media("image", url="https://a.example/x.PNG?y"), {"fileData": {"mimeType": "image/png", "fileUri": "https://a.example/x.PNG?y"}}),
        (Media("image", url="gs://b/x"), {"fileData": {"fileUri": "gs://b/x"}}),
        (Media("video", url="https://youtu.be/x"), {"fileData": {"fileUri": "https://youtu.be/x"}}),
        (Media("document", "text/plain", text="Body", title="Notes"), {"text": "Notes\n\nBody"}),
    ],
)  # fmt: skip
def test_media(media: Media, part: dict[str, Any]) -> None:
    assert contents_of(Turn("user", (media,)))[0]["parts"] == [part]


@pytest.mark.pitfall("MED-7", "MED-11")
def test_media_that_google_cannot_read() -> None:
    unsupported(ask(Turn("user", (Media("image", file_id="file-abc"),))))
    unsupported(ask(Turn("user", (Media("image", url="https://a.example/x.png"),))), EARLY)


@pytest.mark.pitfall("MED-12")
def test_files_of_the_model_move_to_the_user() -> None:
    image = Media("image", "image/png", PNG)
    turns = contents_of(USER, model_turn(Text("Here"), image), Turn("user", (Text("Nice"),)))
    assert [turn["role"] for turn in turns] == ["user", "model", "user"]
    assert turns[2]["parts"] == [{"inlineData": {"mimeType": "image/png", "data": PNG}}, {"text": "Nice"}]
    own = contents_of(USER, model_turn(image), Turn("user", (Text("Nice"),)), protocol="gemini")
    assert "inlineData" in own[1]["parts"][0]


@pytest.mark.pitfall("TOOL-23", "FIN-4", "MED-8", "SMP-13")
def test_other_parts() -> None:
    body, losses = sent(
        ask(
            Turn("user", (Text("Q", extras={"oddity": 1}), Media("image", "image/png", PNG, detail="high"))),
            model_turn(
                Refusal("No."),
                ServerTool("anthropic", "web_search", {"x": 1}, text="searched"),
                ServerTool("anthropic", "secret", {"x": 1}),
                Opaque("anthropic", "novelty", {"x": 1}),
                Compaction("openai_responses", {}, "summary"),
                Text("T", (Citation("https://a.example"),)),
            ),
            Turn("user", (Text("Go on"),), name="Bob", phase="x"),
        )
    )
    assert body["contents"][1]["parts"] == [{"text": text} for text in ("No.", "searched", "summary", "T")]
    assert losses == [
        "messages[0].oddity=dropped",
        "messages[0].detail=dropped",
        "messages[1].web_search=adapted",
        "messages[1].secret=dropped",
        "messages[1].novelty=dropped",
        "messages[1]=adapted",
        "messages[1].citations=dropped",
        "messages.name=dropped",
        "phase=dropped",
    ]
    unsupported(ask(USER, model_turn(Compaction("openai_responses", {}))))


# --- tools ---


@pytest.mark.pitfall("TOOL-25", "TOOL-32", "TOOL-33", "TOOL-45", "TOOL-28")
def test_names_are_fitted_and_come_back() -> None:
    long = "mcp__" + "x" * 70
    request = ask(
        USER,
        model_turn(ToolCall("c", long, "{}"), ToolCall("d", "run", "{}", namespace="shell")),
        Turn("user", (ToolResult("c", ()), ToolResult("d", ()))),
        tools=(
            FunctionTool(long),
            FunctionTool("1st"),
            FunctionTool("a.b:c"),
            FunctionTool("run", namespace="shell"),
            CustomTool("patch", "Patches.", {"type": "grammar", "syntax": "lark", "definition": "start: x"}),
            FunctionTool("1st"),
        ),
        tool_choice=ToolChoice("one", ("run",)),
    )
    losses = Losses()
    encoded = SPOKE.encode_request(request, capabilities(NEW), losses)
    body = json.loads(encoded.body)
    assert not check_request(body, None, generate_path(NEW, stream=True))
    names = [declaration["name"] for declaration in body["tools"][0]["functionDeclarations"]]
    assert names[2:] == ["a.b:c", "shell__run", "patch"]
    assert len(names[0]) == 64
    assert body["contents"][1]["parts"][0]["functionCall"]["name"] == names[0]
    assert body["contents"][2]["parts"][0]["functionResponse"]["name"] == names[0]
    assert body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == ["shell__run"]
    assert encoded.reversal.tools == {
        names[0]: ToolOrigin(long),
        names[1]: ToolOrigin("1st"),
        "shell__run": ToolOrigin("run", "shell"),
        "patch": ToolOrigin("patch", custom=True),
    }
    patch = body["tools"][0]["functionDeclarations"][4]
    assert patch["description"] == "Patches.\n\nThe input must follow this lark grammar:\nstart: x"
    assert patch["parametersJsonSchema"]["required"] == ["input"]
    assert [loss.path for loss in losses.values() if loss.action == "dropped"] == ["tools[5]"]


@pytest.mark.pitfall("TOOL-29", "SCH-1", "SCH-8")
def test_schemas_go_where_the_model_has_a_slot() -> None:
    request = ask(
        tools=(FunctionTool("f", "D", {**CITY, "$schema": "x", "minProperties": 1}), FunctionTool("bare", schema={}))
    )
    new, losses = sent(request)
    first, second = new["tools"][0]["functionDeclarations"]
    assert first["parametersJsonSchema"] == {**CITY, "description": "(minProperties: 1)"}
    assert second["parametersJsonSchema"] == {"type": "object"}
    assert losses == ["tools[0].parameters.minProperties=approximated"]
    early, _ = sent(request, EARLY)
    first, second = early["tools"][0]["functionDeclarations"]
    assert first["parameters"]["type"] == "OBJECT"
    assert "parameters" not in second


@pytest.mark.pitfall("TOOL-22", "TOOL-42")
def test_tools_that_vendors_run() -> None:
    search = HostedTool("anthropic", "web_search_20250305", {"type": "web_search_20250305"}, "web_search")
    body, losses = sent(ask(tools=(search,), tool_choice=ToolChoice("required")))
    assert body["tools"] == [{"googleSearch": {}}]
    assert "toolConfig" not in body
    assert losses == ["tools[0]=adapted", "tool_choice=dropped"]
    mixed, _ = sent(ask(tools=(FunctionTool("f"), search)))
    assert mixed["toolConfig"] == {"includeServerSideToolInvocations": True}
    old, losses = sent(ask(tools=(FunctionTool("f"), search)), OLD)
    assert [list(tool) for tool in old["tools"]] == [["functionDeclarations"]]
    assert "toolConfig" not in old
    assert losses == ["tools[1]=dropped"]
    unsupported(ask(tools=(FunctionTool("f"), search), tool_choice=ToolChoice("one", ("web_search",))), OLD)
    unsupported(ask(tools=(HostedTool("anthropic", "bash_20250124", {}, None),)))


@pytest.mark.pitfall("TOOL-26", "TOOL-31", "TOOL-41", "TOOL-27")
@pytest.mark.parametrize(
    ("choice", "strict", "model", "config"),
    [
        (ToolChoice("auto"), None, NEW, {"mode": "AUTO"}),
        (ToolChoice("none"), None, NEW, {"mode": "NONE"}),
        (ToolChoice("required"), True, NEW, {"mode": "ANY"}),
        (ToolChoice("one", ("f",)), None, NEW, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (ToolChoice("allowed", ("f", "g"), True), None, NEW, {"mode": "ANY", "allowedFunctionNames": ["f", "g"]}),
        (ToolChoice("allowed", ("f",)), None, NEW, {"mode": "VALIDATED", "allowedFunctionNames": ["f"]}),
        (ToolChoice("allowed", ("f",)), None, EARLY, {"mode": "AUTO"}),
        (None, True, NEW, {"mode": "VALIDATED"}),
        (None, True, EARLY, None),
        (None, None, NEW, None),
    ],
)
def test_tool_choice(choice: ToolChoice | None, strict: bool | None, model: str, config: dict[str, Any] | None) -> None:
    tools = (FunctionTool("f", strict=strict), FunctionTool("g"))
    body, losses = sent(ask(tools=tools, tool_choice=choice, parallel_tool_calls=False), model)
    assert body.get("toolConfig") == (None if config is None else {"functionCallingConfig": config})
    assert "parallel_tool_calls=dropped" in losses


@pytest.mark.pitfall("TOOL-26")
def test_a_choice_of_an_unknown_tool_is_the_clients_mistake() -> None:
    with pytest.raises(Fault) as caught:
        sent(ask(tools=(FunctionTool("f"),), tool_choice=ToolChoice("one", ("g",))))
    assert caught.value.kind is FaultKind.INVALID_REQUEST
    assert sent(ask(tool_choice=ToolChoice("none")))[0].get("toolConfig") is None


# --- generation ---


@pytest.mark.pitfall("SMP-1", "SMP-2", "SMP-3", "SMP-4", "SMP-5", "SMP-6", "SMP-7", "SMP-8", "SMP-9", "SMP-15")
def test_sampling() -> None:
    request = ask(
        sampling=Sampling(0, 0.0, 40, tuple("abcdef"), 2, 0, 0.1, 0.2, {"1": 2}, True, 3),
        max_output_tokens=10**6,
        end_user="u",
        metadata={"a": "b"},
        service_tier="flex",
        cache_key="k",
        verbosity="low",
        extras={"prediction": {}},
    )
    body, losses = sent(request)
    assert body["generationConfig"] == {
        "temperature": 0,
        "topP": 0.0,
        "topK": 40,
        "seed": 0,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "stopSequences": list("abcde"),
        "candidateCount": 2,
        "responseLogprobs": True,
        "logprobs": 3,
        "maxOutputTokens": 65536,
    }
    assert losses == [
        "stop=approximated",
        "logit_bias=dropped",
        "max_output_tokens=approximated",
        "prediction=dropped",
        "verbosity=dropped",
        "user=dropped",
        "metadata=dropped",
        "service_tier=dropped",
        "prompt_cache_key=dropped",
    ]
    fixed, losses = sent(ask(sampling=Sampling(temperature=0.5, choices=1)), "gemini-3.6-flash")
    assert "generationConfig" not in fixed
    assert losses == ["temperature=dropped"]
    unsupported_choices = ask(sampling=Sampling(choices=2))
    with pytest.raises(Fault):
        sent(unsupported_choices, sampling=frozenset({"temperature"}))


@pytest.mark.pitfall("RSN-1", "RSN-2", "RSN-4", "RSN-5", "RSN-20")
@pytest.mark.parametrize(
    ("options", "model", "config", "approximated"),
    [
        (ReasoningOptions("high"), NEW, {"includeThoughts": True, "thinkingLevel": "HIGH"}, False),
        (ReasoningOptions("minimal"), NEW, {"includeThoughts": True, "thinkingLevel": "LOW"}, True),
        (ReasoningOptions("minimal"), "gemini-3-flash", {"includeThoughts": True, "thinkingLevel": "MINIMAL"}, False),
        (ReasoningOptions("medium"), "gemini-3-pro-preview", {"includeThoughts": True, "thinkingLevel": "HIGH"}, True),
        (ReasoningOptions("xhigh"), NEW, {"includeThoughts": True, "thinkingLevel": "HIGH"}, True),
        (ReasoningOptions("max"), NEW, {"includeThoughts": True, "thinkingLevel": "HIGH"}, True),
        (ReasoningOptions("none"), NEW, {"thinkingLevel": "LOW"}, True),
        (ReasoningOptions("auto"), NEW, {"includeThoughts": True}, False),
        (ReasoningOptions(budget=8192), NEW, {"includeThoughts": True, "thinkingLevel": "MEDIUM"}, False),
        (ReasoningOptions(budget=100), "gemini-3-flash", {"includeThoughts": True, "thinkingLevel": "MINIMAL"}, False),
        (ReasoningOptions(adaptive=True), NEW, {"includeThoughts": True}, False),
        (ReasoningOptions(adaptive=True), OLD, {"includeThoughts": True, "thinkingBudget": -1}, False),
        (ReasoningOptions("low", visible=False), OLD, {"thinkingBudget": 1024}, False),
        (ReasoningOptions("none"), OLD, {"thinkingBudget": 128}, True),
        (ReasoningOptions("none"), "gemini-2.5-flash", {"thinkingBudget": 0}, False),
        (ReasoningOptions("xhigh"), "gemini-2.5-flash", {"includeThoughts": True, "thinkingBudget": 24576}, False),
        (ReasoningOptions(budget=10**6), OLD, {"includeThoughts": True, "thinkingBudget": 32768}, True),
        (ReasoningOptions("high"), EARLY, None, False),
        (ReasoningOptions(), NEW, None, False),
    ],
)
def test_thinking(options: ReasoningOptions, model: str, config: dict[str, Any] | None, approximated: bool) -> None:
    body, losses = sent(ask(reasoning=options), model)
    assert body.get("generationConfig", {}).get("thinkingConfig") == config
    assert any(loss.endswith("approximated") for loss in losses) is approximated


@pytest.mark.pitfall("RSN-4")
def test_thinking_of_googles_own_clients_is_left_as_it_is() -> None:
    options = ReasoningOptions(budget=5000, visible=True)
    body, losses = sent(ask(protocol="gemini", reasoning=options))
    assert body["generationConfig"]["thinkingConfig"] == {"includeThoughts": True, "thinkingBudget": 5000}
    assert not losses
    silent, _ = sent(ask(protocol="gemini", reasoning=ReasoningOptions("high")))
    assert silent["generationConfig"]["thinkingConfig"] == {"thinkingLevel": "HIGH"}


@pytest.mark.pitfall("OUT-1", "OUT-2", "OUT-5", "SCH-10")
def test_the_form_of_the_answer() -> None:
    output = OutputFormat("json_schema", "name", schema=CITY)
    assert sent(ask(output=output))[0]["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": CITY,
    }
    early = sent(ask(output=output), EARLY)[0]["generationConfig"]
    assert early["responseSchema"]["type"] == "OBJECT"
    assert sent(ask(output=OutputFormat("json_object")))[0]["generationConfig"] == {
        "responseMimeType": "application/json"
    }
    listed = OutputFormat("json_schema", schema={"type": "array", "items": {"type": "string"}})
    assert sent(ask(output=listed))[0]["generationConfig"]["responseJsonSchema"]["type"] == "array"
    both = ask(output=output, tools=(FunctionTool("f"),))
    assert "responseJsonSchema" in sent(both, NEW)[0]["generationConfig"]
    old, losses = sent(both, OLD)
    assert "generationConfig" not in old
    assert '"city"' in old["systemInstruction"]["parts"][0]["text"]
    assert losses == ["response_format=adapted"]


def test_state_that_google_does_not_keep() -> None:
    assert unsupported(ask(state=State(previous_response_id="resp_1"))).param == "previous_response_id"
    assert unsupported(ask(state=State(conversation={"id": "c"}))).param == "conversation"
    assert "store" not in sent(ask(state=State(store=True)))[0]


# --- the same protocol ---


def test_a_request_of_google_goes_back_as_it_came() -> None:
    body = {
        "systemInstruction": {"parts": [{"text": "S"}]},
        "contents": [
            {
                "role": "user",
                "parts": [{"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}, "videoMetadata": {"fps": 1}}],
            },
            {
                "role": "model",
                "parts": [
                    {"text": "hm", "thought": True, "thoughtSignature": "QUJD"},
                    {"executableCode": {"language": "PYTHON", "code": "1"}},
                    {"functionCall": {"id": "1", "name": "a.b", "args": {"x": 1}}, "thoughtSignature": "REVG"},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"id": "1", "name": "a.b", "response": {"result": 2}, "willContinue": False}}
                ],
            },
        ],
        "tools": [{"functionDeclarations": [{"name": "a.b", "behavior": "BLOCKING"}]}, {"googleSearch": {"x": 1}}],
        "toolConfig": {
            "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["a.b"]},
            "includeServerSideToolInvocations": True,
        },
        "generationConfig": {
            "candidateCount": 1,
            "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "HIGH"},
            "responseModalities": ["TEXT"],
        },
        "serviceTier": "flex",
        "store": False,
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
    }  # fmt: skip
    request = SPOKE.decode_request(json.dumps(body).encode(), NEW)
    losses = Losses()
    encoded = SPOKE.encode_request(request, capabilities(NEW), losses)
    assert json.loads(encoded.body) == body
    assert not losses.values()


@pytest.mark.pitfall("TOK-3", "TOK-6")
def test_a_count_asks_with_instructions_and_tools() -> None:
    assert SPOKE.encode_count_request is not None
    request = msgspec.structs.replace(ask(Turn("system", (Text("S"),), "system"), USER), model=NEW)
    body = json.loads(SPOKE.encode_count_request(request, capabilities(NEW), Losses()).body)
    assert not check_request(body, None, f"/v1beta/models/{NEW}:countTokens")
    assert body["generateContentRequest"]["model"] == f"models/{NEW}"


# --- laws ---

_models = st.sampled_from((NEW, OLD, EARLY, "gemini-3.5-flash"))
_requests = st.one_of(
    strategies.requests(), strategies.requests(st.lists(strategies.turns, min_size=1, max_size=5).map(tuple))
)


def _foreign(request: Request) -> Request:
    """The same from a client of another protocol, without parts that claim to be Google's, whose content is made up."""

    def plausible(part: Any) -> bool:
        return getattr(part, "protocol", None) != "gemini"

    turns = tuple(
        msgspec.structs.replace(turn, parts=tuple(part for part in turn.parts if plausible(part)))
        for turn in request.turns
    )
    tools = tuple(tool for tool in request.tools if plausible(tool))
    protocol = "anthropic" if request.protocol == "gemini" else request.protocol
    return msgspec.structs.replace(request, protocol=protocol, turns=turns, tools=tools)


def _as_read(body: bytes) -> dict[str, Any]:
    """A body in which neighbouring texts of the model are one, as Google's own clients read them."""
    out: dict[str, Any] = json.loads(body)
    for content in out["contents"]:
        joined: list[Any] = []
        for part in content["parts"]:
            plain = set(part) in ({"text"}, {"text", "thought"})
            if content["role"] == "model" and joined and plain and set(joined[-1]) == set(part):
                joined[-1] = {**part, "text": joined[-1]["text"] + part["text"]}
            else:
                joined.append(part)
        content["parts"] = joined
    return out


@pytest.mark.pitfall("CACHE-1", "SMP-13")
@settings(max_examples=max(300, settings.default.max_examples))
@given(_requests, _models)
def test_every_request_is_one_that_google_takes_or_is_refused(request: Request, model: str) -> None:
    foreign = _foreign(request)
    try:
        encoded = SPOKE.encode_request(foreign, capabilities(model), Losses())
    except Fault as fault:
        status = fault.status
    else:
        status = 200
    assert status in (200, 400)
    if status == 400:
        return
    assert not check_request(json.loads(encoded.body), None, generate_path(model, stream=False))
    assert SPOKE.encode_request(foreign, capabilities(model), Losses()).body == encoded.body
    # What Google got means the same when it is read back and written again.
    again = SPOKE.decode_request(encoded.body, model)
    assert json.loads(SPOKE.encode_request(again, capabilities(model), Losses()).body) == _as_read(encoded.body)


@pytest.mark.pitfall("CACHE-1", "TOOL-4")
@settings(max_examples=max(300, settings.default.max_examples))
@given(strategies.conversations(), st.sampled_from((NEW, OLD)))
def test_a_longer_conversation_begins_like_the_shorter_one(turns: tuple[Turn, ...], model: str) -> None:
    def contents(count: int) -> list[Any]:
        request = _foreign(Request("anthropic", "m", turns[:count]))
        try:
            body = json.loads(SPOKE.encode_request(request, capabilities(model), Losses()).body)
        except Fault:
            return []
        return [(turn["role"], part) for turn in body["contents"] for part in turn["parts"]]

    whole = contents(len(turns))
    if not whole:
        return
    for count in range(2, len(turns), 2):
        begun = contents(count)
        # Calls at the end get stand-ins for results, which the real ones replace.
        while begun and begun[-1][0] == "user":
            begun.pop()
        assert whole[: len(begun)] == begun
