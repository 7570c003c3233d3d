"""Request bodies: content codings undone within the limit, large ones outside the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from codenex.core.errors import Fault, FaultKind, invalid_request
from codenex.wire.coding import (
    SUPPORTED,
    CodingBroken,
    CodingTooLarge,
    CodingUnknown,
    content_codings,
    decode_content,
)

#: Compressed bodies up to this size are decoded in the loop; a thread costs more than they do.
_INLINE_BYTES = 8 * 1024

_decoders = ThreadPoolExecutor(max_workers=2, thread_name_prefix="body-decoder")


def too_large(limit: int) -> Fault:
    """Build the 413 for a body beyond ``limit`` bytes."""
    return Fault(FaultKind.TOO_LARGE, f"The request body is larger than {limit} bytes.", code="request_too_large")


def request_codings(value: str) -> list[str]:
    """Split a ``content-encoding`` value. Raises :class:`Fault` 415 for a coding that isn't known."""
    try:
        return content_codings(value)
    except CodingUnknown as error:
        raise Fault(
            FaultKind.UNSUPPORTED_MEDIA_TYPE,
            f"The content encoding {str(error)[:64]!r} is not supported.",
            code="unsupported_content_encoding",
            headers=(("accept-encoding", SUPPORTED),),
        ) from None


async def plain_body(data: bytes, codings: list[str], limit: int) -> bytes:
    """Undo the codings of a request body. Raises :class:`Fault` 400 (broken), 413 (beyond ``limit``), 415."""
    try:
        if len(data) <= _INLINE_BYTES:
            return decode_content(data, codings, limit)
        return await asyncio.get_running_loop().run_in_executor(_decoders, decode_content, data, codings, limit)
    except CodingTooLarge:
        raise too_large(limit) from None
    except CodingBroken as error:
        raise invalid_request(
            f"The request body is not valid {', '.join(codings)}: {error}.", code="invalid_content_encoding"
        ) from None
    except CodingUnknown as error:
        raise Fault(
            FaultKind.UNSUPPORTED_MEDIA_TYPE,
            f"The content encoding {str(error)!r} is not supported by this installation.",
            code="unsupported_content_encoding",
        ) from None
