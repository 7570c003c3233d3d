"""The ``input`` of a client's request to turns of the hub."""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core import json
from codenex.core.errors import Fault, invalid_request
from codenex.core.losses import Losses
from codenex.core.parts import Part, Text, ToolCall, ToolResult
from codenex.core.request import Tool, Turn
from codenex.protocols.openai_responses.fields import Fields, refused, unknown_value
from codenex.protocols.openai_responses.items import content_part, item_parts, string_or_none
from codenex.protocols.openai_responses.tools import decode_tools
from codenex.protocols.openai_responses.types import (
    ASSISTANT_ITEMS,
    BUILTIN_OUTPUTS,
    RESULT_ITEMS,
    TOOL_ERROR,
    TOOL_SEARCH,
)

#: Fields that an item of a type must have, and as what.
_REQUIRED: dict[str, tuple[tuple[str, type, str], ...]] = {
    "function_call": (("call_id", str, "a string"), ("name", str, "a string")),
    "custom_tool_call": (("call_id", str, "a string"), ("name", str, "a string"), ("input", str, "a string")),
    "local_shell_call": (("call_id", str, "a string"), ("action", dict, "an object")),
    "shell_call": (("call_id", str, "a string"), ("action", dict, "an object")),
    "apply_patch_call": (("call_id", str, "a string"), ("operation", dict, "an object")),
    "item_reference": (("id", str, "a string"),),
}

_ROLES = frozenset({"user", "assistant", "system", "developer"})


class InputDecoder:
    """Builds turns item by item. Adjacent items of the assistant's side make one turn, so do adjacent results."""

    __slots__ = ("_calls", "_losses", "_results", "tools", "turns")

    def __init__(self, losses: Losses) -> None:
        self.turns: list[Turn] = []
        #: tools that the conversation itself brings in
        self.tools: list[Tool] = []
        self._calls: dict[str, ToolCall] = {}
        self._losses = losses
        self._results = False

    def add(self, item: Any, path: str) -> None:
        """Take one item. Raises :class:`~codenex.core.errors.Fault`."""
        fields = Fields(item, path)
        kind = item.get("type")
        if kind is None:
            kind = "message" if "role" in fields.rest else "item_reference"
        if not isinstance(kind, str):
            raise refused(fields.at("type"), "a string", kind)
        for name, expected, word in _REQUIRED.get(kind, ()):
            if not isinstance(fields.needed(name), expected):
                raise refused(fields.at(name), word, item[name])
        if kind == "message":
            self._message(Fields(item, path))
        elif kind == "additional_tools":
            self.tools.extend(decode_tools(Fields(item, path).objects("tools"), f"{path}.tools"))
            self._losses.adapt(path, "the additional tools have joined the list of tools")
        elif kind in RESULT_ITEMS and (result := self._result(item, kind, path)) is not None:
            self._user_result(result)
        elif kind in ASSISTANT_ITEMS or kind in RESULT_ITEMS or kind.endswith("_call"):
            parts = item_parts({**item, "type": kind})
            for part in parts:
                if isinstance(part, ToolCall):
                    self._calls[part.id] = part
            self._assistant(parts)
        else:
            # Approval answers, updates and types to come keep their place as turns of their own.
            self.turns.append(Turn("user", tuple(item_parts(item))))
            self._results = False

    # --- messages ---

    def _message(self, fields: Fields) -> None:
        fields.any("type")
        role = fields.needed_string("role")
        if role not in _ROLES:
            raise unknown_value(fields.at("role"), role, "'assistant', 'system', 'developer', and 'user'")
        item_id, phase = string_or_none(fields.string("id")), fields.string("phase")
        if fields.rest.get("status") in ("completed", "in_progress"):
            fields.any("status")
        parts = _content(fields.any("content"), fields.at("content"), item_id)
        extras = fields.extras()
        if role == "assistant":
            self._assistant(parts, phase, extras)
            return
        if role == "user":
            self.turns.append(Turn("user", tuple(parts), phase=phase, extras=extras))
        else:
            self.turns.append(Turn("system", tuple(parts), role, phase=phase, extras=extras))
        self._results = False

    def _assistant(self, parts: list[Part], phase: str | None = None, extras: dict[str, Any] | None = None) -> None:
        self._results = False
        last = self.turns[-1] if self.turns else None
        if (
            last is None
            or last.role != "assistant"
            or (phase != last.phase and last.phase is not None and phase is not None)
        ):
            self.turns.append(Turn("assistant", tuple(parts), phase=phase, extras=extras))
            return
        if extras is not None and last.extras is not None:
            extras = {**last.extras, **extras}
        self.turns[-1] = msgspec.structs.replace(
            last,
            parts=(*last.parts, *parts),
            phase=last.phase if last.phase is not None else phase,
            extras=extras if extras is not None else last.extras,
        )

    # --- results ---

    def _user_result(self, result: ToolResult) -> None:
        if self._results:
            last = self.turns[-1]
            self.turns[-1] = msgspec.structs.replace(last, parts=(*last.parts, result))
        else:
            self.turns.append(Turn("user", (result,)))
            self._results = True

    def _result(self, item: dict[str, Any], kind: str, path: str) -> ToolResult | None:
        """Build a result; ``None`` for one that a vendor's own tool gave."""
        call_id = string_or_none(item.get("call_id"))
        if call_id is None and kind == "local_shell_call_output":
            # Its id is that of the call.
            call_id = string_or_none(item.get("id"))
        if kind in ("shell_call_output", "tool_search_output") and (call_id is None or call_id not in self._calls):
            return None
        if call_id is None:
            raise invalid_request(
                f"Missing required parameter: '{path}.call_id'.",
                param=f"{path}.call_id",
                code="missing_required_parameter",
            )
        call = self._calls.get(call_id)
        builtin = BUILTIN_OUTPUTS.get(kind)
        field = "tools" if builtin is TOOL_SEARCH else "output"
        output = item.get(field)
        if builtin is TOOL_SEARCH and isinstance(output, list):
            self.tools.extend(decode_tools(output, f"{path}.tools"))
        structured = kind in ("shell_call_output", "tool_search_output")
        parts = [Text(json.encode_text(output))] if structured else _output(output, f"{path}.output")
        is_error = kind == "apply_patch_call_output" and item.get("status") == "failed"
        if parts and isinstance(parts[0], Text) and parts[0].text.startswith(TOOL_ERROR):
            parts[0] = msgspec.structs.replace(parts[0], text=parts[0].text.removeprefix(TOOL_ERROR))
            is_error = True
        known = {"type", "id", "call_id", "status", "name", "execution", "namespace", field}
        extras = {key: value for key, value in item.items() if key not in known and value is not None}
        if extras.get("caller") == {"type": "direct"}:
            del extras["caller"]
        return ToolResult(
            call_id,
            tuple(parts),
            call.name if call is not None else string_or_none(item.get("name")),
            is_error,
            RESULT_ITEMS[kind],
            extras=extras if extras else None,
            item_id=string_or_none(item.get("id")),
        )


def _content(content: Any, path: str, item_id: str | None) -> list[Part]:
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content, item_id=item_id)]
    if not isinstance(content, list):
        raise refused(path, "a string or an array of content parts", content)
    out: list[Part] = []
    for position, piece in enumerate(content):
        where = f"{path}[{position}]"
        if isinstance(piece, str):
            out.append(Text(piece, item_id=item_id))
            continue
        fields = Fields(piece, where)
        kind = fields.needed_string("type")
        match kind:
            case "input_text" | "output_text" | "text":
                fields.needed_string("text")
            case "refusal":
                fields.needed_string("refusal")
            case "input_image" if "file_id" not in fields.rest:
                if not isinstance(fields.needed("image_url"), str | dict):
                    raise refused(fields.at("image_url"), "a string", piece["image_url"])
            case "input_file" if not fields.rest.keys() & {"file_data", "file_url", "file_id"}:
                fields.needed("file_data")
            case "input_audio":
                audio = Fields(fields.needed("input_audio"), fields.at("input_audio"))
                audio.needed_string("data")
            case _:
                pass
        out.append(content_part(piece, item_id))
    return out


def _output(output: Any, path: str) -> list[Part]:
    if output is None or output == "":
        return []
    if isinstance(output, str):
        return [Text(output)]
    if isinstance(output, list):
        if all(isinstance(piece, dict) and isinstance(piece.get("type"), str) for piece in output):
            return _content(output, path, None)
        return [Text(json.encode_text(output))]
    if isinstance(output, dict):
        # Not in the protocol, but tools answer with plain JSON.
        return [Text(json.encode_text(output))]
    raise refused(path, "a string or an array of content parts", output)


def found_tools(turns: tuple[Turn, ...]) -> list[Tool]:
    """Return the tools that the results of tool searches hold."""
    found: list[Tool] = []
    for turn in turns:
        for part in turn.parts:
            if isinstance(part, ToolResult) and part.name == TOOL_SEARCH.name and part.parts:
                first = part.parts[0]
                try:
                    tools = json.decode(first.text) if isinstance(first, Text) else None
                    found.extend(decode_tools(tools, "tools") if isinstance(tools, list) else ())
                except (json.MalformedJson, Fault):
                    continue
    return found
