"""What Anthropic refuses in a Messages or count_tokens request: the top level, tools and thinking.

The conversation itself is in ``turns``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from tests.support.http import Headers
from tests.support.vendors.anthropic.schemas import Tally, check_enforced_schema
from tests.support.vendors.anthropic.turns import check_breakpoints, check_messages, check_text_blocks
from tests.support.vendors.checks import Problems, headers_of, words

TOP_LEVEL: Final = words(
    """
    cache_control container diagnostics inference_geo max_tokens messages metadata model output_config service_tier
    speed stop_sequences stream system temperature thinking tool_choice tools top_k top_p user_profile_id
    workspace_id
    """
)
BETA: Final = words("billing_policy compaction context_management fallback_credit_token fallbacks mcp_servers thread")
"""Fields that need an ``anthropic-beta`` header."""
NOT_COUNTED: Final = words("max_tokens metadata service_tier stop_sequences stream temperature top_k top_p")
"""Fields that count_tokens doesn't take."""
VERSIONS: Final = ("2023-01-01", "2023-06-01", "2026-10-21")
WITHOUT_SAMPLING: Final = "2026-10-21"
"""The version that took temperature, top_p and top_k away."""

TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}")
PROPERTY_NAME: Final = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
TOOL_FIELDS: Final = words(
    """
    name description input_schema type cache_control strict defer_loading allowed_callers eager_input_streaming
    input_examples
    """
)


def check_request(
    body: object,
    headers: Headers | Mapping[str, str] | None = None,
    path: str = "",
    *,
    alternation: bool = False,
    system_turns: bool = False,
) -> list[str]:
    """The reasons for which the vendor answers 400; none for a good request.

    ``alternation`` refuses two turns of one role in a row, which compatible servers do and the vendor doesn't;
    ``system_turns`` takes turns of role ``system`` for every model.
    """
    problems = Problems()
    request = problems.record("body", body)
    if problems:
        return problems
    sent = headers_of(headers)
    counting = path.endswith("/count_tokens")
    beta = sent.get("anthropic-beta") is not None
    problems.unknown("body", request, (TOP_LEVEL | BETA if beta else TOP_LEVEL) - (NOT_COUNTED if counting else set()))
    if headers is not None:
        problems.one_of("anthropic-version", sent.get("anthropic-version"), VERSIONS)
    problems.text("model", request.get("model"))
    if not counting:
        given = request.get("max_tokens") is not None
        if problems.require(given, "max_tokens: Field required"):
            problems.number("max_tokens", request["max_tokens"], 1, whole=True)
    if request.get("system") is not None and not isinstance(request["system"], str):
        check_text_blocks(problems, "system", request["system"])
    check_messages(problems, request, alternation=alternation, system_turns=system_turns)
    check_breakpoints(problems, request)
    _check_tools(problems, request)
    _check_thinking(problems, request)
    _check_options(problems, request, sent.get("anthropic-version"))
    return problems


def _check_tools(problems: Problems, request: dict[str, Any]) -> None:
    tally = Tally()
    form = (request.get("output_config") or {}).get("format")
    if isinstance(form, dict) and "schema" in form:
        check_enforced_schema(problems, "output_config.format.schema", form["schema"], tally)
    names: list[object] = []
    for number, value in enumerate(problems.optional("tools", request.get("tools"))):
        where = f"tools[{number}]"
        tool = problems.record(where, value)
        if tool.get("name") is not None:
            problems.require(tool["name"] not in names, f"tools: Tool names must be unique ({tool['name']!r})")
            names.append(tool["name"])
        if tool.get("type", "custom") not in (None, "custom"):
            continue
        problems.unknown(where, tool, TOOL_FIELDS)
        named = isinstance(tool.get("name"), str) and TOOL_NAME.fullmatch(tool["name"]) is not None
        problems.require(named, f"{where}.name: {tool.get('name')!r} does not match '^[a-zA-Z0-9_-]{{1,128}}$'")
        _check_schema(problems, f"{where}.input_schema", tool.get("input_schema"))
        if tool.get("strict") is True:
            check_enforced_schema(problems, f"{where}.input_schema", tool.get("input_schema"), tally)
    tally.check(problems)
    choice = request.get("tool_choice")
    if choice is None:
        return
    chosen = problems.record("tool_choice", choice)
    kind = str(chosen.get("type"))
    if not problems.one_of("tool_choice.type", kind, ("auto", "any", "tool", "none")):
        return
    problems.require(bool(names) or kind == "none", "tool_choice: may only be specified while providing tools")
    allowed = {"none": ("type",), "tool": ("type", "name", "disable_parallel_tool_use")}
    problems.unknown("tool_choice", chosen, allowed.get(kind, ("type", "disable_parallel_tool_use")))
    if kind == "tool":
        found = chosen.get("name") in names
        problems.require(found, f"tool_choice: Tool {chosen.get('name')!r} not found in provided tools")


def _check_schema(problems: Problems, where: str, value: object) -> None:
    schema = problems.record(where, value)
    problems.require(schema.get("type") == "object", f"{where}.type: Field required to be 'object'")
    for keyword in ("anyOf", "oneOf", "allOf"):
        problems.require(keyword not in schema, f"{where}: does not support {keyword} at the top level")
    for name in problems.record(f"{where}.properties", schema.get("properties") or {}):
        fits = PROPERTY_NAME.fullmatch(name) is not None
        problems.require(fits, f"{where}: property key {name!r} should match '^[a-zA-Z0-9_.-]{{1,64}}$'")


def _check_thinking(problems: Problems, request: dict[str, Any]) -> None:
    if request.get("thinking") is None:
        return
    thinking = problems.record("thinking", request["thinking"])
    kind = str(thinking.get("type"))
    if not problems.one_of("thinking.type", kind, ("enabled", "disabled", "adaptive", "between_tools")):
        return
    known = {"enabled": ("type", "budget_tokens", "display"), "disabled": ("type",)}
    problems.unknown("thinking", thinking, known.get(kind, ("type", "display")))
    if kind != "enabled":
        return
    budget, limit = thinking.get("budget_tokens"), request.get("max_tokens")
    if problems.require(budget is not None, "thinking.budget_tokens: Field required"):
        counted = problems.number("thinking.budget_tokens", budget, 1024, whole=True)
        if counted and isinstance(limit, int):
            problems.require(int(str(budget)) < limit, "max_tokens: must be greater than thinking.budget_tokens")
    warm = request.get("temperature")
    problems.require(warm is None or warm == 1, "temperature: may only be set to 1 when thinking is enabled")
    problems.require(request.get("top_k") is None, "top_k: must be unset when thinking is enabled")
    choice = request.get("tool_choice")
    forced = isinstance(choice, dict) and choice.get("type") in ("any", "tool")
    problems.require(not forced, "thinking: may not be enabled when tool_choice forces tool use")
    messages = request.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else {}
    prefilled = isinstance(last, dict) and last.get("role") == "assistant"
    problems.require(not prefilled, "messages: the final turn can't be an assistant turn when thinking is enabled")


def _check_options(problems: Problems, request: dict[str, Any], version: str | None) -> None:
    for key, high in (("temperature", 1.0), ("top_p", 1.0), ("top_k", float("inf"))):
        problems.number(key, request.get(key), 0, high, whole=key == "top_k")
        gone = version == WITHOUT_SAMPLING and request.get(key) is not None
        problems.require(not gone, f"{key}: Extra inputs are not permitted in version {version}")
    problems.boolean("stream", request.get("stream"))
    for number, sequence in enumerate(problems.optional("stop_sequences", request.get("stop_sequences"))):
        problems.text(f"stop_sequences[{number}]", sequence)
    problems.unknown("metadata", problems.record("metadata", request.get("metadata") or {}), ("user_id",))
    output = problems.record("output_config", request.get("output_config") or {})
    problems.unknown("output_config", output, ("effort", "format", "task_budget"))
    if output.get("effort") is not None:
        problems.one_of("output_config.effort", output["effort"], ("low", "medium", "high", "xhigh", "max"))
    if output.get("format") is not None:
        form = problems.record("output_config.format", output["format"])
        problems.one_of("output_config.format.type", form.get("type"), ("json_schema",))
        problems.unknown("output_config.format", form, ("type", "schema"))
        problems.record("output_config.format.schema", form.get("schema"))
