"""``finishReason`` and ``blockReason`` to the hub's reasons and back: two tables."""

from __future__ import annotations

from codenex.core.finish import FinishDetail, FinishReason

TO_HUB: dict[str, FinishReason] = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "SAFETY": FinishReason.CONTENT_FILTER,
    "RECITATION": FinishReason.CONTENT_FILTER,
    "LANGUAGE": FinishReason.CONTENT_FILTER,
    "BLOCKLIST": FinishReason.CONTENT_FILTER,
    "PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
    "SPII": FinishReason.CONTENT_FILTER,
    "IMAGE_SAFETY": FinishReason.CONTENT_FILTER,
    "IMAGE_PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
    "IMAGE_RECITATION": FinishReason.CONTENT_FILTER,
    "MODEL_ARMOR": FinishReason.CONTENT_FILTER,
    "ESCALATION": FinishReason.CONTENT_FILTER,
    "MALFORMED_FUNCTION_CALL": FinishReason.MALFORMED_TOOL_CALL,
    "UNEXPECTED_TOOL_CALL": FinishReason.MALFORMED_TOOL_CALL,
    "TOO_MANY_TOOL_CALLS": FinishReason.MALFORMED_TOOL_CALL,
    "MALFORMED_RESPONSE": FinishReason.MALFORMED_TOOL_CALL,
    "MISSING_THOUGHT_SIGNATURE": FinishReason.MALFORMED_TOOL_CALL,
    "CONTINUATION": FinishReason.CONTINUATION,
    "OTHER": FinishReason.OTHER,
    "NO_IMAGE": FinishReason.OTHER,
    "IMAGE_OTHER": FinishReason.OTHER,
    "PUP_LIMITED_DISABLED": FinishReason.OTHER,
    "FINISH_REASON_UNSPECIFIED": FinishReason.OTHER,
}

TO_WIRE: dict[FinishReason, str] = {
    FinishReason.STOP: "STOP",
    FinishReason.STOP_SEQUENCE: "STOP",
    FinishReason.LENGTH: "MAX_TOKENS",
    FinishReason.CONTEXT_WINDOW: "MAX_TOKENS",
    FinishReason.TOOL_CALLS: "STOP",
    FinishReason.REFUSAL: "SAFETY",
    FinishReason.CONTENT_FILTER: "SAFETY",
    FinishReason.PROMPT_FILTER: "PROHIBITED_CONTENT",
    # Nobody but Google can go on from a continuation or a pause: the answer is cut short.
    FinishReason.PAUSE: "MAX_TOKENS",
    FinishReason.CONTINUATION: "MAX_TOKENS",
    FinishReason.COMPACTION: "MAX_TOKENS",
    FinishReason.MALFORMED_TOOL_CALL: "MALFORMED_FUNCTION_CALL",
    FinishReason.CANCELLED: "OTHER",
    FinishReason.OTHER: "OTHER",
}

BLOCK_REASONS = frozenset(
    {
        "BLOCKED_REASON_UNSPECIFIED",
        "SAFETY",
        "OTHER",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "IMAGE_SAFETY",
        "MODEL_ARMOR",
        "JAILBREAK",
    }
)


def decode_finish(reason: str | None, message: str | None = None) -> FinishDetail:
    """Return the detail of a ``finishReason``; an unknown one is ``other``."""
    unified = TO_HUB.get(reason, FinishReason.OTHER) if reason is not None else FinishReason.OTHER
    return FinishDetail(unified, reason, message=message)


def encode_finish(detail: FinishDetail | None, *, has_content: bool) -> str:
    """Return the ``finishReason``; Google's own word comes back where it fits. Without any, content means the end."""
    if detail is None:
        return "STOP" if has_content else "OTHER"
    if detail.raw is not None and (known := TO_HUB.get(detail.raw)) is not None:
        same = known is detail.reason or (known is FinishReason.STOP and detail.reason is FinishReason.TOOL_CALLS)
        if same and known is not FinishReason.CONTINUATION:
            return detail.raw
    if detail.reason is FinishReason.OTHER and has_content:
        return "STOP"
    return TO_WIRE[detail.reason]


def encode_block(detail: FinishDetail) -> dict[str, object]:
    """Return the ``promptFeedback`` of a prompt that was refused."""
    if isinstance(detail.details, dict) and detail.raw in BLOCK_REASONS and "blockReason" in detail.details:
        return detail.details
    feedback: dict[str, object] = {"blockReason": detail.raw if detail.raw in BLOCK_REASONS else "PROHIBITED_CONTENT"}
    if detail.message is not None:
        feedback["blockReasonMessage"] = detail.message
    return feedback
