"""Content blocks to the hub's parts: of a request's messages and of an answer alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from codenex.core import json
from codenex.core.errors import invalid_request
from codenex.core.media import kind_of, normalised_base64, normalised_type, sniffed_type
from codenex.core.parts import (
    CacheHint,
    Citation,
    Compaction,
    Media,
    Opaque,
    Part,
    Reasoning,
    ServerTool,
    Signature,
    Text,
    ToolCall,
    ToolResult,
)
from codenex.protocols.anthropic.types import (
    NAME,
    VENDOR,
    a_list,
    a_text,
    an_object,
    is_server_block,
    optional_flag,
    optional_text,
    rest_of,
)

Block = dict[str, Any]


def parts_of(content: Any, path: str) -> tuple[Part, ...]:
    """Decode a message's or a tool result's ``content``, a string or blocks. Raises a fault (400)."""
    if type(content) is str:
        return (Text(content),)
    if content is None:
        return ()
    parts: list[Part] = []
    for number, block in enumerate(content if type(content) is list else a_list(content, path)):
        kind = block["type"] if type(block) is dict and "type" in block else None
        part = _ORDINARY[kind](block) if type(kind) is str and kind in _ORDINARY else None
        parts.append(part if part is not None else part_of(block, f"{path}[{number}]"))
    return tuple(parts)


# The forms that nearly all blocks have, decoded without a look for what else there could be. ``None`` stands for any
# other form, of which the decoders below make the same part, or one that says more, or a fault.

#: Cache breakpoints as clients set them, and what they are.
_BREAKPOINTS = (
    ({"type": "ephemeral"}, CacheHint()),
    ({"type": "ephemeral", "ttl": "1h"}, CacheHint("1h")),
    ({"type": "ephemeral", "ttl": "5m"}, CacheHint("5m")),
)


def _breakpoint(block: Block) -> CacheHint | None:
    if "cache_control" in block:
        for control, hint in _BREAKPOINTS:
            if block["cache_control"] == control:
                return hint
    return None


def _ordinary_text(block: Block) -> Part | None:
    text = block.get("text")
    if type(text) is not str:
        return None
    if len(block) == 2:
        return Text(text)
    hint = _breakpoint(block) if len(block) == 3 else None
    return Text(text, (), hint) if hint is not None else None


def _ordinary_call(block: Block) -> Part | None:
    if "id" not in block or "name" not in block or "input" not in block:
        return None
    call_id, name, given, hint = block["id"], block["name"], block["input"], None
    if type(call_id) is not str or type(name) is not str or type(given) is not dict:
        return None
    if len(block) != 4:
        hint = _breakpoint(block) if len(block) == 5 else None
        if hint is None:
            return None
    return ToolCall(call_id, name, json.encode_text(given), cache=hint)


def _ordinary_result(block: Block) -> Part | None:
    call_id = block.get("tool_use_id")
    content = block.get("content")
    if type(call_id) is not str:
        return None
    if type(content) is list and len(content) == 1:
        inner = content[0]
        if type(inner) is dict and len(inner) == 2 and "type" in inner and inner["type"] == "text" and "text" in inner:
            content = inner["text"]
    if type(content) is not str:
        return None
    others, failed, hint = len(block) - 3, False, None
    if others and "is_error" in block:
        failed, others = block["is_error"], others - 1
        if type(failed) is not bool:
            return None
    if others:
        hint = _breakpoint(block) if others == 1 else None
        if hint is None:
            return None
    return ToolResult(call_id, (Text(content),), is_error=failed, cache=hint)


_ORDINARY: dict[str, Callable[[Block], Part | None]] = {
    "text": _ordinary_text,
    "tool_use": _ordinary_call,
    "tool_result": _ordinary_result,
}


def part_of(block: Any, path: str) -> Part:
    """Decode one block. Raises a fault (400) where a field has a wrong type."""
    block = an_object(block, path)
    kind = block.get("type")
    if kind is None and isinstance(block.get("text"), str):
        kind = "text"
    kind = a_text(kind, f"{path}.type")
    decoder = _DECODERS.get(kind)
    if decoder is not None:
        return decoder(block, path)
    if is_server_block(kind):
        return server_tool(block)
    return Opaque(NAME, kind, block)


def cache_of(block: Block) -> tuple[CacheHint | None, dict[str, Any] | None]:
    """Return a block's cache breakpoint and what ``cache_control`` says beyond it."""
    control = block.get("cache_control")
    if not isinstance(control, dict):
        return None, None
    ttl = control.get("ttl")
    return CacheHint(ttl if isinstance(ttl, str) else None), rest_of(control, {"type", "ttl"})


def _extras(block: Block, *known: str) -> tuple[CacheHint | None, dict[str, Any] | None]:
    hint, more = cache_of(block)
    rest = rest_of(block, {"type", "cache_control", *known})
    if more is not None:
        rest = {**(rest if rest is not None else {}), "cache_control": more}
    return hint, rest


def _text(block: Block, path: str) -> Part:
    hint, extras = _extras(block, "text", "citations")
    citations = block.get("citations")
    return Text(
        a_text(block.get("text"), f"{path}.text"),
        tuple(citation_of(citation) for citation in citations if isinstance(citation, dict))
        if isinstance(citations, list)
        else (),
        hint,
        extras=extras,
    )


def citation_of(raw: dict[str, Any]) -> Citation:
    """Decode a citation; its offsets point into a source document and not into the text, so they stay in ``raw``."""
    url = raw.get("url")
    title = raw.get("title", raw.get("document_title"))
    source = raw.get("source")
    cited = raw.get("cited_text")
    return Citation(
        url if isinstance(url, str) else source if isinstance(source, str) and "://" in source else None,
        title if isinstance(title, str) else None,
        cited if isinstance(cited, str) else None,
        raw=raw,
    )


def _thinking(block: Block, path: str) -> Part:
    text = optional_text(block, "thinking", path)
    signature = optional_text(block, "signature", path)
    return Reasoning(
        (text,) if text else (),
        signature=Signature(VENDOR, signature) if signature else None,
        extras=rest_of(block, {"type", "thinking", "signature", "cache_control"}),
    )


def _redacted_thinking(block: Block, path: str) -> Part:
    return Reasoning(redacted=True, signature=Signature(VENDOR, a_text(block.get("data"), f"{path}.data")))


def _tool_use(block: Block, path: str) -> Part:
    hint, extras = _extras(block, "id", "name", "input")
    given = block.get("input")
    return ToolCall(
        a_text(block.get("id"), f"{path}.id"),
        a_text(block.get("name"), f"{path}.name"),
        given if isinstance(given, str) else json.encode_text(given if given is not None else {}),
        cache=hint,
        extras=extras,
    )


def _tool_result(block: Block, path: str) -> Part:
    hint, extras = _extras(block, "tool_use_id", "content", "is_error")
    return ToolResult(
        a_text(block.get("tool_use_id"), f"{path}.tool_use_id"),
        parts_of(block.get("content"), f"{path}.content"),
        is_error=optional_flag(block, "is_error", path) is True,
        cache=hint,
        extras=extras,
    )


def _image(block: Block, path: str) -> Part:
    hint, extras = _extras(block, "source")
    return _media(an_object(block.get("source"), f"{path}.source"), f"{path}.source", "image", None, hint, extras)


def _document(block: Block, path: str) -> Part:
    hint, extras = _extras(block, "source", "title")
    source = an_object(block.get("source"), f"{path}.source")
    return _media(source, f"{path}.source", "document", optional_text(block, "title", path), hint, extras)


def _media(
    source: dict[str, Any],
    path: str,
    kind: Literal["image", "document"],
    title: str | None,
    hint: CacheHint | None,
    extras: dict[str, Any] | None,
) -> Part:
    declared = optional_text(source, "media_type", path)
    media_type = normalised_type(declared) if declared is not None else None
    match source.get("type"):
        case "base64":
            data = normalised_base64(a_text(source.get("data"), f"{path}.data"))
            found = sniffed_type(data)
            media_type = found if found is not None else media_type
            actual = kind_of(media_type) if media_type is not None else kind
            return Media(actual, media_type, data=data, title=title, cache=hint, extras=extras)
        case "url":
            url = a_text(source.get("url"), f"{path}.url")
            return Media(kind, media_type, url=url, title=title, cache=hint, extras=extras)
        case "file":
            file_id = a_text(source.get("file_id"), f"{path}.file_id")
            return Media(
                kind,
                media_type,
                file_id=file_id,
                title=title,
                cache=hint,
                extras=extras,
            )
        case "text":
            text = a_text(source.get("data"), f"{path}.data")
            return Media("document", media_type or "text/plain", title=title, text=text, cache=hint, extras=extras)
        case "content":
            content = parts_of(source.get("content"), f"{path}.content")
            text = "\n\n".join(part.text for part in content if isinstance(part, Text))
            extras = {**(extras if extras is not None else {}), "source": source}
            return Media("document", "text/plain", title=title, text=text, cache=hint, extras=extras)
        case other:
            raise invalid_request(f"{path}.type: unknown source {other!r}", param=f"{path}.type")


def _search_result(block: Block, path: str) -> Part:
    hint, _ = cache_of(block)
    lines = [line for line in (optional_text(block, "title", path), optional_text(block, "source", path)) if line]
    lines.extend(part.text for part in parts_of(block.get("content"), f"{path}.content") if isinstance(part, Text))
    return Text("\n".join(lines), cache=hint, extras={"search_result": block})


def _tool_reference(block: Block, path: str) -> Part:
    return Text(a_text(block.get("tool_name"), f"{path}.tool_name"), extras={"tool_reference": block})


def _compaction(block: Block, path: str) -> Part:
    return Compaction(NAME, block, optional_text(block, "content", path))


_DECODERS: dict[str, Callable[[Block, str], Part]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "tool_reference": _tool_reference,
    "thinking": _thinking,
    "redacted_thinking": _redacted_thinking,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "compaction": _compaction,
}


def server_tool(block: Block) -> ServerTool:
    """Decode a block of a tool that the vendor runs, with what a reader of another protocol may be told."""
    kind = str(block.get("type"))
    call_id = block.get("id", block.get("tool_use_id"))
    hint, _ = cache_of(block)
    return ServerTool(NAME, kind, block, call_id if isinstance(call_id, str) else None, _told(kind, block), hint)


def _told(kind: str, block: Block) -> str | None:
    if kind in ("server_tool_use", "mcp_tool_use"):
        given = block.get("input")
        return f"[{block.get('name', kind)}] {json.encode_text(given) if given else ''}".rstrip()
    lines: list[str] = []
    _collect(block.get("content"), lines, 0)
    return "\n".join(lines) if lines else None


def _collect(content: Any, lines: list[str], depth: int) -> None:
    """Gather the readable leaves of a result: titles with addresses, texts, outputs, error codes."""
    if depth > 4:
        return
    if isinstance(content, str):
        lines.append(content)
    elif isinstance(content, list):
        for item in content:
            _collect(item, lines, depth + 1)
    elif isinstance(content, dict):
        title, url = content.get("title"), content.get("url")
        if isinstance(url, str):
            lines.append(f"{title} <{url}>" if isinstance(title, str) else url)
        for key in ("text", "stdout", "stderr", "error_code", "tool_name"):
            value = content.get(key)
            if isinstance(value, str) and value:
                lines.append(value)
        for key in ("content", "tool_references"):
            if isinstance(content.get(key), list | dict):
                _collect(content[key], lines, depth + 1)
