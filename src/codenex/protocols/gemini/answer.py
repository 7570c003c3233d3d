"""The hub's answer in Google's parts and candidates: what unary answers and streams have in common."""

from __future__ import annotations

from typing import Any, assert_never

from codenex.core.finish import FinishDetail, FinishReason, settled
from codenex.core.losses import Losses
from codenex.core.media import sniffed_type
from codenex.core.names import flattened
from codenex.core.parts import (
    Citation,
    Compaction,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    ServerTool,
    Signature,
    Text,
    ToolCall,
    ToolResult,
)
from codenex.core.reversal import CUSTOM_INPUT, argument_object
from codenex.protocols.gemini.carriage import Carrier
from codenex.protocols.gemini.finish import encode_finish
from codenex.protocols.gemini.grounding import encode_grounding
from codenex.protocols.gemini.logprobs import encode_logprobs
from codenex.protocols.gemini.signatures import encode_signature
from codenex.protocols.gemini.types import NAME, Object

#: Texts with their position among the parts of a candidate and their sources.
CitedTexts = list[tuple[int, str, tuple[Citation, ...]]]


def encode_part(part: Part, protocol: str, losses: Losses) -> Object | None:
    """Return a part of an answer; ``None`` where Google's clients have no place for it."""
    match part:
        case Text():
            if not part.text and part.signature is None:
                return None
            return _with({"text": part.text}, part.signature, part.extras, protocol)
        case Refusal():
            return {"text": part.text} if part.text else None
        case Reasoning():
            if not part.text and part.signature is None:
                return None
            return _with({"text": part.text, "thought": True}, part.signature, part.extras, protocol)
        case Media():
            return _media(part, protocol, losses)
        case ToolCall():
            return _call(part, protocol, losses)
        case ServerTool() | Compaction() | Opaque():
            if part.protocol == NAME:
                return part.raw
            kind = part.type if not isinstance(part, Compaction) else "compaction"
            losses.drop(f"output.{kind}", "Gemini's clients have no such part")
            return None
        case ToolResult():
            losses.drop("output.tool_result", "an answer holds no results of the client's tools")
            return None
        case _:
            assert_never(part)


def _with(wire: Object, signature: Signature | None, extras: Object | None, protocol: str) -> Object:
    if signature is not None:
        wire["thoughtSignature"] = encode_signature(signature.payload)
    if protocol == NAME:
        for key, value in (extras or {}).items():
            own = wire.get(key)
            wire[key] = {**own, **value} if isinstance(own, dict) and isinstance(value, dict) else value
    return wire


def loaded(call: Object, carrier: Carrier) -> Object:
    """Return a call that carries what waits, unless it has a signature of its own."""
    load = None if "thoughtSignature" in call else carrier.load()
    return call if load is None else {**call, "thoughtSignature": load}


def _media(part: Media, protocol: str, losses: Losses) -> Object | None:
    if part.data is not None:
        media_type = part.media_type or sniffed_type(part.data) or "application/octet-stream"
        return _with({"inlineData": {"mimeType": media_type, "data": part.data}}, part.signature, part.extras, protocol)
    address = part.url if part.url is not None else part.file_id if protocol == NAME else None
    if address is None:
        losses.drop(f"output.{part.kind}", "a file of another vendor has no address for Gemini's clients")
        return None
    typed = {} if part.media_type is None else {"mimeType": part.media_type}
    return _with({"fileData": {**typed, "fileUri": address}}, part.signature, part.extras, protocol)


def _call(part: ToolCall, protocol: str, losses: Losses) -> Object | None:
    if not part.name:
        losses.drop("output.tool_call", "a call without a name")
        return None
    arguments: Object | None = (
        {CUSTOM_INPUT: part.arguments} if part.kind == "custom" else argument_object(part.arguments)
    )
    if arguments is None:
        losses.drop("output.tool_call", f"the arguments of call {part.id} are cut off")
        return None
    call: Object = {"id": part.id} if part.id else {}
    call.update(name=flattened(part.namespace, part.name), args=arguments)
    return _with({"functionCall": call}, part.signature, part.extras, protocol)


def is_cut(part: Part) -> bool:
    """Whether a part is a call whose arguments were cut off."""
    if not isinstance(part, ToolCall) or not part.name:
        return False
    return not part.complete or (part.kind == "function" and argument_object(part.arguments) is None)


def candidate_end(
    index: int,
    detail: FinishDetail | None,
    extras: Object | None,
    tokens: tuple[dict[str, Any], ...],
    texts: CitedTexts,
    protocol: str,
    *,
    has_content: bool,
    cut: bool,
) -> Object:
    """Return the fields of a candidate beside its content, without those that have no value. ``cut`` says that a call
    was cut off, which must not look like the end of a whole answer."""
    if cut:
        known = detail if detail is not None else FinishDetail(FinishReason.OTHER)
        detail = settled(known, has_tool_calls=True, cut=True)
    out: Object = {"finishReason": encode_finish(detail, has_content=has_content), "index": index}
    if detail is not None and detail.message is not None:
        out["finishMessage"] = detail.message
    if protocol == NAME:
        out.update({key: value for key, value in (extras or {}).items() if key != "promptFeedback"})
    if tokens:
        mean = out.get("avgLogprobs")
        out.update(encode_logprobs(tokens))
        if mean is not None:
            out["avgLogprobs"] = mean
    if "groundingMetadata" not in out and "citationMetadata" not in out:
        grounding = encode_grounding(texts)
        if grounding is not None:
            out["groundingMetadata"] = grounding
    return out


def is_blocked(detail: FinishDetail | None, *, has_content: bool) -> bool:
    """Whether an answer is the refusal of a prompt: no candidate at all."""
    return detail is not None and detail.reason is FinishReason.PROMPT_FILTER and not has_content


def spoken_refusal(detail: FinishDetail | None, *, has_content: bool) -> list[Object]:
    """Return as text what a vendor says of a refusal beside an answer without content: nobody would see it else."""
    refused = detail is not None and detail.reason is FinishReason.REFUSAL and not has_content
    return [{"text": detail.message}] if refused and detail is not None and detail.message else []
