"""Pieces of answers that the whole answer and the stream write alike, and the rules by which texts are joined."""

from __future__ import annotations

from typing import Any

from codenex.core.answer import Answer
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.identifiers import derived_call_id
from codenex.core.losses import Losses
from codenex.core.media import data_url
from codenex.core.names import flattened
from codenex.core.parts import Citation, Media, Opaque, Part, ServerTool, Text, ToolCall
from codenex.core.render import RenderContext
from codenex.protocols.openai_chat.finish import encode_finish
from codenex.protocols.openai_chat.types import PROTOCOL

#: Kinds of parts after which a text of another protocol is a paragraph of its own.
SEPARATING = frozenset({"tool_call", "media", "server_tool", "compaction", "opaque"})
#: Tiers that OpenAI's clients know; compatible servers have words of their own.
_TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast", "ultrafast"})
PARAGRAPH = "\n\n"
#: Time in which a generated sound can be referred to, in seconds.
_AUDIO_LIFETIME = 3_600


class Outcome:
    """What a choice has shown so far, from which its finish reason follows."""

    __slots__ = ("calls", "content", "refusal")

    def __init__(self) -> None:
        self.content = False
        self.refusal = False
        self.calls = 0

    def word(self, detail: FinishDetail | None, *, own: bool, legacy: bool) -> str | None:
        """Return the word of the wire, or ``None`` where an error has to be sent; no detail means a plain end."""
        return encode_finish(
            detail if detail is not None else FinishDetail(FinishReason.STOP),
            has_content=self.content,
            has_calls=self.calls > 0,
            has_refusal=self.refusal,
            own=own,
            legacy=legacy,
        )


def annotations_of(part: Text, base: int, losses: Losses, *, own: bool) -> list[dict[str, Any]]:
    """Render the sources of a text that begins at character ``base`` of the content."""
    out: list[dict[str, Any]] = []
    for citation in part.citations:
        if own and citation.raw is not None:
            out.append(citation.raw)
        elif citation.url is None:
            losses.drop("citations", "the protocol cites addresses only")
        else:
            out.append({"type": "url_citation", "url_citation": _url_citation(citation, part, base)})
    return out


def _url_citation(citation: Citation, part: Text, base: int) -> dict[str, Any]:
    start = citation.start if citation.start is not None else 0
    end = citation.end if citation.end is not None else len(part.text)
    return {
        "start_index": base + start,
        "end_index": base + end,
        "url": citation.url,
        "title": citation.title if citation.title is not None else "",
    }


def drop(part: Part, losses: Losses) -> None:
    """Note the loss of a part for which the protocol has no form."""
    match part:
        case Opaque() | ServerTool():
            name = part.type
        case Media():
            name = part.kind
        case _:
            name = type(part).__name__.lower()
    losses.drop("content", f"{name} has no form in the protocol")


def is_shown(part: Media) -> bool:
    """Whether there is anything of an image that a client could show: a file in another vendor's store is nothing."""
    return part.url is not None or part.data is not None


def image_entry(part: Media, index: int) -> dict[str, Any]:
    """Render a generated image, in the form that OpenRouter and others use."""
    url = part.url if part.url is not None else data_url(part.media_type, part.data if part.data is not None else "")
    return {"type": "image_url", "image_url": {"url": url}, "index": index}


def audio_object(part: Media, context: RenderContext) -> dict[str, Any]:
    """Render generated sound."""
    extras = part.extras or {}
    return {
        "id": extras.get("id", f"audio_{context.id}"),
        "data": part.data if part.data is not None else "",
        "transcript": part.text if part.text is not None else "",
        "expires_at": extras.get("expires_at", context.created + _AUDIO_LIFETIME),
    }


def call_name(namespace: str | None, name: str) -> str:
    """Return the name of a called tool; the protocol has no namespaces."""
    return flattened(namespace, name)


def call_id(given: str | None, context: RenderContext, position: int) -> str:
    """Return the id of a call; one without is given an id from its place."""
    return given if given else derived_call_id(context.id, position)


def whole_arguments(call: ToolCall) -> str:
    """Return arguments that a client can parse: nothing is an empty object."""
    if call.kind == "custom" or call.arguments.strip():
        return call.arguments
    return "{}"


def extra_content(call: ToolCall) -> dict[str, Any] | None:
    """Return where Google's convention carries the signature of a call."""
    if call.signature is None:
        return None
    return {"google": {"thought_signature": call.signature.payload}}


def is_own(protocol: str) -> bool:
    """Whether an answer came by this protocol."""
    return protocol == PROTOCOL


def is_legacy(context: RenderContext) -> bool:
    """Whether the client knows functions only, not tools."""
    return context.request is not None and context.request.legacy_functions


def head(context: RenderContext, kind: str) -> dict[str, Any]:
    """Return the fields with which every object of an answer begins."""
    return {
        "id": f"chatcmpl-{context.id}",
        "object": kind,
        "created": context.created,
        "model": context.requested_model,
    }


def own_fields(answer_protocol: str, extras: dict[str, Any] | None) -> dict[str, Any]:
    """Return what an answer of this protocol says beside the hub's fields."""
    if not is_own(answer_protocol) or not extras:
        return {}
    out: dict[str, Any] = {}
    if extras.get("service_tier") in _TIERS:
        out["service_tier"] = extras["service_tier"]
    if isinstance(extras.get("system_fingerprint"), str):
        out["system_fingerprint"] = extras["system_fingerprint"]
    return out


def answer_fields(answer: Answer) -> dict[str, Any]:
    """Return the own fields of a whole answer."""
    return own_fields(answer.protocol, answer.extras)
