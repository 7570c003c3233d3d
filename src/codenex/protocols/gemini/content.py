"""A client's ``contents`` to turns: parts, pairing of calls and results without ids, pieces of streams joined."""

from __future__ import annotations

import functools
from typing import Any

import msgspec

from codenex.core import json
from codenex.core.errors import invalid_request
from codenex.core.identifiers import derived_call_id
from codenex.core.media import kind_of, normalised_base64, normalised_type, sniffed_type
from codenex.core.parts import Media, Opaque, Part, Reasoning, ServerTool, Signature, Text, ToolCall, ToolResult
from codenex.core.request import Turn
from codenex.protocols.gemini.carriage import unloaded
from codenex.protocols.gemini.fields import as_list, as_object, bool_field, canonical, refuse, rest_of, text_field
from codenex.protocols.gemini.signatures import decode_signature
from codenex.protocols.gemini.types import (
    BLOB_FIELDS,
    CALL_FIELDS,
    CONTENT_FIELDS,
    FILE_FIELDS,
    NAME,
    PART_DATA,
    PART_FIELDS,
    RESULT_FIELDS,
    SERVER_TOOL_PARTS,
    Object,
)

_ROLES = {"user": "user", "model": "assistant", "assistant": "assistant", "function": "user", "tool": "user"}
_READ = frozenset({"thought", "thoughtSignature"})


class _Calls:
    """Gives calls without an id (or with a used one) an id from their place, and results the id of their call."""

    def __init__(self) -> None:
        self._open: list[tuple[str | None, str, str]] = []
        self._used: set[str] = set()

    def call(self, given: str | None, name: str, *place: object) -> str:
        found = given if given else derived_call_id(NAME, *place, name)
        if found in self._used:
            found = derived_call_id(NAME, given, *place, name)
        self._used.add(found)
        self._open.append((given if given else None, name, found))
        return found

    def result(self, given: str | None, name: str | None, *place: object) -> tuple[str, str | None]:
        """Return id and name of the call that a result belongs to: by id, else the oldest open one of its name."""
        for position, (call_given, call_name, found) in enumerate(self._open):
            if (given is not None and given == call_given) or (not given and call_name == name):
                del self._open[position]
                return found, call_name
        if given:
            return given, name
        return derived_call_id(NAME, *place, name), name


def decode_contents(value: Any) -> tuple[Turn, ...]:
    """Decode ``contents``. Neighbours of the model are one turn: SDKs keep a stream as one content per chunk."""
    calls = _Calls()
    turns: list[Turn] = []
    for position, item in enumerate(as_list(value, "contents")):
        path = f"contents[{position}]"
        if isinstance(item, str):
            turns.append(Turn("user", (Text(item),)))
            continue
        content = canonical(as_object(item, path), CONTENT_FIELDS)
        raw_parts = as_list(content["parts"], f"{path}.parts") if "parts" in content else []
        role = _role(content, raw_parts, path)
        parts = tuple(
            part
            for number, raw in enumerate(raw_parts)
            if (part := decode_part(raw, f"{path}.parts[{number}]", calls, (position, number))) is not None
        )
        extras = rest_of(content, CONTENT_FIELDS)
        if role == "assistant":
            # A space between two pieces of a stream is no empty part.
            parts = functools.reduce(lambda before, part: _joined(before, (part,)), parts, ())
        if role == "assistant" and turns and turns[-1].role == "assistant" and extras is None:
            turns[-1] = msgspec.structs.replace(turns[-1], parts=_joined(turns[-1].parts, parts))
        elif role == "system":
            turns.append(Turn("system", parts, "system", extras=extras))
        else:
            turns.append(Turn("assistant" if role == "assistant" else "user", parts, extras=extras))
    return tuple(
        msgspec.structs.replace(turn, parts=unloaded(turn.parts)) if turn.role == "assistant" else turn
        for turn in turns
    )


def _role(content: Object, parts: list[Any], path: str) -> str:
    role = text_field(content, "role", path)
    if not role:
        called = any(isinstance(part, dict) and ("functionCall" in part or "function_call" in part) for part in parts)
        return "assistant" if called else "user"
    if role.lower() == "system":
        return "system"
    known = _ROLES.get(role.lower())
    if known is None:
        raise invalid_request(f"{path}.role: {role!r} is neither user nor model", param=f"{path}.role")
    return known


def _joined(before: tuple[Part, ...], after: tuple[Part, ...]) -> tuple[Part, ...]:
    """Join the pieces of a stream: unsigned text goes on in unsigned text; a signed part is never touched."""
    if not before or not after:
        return before + after
    last, first = before[-1], after[0]
    match last, first:
        case Text(signature=None, extras=None), Text(signature=None, extras=None):
            return (*before[:-1], Text(last.text + first.text), *after[1:])
        case Reasoning(signature=None, extras=None), Reasoning(signature=None, extras=None):
            return (*before[:-1], _thought(last.text + first.text, None, None), *after[1:])
        case _:
            return before + after


def decode_system(value: Any) -> tuple[Turn, ...]:
    """Decode ``systemInstruction``: a content, its parts or a string; its role means nothing."""
    path = "systemInstruction"
    if isinstance(value, str):
        parts: tuple[Part, ...] = (Text(value),)
    else:
        content = canonical(value, CONTENT_FIELDS) if isinstance(value, dict) else {"parts": value}
        if "parts" not in content and "text" in content:
            content = {"parts": [content]}
        raw_parts = as_list(content.get("parts", []), f"{path}.parts")
        decoded = (decode_part(raw, f"{path}.parts[{i}]", _Calls(), ("system", i)) for i, raw in enumerate(raw_parts))
        parts = tuple(part for part in decoded if part is not None)
    return (Turn("system", parts, "instructions"),) if parts else ()


def decode_part(value: Any, path: str, calls: _Calls, place: tuple[object, ...]) -> Part | None:
    """Decode one part; ``None`` where it holds nothing at all."""
    if isinstance(value, str):
        return Text(value)
    if type(value) is dict and len(value) == 1 and "text" in value and type(value["text"]) is str:
        return Text(value["text"])
    part = canonical(as_object(value, path), PART_FIELDS)
    kind = next((name for name in PART_DATA if name in part), None)
    given = text_field(part, "thoughtSignature", path)
    signature = decode_signature(given) if given else None
    if kind in SERVER_TOOL_PARTS:
        return server_tool(kind, part)
    extras = rest_of(part, _READ | ({kind} if kind is not None else frozenset()))
    if bool_field(part, "thought", path) is True and kind in ("text", None):
        return _thought(text_field(part, "text", path) or "", signature, extras)
    match kind:
        case "text":
            return Text(text_field(part, "text", path) or "", signature=signature, extras=extras)
        case "inlineData":
            return _blob(as_object(part[kind], f"{path}.{kind}"), f"{path}.{kind}", signature, extras)
        case "fileData":
            return _file(as_object(part[kind], f"{path}.{kind}"), f"{path}.{kind}", signature, extras)
        case "functionCall":
            return _call(as_object(part[kind], f"{path}.{kind}"), f"{path}.{kind}", signature, extras, calls, place)
        case "functionResponse":
            return _result(as_object(part[kind], f"{path}.{kind}"), f"{path}.{kind}", extras, calls, place)
        case _:
            if extras is not None:
                return Opaque(NAME, next(iter(extras)), part)
            return Text("", signature=signature) if signature is not None else None


def _thought(text: str, signature: Signature | None, extras: Object | None) -> Reasoning:
    return Reasoning(
        (text,) if text else (), redacted=not text and signature is not None, signature=signature, extras=extras
    )


def server_tool(kind: str, part: Object) -> ServerTool:
    """Decode a part that one of Google's own tools filled; a reader elsewhere gets code and its output fenced."""
    data = part[kind] if isinstance(part[kind], dict) else {}
    text = None
    if kind == "executableCode":
        text = f"```{str(data.get('language', '')).lower()}\n{data.get('code', '')}\n```"
    elif kind == "codeExecutionResult":
        text = f"```\n{data.get('output', '')}\n```"
    identifier = data.get("id")
    return ServerTool(NAME, kind, part, identifier if isinstance(identifier, str) else None, text)


def media_type_of(blob: Object, data: str | None, path: str) -> str | None:
    """Return the media type of a blob, sniffed where it is missing; parameters (a sampling rate) are kept."""
    given = text_field(blob, "mimeType", path)
    if not given:
        return sniffed_type(data) if data is not None else None
    return given if ";" in given else normalised_type(given)


def _blob(value: Object, path: str, signature: Signature | None, extras: Object | None) -> Media:
    blob = canonical(value, BLOB_FIELDS)
    raw = text_field(blob, "data", path)
    if raw is None:
        raise invalid_request(f"{path}.data: the data is missing", param=f"{path}.data")
    data = normalised_base64(raw)
    media_type = media_type_of(blob, data, path)
    return Media(
        kind_of(media_type),
        media_type,
        data,
        filename=text_field(blob, "displayName", path),
        signature=signature,
        extras=_with_inner(extras, "inlineData", rest_of(blob, BLOB_FIELDS)),
    )


def _file(value: Object, path: str, signature: Signature | None, extras: Object | None) -> Media:
    file = canonical(value, FILE_FIELDS)
    address = text_field(file, "fileUri", path)
    if not address:
        raise invalid_request(f"{path}.fileUri: the address is missing", param=f"{path}.fileUri")
    media_type = media_type_of(file, None, path)
    kind = "video" if media_type is None and is_video_page(address) else kind_of(media_type)
    foreign = not is_own_file(address)
    return Media(
        kind,
        media_type,
        url=address if foreign else None,
        file_id=None if foreign else address,
        filename=text_field(file, "displayName", path),
        signature=signature,
        extras=_with_inner(extras, "fileData", rest_of(file, FILE_FIELDS)),
    )


def is_own_file(address: str) -> bool:
    """Whether an address names a file that only Google's models can read: of its Files API, or in Cloud Storage."""
    return address.startswith(("gs://", "files/")) or (
        address.startswith("https://generativelanguage.googleapis.com/") and "/files/" in address
    )


def is_video_page(address: str) -> bool:
    """Whether an address is that of a video page, which Google reads itself."""
    return address.startswith(
        ("https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/", "https://m.youtube.com/")
    )


def is_read_by_address(address: str) -> bool:
    """Whether every model of Google's reads what is there: its own files and video pages."""
    return is_own_file(address) or is_video_page(address)


def _with_inner(extras: Object | None, kind: str, inner: Object | None) -> Object | None:
    """Add the unknown fields of a part's member to those of the part, under the member's name."""
    return extras if inner is None else {**(extras if extras is not None else {}), kind: inner}


def _call(
    value: Object,
    path: str,
    signature: Signature | None,
    extras: Object | None,
    calls: _Calls,
    place: tuple[object, ...],
) -> ToolCall:
    call = canonical(value, CALL_FIELDS)
    name = text_field(call, "name", path)
    if not name:
        raise invalid_request(f"{path}.name: the name is missing", param=f"{path}.name")
    return ToolCall(
        calls.call(text_field(call, "id", path), name, *place),
        name,
        arguments_text(call.get("args"), f"{path}.args"),
        signature=signature,
        extras=_with_inner(extras, "functionCall", rest_of(call, frozenset({"id", "name", "args"}))),
    )


def arguments_text(value: Any, path: str) -> str:
    """Return a call's ``args`` as JSON text; a string that holds an object is taken as that."""
    if value is None:
        return "{}"
    if isinstance(value, str):
        return value if value.strip() else "{}"
    if not isinstance(value, dict):
        refuse(path, "an object")
    return json.encode_text(value)


def _result(value: Object, path: str, extras: Object | None, calls: _Calls, place: tuple[object, ...]) -> ToolResult:
    result = canonical(value, RESULT_FIELDS)
    name = text_field(result, "name", path)
    call_id, call_name = calls.result(text_field(result, "id", path), name, *place)
    parts, is_error = _response_parts(result.get("response"))
    for number, raw in enumerate(as_list(result.get("parts", []), f"{path}.parts")):
        part = decode_part(raw, f"{path}.parts[{number}]", calls, (*place, number))
        if part is not None:
            parts.append(part)
    return ToolResult(
        call_id,
        tuple(parts),
        name if name else call_name,
        is_error,
        extras=_with_inner(extras, "functionResponse", rest_of(result, frozenset({"id", "name", "response", "parts"}))),
    )


def _response_parts(response: Any) -> tuple[list[Part], bool]:
    """Read ``response``: ``{"output": text}`` and ``{"error": …}`` are a convention, another object is the result."""
    if response is None:
        return [], False
    if isinstance(response, str):
        return [Text(response)], False
    if isinstance(response, dict) and len(response) == 1:
        if isinstance(output := response.get("output"), str):
            return ([Text(output)] if output else []), False
        if "error" in response and response["error"] is not None:
            error = response["error"]
            return [Text(error if isinstance(error, str) else json.encode_text(error))], True
    return [Text(json.encode_text(response))], False
