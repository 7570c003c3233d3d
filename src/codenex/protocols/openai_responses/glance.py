"""What the passthrough lane may leave out of what it shows the decoder of a stream that it doesn't translate."""

from __future__ import annotations

#: Deltas that the event at the end of their part repeats as a whole.
_REPEATED = (
    b"event: response.output_text.delta\n",
    b"event: response.reasoning_text.delta\n",
    b"event: response.reasoning_summary_text.delta\n",
    b"event: response.function_call_arguments.delta\n",
    b"event: response.custom_tool_call_input.delta\n",
)


def skim(block: bytes) -> bytes:
    """Return what of whole events the decoder has to see."""
    return b"\n\n".join([event for event in block.split(b"\n\n") if not event.startswith(_REPEATED)])
