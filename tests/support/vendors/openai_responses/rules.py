"""What OpenAI refuses in a Responses request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.support.http import Headers
from tests.support.vendors.checks import FUNCTION_NAME, Problems, check_output_schema, check_strict_root, words
from tests.support.vendors.openai_chat.rules import EFFORTS

TOP_LEVEL: Final = words(
    """
    access_programs background background_options client_metadata context_management conversation image include
    input instructions max_output_tokens max_tool_calls metadata model moderation parallel_tool_calls
    previous_response_id prompt prompt_cache_key prompt_cache_options prompt_cache_retention reasoning
    safety_identifier service_tier store stream stream_options temperature text tool_choice tools top_logprobs top_p
    truncation user
    """
)
INPUT_PARTS: Final = ("input_text", "input_image", "input_file", "input_audio")
OUTPUT_PARTS: Final = ("output_text", "refusal")
OTHER_ITEMS: Final = words(
    """
    additional_tools apply_patch_call apply_patch_call_output code_interpreter_call compaction compaction_trigger
    computer_call computer_call_output configuration_update file_search_call image_generation_call item_reference
    local_shell_call local_shell_call_output mcp_approval_request mcp_approval_response mcp_call mcp_list_tools
    program program_output shell_call shell_call_output tool_search_call tool_search_output web_search_call
    """
)
HOSTED_TOOLS: Final = words(
    """
    apply_patch code_interpreter computer computer_use_preview file_search image_generation local_shell mcp
    namespace programmatic_tool_calling shell tool_search web_search web_search_2025_08_26 web_search_preview
    """
)
INCLUDABLE: Final = words(
    """
    code_interpreter_call.outputs computer_call_output.output.image_url file_search_call.results
    message.input_image.image_url message.output_text.logprobs reasoning.encrypted_content
    web_search_call.action.sources web_search_call.results
    """
)
CALLS: Final = {"function_call": ("fc", "arguments"), "custom_tool_call": ("ctc", "input")}
OUTPUTS: Final = {"function_call_output": "function_call", "custom_tool_call_output": "custom_tool_call"}
STATUSES: Final = ("in_progress", "completed", "incomplete")
FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "message": ("type", "id", "role", "content", "status", "phase", "name"),
    "reasoning": ("type", "id", "summary", "content", "encrypted_content", "status"),
    "function_call": ("type", "id", "call_id", "name", "arguments", "status", "namespace", "caller"),
    "custom_tool_call": ("type", "id", "call_id", "name", "input", "status", "namespace", "caller"),
    "function_call_output": ("type", "id", "call_id", "output", "status", "caller"),
    "custom_tool_call_output": ("type", "id", "call_id", "output", "status", "caller", "name"),
}


def check_request(body: object, headers: Headers | Mapping[str, str] | None = None, path: str = "") -> list[str]:
    """The reasons for which the vendor answers 400; none for a good request."""
    problems = Problems()
    request = problems.record("body", body)
    if problems:
        return problems
    problems.unknown("body", request, TOP_LEVEL)
    if request.get("prompt") is None:
        problems.text("model", request.get("model"))
    remembered = request.get("previous_response_id") is not None or request.get("conversation") is not None
    if isinstance(request.get("input"), list):
        _check_items(problems, request["input"], stored=request.get("store") is not False, remembered=remembered)
    elif not remembered and request.get("prompt") is None:
        problems.text("input", request.get("input"))
    _check_tools(problems, request)
    _check_options(problems, request)
    return problems


def _check_items(problems: Problems, items: list[Any], *, stored: bool, remembered: bool) -> None:
    problems.require(bool(items) or remembered, "input: must not be empty")
    called: dict[str, str] = {}
    answered: set[str] = set()
    for number, value in enumerate(items):
        where = f"input[{number}]"
        item = problems.record(where, value)
        kind = str(item.get("type", "message" if "role" in item else None))
        if kind in FIELDS:
            problems.unknown(where, item, FIELDS[kind])
        if item.get("status") is not None and kind in FIELDS:
            problems.one_of(f"{where}.status", item["status"], STATUSES)
        if kind == "message":
            _check_message(problems, where, item)
        elif kind == "reasoning":
            _check_reasoning(problems, where, item, items[number + 1 :], stored=stored)
        elif kind in CALLS:
            _check_call(problems, where, item, kind, called)
        elif kind in OUTPUTS:
            _check_call_output(problems, where, item)
            id_ = str(item.get("call_id"))
            known = remembered or called.get(id_) == OUTPUTS[kind]
            problems.require(known, f"{where}: no tool call found for function call output with call_id {id_}")
            problems.require(id_ not in answered, f"{where}: duplicate output for call_id {id_}")
            answered.add(id_)
        else:
            problems.require(kind in OTHER_ITEMS, f"{where}.type: invalid value {kind!r}")
    missing = sorted(set(called) - answered)
    problems.require(not missing, f"input: no tool output found for function call {missing}")


def _check_message(problems: Problems, where: str, item: dict[str, Any]) -> None:
    role = item.get("role")
    if not problems.one_of(f"{where}.role", role, ("user", "assistant", "system", "developer")):
        return
    if item.get("id") is not None:
        prefixed = isinstance(item["id"], str) and item["id"].startswith("msg")
        problems.require(prefixed, f"{where}.id: expected an id that begins with 'msg'")
    content = item.get("content")
    if not isinstance(content, str):
        _check_parts(problems, f"{where}.content", content, OUTPUT_PARTS if role == "assistant" else INPUT_PARTS)


def _check_parts(problems: Problems, where: str, content: object, allowed: tuple[str, ...]) -> None:
    for number, value in enumerate(problems.listing(where, content)):
        at = f"{where}[{number}]"
        part = problems.record(at, value)
        if not problems.one_of(f"{at}.type", part.get("type"), allowed):
            continue
        match part["type"]:
            case "input_text" | "output_text":
                problems.text(f"{at}.text", part.get("text"), blank=True)
            case "refusal":
                problems.text(f"{at}.refusal", part.get("refusal"), blank=True)
            case "input_image":
                given = part.get("image_url") is not None or part.get("file_id") is not None
                problems.require(given, f"{at}: needs 'image_url' or 'file_id'")
                if part.get("image_url") is not None:
                    problems.text(f"{at}.image_url", part["image_url"])
            case "input_file":
                given = any(part.get(key) is not None for key in ("file_data", "file_url", "file_id"))
                problems.require(given, f"{at}: needs 'file_data', 'file_url' or 'file_id'")
            case _:
                pass


def _check_reasoning(
    problems: Problems, where: str, item: dict[str, Any], following: list[Any], *, stored: bool
) -> None:
    id_ = item.get("id")
    if id_ is not None:
        problems.require(str(id_).startswith("rs"), f"{where}.id: expected an id that begins with 'rs'")
    problems.require(isinstance(item.get("summary"), list), f"{where}: missing required parameter 'summary'")
    problems.require("status" not in item or item["status"] is not None, f"{where}.status: must not be null")
    readable = stored or bool(item.get("encrypted_content"))
    problems.require(readable, f"{where}: item with id {id_!r} not found; items are not persisted when store is false")
    after = next((other for other in following if isinstance(other, dict)), {})
    produced = after.get("role") == "assistant" or str(after.get("type")) in {"reasoning", *CALLS, *OTHER_ITEMS}
    problems.require(produced, f"{where}: reasoning was provided without its required following item")


def _check_call(problems: Problems, where: str, item: dict[str, Any], kind: str, called: dict[str, str]) -> None:
    prefix, field = CALLS[kind]
    id_ = item.get("call_id")
    if problems.text(f"{where}.call_id", id_):
        problems.require(len(str(id_)) <= 64, f"{where}.call_id: longer than 64 characters")
        problems.require(str(id_) not in called, f"{where}.call_id: duplicate {id_!r}")
        called[str(id_)] = kind
    _check_name(problems, f"{where}.name", item.get("name"))
    problems.text(f"{where}.{field}", item.get(field), blank=True)
    if item.get("id") is not None:
        prefixed = isinstance(item["id"], str) and item["id"].startswith(prefix)
        problems.require(prefixed, f"{where}.id: expected an id that begins with {prefix!r}")


def _check_call_output(problems: Problems, where: str, item: dict[str, Any]) -> None:
    problems.text(f"{where}.call_id", item.get("call_id"))
    if not isinstance(item.get("output"), str):
        _check_parts(problems, f"{where}.output", item.get("output"), INPUT_PARTS)


def _check_name(problems: Problems, where: str, name: object) -> None:
    ok = isinstance(name, str) and FUNCTION_NAME.fullmatch(name) is not None
    problems.require(ok, f"{where}: {name!r} does not match ^[a-zA-Z0-9_-]{{1,64}}$")


def _check_tools(problems: Problems, request: dict[str, Any]) -> None:
    tools = problems.optional("tools", request.get("tools"))
    names: list[tuple[str, object]] = []
    for number, value in enumerate(tools):
        where = f"tools[{number}]"
        tool = problems.record(where, value)
        kind = str(tool.get("type"))
        names.append((kind, tool.get("name")))
        if kind == "function":
            known = ("type", "name", "description", "parameters", "strict", "defer_loading", "output_schema")
            problems.unknown(where, tool, (*known, "allowed_callers", "async"))
            _check_name(problems, f"{where}.name", tool.get("name"))
            problems.boolean(f"{where}.strict", tool.get("strict"))
            if tool.get("parameters") is not None:
                schema = problems.record(f"{where}.parameters", tool["parameters"])
                rooted = schema.get("type", "object") == "object"
                problems.require(rooted, f"{where}.parameters: schema must have type 'object'")
                if tool.get("strict"):
                    check_strict_root(problems, f"{where}.parameters", schema)
        elif kind == "custom":
            _check_name(problems, f"{where}.name", tool.get("name"))
        else:
            problems.require(kind in HOSTED_TOOLS, f"{where}.type: invalid value {kind!r}")
    choice = request.get("tool_choice")
    if choice is None or choice in ("none", "auto", "required"):
        problems.require(choice != "required" or bool(tools), "tool_choice: must have tools to be 'required'")
        return
    chosen = problems.record("tool_choice", choice)
    if chosen.get("type") in ("function", "custom"):
        wanted = (str(chosen["type"]), chosen.get("name"))
        problems.require(wanted in names, f"tool_choice: {wanted[1]!r} not found in 'tools' parameter")
    else:
        problems.one_of("tool_choice.type", chosen.get("type"), {*HOSTED_TOOLS, "allowed_tools"})


def _check_options(problems: Problems, request: dict[str, Any]) -> None:
    problems.number("temperature", request.get("temperature"), 0, 2)
    problems.number("top_p", request.get("top_p"), 0, 1)
    problems.number("top_logprobs", request.get("top_logprobs"), 0, 20, whole=True)
    problems.number("max_output_tokens", request.get("max_output_tokens"), 16, whole=True)
    for key in ("stream", "store", "parallel_tool_calls", "background"):
        problems.boolean(key, request.get(key))
    if request.get("instructions") is not None:
        problems.text("instructions", request["instructions"], blank=True)
    if request.get("stream_options") is not None:
        problems.require(request.get("stream") is True, "stream_options: only allowed when 'stream' is true")
    problems.unknown(
        "include", dict.fromkeys(map(str, problems.optional("include", request.get("include")))), INCLUDABLE
    )
    reasoning = problems.record("reasoning", request.get("reasoning") or {})
    problems.unknown("reasoning", reasoning, ("effort", "summary", "generate_summary", "context", "mode"))
    if reasoning.get("effort") is not None:
        problems.one_of("reasoning.effort", reasoning["effort"], EFFORTS)
    text = problems.record("text", request.get("text") or {})
    problems.unknown("text", text, ("format", "verbosity"))
    form = problems.record("text.format", text.get("format") or {"type": "text"})
    known = problems.one_of("text.format.type", form.get("type"), ("text", "json_object", "json_schema"))
    if known and form["type"] == "json_schema":
        problems.unknown("text.format", form, ("type", "name", "description", "schema", "strict"))
        _check_name(problems, "text.format.name", form.get("name"))
        check_output_schema(problems, "text.format.schema", form)
    metadata = problems.record("metadata", request.get("metadata") or {})
    problems.require(all(isinstance(value, str) for value in metadata.values()), "metadata: values must be strings")
