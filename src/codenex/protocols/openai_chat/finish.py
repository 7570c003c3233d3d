"""Finish reasons of Chat as two tables."""

from __future__ import annotations

from codenex.core.errors import FaultKind
from codenex.core.finish import FinishDetail, FinishReason

#: Chat's words, and those that compatible servers use beside them.
# As a name of this module: looking up a member of an enumeration costs a call.
_OTHER = FinishReason.OTHER

FROM_WIRE: dict[str, FinishReason] = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "eos_token": FinishReason.STOP,
    "end_turn": FinishReason.STOP,
    "completed": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP_SEQUENCE,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "model_length": FinishReason.CONTEXT_WINDOW,
    "tool_calls": FinishReason.TOOL_CALLS,
    "tool_use": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
    "safety": FinishReason.CONTENT_FILTER,
    "recitation": FinishReason.CONTENT_FILTER,
    "refusal": FinishReason.REFUSAL,
    "malformed_function_call": FinishReason.MALFORMED_TOOL_CALL,
}

#: Words with which servers report a failure in place of a reason.
FAILURES: dict[str, FaultKind] = {
    "error": FaultKind.UPSTREAM,
    "insufficient_system_resource": FaultKind.OVERLOADED,
}

#: Chat's word for each reason; ``None`` where no word would be true and an error has to be sent.
TO_WIRE: dict[FinishReason, str | None] = {
    FinishReason.STOP: "stop",
    FinishReason.STOP_SEQUENCE: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.CONTEXT_WINDOW: "length",
    FinishReason.TOOL_CALLS: "tool_calls",
    FinishReason.REFUSAL: "content_filter",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.PROMPT_FILTER: "content_filter",
    FinishReason.PAUSE: "length",
    FinishReason.CONTINUATION: "length",
    FinishReason.COMPACTION: "length",
    FinishReason.MALFORMED_TOOL_CALL: None,
    FinishReason.CANCELLED: "length",
    FinishReason.OTHER: "stop",
}


def decode_finish(word: str) -> FinishDetail:
    """Return the reason for a word of the wire; an unknown word is ``other`` and keeps its text."""
    return FinishDetail(FROM_WIRE.get(word.lower(), _OTHER), word)


def encode_finish(
    detail: FinishDetail, *, has_content: bool, has_calls: bool, has_refusal: bool, own: bool, legacy: bool
) -> str | None:
    """Return Chat's word, or ``None`` where the answer has to end in an error.

    ``own`` says that the answer came by Chat, so that OpenAI's ``stop`` after a refusal may stay what it was.
    """
    if has_calls and detail.reason in (FinishReason.STOP, FinishReason.OTHER, FinishReason.TOOL_CALLS):
        return "function_call" if legacy else "tool_calls"
    if detail.reason is FinishReason.TOOL_CALLS:
        return "stop"
    if detail.reason is FinishReason.OTHER and not has_content:
        return None
    if own and has_refusal and detail.reason is FinishReason.REFUSAL and detail.raw == "stop":
        return "stop"
    return TO_WIRE[detail.reason]
