"""Content parts of messages, to the wire: text and media. From the wire: ``content``."""

from __future__ import annotations

from typing import Any

from codenex.core.errors import unsupported
from codenex.core.media import data_url, extension, is_text, sniffed_type, text_of
from codenex.core.parts import CacheHint, Media, Text
from codenex.protocols.openai_chat import fields
from codenex.protocols.openai_chat.target import SAME_VENDOR, Target

_DETAILS = frozenset({"auto", "low", "high", "original"})
_BREAKPOINT_TTL = frozenset({"30m", "12h"})
#: Formats that ``input_audio`` takes, by media type.
_AUDIO = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


def text_part(part: Text, target: Target) -> dict[str, Any]:
    """Render text as a part."""
    if part.cache is None and part.extras is None:
        return {"type": "text", "text": part.text}
    return {"type": "text", "text": part.text, **_cache(part.cache, target), **_own_extras(part.extras, target)}


def media_part(part: Media, target: Target) -> dict[str, Any]:
    """Render media as a part. Raises ``unsupported`` where the target has no form for it."""
    target.dropped_extras(part.extras, target.path("content[]"))
    cache = _cache(part.cache, target)
    as_text = _document_text(part)
    if as_text is not None:
        target.losses.adapt(target.path("content[]"), "a text document is sent as text")
        return {"type": "text", "text": as_text, **cache}
    if part.kind not in target.capabilities.media_kinds:
        raise unsupported(f"the target takes no {part.kind} input", param=target.path("content[]"))
    outer = fields.restored(part.extras) if target.same else {}
    match part.kind:
        case "image":
            return {"type": "image_url", "image_url": _image(part, target), **cache, **outer}
        case "audio":
            return {"type": "input_audio", "input_audio": _audio(part, target), **cache, **outer}
        case "video":
            inner = {"url": _url(part, target)}
            return {"type": "video_url", "video_url": {**inner, **_inner(part, target, "video_url.")}, **cache, **outer}
        case "document":
            return {"type": "file", "file": _file(part, target), **cache, **outer}


def _document_text(part: Media) -> str | None:
    """Return the content of a text document, under its name; ``None`` for anything else."""
    if part.kind != "document":
        return None
    text = part.text
    if text is None and part.data is not None and is_text(part.media_type):
        text = text_of(part.data)
    if text is None:
        return None
    name = part.title if part.title is not None else part.filename
    return f"{name}:\n\n{text}" if name else text


def _image(part: Media, target: Target) -> dict[str, Any]:
    image: dict[str, Any] = {"url": _url(part, target)}
    if part.detail in _DETAILS:
        image["detail"] = part.detail
    elif part.detail is not None:
        target.losses.drop(target.path("content[].detail"), "not a level of detail of this protocol")
    return {**image, **_inner(part, target, "image_url.")}


def _url(part: Media, target: Target) -> str:
    if part.data is not None:
        return data_url(part.media_type if part.media_type is not None else sniffed_type(part.data), part.data)
    if part.url is not None:
        if part.kind not in target.capabilities.url_media:
            raise unsupported(f"the target takes no {part.kind} by URL", param=target.path("content[]"))
        return part.url
    raise unsupported(f"the target takes no {part.kind} by file id", param=target.path("content[]"))


def _audio(part: Media, target: Target) -> dict[str, Any]:
    if part.data is None:
        raise unsupported("the target takes sound inline only", param=target.path("content[]"))
    form = _AUDIO.get(part.media_type or "")
    if form is None:
        if not target.same or part.media_type is None:
            raise unsupported(
                f"the target takes sound as wav or mp3, not {part.media_type}", param=target.path("content[]")
            )
        form = part.media_type.partition("/")[2]
    return {"data": part.data, "format": form, **_inner(part, target, "input_audio.")}


def _file(part: Media, target: Target) -> dict[str, Any]:
    inner = _inner(part, target, "file.")
    if part.data is None and part.url is None:
        if part.file_id is None or target.request.protocol not in SAME_VENDOR:
            raise unsupported("a file id of another vendor can't be read by the target", param=target.path("content[]"))
        named = {"filename": part.filename} if part.filename is not None else {}
        return {"file_id": part.file_id, **named, **inner}
    filename = part.filename if part.filename is not None else part.title
    if part.data is None:
        return {"filename": filename or _name_for(part.media_type), "file_data": _url(part, target), **inner}
    media_type = part.media_type or "application/octet-stream"
    return {
        "filename": filename or _name_for(media_type),
        "file_data": data_url(media_type, part.data),
        **inner,
    }


def _name_for(media_type: str | None) -> str:
    return f"file.{extension(media_type)}"


def _inner(part: Media, target: Target, prefix: str) -> dict[str, Any]:
    return fields.restored(part.extras, prefix) if target.same else {}


def _own_extras(extras: dict[str, Any] | None, target: Target) -> dict[str, Any]:
    if not extras:
        return {}
    target.dropped_extras(extras, target.path("content[]"))
    return fields.restored(extras) if target.same else {}


def _cache(hint: CacheHint | None, target: Target) -> dict[str, Any]:
    """Render a cache breakpoint in the spelling that the target knows."""
    return {} if hint is None else cache_fields(hint, target, target.path("content[].cache_control"))


def cache_fields(hint: CacheHint | None, target: Target, path: str) -> dict[str, Any]:
    """Return the field for a cache breakpoint; nothing, and a loss, where the target knows none."""
    if hint is None:
        return {}
    if target.fact("cache_breakpoints", False):
        ttl = {"ttl": hint.ttl} if hint.ttl in _BREAKPOINT_TTL else {}
        return {"prompt_cache_breakpoint": {"mode": "explicit", **ttl}}
    if target.fact("cache_control", False) or (target.same and not target.capabilities.developer_role):
        return {"cache_control": {"type": "ephemeral", **({"ttl": hint.ttl} if hint.ttl is not None else {})}}
    target.losses.drop(path, "the target caches prompts by itself")
    return {}
