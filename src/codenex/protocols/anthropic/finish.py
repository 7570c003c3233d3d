"""Stop reasons, as two tables: the vendor's words to the hub's reasons and back."""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core.finish import FinishDetail, FinishReason

STOP_REASONS: dict[str, FinishReason] = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP_SEQUENCE,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.CONTEXT_WINDOW,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.REFUSAL,
    "pause_turn": FinishReason.PAUSE,
    "compaction": FinishReason.COMPACTION,
}

#: ``None``: there is no word for it, the answer is an error.
STOP_WORDS: dict[FinishReason, str | None] = {
    FinishReason.STOP: "end_turn",
    FinishReason.STOP_SEQUENCE: "stop_sequence",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.CONTEXT_WINDOW: "model_context_window_exceeded",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.REFUSAL: "refusal",
    FinishReason.CONTENT_FILTER: "refusal",
    FinishReason.PROMPT_FILTER: "refusal",
    FinishReason.PAUSE: "pause_turn",
    FinishReason.CONTINUATION: "max_tokens",
    FinishReason.COMPACTION: "compaction",
    FinishReason.MALFORMED_TOOL_CALL: None,
    FinishReason.CANCELLED: "max_tokens",
    FinishReason.OTHER: "end_turn",
}


def finish_from(reason: Any, sequence: Any, details: Any) -> FinishDetail:
    """Decode stop reason, stop sequence and stop details, each of which may be absent."""
    word = reason if isinstance(reason, str) else None
    explanation = details.get("explanation") if isinstance(details, dict) else None
    return FinishDetail(
        STOP_REASONS.get(word, FinishReason.OTHER) if word is not None else FinishReason.OTHER,
        word,
        sequence if isinstance(sequence, str) else None,
        explanation if isinstance(explanation, str) else None,
        details if isinstance(details, dict) else None,
    )


class StopFields(msgspec.Struct, frozen=True):
    """The three fields that say why a message ended."""

    stop_reason: str
    stop_sequence: str | None
    stop_details: dict[str, Any] | None


def stop_fields(detail: FinishDetail) -> StopFields | None:
    """Encode a finish; ``None`` where the answer is an error instead."""
    word = STOP_WORDS[detail.reason]
    if word is None:
        return None
    if word == "stop_sequence" and detail.stop_sequence is None:
        # The field must name the sequence, and the upstream did not tell which one it was.
        word = "end_turn"
    details: dict[str, Any] | None = None
    if word == "refusal":
        if isinstance(detail.details, dict) and detail.details.get("type") == "refusal":
            details = detail.details
        elif detail.message is not None:
            details = {"type": "refusal", "category": None, "explanation": detail.message}
    return StopFields(word, detail.stop_sequence if word == "stop_sequence" else None, details)
