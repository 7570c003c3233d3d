"""Parts of an answer to content blocks for an Anthropic client."""

from __future__ import annotations

from typing import Any, assert_never

from codenex.core import json
from codenex.core.envelope import UNSIGNED
from codenex.core.identifiers import derived_call_id, fitted_call_id
from codenex.core.losses import Losses
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
from codenex.protocols.anthropic.content import CALL_PREFIX
from codenex.protocols.anthropic.types import CITATION_TYPES, NAME, VENDOR

Block = dict[str, Any]


class BlockEncoder:
    """Encodes parts of one answer. ``protocol`` is where it comes from, ``seed`` the base of ids that are missing."""

    __slots__ = ("_losses", "_own", "_seed")

    def __init__(self, protocol: str, seed: str, losses: Losses) -> None:
        self._own = protocol == NAME
        self._seed = seed
        self._losses = losses

    def blocks(self, part: Part, position: int) -> list[Block]:
        """Return the blocks of a part; none where the client has no place for it."""
        match part:
            case Text():
                if part.signature is not None:
                    self.unplaced("signature")
                return self._with(self._text(part), part.extras)
            case Refusal() if self._own:
                # It was made from the stop details, which go back as such.
                return []
            case Refusal():
                return [{"type": "text", "text": part.text}] if part.text else []
            case Reasoning():
                return self._with(reasoning_blocks(part), part.extras)
            case ToolCall():
                return self._call(part, position)
            case Media():
                return self._media(part)
            case ServerTool() | Compaction() | Opaque():
                if part.protocol == NAME:
                    return [part.raw]
                self.unplaced("compaction" if isinstance(part, Compaction) else part.type)
                return []
            case ToolResult():
                self.unplaced("tool_result")
                return []
            case _:
                assert_never(part)

    def unplaced(self, what: str) -> None:
        """Note something for which the client has no place."""
        self._losses.drop(f"output.{what}", "Anthropic's clients have no place for it")

    def _with(self, blocks: list[Block], extras: dict[str, Any] | None) -> list[Block]:
        if extras is None or not self._own or len(blocks) != 1:
            return blocks
        return [{**blocks[0], **extras}]

    def _text(self, part: Text) -> list[Block]:
        citations = [found for citation in part.citations if (found := self.citation(citation)) is not None]
        if not part.text and not citations:
            return []
        return [{"type": "text", "text": part.text, **({"citations": citations} if citations else {})}]

    def citation(self, citation: Citation) -> Block | None:
        """Return a citation; one of another vendor as a search result, where it has an address."""
        raw = citation.raw
        if raw is not None and str(raw.get("type")) in CITATION_TYPES:
            return raw
        if citation.url is None:
            self.unplaced("citation")
            return None
        return {
            "type": "web_search_result_location",
            "url": citation.url,
            "title": citation.title,
            "cited_text": citation.cited_text if citation.cited_text is not None else "",
            "encrypted_index": "",
        }

    def call_id(self, original: str | None, position: int) -> str:
        """Return an id that the client's pattern allows, the same for the same call."""
        return (
            fitted_call_id(original, CALL_PREFIX)
            if original
            else derived_call_id(self._seed, position, prefix=CALL_PREFIX)
        )

    def call_start(self, call_id: str | None, name: str, namespace: str | None, position: int) -> Block:
        """Return the block of a call before its arguments."""
        return {
            "type": "tool_use",
            "id": self.call_id(call_id, position),
            "name": flattened(namespace, name),
            "input": {},
        }

    def _call(self, part: ToolCall, position: int) -> list[Block]:
        if not part.name:
            self._losses.drop("output.tool_call", "a call without a name")
            return []
        arguments = call_arguments(part)
        if arguments is None:
            # An object is demanded, and half of one must never run.
            self._losses.drop("output.tool_call", f"the arguments of call {part.id} are cut off")
            return []
        block = {**self.call_start(part.id, part.name, part.namespace, position), "input": arguments}
        return [*signature_blocks(part.signature), *self._with([block], part.extras)]

    def _media(self, part: Media) -> list[Block]:
        if part.text is not None and part.text.strip():
            self._losses.adapt(f"output.{part.kind}", "told as its text")
            return [{"type": "text", "text": part.text}]
        self.unplaced(part.kind)
        return []


def call_arguments(part: ToolCall) -> dict[str, Any] | None:
    """Return a call's arguments as an object; ``None`` where they are cut off."""
    if part.kind == "custom":
        return {CUSTOM_INPUT: part.arguments}
    return argument_object(part.arguments)


def signature_blocks(signature: Signature | None) -> list[Block]:
    """Return the block before a call that carries the call's signature: clients send it back untouched."""
    return [{"type": "redacted_thinking", "data": signature.payload}] if signature is not None else []


def reasoning_blocks(part: Reasoning) -> list[Block]:
    """Return a thinking block, or a redacted one where there is nothing to read but something to carry."""
    signature, text = part.signature, part.text
    if not text:
        if signature is None:
            return []
        if part.redacted or signature.vendor != VENDOR:
            return [{"type": "redacted_thinking", "data": signature.payload}]
    return [{"type": "thinking", "thinking": text, "signature": thinking_signature(signature)}]


def thinking_signature(signature: Signature | None) -> str:
    """Return what a thinking block is signed with: its vendor refuses one without a signature when it comes back."""
    return signature.payload if signature is not None else UNSIGNED


def input_text(block: Block) -> str:
    """Return the JSON text of a block's input."""
    return json.encode_text(block.get("input", {}))
