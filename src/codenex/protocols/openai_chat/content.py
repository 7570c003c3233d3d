"""Content parts of messages, from the wire. To the wire: ``attachments``."""

from __future__ import annotations

from typing import Any

from codenex.core.media import MediaKind, kind_of, normalised_base64, parse_data_url, sniffed_type
from codenex.core.parts import CacheHint, Citation, Media, Opaque, Part, Reasoning, Refusal, Text
from codenex.protocols.openai_chat import fields
from codenex.protocols.openai_chat.types import PROTOCOL

_TEXT = frozenset({"type", "text", "cache_control", "prompt_cache_breakpoint", "annotations"})
_REFUSAL = frozenset({"type", "refusal"})
_CACHE_FIELDS = frozenset({"cache_control", "prompt_cache_breakpoint"})
#: Wrappers of a URL or data URL, with the kind that is meant where the media type does not tell.
_URL_WRAPPERS: dict[str, MediaKind] = {
    "image_url": "image",
    "video_url": "video",
    "audio_url": "audio",
    "document_url": "document",
}
#: Media types by the extension of a file name, for files that come without one.
_BY_EXTENSION = {
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "xml": "application/xml",
}


def decode_content(value: Any, path: str) -> list[Part]:
    """Read ``content``: a string or a list of parts. Null gives no parts."""
    if value is None:
        return []
    if isinstance(value, str):
        return [Text(value)]
    if not isinstance(value, list):
        raise fields.wrong(path, "a string or an array of parts")
    return [decode_part(part, f"{path}[{number}]") for number, part in enumerate(value)]


def decode_part(value: Any, path: str) -> Part:
    """Read one part. Unknown types become opaque parts."""
    if isinstance(value, str):
        return Text(value)
    part = fields.required_mapping(value, path)
    kind = fields.required_text(part.get("type"), f"{path}.type")
    match kind:
        case "text" | "input_text" | "output_text":
            return Text(
                fields.required_text(part.get("text"), f"{path}.text"),
                decode_annotations(part.get("annotations")),
                decode_cache(part, path),
                extras=fields.unknown(part, _TEXT) or None,
            )
        case "refusal":
            text = fields.required_text(part.get("refusal"), f"{path}.refusal")
            return Refusal(text, fields.unknown(part, _REFUSAL) or None)
        case "image_url" | "video_url" | "audio_url" | "document_url":
            return _by_url(part, kind, path)
        case "input_audio":
            return _audio(part, path)
        case "file":
            return _file(part, path)
        case "thinking":
            return thinking(part, path)
        case _:
            return Opaque(PROTOCOL, kind, part)


def decode_cache(part: dict[str, Any], path: str) -> CacheHint | None:
    """Read a prompt-cache breakpoint in either spelling."""
    for name in ("cache_control", "prompt_cache_breakpoint"):
        hint = fields.mapping(part.get(name), f"{path}.{name}")
        if hint is not None:
            return CacheHint(fields.text(hint.get("ttl"), f"{path}.{name}.ttl"))
    return None


def decode_annotations(value: Any) -> tuple[Citation, ...]:
    """Read ``annotations``; what is no URL citation is kept in its own form."""
    if not isinstance(value, list):
        return ()
    citations = []
    for annotation in value:
        if not isinstance(annotation, dict):
            continue
        source = annotation.get("url_citation")
        if not isinstance(source, dict):
            source = annotation if "url" in annotation else {}
        start, end = source.get("start_index"), source.get("end_index")
        citations.append(
            Citation(
                _string(source.get("url")),
                _string(source.get("title")),
                _string(source.get("content")),
                start if isinstance(start, int) else None,
                end if isinstance(end, int) else None,
                annotation,
            )
        )
    return tuple(citations)


def thinking(part: dict[str, Any], path: str = "content") -> Reasoning:
    """Read Mistral's part of type ``thinking``: a string, or a list of text parts."""
    value = part.get("thinking")
    if isinstance(value, str):
        return Reasoning((value,) if value else (), raw=True)
    pieces = fields.sequence(value, f"{path}.thinking")
    texts = [item["text"] for item in pieces or () if isinstance(item, dict) and isinstance(item.get("text"), str)]
    joined = "".join(texts)
    return Reasoning((joined,) if joined else (), raw=True)


def _by_url(part: dict[str, Any], kind: str, path: str) -> Media:
    value = part.get(kind)
    source = {"url": value} if isinstance(value, str) else fields.required_mapping(value, f"{path}.{kind}")
    url = fields.required_text(source.get("url"), f"{path}.{kind}.url")
    detail = fields.text(source.get("detail"), f"{path}.{kind}.detail")
    extras = {
        **fields.unknown(part, _CACHE_FIELDS | {"type", kind}),
        **fields.unknown(source, frozenset({"url", "detail"}), f"{kind}."),
    }
    default = _URL_WRAPPERS[kind]
    inline = _inline(url)
    cache = decode_cache(part, path)
    if inline is None:
        return Media(default, url=url, detail=detail, cache=cache, extras=extras or None)
    media_type, data = inline
    found = kind_of(media_type) if media_type is not None else default
    return Media(found, media_type, data, detail=detail, cache=cache, extras=extras or None)


def _inline(value: str) -> tuple[str | None, str] | None:
    """Return true media type and data of a data URL, or of bare base64 of a known kind; ``None`` for another URL."""
    parsed = parse_data_url(value)
    if parsed is not None:
        claimed, data = parsed
        return sniffed_type(data) or claimed, data
    if ":" in value[:16]:
        return None
    bare = sniffed_type(value)
    return None if bare is None else (bare, normalised_base64(value))


def _audio(part: dict[str, Any], path: str) -> Media:
    source = fields.required_mapping(part.get("input_audio"), f"{path}.input_audio")
    data = fields.required_text(source.get("data"), f"{path}.input_audio.data")
    form = fields.text(source.get("format"), f"{path}.input_audio.format")
    parsed = parse_data_url(data)
    claimed = parsed[0] if parsed is not None else None
    if form:
        claimed = "audio/mpeg" if form == "mp3" else f"audio/{form}"
    extras = {
        **fields.unknown(part, _CACHE_FIELDS | {"type", "input_audio"}),
        **fields.unknown(source, frozenset({"data", "format"}), "input_audio."),
    }
    return Media(
        "audio",
        claimed,
        parsed[1] if parsed is not None else normalised_base64(data),
        cache=decode_cache(part, path),
        extras=extras or None,
    )


def _file(part: dict[str, Any], path: str) -> Media:
    source = fields.required_mapping(part.get("file"), f"{path}.file")
    file_id = fields.text(source.get("file_id"), f"{path}.file.file_id")
    content = fields.text(source.get("file_data"), f"{path}.file.file_data")
    filename = fields.text(source.get("filename"), f"{path}.file.filename")
    extras = {
        **fields.unknown(part, _CACHE_FIELDS | {"type", "file"}),
        **fields.unknown(source, frozenset({"file_id", "file_data", "filename"}), "file."),
    }
    cache = decode_cache(part, path)
    if content is None:
        if file_id is None:
            raise fields.missing(f"{path}.file.file_data")
        return Media("document", file_id=file_id, filename=filename, cache=cache, extras=extras or None)
    if content.startswith(("http://", "https://")):
        return Media("document", url=content, filename=filename, cache=cache, extras=extras or None)
    parsed = parse_data_url(content)
    claimed, data = parsed if parsed is not None else (None, normalised_base64(content))
    media_type = sniffed_type(data) or claimed or _type_by_name(filename)
    return Media(kind_of(media_type), media_type, data, filename=filename, cache=cache, extras=extras or None)


def _type_by_name(filename: str | None) -> str | None:
    return _BY_EXTENSION.get(filename.rpartition(".")[2].lower()) if filename is not None else None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None
