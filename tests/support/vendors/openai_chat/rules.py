"""What OpenAI refuses in a Chat Completions request."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from tests.support.http import Headers
from tests.support.vendors.checks import FUNCTION_NAME, Problems, check_output_schema, check_strict_root, words

TOP_LEVEL: Final = words(
    """
    audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages
    metadata modalities model moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key
    prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier
    stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity
    web_search_options
    """
)
EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
PARTICIPANT_NAME: Final = re.compile(r"[^\s<|\\/>]{1,64}")

MESSAGE_FIELDS: Final[dict[str, frozenset[str]]] = {
    "developer": frozenset({"role", "content", "name"}),
    "system": frozenset({"role", "content", "name"}),
    "user": frozenset({"role", "content", "name"}),
    "assistant": frozenset(
        {"role", "content", "name", "refusal", "tool_calls", "function_call", "audio", "annotations"}
    ),
    "tool": frozenset({"role", "content", "tool_call_id"}),
    "function": frozenset({"role", "content", "name"}),
}
PART_TYPES: Final[dict[str, frozenset[str]]] = {
    "developer": frozenset({"text"}),
    "system": frozenset({"text"}),
    "user": frozenset({"text", "image_url", "input_audio", "file"}),
    "assistant": frozenset({"text", "refusal"}),
    "tool": frozenset({"text"}),
    "function": frozenset(),
}


def check_request(
    body: object, headers: Headers | Mapping[str, str] | None = None, path: str = "", *, extra: Collection[str] = ()
) -> list[str]:
    """The reasons for which the vendor answers 400; none for a good request.

    ``extra`` names fields that a compatible vendor takes besides, at the top and in messages.
    """
    problems = Problems()
    request = problems.record("body", body)
    if problems:
        return problems
    problems.unknown("body", request, TOP_LEVEL | set(extra))
    problems.text("model", request.get("model"))
    _check_messages(problems, request.get("messages"), frozenset(extra))
    _check_tools(problems, request)
    _check_sampling(problems, request)
    _check_output(problems, request)
    return problems


def _check_messages(problems: Problems, messages: object, extra: frozenset[str]) -> None:
    pending: list[str] = []
    for number, value in enumerate(problems.listing("messages", messages)):
        where = f"messages[{number}]"
        message = problems.record(where, value)
        role = str(message.get("role"))
        if not problems.one_of(f"{where}.role", role, MESSAGE_FIELDS):
            continue
        problems.unknown(where, message, MESSAGE_FIELDS[role] | extra)
        if role == "tool":
            id_ = str(message.get("tool_call_id"))
            told = f"{where}: messages with role 'tool' must answer a preceding message with 'tool_calls' ({id_!r})"
            if problems.require(id_ in pending, told):
                pending.remove(id_)
        else:
            problems.require(not pending, f"{where}: tool calls {pending} have no tool messages after them")
            pending = _check_calls(problems, where, message) if role == "assistant" else []
        _check_content(problems, where, message, role)
        if message.get("name") is not None:
            named = isinstance(message["name"], str) and PARTICIPANT_NAME.fullmatch(message["name"]) is not None
            problems.require(named, f"{where}.name: {message['name']!r} has characters that are not allowed")
    problems.require(not pending, f"messages: tool calls {pending} have no tool messages after them")


def _check_calls(problems: Problems, where: str, message: dict[str, Any]) -> list[str]:
    ids: list[str] = []
    if message.get("tool_calls") is None:
        return ids
    for number, value in enumerate(problems.listing(f"{where}.tool_calls", message["tool_calls"])):
        at = f"{where}.tool_calls[{number}]"
        call = problems.record(at, value)
        id_ = str(call.get("id"))
        if problems.text(f"{at}.id", call.get("id")):
            problems.require(len(id_) <= 64, f"{at}.id: longer than 64 characters")
            problems.require(id_ not in ids, f"{at}.id: duplicate {id_!r}")
            ids.append(id_)
        if not problems.one_of(f"{at}.type", call.get("type"), ("function", "custom")):
            continue
        problems.unknown(at, call, ("id", "type", call["type"]))
        inner = problems.record(f"{at}.{call['type']}", call.get(call["type"]))
        field = "arguments" if call["type"] == "function" else "input"
        problems.unknown(f"{at}.{call['type']}", inner, ("name", field))
        _check_name(problems, f"{at}.{call['type']}.name", inner.get("name"))
        problems.text(f"{at}.{call['type']}.{field}", inner.get(field), blank=True)
    return ids


def _check_name(problems: Problems, where: str, name: object) -> None:
    ok = isinstance(name, str) and FUNCTION_NAME.fullmatch(name) is not None
    problems.require(ok, f"{where}: {name!r} does not match ^[a-zA-Z0-9_-]{{1,64}}$")


def _check_content(problems: Problems, where: str, message: dict[str, Any], role: str) -> None:
    content = message.get("content")
    if content is None:
        speaks = any(message.get(key) for key in ("tool_calls", "function_call", "refusal", "audio"))
        excused = role == "function" or (role == "assistant" and speaks)
        problems.require(excused, f"{where}.content: must be a string or a list of parts")
        return
    if isinstance(content, str):
        return
    for number, value in enumerate(problems.listing(f"{where}.content", content)):
        at = f"{where}.content[{number}]"
        part = problems.record(at, value)
        if not problems.one_of(f"{at}.type", part.get("type"), sorted(PART_TYPES[role])):
            continue
        inner = part.get(part["type"])
        problems.unknown(at, part, ("type", part["type"], "prompt_cache_breakpoint"))
        match part["type"]:
            case "image_url":
                url = problems.record(f"{at}.image_url", inner).get("url")
                shaped = isinstance(url, str) and url.startswith(("http://", "https://", "data:image/"))
                problems.require(shaped, f"{at}.image_url.url: neither a web address nor a data URL of an image")
            case "input_audio" | "file":
                problems.record(f"{at}.{part['type']}", inner)
            case _:
                problems.text(f"{at}.{part['type']}", inner, blank=True)


def _check_tools(problems: Problems, request: dict[str, Any]) -> None:
    names: list[tuple[str, object]] = []
    if request.get("tools") is not None:
        for number, value in enumerate(problems.listing("tools", request["tools"])):
            where = f"tools[{number}]"
            tool = problems.record(where, value)
            if not problems.one_of(f"{where}.type", tool.get("type"), ("function", "custom")):
                continue
            problems.unknown(where, tool, ("type", tool["type"]))
            inner = problems.record(f"{where}.{tool['type']}", tool.get(tool["type"]))
            names.append((tool["type"], inner.get("name")))
            _check_name(problems, f"{where}.{tool['type']}.name", inner.get("name"))
            if tool["type"] == "function":
                _check_function(problems, f"{where}.function", inner)
    for only_with_tools in ("tool_choice", "parallel_tool_calls"):
        alone = request.get(only_with_tools) is not None and not names
        problems.require(not alone, f"{only_with_tools}: only allowed when 'tools' are specified")
    _check_choice(problems, request.get("tool_choice"), names)
    problems.boolean("parallel_tool_calls", request.get("parallel_tool_calls"))


def _check_function(problems: Problems, where: str, function: dict[str, Any]) -> None:
    problems.unknown(where, function, ("name", "description", "parameters", "strict"))
    problems.boolean(f"{where}.strict", function.get("strict"))
    if function.get("description") is not None:
        problems.text(f"{where}.description", function["description"], blank=True)
    parameters = function.get("parameters")
    if parameters is not None:
        schema = problems.record(f"{where}.parameters", parameters)
        rooted = schema.get("type", "object") == "object"
        problems.require(rooted, f"{where}.parameters: schema must have type 'object'")
        if function.get("strict"):
            check_strict_root(problems, f"{where}.parameters", schema)


def _check_choice(problems: Problems, choice: object, names: list[tuple[str, object]]) -> None:
    if choice is None or choice in ("none", "auto", "required"):
        return
    chosen = problems.record("tool_choice", choice)
    kind = str(chosen.get("type"))
    if not problems.one_of("tool_choice.type", kind, ("function", "custom", "allowed_tools")):
        return
    inner = problems.record(f"tool_choice.{kind}", chosen.get(kind))
    if kind != "allowed_tools":
        name = inner.get("name")
        problems.require((kind, name) in names, f"tool_choice: {name!r} not found in 'tools' parameter")


def _check_sampling(problems: Problems, request: dict[str, Any]) -> None:
    problems.number("temperature", request.get("temperature"), 0, 2)
    problems.number("top_p", request.get("top_p"), 0, 1)
    problems.number("presence_penalty", request.get("presence_penalty"), -2, 2)
    problems.number("frequency_penalty", request.get("frequency_penalty"), -2, 2)
    problems.number("n", request.get("n"), 1, 128, whole=True)
    problems.number("max_tokens", request.get("max_tokens"), 1, whole=True)
    problems.number("max_completion_tokens", request.get("max_completion_tokens"), 1, whole=True)
    problems.number("top_logprobs", request.get("top_logprobs"), 0, 20, whole=True)
    both = request.get("max_tokens") is not None and request.get("max_completion_tokens") is not None
    problems.require(not both, "max_tokens: not supported together with 'max_completion_tokens'")
    if request.get("top_logprobs") is not None:
        problems.require(request.get("logprobs") is True, "top_logprobs: only allowed when 'logprobs' is true")
    stop = request.get("stop")
    if isinstance(stop, list):
        problems.require(1 <= len(stop) <= 4, "stop: must have one to four sequences")
    elif stop is not None:
        problems.text("stop", stop, blank=True)


def _check_output(problems: Problems, request: dict[str, Any]) -> None:
    problems.boolean("stream", request.get("stream"))
    if request.get("stream_options") is not None:
        problems.require(request.get("stream") is True, "stream_options: only allowed when 'stream' is true")
        options = problems.record("stream_options", request["stream_options"])
        problems.unknown("stream_options", options, ("include_usage", "include_obfuscation"))
    if request.get("reasoning_effort") is not None:
        problems.one_of("reasoning_effort", request["reasoning_effort"], EFFORTS)
    metadata = request.get("metadata")
    if metadata is not None:
        texts = all(isinstance(value, str) for value in problems.record("metadata", metadata).values())
        problems.require(texts, "metadata: values must be strings")
    if request.get("response_format") is not None:
        form = problems.record("response_format", request["response_format"])
        if not problems.one_of("response_format.type", form.get("type"), ("text", "json_object", "json_schema")):
            return
        if form["type"] == "json_schema":
            inner = problems.record("response_format.json_schema", form.get("json_schema"))
            problems.unknown("response_format.json_schema", inner, ("name", "description", "schema", "strict"))
            _check_name(problems, "response_format.json_schema.name", inner.get("name"))
            check_output_schema(problems, "response_format.json_schema.schema", inner)
