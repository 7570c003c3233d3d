"""Content codings: compressed bodies to plain ones, never beyond a stated size.

Pure functions. ``br`` and ``zstd`` need the packages ``brotli`` and ``zstandard``; without them they are unknown.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

#: More gzip members or zstd frames than this in one body are an attack on the processor, not data.
_MEMBERS = 1024
#: Bytes that are decompressed at a time, and about as many as come of them at a time.
_STEP = 64 * 1024
_OUTPUT = 1024 * 1024


class CodingUnknown(ValueError):
    """The body uses a coding that this gateway does not know. The message is the coding's name."""


class CodingBroken(ValueError):
    """The body is not what its coding says, or it ends early."""


class CodingTooLarge(ValueError):
    """The plain body is larger than the limit."""


def _add(plain: bytearray, output: bytes, limit: int) -> None:
    plain += output
    if len(plain) > limit:
        # The exception holds on to the frames that it passes, and so to what they have: nothing large any more.
        plain.clear()
        raise CodingTooLarge(f"more than {limit} bytes")


def _inflate(data: bytes, limit: int, window: int) -> bytes:
    plain = bytearray()
    source = memoryview(data)
    for _ in range(_MEMBERS):
        member = zlib.decompressobj(window)
        try:
            while not member.eof:
                piece: bytes | memoryview = member.unconsumed_tail
                if not piece:
                    piece, source = source[:_STEP], source[_STEP:]
                output = member.decompress(piece, _OUTPUT)
                if not output and not piece and not member.eof:
                    raise CodingBroken("the compressed data ends early")
                _add(plain, output, limit)
        except zlib.error as error:
            raise CodingBroken(str(error)) from None
        rest = member.unused_data
        if not rest and not len(source):
            return bytes(plain)
        if window < 16:
            raise CodingBroken("there is data after the end")
        source = memoryview(rest + bytes(source))
    raise CodingBroken("too many members")


def _gzip(data: bytes, limit: int) -> bytes:
    return _inflate(data, limit, 31)


def _deflate(data: bytes, limit: int) -> bytes:
    # RFC 9110 means the zlib format, but some senders leave its two-byte header out.
    wrapped = len(data) >= 2 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
    return _inflate(data, limit, 15 if wrapped else -15)


def _brotli(data: bytes, limit: int) -> bytes:
    try:
        import brotli
    except ImportError:
        raise CodingUnknown("br") from None
    reader = brotli.Decompressor()
    plain = bytearray()
    piece = data
    try:
        while not reader.is_finished():
            output = reader.process(piece, output_buffer_limit=_OUTPUT)
            _add(plain, output, limit)
            if not output and reader.can_accept_more_data() and not reader.is_finished():
                raise CodingBroken("the compressed data ends early")
            piece = b""
    except brotli.error as error:
        raise CodingBroken(str(error)) from None
    return bytes(plain)


def _zstd(data: bytes, limit: int) -> bytes:
    try:
        import zstandard
    except ImportError:
        raise CodingUnknown("zstd") from None
    # A window of 8 MiB is what RFC 9659 lets a sender use; more is only good for exhausting memory.
    context = zstandard.ZstdDecompressor(max_window_size=8 * 1024 * 1024)
    plain = bytearray()
    source = memoryview(data)
    try:
        for _ in range(_MEMBERS):
            frame = context.decompressobj()
            while not frame.eof and len(source):
                piece, source = source[:_STEP], source[_STEP:]
                _add(plain, frame.decompress(piece), limit)
            if not frame.eof:
                raise CodingBroken("the compressed data ends early")
            rest = frame.unused_data
            if not rest and not len(source):
                return bytes(plain)
            source = memoryview(rest + bytes(source))
    except zstandard.ZstdError as error:
        raise CodingBroken(str(error)) from None
    raise CodingBroken("too many frames")


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}

#: What a server tells a client that used an unknown coding (``accept-encoding``).
SUPPORTED = "gzip, deflate, br, zstd"

#: More layers than this are refused as unknown: nobody sends them in earnest.
_LAYERS = 4


def content_codings(value: str) -> list[str]:
    """Split a ``content-encoding`` value into the codings in the order in which they were applied.

    ``identity`` is left out. Raises :class:`CodingUnknown`.
    """
    codings = [name for name in (part.strip().lower() for part in value.split(",")) if name not in ("", "identity")]
    for name in codings:
        if name not in _DECODERS:
            raise CodingUnknown(name)
    if len(codings) > _LAYERS:
        raise CodingUnknown(", ".join(codings[: _LAYERS + 1]))
    return codings


def decode_content(data: bytes, codings: list[str], limit: int) -> bytes:
    """Undo ``codings``, the last applied first; no layer may grow beyond ``limit`` bytes.

    Raises :class:`CodingBroken`, :class:`CodingTooLarge`, :class:`CodingUnknown`.
    """
    for name in reversed(codings):
        data = _DECODERS[name](data, limit)
    return data
