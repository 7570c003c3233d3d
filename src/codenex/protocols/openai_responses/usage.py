"""Usage and finish reasons: formulas and tables, in both directions."""

from __future__ import annotations

from typing import Any

from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import Part, Refusal
from codenex.core.usage import Usage, add, less

#: ``incomplete_details.reason`` → why the answer ended.
REASONS = {
    "max_output_tokens": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    "max_tool_calls": FinishReason.PAUSE,
    "max_messages": FinishReason.OTHER,
    "steered": FinishReason.OTHER,
}

#: Why the answer ended → ``status`` and ``incomplete_details.reason``.
STATUSES: dict[FinishReason, tuple[str, str | None]] = {
    FinishReason.STOP: ("completed", None),
    FinishReason.STOP_SEQUENCE: ("completed", None),
    FinishReason.TOOL_CALLS: ("completed", None),
    FinishReason.COMPACTION: ("completed", None),
    FinishReason.OTHER: ("completed", None),
    FinishReason.REFUSAL: ("completed", None),
    FinishReason.LENGTH: ("incomplete", "max_output_tokens"),
    FinishReason.CONTEXT_WINDOW: ("incomplete", "max_output_tokens"),
    FinishReason.PAUSE: ("incomplete", "max_output_tokens"),
    FinishReason.CONTINUATION: ("incomplete", "max_output_tokens"),
    FinishReason.CONTENT_FILTER: ("incomplete", "content_filter"),
    FinishReason.PROMPT_FILTER: ("incomplete", "content_filter"),
    FinishReason.MALFORMED_TOOL_CALL: ("failed", None),
    FinishReason.CANCELLED: ("cancelled", None),
}


def decode_finish(response: dict[str, Any], *, refused: bool) -> FinishDetail:
    """Return why a response ended, by status and content."""
    status = response.get("status")
    if status == "cancelled":
        return FinishDetail(FinishReason.CANCELLED, status)
    details = response.get("incomplete_details")
    if status == "incomplete" or (status != "completed" and isinstance(details, dict) and details.get("reason")):
        reason = details.get("reason") if isinstance(details, dict) else None
        spelled = reason if isinstance(reason, str) else None
        return FinishDetail(REASONS.get(spelled or "", FinishReason.OTHER), spelled)
    raw = status if isinstance(status, str) else None
    return FinishDetail(FinishReason.REFUSAL if refused else FinishReason.STOP, raw)


def encode_finish(detail: FinishDetail, parts: list[Part]) -> tuple[str, str | None]:
    """Return status and reason. A refusal that says nothing is a filtered answer."""
    if detail.reason is FinishReason.REFUSAL and not any(isinstance(part, Refusal) for part in parts):
        return STATUSES[FinishReason.CONTENT_FILTER]
    return STATUSES[detail.reason]


def decode_usage(usage: Any, service_tier: Any = None) -> Usage | None:
    """Return the usage of a response; Chat's names are understood as well."""
    if not isinstance(usage, dict):
        return None
    total_input = _count(usage.get("input_tokens", usage.get("prompt_tokens")))
    total_output = _count(usage.get("output_tokens", usage.get("completion_tokens")))
    if total_input is None and total_output is None:
        return None
    details_in = usage.get("input_tokens_details", usage.get("prompt_tokens_details"))
    details_out = usage.get("output_tokens_details", usage.get("completion_tokens_details"))
    cached = _count(details_in.get("cached_tokens")) if isinstance(details_in, dict) else None
    written = _count(details_in.get("cache_write_tokens")) if isinstance(details_in, dict) else None
    reasoning = _count(details_out.get("reasoning_tokens")) if isinstance(details_out, dict) else None
    if reasoning is not None and total_output is not None:
        # Some hosts count more reasoning than output.
        reasoning = min(reasoning, total_output)
    return Usage(
        input_uncached=less(total_input, cached, written),
        input_cache_read=cached,
        input_cache_write_5m=written,
        output_text=less(total_output, reasoning),
        output_reasoning=reasoning,
        service_tier=service_tier if isinstance(service_tier, str) else None,
        raw=usage,
    )


def encode_usage(usage: Usage | None) -> dict[str, Any] | None:
    """Return ``usage``; every count in it is mandatory, so unknown ones are 0."""
    if usage is None:
        return None
    total_input, total_output = usage.input_total, usage.output_total
    total = add(total_input, total_output)
    return {
        "input_tokens": total_input if total_input is not None else 0,
        "input_tokens_details": {
            "cached_tokens": usage.input_cache_read if usage.input_cache_read is not None else 0,
            "cache_write_tokens": usage.input_cache_write if usage.input_cache_write is not None else 0,
        },
        "output_tokens": total_output if total_output is not None else 0,
        "output_tokens_details": {
            "reasoning_tokens": usage.output_reasoning if usage.output_reasoning is not None else 0
        },
        "total_tokens": total if total is not None else 0,
    }


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return max(0, int(value)) if value == value and abs(value) != float("inf") else None
