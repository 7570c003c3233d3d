"""Why an answer ended: a unified reason beside the vendor's own word."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class FinishReason(StrEnum):
    """The union of what the four protocols distinguish."""

    STOP = "stop"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    CONTEXT_WINDOW = "context_window"
    TOOL_CALLS = "tool_calls"
    REFUSAL = "refusal"
    CONTENT_FILTER = "content_filter"
    PROMPT_FILTER = "prompt_filter"
    PAUSE = "pause"
    CONTINUATION = "continuation"
    COMPACTION = "compaction"
    MALFORMED_TOOL_CALL = "malformed_tool_call"
    CANCELLED = "cancelled"
    OTHER = "other"


# As names of this module: looking up a member of an enumeration costs a call.
_STOP, _TOOL_CALLS, _OTHER, _LENGTH = (
    FinishReason.STOP,
    FinishReason.TOOL_CALLS,
    FinishReason.OTHER,
    FinishReason.LENGTH,
)


class FinishDetail(msgspec.Struct, frozen=True, omit_defaults=True):
    """A reason with its raw word, the matched stop sequence and the vendor's explanation, where given."""

    reason: FinishReason
    raw: str | None = None
    stop_sequence: str | None = None
    message: str | None = None
    details: Any = None


#: Reasons after which a client must not run tool calls of the answer as if it were whole.
INCOMPLETE = frozenset(
    {
        FinishReason.LENGTH,
        FinishReason.CONTEXT_WINDOW,
        FinishReason.CONTENT_FILTER,
        FinishReason.PROMPT_FILTER,
        FinishReason.REFUSAL,
        FinishReason.PAUSE,
        FinishReason.CONTINUATION,
        FinishReason.CANCELLED,
        FinishReason.MALFORMED_TOOL_CALL,
    }
)


def settled(detail: FinishDetail, *, has_tool_calls: bool, cut: bool = False) -> FinishDetail:
    """Make reason and content agree: calls mean ``tool_calls`` even where the vendor said stop, and never without
    a call. An answer that stops within a call's arguments was ``cut`` off, whatever the vendor said: half a call must
    not run."""
    reason = detail.reason
    if reason is _STOP or reason is _TOOL_CALLS or reason is _OTHER:
        if cut:
            reason = _LENGTH
        elif has_tool_calls:
            reason = _TOOL_CALLS
        elif reason is _TOOL_CALLS:
            reason = _STOP
    return detail if reason is detail.reason else msgspec.structs.replace(detail, reason=reason)
