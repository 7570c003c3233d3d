"""Reasoning in Chat, which has no official field for it: all spellings in, one pair of fields out.

``reasoning_content`` and ``reasoning`` are strings; ``reasoning_details`` (OpenRouter's form) is a list of entries
``reasoning.text`` (text, signature), ``reasoning.summary`` (summary) and ``reasoning.encrypted`` (data);
``thinking_blocks`` (LiteLLM's form) is a list of Anthropic's blocks.
"""

from __future__ import annotations

from typing import Any

from codenex.core.parts import Opaque, Reasoning, Signature
from codenex.protocols.openai_chat import fields
from codenex.protocols.openai_chat.types import PROTOCOL, VENDOR

#: Message fields that hold reasoning.
FIELDS = frozenset({"reasoning_content", "reasoning", "reasoning_details", "thinking_blocks"})
_ENTRY_FIELDS = frozenset({"type", "text", "summary", "data", "signature", "id", "index"})
_ENTRY_TEXT = {"reasoning.text": "text", "reasoning.summary": "summary"}


def decode_reasoning(
    message: dict[str, Any], path: str, call_ids: set[str]
) -> tuple[list[Reasoning | Opaque], dict[str, Signature]]:
    """Read the reasoning of an assistant message, and the signatures that belong to its calls, by call id."""
    plain = fields.text(message.get("reasoning_content"), f"{path}.reasoning_content")
    if not plain:
        plain = fields.text(message.get("reasoning"), f"{path}.reasoning")
    details = fields.sequence(message.get("reasoning_details"), f"{path}.reasoning_details")
    blocks = fields.sequence(message.get("thinking_blocks"), f"{path}.thinking_blocks")
    signatures: dict[str, Signature] = {}
    parts: list[Reasoning | Opaque] = []
    if details:
        entries = [
            fields.required_mapping(entry, f"{path}.reasoning_details[{number}]")
            for number, entry in enumerate(details)
        ]
        parts, signatures = _from_details(_merged(entries), call_ids)
    elif blocks:
        for number, block in enumerate(blocks):
            entry = block_entry(fields.required_mapping(block, f"{path}.thinking_blocks[{number}]"))
            parts += _from_details([entry], set())[0]
    return _with_text(parts, plain) if plain else parts, signatures


def detail_entries(
    part: Reasoning, index: int, *, with_text: bool = True, with_unsigned: bool = False
) -> list[dict[str, Any]]:
    """Render a part as entries of ``reasoning_details``, numbered from ``index``; without signature there are none.

    ``with_text`` repeats the text, which a client has in ``reasoning_content`` already: it is needed where several
    blocks share that field, so that each signature finds its text again.
    """
    item_id = part.item_id
    if item_id is None and part.signature is not None:
        item_id = part.signature.item_id
    common: dict[str, Any] = dict(fields.restored(part.extras))
    if item_id is not None:
        common["id"] = item_id
    if part.signature is None:
        if not with_unsigned or not part.text:
            return []
        entries: list[dict[str, Any]] = [{"type": "reasoning.text", "text": part.text}]
    elif not part.text:
        entries = [{"type": "reasoning.encrypted", "data": part.signature.payload}]
    elif item_id is None or part.raw:
        text = {"text": part.text} if with_text else {}
        entries = [{"type": "reasoning.text", **text, "signature": part.signature.payload}]
    else:
        segments = part.segments if with_text else ()
        entries = [{"type": "reasoning.summary", "summary": segment} for segment in segments if segment]
        entries.append({"type": "reasoning.encrypted", "data": part.signature.payload})
    return [{**entry, **common, "index": index + number} for number, entry in enumerate(entries)]


def signature_of(entry: dict[str, Any]) -> Signature | None:
    """Return the signature that an entry of ``reasoning_details`` holds."""
    payload = entry.get("data") if entry.get("type") == "reasoning.encrypted" else entry.get("signature")
    if not isinstance(payload, str) or not payload:
        return None
    item_id = entry.get("id")
    return Signature(VENDOR, payload, item_id if isinstance(item_id, str) and item_id else None)


def block_entry(block: dict[str, Any]) -> dict[str, Any]:
    """Return one of ``thinking_blocks`` as an entry of ``reasoning_details``; one of another type stays what it is."""
    match block.get("type"):
        case "thinking" if isinstance(block.get("thinking"), str):
            return {"type": "reasoning.text", "text": block["thinking"], "signature": block.get("signature")}
        case "redacted_thinking" if isinstance(block.get("data"), str) and block["data"]:
            return {"type": "reasoning.encrypted", "data": block["data"]}
        case _:
            return block


def text_of(entry: dict[str, Any]) -> str:
    """Return the readable text of an entry."""
    value = entry.get(_ENTRY_TEXT.get(str(entry.get("type")), "text"))
    return value if isinstance(value, str) else ""


def extras_of(entry: dict[str, Any]) -> dict[str, Any] | None:
    """Return what an entry says beyond the fields of its type, such as its ``format``."""
    return fields.unknown(entry, _ENTRY_FIELDS) or None


def _merged(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join fragments that a client collected from a stream as they came: same index, not yet signed."""
    out: list[dict[str, Any]] = []
    for entry in entries:
        last = out[-1] if out else None
        if (
            last is not None
            and entry.get("index") is not None
            and last.get("index") == entry.get("index")
            and last.get("type") == entry.get("type") == "reasoning.text"
            and not last.get("signature")
        ):
            out[-1] = {**last, **entry, "text": text_of(last) + text_of(entry)}
        else:
            out.append(entry)
    return out


def _from_details(
    entries: list[dict[str, Any]], call_ids: set[str]
) -> tuple[list[Reasoning | Opaque], dict[str, Signature]]:
    parts: list[Reasoning | Opaque] = []
    signatures: dict[str, Signature] = {}
    for entry in entries:
        kind, signature, text = entry.get("type"), signature_of(entry), text_of(entry)
        item_id = entry.get("id") if isinstance(entry.get("id"), str) and entry.get("id") else None
        last = parts[-1] if parts and isinstance(parts[-1], Reasoning) else None
        open_part = last if last is not None and last.signature is None and last.item_id == item_id else None
        if kind not in ("reasoning.text", "reasoning.summary", "reasoning.encrypted"):
            parts.append(Opaque(PROTOCOL, str(kind), entry))
        elif kind == "reasoning.encrypted":
            if signature is None:
                continue
            if item_id is not None and item_id in call_ids:
                signatures[item_id] = Signature(VENDOR, signature.payload)
            elif open_part is not None:
                parts[-1] = Reasoning(open_part.segments, False, False, item_id, signature, open_part.extras)
            else:
                parts.append(Reasoning((), False, True, item_id, signature, extras_of(entry)))
        elif kind == "reasoning.summary" and open_part is not None and item_id is not None:
            parts[-1] = Reasoning((*open_part.segments, text), False, False, item_id, signature, open_part.extras)
        else:
            raw = kind == "reasoning.text" and signature is None
            parts.append(Reasoning((text,) if text else (), raw, False, item_id, signature, extras_of(entry)))
    return parts, signatures


def _with_text(parts: list[Reasoning | Opaque], plain: str) -> list[Reasoning | Opaque]:
    """Give the plain text, less what parts repeat of it, to the signed part without text or to a part of its own."""
    for part in reversed(parts):
        if isinstance(part, Reasoning) and part.text:
            if not plain.endswith(part.text):
                return parts
            plain = plain[: -len(part.text)].removesuffix("\n\n")
    if not plain:
        return parts
    bare = [part for part in parts if isinstance(part, Reasoning) and not part.text and part.signature is not None]
    # An entry that could hold text comes before one that is all encrypted.
    chosen = next((part for part in bare if not part.redacted), bare[0] if bare else None)
    if chosen is None:
        return [Reasoning((plain,), raw=True), *parts]
    signed = Reasoning((plain,), False, False, chosen.item_id, chosen.signature, chosen.extras)
    return [signed if part is chosen else part for part in parts]
