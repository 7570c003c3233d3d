"""Token usage as disjoint buckets. Unknown is ``None``, never 0; each protocol renders them by formula."""

from __future__ import annotations

from typing import Any

import msgspec


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tokens of one answer. The buckets never overlap; sums are computed, not stored.

    Formulas per protocol: OpenAI's prompt/input tokens are all input buckets together; Anthropic's ``input_tokens``
    is ``input_uncached + input_tool``; Gemini's ``promptTokenCount`` excludes ``input_tool`` and its
    ``candidatesTokenCount`` excludes ``output_reasoning``.
    """

    input_uncached: int | None = None
    input_cache_read: int | None = None
    input_cache_write_5m: int | None = None
    input_cache_write_1h: int | None = None
    #: input that server-side tools brought in (Gemini's toolUsePromptTokenCount)
    input_tool: int | None = None
    output_text: int | None = None
    output_reasoning: int | None = None
    #: calls of server-side tools by name, such as ``web_search_requests``
    server_tools: dict[str, int] | None = None
    service_tier: str | None = None
    #: what the answer cost, where that is more than clients are told
    cost: Usage | None = None
    #: the vendor's own usage object, for the log and for the same protocol
    raw: dict[str, Any] | None = None

    @property
    def input_cache_write(self) -> int | None:
        """Tokens written to a prompt cache, of any lifetime."""
        return add(self.input_cache_write_5m, self.input_cache_write_1h)

    @property
    def input_total(self) -> int | None:
        """All input tokens."""
        total = self.input_uncached
        # Not by ``add``: most answers know one bucket or two, and each of them is asked for its total.
        if (more := self.input_cache_read) is not None:
            total = more if total is None else total + more
        if (more := self.input_cache_write_5m) is not None:
            total = more if total is None else total + more
        if (more := self.input_cache_write_1h) is not None:
            total = more if total is None else total + more
        if (more := self.input_tool) is not None:
            total = more if total is None else total + more
        return total

    @property
    def output_total(self) -> int | None:
        """All output tokens."""
        text, reasoning = self.output_text, self.output_reasoning
        return text if reasoning is None else reasoning if text is None else text + reasoning

    @property
    def total(self) -> int | None:
        """All tokens."""
        return add(
            self.input_uncached,
            self.input_cache_read,
            self.input_cache_write_5m,
            self.input_cache_write_1h,
            self.input_tool,
            self.output_text,
            self.output_reasoning,
        )

    def merged(self, later: Usage) -> Usage:
        """Return this snapshot overwritten by what a later one knows (stream usage is cumulative: replace, never
        add)."""
        # By hand: some vendors tell their usage with every event.
        return Usage(
            later.input_uncached if later.input_uncached is not None else self.input_uncached,
            later.input_cache_read if later.input_cache_read is not None else self.input_cache_read,
            later.input_cache_write_5m if later.input_cache_write_5m is not None else self.input_cache_write_5m,
            later.input_cache_write_1h if later.input_cache_write_1h is not None else self.input_cache_write_1h,
            later.input_tool if later.input_tool is not None else self.input_tool,
            later.output_text if later.output_text is not None else self.output_text,
            later.output_reasoning if later.output_reasoning is not None else self.output_reasoning,
            later.server_tools if later.server_tools is not None else self.server_tools,
            later.service_tier if later.service_tier is not None else self.service_tier,
            later.cost if later.cost is not None else self.cost,
            later.raw if later.raw is not None else self.raw,
        )


def add(*counts: int | None) -> int | None:
    """Add counts, unknown ones left out; ``None`` when all are unknown."""
    total: int | None = None
    for count in counts:
        if count is not None:
            total = count if total is None else total + count
    return total


def less(total: int | None, *parts: int | None) -> int | None:
    """Subtract known parts from a total, never below 0; ``None`` when the total is unknown."""
    if total is None:
        return None
    for part in parts:
        if part is not None:
            total -= part
    return total if total > 0 else 0
