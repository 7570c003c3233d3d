"""What an answer loses on its way into the client's protocol, read from its events.

Encoders note what they meet without a place for it. This notes what they never see or only nearly have a word for:
fields that only the answer's vendor knows, events of its own, reasons, counts. What only tells how the vendor served
the request (fingerprints, the usual tier, ids) is no part of the answer and no loss.
"""

from __future__ import annotations

from typing import Any

from codenex.core import events as e
from codenex.core.answer import Answer
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.losses import Losses
from codenex.core.parts import Citation, Compaction, Media, Opaque, Part, Refusal, ServerTool, Text, ToolResult
from codenex.core.text_stream import TextStream
from codenex.core.usage import Usage

_R = FinishReason
#: Reasons for which a protocol has a word of its own.
_WORDS: dict[str, frozenset[FinishReason]] = {
    "openai-chat": frozenset({_R.STOP, _R.STOP_SEQUENCE, _R.LENGTH, _R.TOOL_CALLS, _R.CONTENT_FILTER}),
    "openai-responses": frozenset(
        {_R.STOP, _R.STOP_SEQUENCE, _R.LENGTH, _R.TOOL_CALLS, _R.CONTENT_FILTER, _R.REFUSAL, _R.CANCELLED}
    ),
    "anthropic": frozenset(
        {
            _R.STOP,
            _R.STOP_SEQUENCE,
            _R.LENGTH,
            _R.CONTEXT_WINDOW,
            _R.TOOL_CALLS,
            _R.REFUSAL,
            _R.PAUSE,
            _R.COMPACTION,
        }
    ),
    "gemini": frozenset({_R.STOP, _R.STOP_SEQUENCE, _R.LENGTH, _R.TOOL_CALLS, _R.CONTENT_FILTER, _R.PROMPT_FILTER}),
}
#: Fields that tell how the vendor served the request, beside an answer, a choice or a part.
_SERVICE = frozenset(
    {
        "background",
        "billing",
        "caller",
        "completed_at",
        "container",
        "created_at",
        "created_by",
        "error",
        "expires_at",
        "format",
        "id",
        "incomplete_details",
        "index",
        "native_finish_reason",
        "object",
        "provider",
        "role",
        "stats",
        "status",
        "system_fingerprint",
        "tokenCount",
        "type",
        "x_groq",
    }
)
#: What others are told by citations.
_SOURCES = frozenset({"groundingMetadata", "citationMetadata", "urlContextMetadata"})
_USUAL_TIERS = frozenset({"auto", "default", "standard", "on_demand"})
_BESIDE = frozenset({"service_tier", "system_fingerprint"})
_OPENAI_TIERS = _USUAL_TIERS | {"flex", "scale", "priority"}
#: Counts of the vendors' usage objects that the hub has a bucket for, or that are sums of others.
_COUNTED = frozenset(
    {
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "cachedContentTokenCount",
        "cached_tokens",
        "candidatesTokenCount",
        "completion_tokens",
        "input_tokens",
        "num_search_queries",
        "output_tokens",
        "promptTokenCount",
        "prompt_cache_hit_tokens",
        "prompt_cache_miss_tokens",
        "prompt_tokens",
        "reasoning_tokens",
        "thoughtsTokenCount",
        "toolUsePromptTokenCount",
        "totalTokenCount",
        "total_tokens",
    }
)
#: Counts of tools that the vendor runs, which an Anthropic client is told.
_TOLD_TOOLS = frozenset({"web_search_requests", "web_fetch_requests"})
_NO_TOOLS: frozenset[str] = frozenset()


class AnswerLosses:
    """Reads the events of one answer for a client's protocol; an answer of the same protocol loses nothing here."""

    __slots__ = ("_client", "_foreign", "_losses")

    def __init__(self, client: str, losses: Losses) -> None:
        self._client = client
        self._losses = losses
        self._foreign = False

    def see(self, event: e.StreamEvent) -> None:
        """Take note of one event."""
        if type(event) is e.Start:
            self._foreign = event.protocol != self._client
            if event.extras:
                self._fields("output", event.extras)
        if not self._foreign:
            return
        if type(event) is e.PartStop:
            self._part(event.part)
        elif type(event) is e.Start or type(event) is e.UsageSnapshot:
            if event.usage is not None:
                self._usage(event.usage)
        elif type(event) is e.Finish:
            self._finish(event.detail)
            if event.extras:
                self._fields("output", event.extras)
        elif type(event) is e.Raw:
            self._losses.drop(f"stream.{event.type}", "only its vendor's clients know this event")
        elif type(event) is e.LogprobDelta and event.kind == "refusal" and self._client == "openai-responses":
            self._losses.drop("output.logprobs", "the client's protocol has none of refusals")

    def see_plain(self, answer: Answer) -> None:
        """Take note of a whole answer that a shortcut has read, as of the events of which it is the fold. Its parts say
        nothing that only their vendor's clients know."""
        self._foreign = answer.protocol != self._client
        if not self._foreign:
            return
        if answer.extras and not _says_nothing(answer.extras):
            self._fields("output", answer.extras)
        if answer.usage is not None:
            self._usage(answer.usage)
        for choice in answer.choices:
            if choice.finish is not None:
                self._finish(choice.finish)

    def see_text(self, text: TextStream) -> None:
        """Take note of a whole stream of one text in another protocol than the client's."""
        self._foreign = True
        if text.extras is not None and not _says_nothing(text.extras):
            self._fields("output", text.extras)
        if text.usage is not None:
            self._usage(text.usage)
        self._finish(text.finish)

    def _fields(self, path: str, extras: dict[str, Any] | None) -> None:
        """Note fields that only the answer's vendor knows and that say something."""
        if not self._foreign or not extras:
            return
        for name, value in extras.items():
            if name in _SERVICE or (name == "service_tier" and type(value) is str and value in _USUAL_TIERS):
                continue
            if value in (None, [], {}, ""):
                continue
            if name == "service_tier":
                self._tier(value)
            elif name in _SOURCES:
                self._losses.adapt(f"{path}.{name}", "its sources are told as citations")
            else:
                self._losses.drop(f"{path}.{name}", "only its vendor's clients know this field")

    def _tier(self, tier: Any) -> None:
        named = _OPENAI_TIERS if self._client == "openai-responses" else _USUAL_TIERS
        if not (type(tier) is str and tier in named) and str(tier).lower() not in named:
            self._losses.drop("output.service_tier", "the client's protocol has no word for the tier that served it")

    def _part(self, part: Part) -> None:
        match part:
            case ServerTool() | Opaque() | ToolResult():
                return
            case Text():
                for citation in part.citations:
                    self._citation(citation)
            case Refusal() if self._client in ("anthropic", "gemini") and part.text:
                self._losses.adapt("output.refusal", "told as text")
            case Media() if part.text and part.data is not None and self._client == "gemini":
                self._losses.drop(f"output.{part.kind}.transcript", "the client's protocol has no place for it")
            case _:
                pass
        if not isinstance(part, Compaction) and part.extras:
            self._fields("output", part.extras)

    def _citation(self, citation: Citation) -> None:
        """Note what of a source the client isn't told; Anthropic's and Chat's encoders note sources without address."""
        if self._client == "openai-responses" and citation.url is None:
            self._losses.drop("output.citation", "the client's protocol cites addresses only")
        if self._client == "gemini" and citation.url is None and citation.title is None:
            self._losses.drop("output.citation", "the client's protocol cites addresses and titles only")
        if citation.cited_text and self._client != "anthropic":
            self._losses.drop("output.citation.cited_text", "the client's protocol has no place for it")

    def _finish(self, detail: FinishDetail) -> None:
        known = detail.reason in _WORDS[self._client] or (detail.reason is _R.OTHER and detail.raw is None)
        if not known:
            told = detail.raw if detail.raw is not None else detail.reason.value
            self._losses.approximate("output.finish_reason", f"the client's protocol has no word for {told}")
        if detail.stop_sequence is not None and self._client != "anthropic":
            self._losses.drop("output.stop_sequence", "the client's protocol doesn't name it")
        if detail.message is not None and not self._takes_message(detail.reason):
            self._losses.drop("output.finish_message", "the client's protocol has no place for it")

    def _takes_message(self, reason: FinishReason) -> bool:
        if reason in (_R.STOP, _R.TOOL_CALLS):
            # "Model generated function call(s).": nothing that isn't seen.
            return True
        refused = reason in (_R.REFUSAL, _R.CONTENT_FILTER, _R.PROMPT_FILTER)
        return self._client == "gemini" or (self._client == "anthropic" and refused)

    def _usage(self, usage: Usage) -> None:
        if usage.server_tools:
            told = _TOLD_TOOLS if self._client == "anthropic" else _NO_TOOLS
            for name, count in usage.server_tools.items():
                if count and name not in told:
                    self._losses.drop(f"usage.{name}", "the client's protocol doesn't count it")
        if self._client == "gemini" and usage.input_cache_write:
            self._losses.approximate("usage.cache_creation_input_tokens", "counted with the other input")
        if usage.service_tier is not None and usage.service_tier not in _USUAL_TIERS:
            self._tier(usage.service_tier)
        raw = usage.raw
        if not raw or raw.keys() <= _COUNTED:
            return
        for name, value in raw.items():
            if name in _COUNTED:
                continue
            if name == "iterations" and isinstance(value, list) and len(value) > 1:
                self._losses.drop("usage.iterations", "only the last run is told")
            elif type(value) is int and value:
                self._losses.drop(f"usage.{name}", "the client's protocol doesn't count it")


def _says_nothing(extras: dict[str, Any]) -> bool:
    """Whether these are what OpenAI says beside nearly every answer, of which nothing is lost."""
    tier = extras["service_tier"] if "service_tier" in extras else None  # noqa: SIM401
    return extras.keys() <= _BESIDE and (tier is None or (type(tier) is str and tier in _USUAL_TIERS))
