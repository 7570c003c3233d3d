"""Items and content of the wire to parts of the hub: shared by requests and answers, and lenient."""

from __future__ import annotations

from typing import Any

from codenex.core import json
from codenex.core.media import kind_of, normalised_base64, normalised_type, parse_data_url, sniffed_type
from codenex.core.parts import (
    CacheHint,
    Citation,
    Compaction,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    ServerTool,
    Signature,
    Text,
    ToolCall,
)
from codenex.protocols.openai_responses.types import BUILTIN_CALLS, NAME, SERVER_TOOL_ITEMS, TOOL_SEARCH, VENDOR

#: Type of an opaque part that is a piece of a message's content and not an item of its own.
CONTENT = "message."


def text_of(value: Any) -> str:
    """Return a string field, or "" for anything else."""
    return value if isinstance(value, str) else ""


def string_or_none(value: Any) -> str | None:
    """Return a non-empty string field, or ``None``."""
    return value if isinstance(value, str) and value else None


def extras_of(item: dict[str, Any], known: frozenset[str]) -> dict[str, Any] | None:
    """Return the fields that the hub has no name for; ``null`` is absent."""
    if item.keys() <= known:
        return None
    rest = {key: value for key, value in item.items() if key not in known and value is not None}
    return rest if rest else None


# --- content of messages --------------------------------------------------------------------------------------------

_TEXT = frozenset({"type", "text", "annotations", "prompt_cache_breakpoint", "logprobs"})
_IMAGE = frozenset({"type", "image_url", "file_id", "detail", "prompt_cache_breakpoint"})
_FILE = frozenset({"type", "file_data", "file_url", "file_id", "filename", "prompt_cache_breakpoint"})
_AUDIO = frozenset({"type", "input_audio", "prompt_cache_breakpoint"})
_REFUSAL = frozenset({"type", "refusal"})

#: Audio formats → media types.
AUDIO_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg"}


def content_part(part: dict[str, Any], item_id: str | None = None) -> Part:
    """Build the part of one piece of content; an unknown one is opaque."""
    kind = part.get("type")
    match kind:
        case "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text":
            return text_part(part, item_id)
        case "refusal":
            return Refusal(text_of(part.get("refusal")), extras_of(part, _REFUSAL), item_id)
        case "input_image" | "image_url":
            return _image(part)
        case "input_file":
            return _file(part)
        case "input_audio" if isinstance(part.get("input_audio"), dict):
            audio = part["input_audio"]
            sound = text_of(audio.get("data"))
            spelled = text_of(audio.get("format"))
            media_type = AUDIO_TYPES.get(spelled, f"audio/{spelled}" if spelled else sniffed_type(sound))
            return Media(
                "audio", media_type, normalised_base64(sound), cache=_cache(part), extras=extras_of(part, _AUDIO)
            )
        case _:
            return Opaque(NAME, CONTENT + text_of(kind), part)


def text_part(part: dict[str, Any], item_id: str | None = None) -> Text:
    """Build a text with its citations."""
    extras = extras_of(part, _TEXT)
    text = text_of(part.get("text"))
    annotations = part.get("annotations")
    cited = (
        tuple(citation(one) for one in annotations if isinstance(one, dict)) if isinstance(annotations, list) else ()
    )
    return Text(text, cited, _cache(part), None, extras, item_id)


def citation(annotation: dict[str, Any]) -> Citation:
    """Build a citation; the annotation itself stays with it."""
    start, end = annotation.get("start_index"), annotation.get("end_index")
    title = string_or_none(annotation.get("title"))
    return Citation(
        string_or_none(annotation.get("url")),
        title if title is not None else string_or_none(annotation.get("filename")),
        None,
        start if isinstance(start, int) else None,
        end if isinstance(end, int) else None,
        annotation,
    )


def _cache(part: dict[str, Any]) -> CacheHint | None:
    hint = part.get("prompt_cache_breakpoint")
    return CacheHint(string_or_none(hint.get("ttl"))) if isinstance(hint, dict) else None


def _image(part: dict[str, Any]) -> Part:
    url, detail = part.get("image_url"), string_or_none(part.get("detail"))
    if isinstance(url, dict):
        detail = detail if detail is not None else string_or_none(url.get("detail"))
        url = url.get("url")
    extras, cache = extras_of(part, _IMAGE), _cache(part)
    inline = parse_data_url(url) if isinstance(url, str) else None
    if inline is not None:
        media_type, data = inline
        media_type = media_type if media_type is not None else sniffed_type(data)
        # The media type decides and not the wrapper: clients put documents here as well.
        kind = kind_of(media_type) if media_type is not None else "image"
        return Media(kind, media_type, data, detail=detail, cache=cache, extras=extras)
    return Media(
        "image",
        url=string_or_none(url),
        file_id=string_or_none(part.get("file_id")),
        detail=detail,
        cache=cache,
        extras=extras,
    )


def _file(part: dict[str, Any]) -> Part:
    extras, cache, filename = extras_of(part, _FILE), _cache(part), string_or_none(part.get("filename"))
    content = part.get("file_data")
    if isinstance(content, str) and content:
        inline = parse_data_url(content)
        media_type, data = inline if inline is not None else (None, normalised_base64(content))
        if media_type is None or media_type == "application/octet-stream":
            sniffed = sniffed_type(data)
            media_type = sniffed if sniffed is not None else (_type_of(filename) or media_type)
        return Media(kind_of(media_type), media_type, data, filename=filename, cache=cache, extras=extras)
    return Media(
        "document",
        _type_of(filename),
        url=string_or_none(part.get("file_url")),
        file_id=string_or_none(part.get("file_id")),
        filename=filename,
        cache=cache,
        extras=extras,
    )


_TYPES_BY_ENDING = {
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "xml": "application/xml",
}


def _type_of(filename: str | None) -> str | None:
    if filename is None or "." not in filename:
        return None
    return _TYPES_BY_ENDING.get(filename.rpartition(".")[2].lower())


# --- items ----------------------------------------------------------------------------------------------------------

_REASONING = frozenset({"type", "id", "summary", "content", "encrypted_content"})
_CALL = frozenset({"type", "id", "call_id", "name", "arguments", "input", "status", "namespace", "caller"})
_IMAGE_CALL = frozenset({"type", "result"})


def reasoning_part(item: dict[str, Any], raw: bool | None = None) -> Reasoning:
    """Build a reasoning part; ``raw`` prefers the raw chain (true) or the summary (false) where the item has both."""
    summary, chain = _texts(item.get("summary")), _texts(item.get("content"))
    takes_raw = raw if raw is not None and (chain if raw else summary) else not summary and bool(chain)
    segments = chain if takes_raw else summary
    item_id = string_or_none(item.get("id"))
    payload = string_or_none(item.get("encrypted_content"))
    extras = extras_of(item, _REASONING) or {}
    if extras.get("status") in ("completed", "in_progress"):
        del extras["status"]
    if chain and summary:
        other = "summary" if takes_raw else "content"
        extras[other] = item[other]
    return Reasoning(
        segments,
        takes_raw,
        redacted=not any(segments) and payload is not None,
        item_id=item_id,
        signature=Signature(VENDOR, payload, item_id) if payload is not None else None,
        extras=extras if extras else None,
    )


def _texts(content: Any) -> tuple[str, ...]:
    if isinstance(content, str):
        return (content,) if content else ()
    if not isinstance(content, list):
        return ()
    return tuple(text_of(part.get("text")) for part in content if isinstance(part, dict))


def call_part(item: dict[str, Any]) -> ToolCall:
    """Build the call of a function, a free-text tool or a built-in tool."""
    kind = item.get("type")
    call_id = string_or_none(item.get("call_id"))
    item_id = string_or_none(item.get("id"))
    if call_id is None:
        call_id = item_id if item_id is not None else ""
    complete = item.get("status") != "incomplete"
    builtin = BUILTIN_CALLS.get(text_of(kind))
    if builtin is not None:
        arguments = item.get(builtin.field)
        spelled = (
            arguments if isinstance(arguments, str) else json.encode_text(arguments if arguments is not None else {})
        )
        extras = extras_of(item, _CALL | {builtin.field, "execution"})
        if extras is not None and extras.get("environment") == {"type": "local"}:
            del extras["environment"]
        return ToolCall(call_id, builtin.name, spelled, "function", item_id, complete=complete, extras=extras or None)
    custom = kind == "custom_tool_call"
    arguments = item.get("input") if custom else item.get("arguments")
    if arguments is not None and not isinstance(arguments, str):
        arguments = json.encode_text(arguments)
    caller = item.get("caller")
    extras = extras_of(item, _CALL)
    if isinstance(caller, dict) and caller.get("type") != "direct":
        extras = {**(extras or {}), "caller": caller}
    return ToolCall(
        call_id,
        text_of(item.get("name")),
        arguments if arguments is not None else "",
        "custom" if custom else "function",
        item_id,
        string_or_none(item.get("namespace")),
        complete,
        extras=extras,
    )


def is_client_call(item: dict[str, Any]) -> bool:
    """Whether the client has to run the call of an item (and not the vendor)."""
    kind = item.get("type")
    if kind == TOOL_SEARCH.call:
        return item.get("execution") == "client"
    if kind == "shell_call":
        environment = item.get("environment")
        return not isinstance(environment, dict) or environment.get("type") in (None, "local")
    return kind in ("function_call", "custom_tool_call", "local_shell_call", "apply_patch_call")


def item_parts(item: dict[str, Any]) -> list[Part]:
    """Build the parts of an item of the assistant's side."""
    kind = text_of(item.get("type"))
    if kind == "message":
        return message_parts(item)
    if kind == "reasoning":
        return [reasoning_part(item)]
    if is_client_call(item):
        return [call_part(item)]
    if kind == "compaction":
        return [Compaction(NAME, item)]
    if kind == "image_generation_call" and isinstance(item.get("result"), str) and item["result"]:
        return [_generated_image(item)]
    if kind in SERVER_TOOL_ITEMS:
        call_id = string_or_none(item.get("call_id"))
        return [ServerTool(NAME, kind, item, call_id or string_or_none(item.get("id")), server_tool_text(item))]
    return [Opaque(NAME, kind, item)]


def message_parts(item: dict[str, Any]) -> list[Part]:
    """Build the parts of an assistant's message."""
    item_id, content = string_or_none(item.get("id")), item.get("content")
    if isinstance(content, str):
        return [Text(content, item_id=item_id)]
    if not isinstance(content, list):
        return []
    return [content_part(part, item_id) for part in content if isinstance(part, dict)]


def _generated_image(item: dict[str, Any]) -> Media:
    result = item["result"]
    spelled = text_of(item.get("output_format"))
    inline = parse_data_url(result)
    data = inline[1] if inline is not None else normalised_base64(result)
    media_type = inline[0] if inline is not None else None
    if media_type is None:
        media_type = normalised_type(f"image/{spelled}") if spelled else sniffed_type(data)
    return Media("image", media_type or "image/png", data, extras=extras_of(item, _IMAGE_CALL))


def server_tool_text(item: dict[str, Any]) -> str | None:
    """Tell a reader of another protocol what a vendor's tool did; ``None`` where there is nothing to tell."""
    match item.get("type"):
        case "web_search_call":
            action = item.get("action")
            if not isinstance(action, dict):
                return None
            queries = action.get("queries")
            asked = (
                [text_of(query) for query in queries] if isinstance(queries, list) else [text_of(action.get("query"))]
            )
            sources = action.get("sources")
            found = (
                [text_of(one.get("url")) for one in sources if isinstance(one, dict)]
                if isinstance(sources, list)
                else []
            )
            return _lines("Web search", [*asked, text_of(action.get("url")), *found])
        case "file_search_call":
            queries, results = item.get("queries"), item.get("results")
            asked = [text_of(query) for query in queries] if isinstance(queries, list) else []
            files = (
                [text_of(one.get("filename")) for one in results if isinstance(one, dict)]
                if isinstance(results, list)
                else []
            )
            return _lines("File search", [*asked, *files])
        case "code_interpreter_call":
            outputs = item.get("outputs")
            logs = (
                [text_of(one.get("logs")) for one in outputs if isinstance(one, dict)]
                if isinstance(outputs, list)
                else []
            )
            return _lines("Code execution", [text_of(item.get("code")), *logs])
        case "mcp_call":
            return _lines(
                f"Tool {text_of(item.get('name'))}", [text_of(item.get("arguments")), text_of(item.get("output"))]
            )
        case _:
            return None


def _lines(head: str, lines: list[str]) -> str | None:
    told = [line for line in lines if line]
    return "\n".join([f"[{head}]", *told]) if told else None
