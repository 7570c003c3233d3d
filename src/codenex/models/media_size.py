"""Size of inline media, read from its base64 text: bytes, and pixels of PNG, JPEG, GIF and WebP from their heads.

Formats: PNG specification 11.2.2 (IHDR), GIF89a section 18, WebP container specification (VP8, VP8L, VP8X), JPEG (ITU
T.81, B.2.2).
"""

from __future__ import annotations

import binascii

#: Enough for the fixed heads; JPEG keeps its frame header behind profiles and thumbnails.
_HEAD_LENGTH = 128
_JPEG_LENGTH = 192 * 1024
_BLANKS = str.maketrans("", "", " \t\r\n")
_URL_SAFE = str.maketrans("-_", "+/")
#: Start-of-frame markers; C4, C8 and CC in their midst are something else.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})


def data_bytes(data: str) -> int:
    """Return the number of bytes of base64 text, from its length and padding; line breaks make it a little high."""
    tail = data[-4:].rstrip()
    padding = len(tail) - len(tail.rstrip("="))
    return max(0, (len(data) - padding) * 3 // 4)


def image_dimensions(data: str) -> tuple[int, int] | None:
    """Return width and height in pixels of a base64 image, or ``None`` where its head can't be read."""
    head = _decoded(data, _HEAD_LENGTH)
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR" and len(head) >= 24:
        return _sane(int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big"))
    if head[:6] in (b"GIF87a", b"GIF89a") and len(head) >= 10:
        return _sane(int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little"))
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp(head)
    if head.startswith(b"\xff\xd8"):
        return _jpeg(_decoded(data, _JPEG_LENGTH))
    return None


def _decoded(data: str, length: int) -> bytes:
    head = data[: length * 4 // 3 + 64].translate(_BLANKS).translate(_URL_SAFE).rstrip("=")
    try:
        return binascii.a2b_base64(head[: len(head) // 4 * 4])[:length]
    except (binascii.Error, ValueError):
        return b""


def _sane(width: int, height: int) -> tuple[int, int] | None:
    return (width, height) if width > 0 and height > 0 else None


def _webp(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X" and len(head) >= 30:
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(head) >= 30:
        width = int.from_bytes(head[26:28], "little") & 0x3FFF
        return _sane(width, int.from_bytes(head[28:30], "little") & 0x3FFF)
    return None


def _jpeg(head: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 9 <= len(head):
        if head[position] != 0xFF:
            return None
        marker = head[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _STANDALONE:
            position += 2
        elif marker in _FRAMES:
            height = int.from_bytes(head[position + 5 : position + 7], "big")
            return _sane(int.from_bytes(head[position + 7 : position + 9], "big"), height)
        else:
            length = int.from_bytes(head[position + 2 : position + 4], "big")
            if length < 2:
                return None
            position += 2 + length
    return None
