"""Media types, base64 text and data URLs: what the protocols' carriers of files have in common.

Works on the base64 text, so that large files are neither decoded nor copied more than once.
"""

from __future__ import annotations

import binascii
import re
from typing import Literal
from urllib.parse import unquote_to_bytes

MediaKind = Literal["image", "audio", "video", "document"]

#: Characters of base64 whose decoded bytes hold every signature below (32 characters are 24 bytes).
_HEAD = 32

#: First bytes of a file → media type. ``None`` stands for any byte.
_SIGNATURES: tuple[tuple[tuple[int | None, ...], str], ...] = (
    ((0xFF, 0xD8, 0xFF), "image/jpeg"),
    (tuple(b"\x89PNG\r\n\x1a\n"), "image/png"),
    (tuple(b"GIF87a"), "image/gif"),
    (tuple(b"GIF89a"), "image/gif"),
    ((*b"RIFF", None, None, None, None, *b"WEBP"), "image/webp"),
    ((*b"RIFF", None, None, None, None, *b"WAVE"), "audio/wav"),
    ((None, None, None, None, *b"ftypheic"), "image/heic"),
    ((None, None, None, None, *b"ftypmif1"), "image/heif"),
    ((None, None, None, None, *b"ftypM4A "), "audio/mp4"),
    ((None, None, None, None, *b"ftyp"), "video/mp4"),
    (tuple(b"%PDF-"), "application/pdf"),
    (tuple(b"ID3"), "audio/mpeg"),
    ((0xFF, 0xFB), "audio/mpeg"),
    (tuple(b"OggS"), "audio/ogg"),
    (tuple(b"fLaC"), "audio/flac"),
    ((0x1A, 0x45, 0xDF, 0xA3), "video/webm"),
)

#: Spellings that vendors refuse → the registered name.
_ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "audio/mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "application/x-pdf": "application/pdf",
}

_EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/heic": "heic",
    "image/heif": "heif",
    "image/svg+xml": "svg",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/quicktime": "mov",
    "application/pdf": "pdf",
    "application/json": "json",
    "application/xml": "xml",
    "text/plain": "txt",
    "text/markdown": "md",
    "text/csv": "csv",
    "text/html": "html",
}

_WHITESPACE = re.compile(r"\s+")
_DATA_URL_HEAD = re.compile(r"data:", re.IGNORECASE)
_TEXT_TYPES = re.compile(
    r"text/|application/(?:json|xml|yaml|x-yaml|toml|javascript|x-sh|x-python)\b|.*\+(?:json|xml)\b"
)


def sniffed_type(data: str) -> str | None:
    """Return the media type that the first bytes of base64 text (any alphabet, no data-URL head) show, else
    ``None``."""
    head = _WHITESPACE.sub("", data[: 2 * _HEAD])[:_HEAD].replace("-", "+").replace("_", "/").rstrip("=")
    try:
        found = binascii.a2b_base64(head[: len(head) - len(head) % 4] + _padded(head[len(head) - len(head) % 4 :]))
    except (binascii.Error, ValueError):
        return None
    for signature, media_type in _SIGNATURES:
        if len(found) >= len(signature) and all(
            want is None or want == have for want, have in zip(signature, found, strict=False)
        ):
            return media_type
    return None


def _padded(quantum: str) -> str:
    return quantum + "=" * (-len(quantum) % 4) if len(quantum) != 1 else ""


def normalised_base64(data: str) -> str:
    """Return base64 text in the standard alphabet, padded, on one line and without a data-URL head."""
    if data[:5].lower() == "data:":
        parsed = parse_data_url(data)
        if parsed is not None:
            return parsed[1]
    if "-" in data or "_" in data:
        data = data.replace("-", "+").replace("_", "/")
    if _WHITESPACE.search(data) is not None:
        data = _WHITESPACE.sub("", data)
    if len(data) % 4:
        bare = data.rstrip("=")
        data = bare + "=" * (-len(bare) % 4)
    return data


def normalised_type(media_type: str) -> str:
    """Return a media type in lower case, without parameters, by its registered name (``image/jpg`` →
    ``image/jpeg``)."""
    bare = media_type.partition(";")[0].strip().lower()
    return _ALIASES.get(bare, bare)


def parse_data_url(url: str) -> tuple[str | None, str] | None:
    """Split a data URL into its media type (``None`` where absent) and standard base64; ``None`` for another URL.

    Percent-encoded content (RFC 2397 without ``;base64``) is turned into base64.
    """
    if _DATA_URL_HEAD.match(url) is None:
        return None
    head, comma, content = url[5:].partition(",")
    if not comma:
        return None
    kind, *parameters = head.split(";")
    media_type = normalised_type(kind) if kind.strip() else None
    if any(parameter.strip().lower() == "base64" for parameter in parameters):
        if "%" in content:
            content = unquote_to_bytes(content).decode("ascii", "replace")
        return media_type, normalised_base64(content)
    return media_type, binascii.b2a_base64(unquote_to_bytes(content), newline=False).decode()


def data_url(media_type: str | None, data: str) -> str:
    """Format base64 text as a data URL; an unknown type is ``application/octet-stream``."""
    return f"data:{media_type if media_type is not None else 'application/octet-stream'};base64,{data}"


def kind_of(media_type: str | None) -> MediaKind:
    """Return the kind of part that a media type makes; everything else is a document."""
    family = media_type.partition("/")[0].strip().lower() if media_type is not None else ""
    match family:
        case "image" | "audio" | "video":
            return family
        case _:
            return "document"


def extension(media_type: str | None) -> str:
    """Return a file name's ending for a media type, without the dot (``bin`` where unknown)."""
    if media_type is None:
        return "bin"
    bare = normalised_type(media_type)
    known = _EXTENSIONS.get(bare)
    if known is not None:
        return known
    return "txt" if is_text(bare) else "bin"


def is_text(media_type: str | None) -> bool:
    """Whether files of the type are readable as text."""
    return media_type is not None and _TEXT_TYPES.match(normalised_type(media_type)) is not None


def text_of(data: str) -> str | None:
    """Decode base64 text to a string, or ``None`` where it is not UTF-8 text."""
    try:
        return binascii.a2b_base64(normalised_base64(data)).decode("utf-8-sig")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
