"""What Anthropic refuses in a conversation: roles, blocks, and the pairing of tool calls with their results."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

from tests.support.vendors.checks import Problems, words

TOOL_ID: Final = re.compile(r"[a-zA-Z0-9_-]+")
IMAGE_TYPES: Final = ("image/jpeg", "image/png", "image/gif", "image/webp")
BREAKPOINTS: Final = 4

SYSTEM_IN_THE_MIDDLE: Final = re.compile(
    r"claude-(opus-4-[89]|opus-[5-9]|fable-[5-9]|mythos-[5-9]|sonnet-5|haiku-5-[5-9])"
)
"""Models that take a turn of role ``system`` among the messages."""
WITHOUT_PREFILL: Final = re.compile(r"claude-((opus|sonnet|haiku)-4-[6-9]|(opus|sonnet|haiku|fable|mythos)-[5-9])")
"""Models that don't continue a last turn of the assistant."""

USER_BLOCKS: Final = words(
    """
    text image document search_result tool_result container_upload mcp_tool_result tool_addition tool_removal
    """
)
ASSISTANT_BLOCKS: Final = words(
    """
    text thinking redacted_thinking tool_use server_tool_use mcp_tool_use fallback compaction advisor
    mcp_tool_listing
    """
)
RESULT_BLOCKS: Final = words("text image document search_result tool_reference")


def check_text_blocks(problems: Problems, where: str, value: object) -> None:
    """A list of text blocks, as ``system`` takes it."""
    for number, member in enumerate(problems.listing(where, value)):
        block = problems.record(f"{where}.{number}", member)
        if problems.one_of(f"{where}.{number}.type", block.get("type"), ("text",)):
            _check_text(problems, f"{where}.{number}", block)


def check_messages(problems: Problems, request: dict[str, Any], *, alternation: bool, system_turns: bool) -> None:
    """All turns of the request; with ``thread`` they continue a conversation that the vendor has stored."""
    messages = problems.listing("messages", request.get("messages"))
    model = str(request.get("model"))
    able = system_turns or SYSTEM_IN_THE_MIDDLE.search(model) is not None
    if request.get("thread") is not None:
        return
    pending: list[str] = []
    seen: set[str] = set()
    before: str | None = None
    for number, value in enumerate(messages):
        where = f"messages.{number}"
        message = problems.record(where, value)
        role = str(message.get("role"))
        problems.unknown(where, message, ("role", "content"))
        if not problems.one_of(f"{where}.role", role, ("user", "assistant", "system")):
            continue
        blocks = _blocks_of(problems, where, message, last=number == len(messages) - 1)
        if before is None:
            problems.require(role == "user", 'messages: first message must use the "user" role')
        if role == "system":
            problems.require(able, f"{where}: role 'system' is not supported on this model")
            _check_system_turn(problems, where, before, messages[number + 1 :])
        else:
            twice = alternation and role == before
            problems.require(not twice, f'{where}: roles must alternate between "user" and "assistant"')
        _check_results(problems, where, blocks, pending)
        pending = _calls_of(problems, where, blocks, seen) if role == "assistant" else []
        for index, block in enumerate(blocks):
            _check_block(problems, f"{where}.content.{index}", block, role)
        before = role
    problems.require(not pending, f"messages: tool_use ids {pending} were found without tool_result blocks after")
    _check_end(problems, messages, model)
    _check_tools_present(problems, request, messages)


def _blocks_of(problems: Problems, where: str, message: dict[str, Any], *, last: bool) -> list[dict[str, Any]]:
    content = message.get("content")
    if isinstance(content, str):
        excused = last and message.get("role") == "assistant"
        problems.require(bool(content.strip()) or excused, f"{where}: text content blocks must be non-empty")
        return []
    if last and message.get("role") == "assistant" and content == []:
        return []
    return [problems.record(f"{where}.content", block) for block in problems.listing(f"{where}.content", content)]


def _check_system_turn(problems: Problems, where: str, before: str | None, after: list[Any]) -> None:
    problems.require(before in ("user", "system"), f"{where}: a system turn must come after a user turn")
    following = after[0].get("role") if after and isinstance(after[0], dict) else None
    fits = following in (None, "assistant", "system")
    problems.require(fits, f"{where}: a system turn must be followed by an assistant turn or end the conversation")


def _calls_of(problems: Problems, where: str, blocks: list[dict[str, Any]], seen: set[str]) -> list[str]:
    ids: list[str] = []
    for index, block in enumerate(blocks):
        if block.get("type") == "tool_use":
            id_ = str(block.get("id"))
            problems.require(id_ not in seen, f"{where}.content.{index}: tool_use ids must be unique ({id_!r})")
            seen.add(id_)
            ids.append(id_)
    return ids


def _check_results(problems: Problems, where: str, blocks: list[dict[str, Any]], pending: list[str]) -> None:
    """Results stand first in the turn after the calls, one for each call."""
    ids = [str(block.get("tool_use_id")) for block in blocks if block.get("type") == "tool_result"]
    leading = [block.get("type") for block in blocks[: len(ids)]]
    first = all(kind == "tool_result" for kind in leading)
    problems.require(first or not pending, f"{where}: tool_result blocks must come first in the turn")
    missing = [id_ for id_ in pending if id_ not in ids]
    told = f"{where}: tool_use ids were found without tool_result blocks immediately after: {missing}"
    problems.require(not missing, told)
    for id_ in ids:
        known = id_ in pending
        problems.require(known, f"{where}: unexpected tool_use_id found in tool_result blocks: {id_}")
    problems.require(len(ids) == len(set(ids)), f"{where}: each tool_use must have a single result ({ids})")


def _check_block(problems: Problems, where: str, block: dict[str, Any], role: str) -> None:
    kind = str(block.get("type"))
    allowed = {"user": USER_BLOCKS, "system": frozenset({"text"}), "assistant": ASSISTANT_BLOCKS}[role]
    server_result = role == "assistant" and kind.endswith("_tool_result")
    if not problems.require(kind in allowed or server_result, f"{where}: a {kind!r} block is not allowed for {role}"):
        return
    match kind:
        case "text":
            _check_text(problems, where, block)
        case "thinking":
            problems.unknown(where, block, ("type", "thinking", "signature"))
            problems.text(f"{where}.thinking", block.get("thinking"), blank=True)
            problems.text(f"{where}.signature", block.get("signature"))
        case "redacted_thinking":
            problems.unknown(where, block, ("type", "data"))
            problems.text(f"{where}.data", block.get("data"))
        case "tool_use":
            problems.unknown(where, block, ("type", "id", "name", "input", "cache_control", "caller", "toolset_name"))
            _check_id(problems, f"{where}.id", block.get("id"))
            problems.text(f"{where}.name", block.get("name"))
            problems.require(isinstance(block.get("input"), dict), f"{where}.input: Input should be a valid dictionary")
        case "tool_result":
            _check_result(problems, where, block)
        case "image":
            _check_source(problems, where, block)
        case _:
            pass


def _check_id(problems: Problems, where: str, value: object) -> None:
    fits = isinstance(value, str) and TOOL_ID.fullmatch(value) is not None
    problems.require(fits, f"{where}: String should match pattern '^[a-zA-Z0-9_-]+$' ({value!r})")


def _check_text(problems: Problems, where: str, block: dict[str, Any]) -> None:
    problems.unknown(where, block, ("type", "text", "cache_control", "citations"))
    problems.text(f"{where}: text content blocks must be non-empty; text", block.get("text"))


def _check_result(problems: Problems, where: str, block: dict[str, Any]) -> None:
    known = ("type", "tool_use_id", "content", "is_error", "cache_control", "toolset_name")
    problems.unknown(where, block, known)
    _check_id(problems, f"{where}.tool_use_id", block.get("tool_use_id"))
    problems.boolean(f"{where}.is_error", block.get("is_error"))
    content = block.get("content")
    if content is None or isinstance(content, str):
        return
    if problems.require(isinstance(content, list), f"{where}.content: must be a string or a list"):
        for index, value in enumerate(content):
            at = f"{where}.content.{index}"
            part = problems.record(at, value)
            if not problems.one_of(f"{at}.type", part.get("type"), sorted(RESULT_BLOCKS)):
                continue
            if part["type"] == "text":
                _check_text(problems, at, part)
            if part["type"] == "image":
                _check_source(problems, at, part)


def _check_source(problems: Problems, where: str, block: dict[str, Any]) -> None:
    source = problems.record(f"{where}.source", block.get("source"))
    if not problems.one_of(f"{where}.source.type", source.get("type"), ("base64", "url", "file")):
        return
    if source["type"] == "base64":
        problems.one_of(f"{where}.source.media_type", source.get("media_type"), IMAGE_TYPES)
        try:
            base64.b64decode(str(source.get("data")), validate=True)
        except binascii.Error:
            problems.append(f"{where}.source.data: must be valid base64")
    elif source["type"] == "url":
        web = str(source.get("url")).startswith(("https://", "http://"))
        problems.require(web, f"{where}.source.url: only web addresses are supported")


def _check_end(problems: Problems, messages: list[Any], model: str) -> None:
    last = messages[-1] if messages and isinstance(messages[-1], dict) else {}
    if last.get("role") != "assistant":
        return
    able = WITHOUT_PREFILL.search(model) is None
    problems.require(able, "messages: this model does not support assistant message prefill")
    content = last.get("content")
    end = content[-1].get("text") if isinstance(content, list) and content else content
    trimmed = not isinstance(end, str) or end == end.rstrip()
    problems.require(trimmed, "messages: final assistant content cannot end with trailing whitespace")


def _check_tools_present(problems: Problems, request: dict[str, Any], messages: list[Any]) -> None:
    used = any(
        isinstance(block, dict) and block.get("type") in ("tool_use", "tool_result")
        for message in messages
        if isinstance(message, dict) and isinstance(message.get("content"), list)
        for block in message["content"]
    )
    told = "tools: Requests which have `tool_use` or `tool_result` blocks in `messages` must define tools"
    problems.require(not used or bool(request.get("tools")), told)


def check_breakpoints(problems: Problems, request: dict[str, Any]) -> None:
    """At most four cache breakpoints, each of a known lifetime, none on thinking."""
    found: list[dict[str, Any]] = []

    def walk(value: object) -> None:
        if isinstance(value, list):
            for member in value:
                walk(member)
        elif isinstance(value, dict):
            mark = value.get("cache_control")
            if isinstance(mark, dict):
                found.append(mark)
                marked = str(value.get("type")) not in ("thinking", "redacted_thinking")
                problems.require(marked, "cache_control: thinking blocks cannot be marked")
            walk(value.get("content"))

    for key in ("system", "tools", "messages"):
        walk(request.get(key))
    problems.require(len(found) <= BREAKPOINTS, f"cache_control: a maximum of 4 blocks, found {len(found)}")
    for mark in found:
        problems.one_of("cache_control.type", mark.get("type"), ("ephemeral",))
        problems.one_of("cache_control.ttl", mark.get("ttl", "5m"), ("5m", "1h"))
        problems.unknown("cache_control", mark, ("type", "ttl", "scope"))
