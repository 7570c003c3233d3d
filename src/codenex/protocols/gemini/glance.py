"""What the passthrough lane may leave out of what it shows the decoder of a stream that it doesn't translate."""

from __future__ import annotations

#: One of these is in every chunk that is more than a piece of text: an end, a failure, a call, a picture, a source.
_MARKS = (
    b"finishReason",
    b"finish_reason",
    b"error",
    b"unctionCall",
    b"function_call",
    b"nlineData",
    b"promptFeedback",
    b"prompt_feedback",
    b"[DONE]",
    b"event:",
)


def skim(block: bytes) -> bytes:
    """Return what of whole chunks the decoder has to see. The last is always among them: usage is cumulative."""
    chunks = block.split(b"\n\n")
    last = len(chunks) - 2
    kept = []
    for position, chunk in enumerate(chunks):
        if position >= last:
            kept.append(chunk)
            continue
        for mark in _MARKS:
            if mark in chunk:
                kept.append(chunk)
                break
    return b"\n\n".join(kept)
