"""The hub's parts to content blocks of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from codenex.core import json
from codenex.core.errors import unsupported
from codenex.core.identifiers import fitted_call_id
from codenex.core.losses import Losses
from codenex.core.media import is_text, normalised_base64, normalised_type, parse_data_url, sniffed_type, text_of
from codenex.core.parts import (
    CacheHint,
    Compaction,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    ServerTool,
    Text,
    ToolCall,
    ToolResult,
)
from codenex.core.reversal import argument_object, wrapped
from codenex.models.capabilities import Capabilities
from codenex.protocols.anthropic.types import IMAGE_TYPES, NAME, VENDOR

if TYPE_CHECKING:
    from codenex.protocols.anthropic.tools import ToolNames

Block = dict[str, Any]

#: Prefix of call ids that had to be replaced.
CALL_PREFIX = "toolu_"

_REASON_NO_FIELD = "the target has no such field"


def cache_control(hint: CacheHint | None, extras: dict[str, Any] | None) -> dict[str, Any] | None:
    """Encode a cache breakpoint, with what its own protocol said beyond the lifetime."""
    if hint is None:
        return None
    more = extras.get("cache_control") if extras is not None else None
    control: dict[str, Any] = {"type": "ephemeral"}
    if hint.ttl in ("5m", "1h"):
        control["ttl"] = hint.ttl
    return {**control, **more} if isinstance(more, dict) else control


class ContentEncoder:
    """Encodes the parts of one request; what the target can't take is a loss or, where it matters, a fault (400)."""

    __slots__ = ("_call_ids", "_capabilities", "_losses", "_names", "_own", "marks")

    def __init__(self, own: bool, names: ToolNames, capabilities: Capabilities, losses: Losses) -> None:
        self._own = own
        self._names = names
        self._capabilities = capabilities
        self._losses = losses
        #: ids of calls at the target, by the client's
        self._call_ids: dict[str, str] = {}
        #: whether any block has a cache breakpoint
        self.marks = False

    def content(self, parts: tuple[Part, ...], role: str) -> str | list[Block]:
        """Encode a turn's parts; one plain text is a string."""
        if len(parts) == 1 and type(part := parts[0]) is Text and _is_plain(part):
            return part.text
        blocks = self.blocks(parts, role)
        if len(blocks) == 1 and blocks[0].keys() == {"type", "text"} and blocks[0]["type"] == "text":
            return str(blocks[0]["text"])
        return blocks

    def blocks(self, parts: tuple[Part, ...], role: str) -> list[Block]:
        """Encode a turn's parts, in order."""
        blocks: list[Block] = []
        for part in parts:
            if type(part) is Text and _is_plain(part):
                blocks.append({"type": "text", "text": part.text})
            elif type(part) is ToolCall:
                blocks.append(self._tool_use(part))
            elif type(part) is ToolResult:
                blocks.append(self._tool_result(part))
            else:
                blocks.extend(self._part(part, role))
        return blocks

    def _part(self, part: Part, role: str) -> list[Block]:
        match part:
            case Text():
                return self._text(part, role)
            case Refusal():
                self._extras(part.extras, "refusal")
                return [{"type": "text", "text": part.text}] if part.text else []
            case Reasoning():
                return self._reasoning(part)
            case Media():
                return self._media(part)
            case ToolCall():
                return [self._tool_use(part)]
            case ToolResult():
                return [self._tool_result(part)]
            case ServerTool():
                if part.protocol == NAME and self._own:
                    return [part.raw]
                return self._told(part.text, part.type)
            case Compaction():
                if part.protocol == NAME and self._own:
                    return [part.raw]
                if part.summary is None:
                    raise unsupported("the condensed history of another vendor cannot be read by the target")
                return self._told(part.summary, "compaction")
            case Opaque():
                if part.protocol == NAME and self._own:
                    return [part.raw]
                self._losses.drop(part.type, "the target does not know this kind of content")
                return []
            case _:
                assert_never(part)

    def _told(self, text: str | None, what: str) -> list[Block]:
        if text is None or not text.strip():
            self._losses.drop(what, "it belongs to a tool that only its own vendor runs")
            return []
        self._losses.adapt(what, "told as text")
        return [{"type": "text", "text": text}]

    def _text(self, part: Text, role: str) -> list[Block]:
        extras = part.extras if part.extras is not None else {}
        if self._own:
            for key in ("search_result", "tool_reference"):
                if key in extras:
                    return [extras[key]]
        if part.signature is not None:
            self._losses.drop("signature", "the target has no place for the signature of a text")
        if not part.text.strip():
            return []
        block: Block = {"type": "text", "text": part.text}
        if part.citations:
            if self._own and role == "assistant":
                block["citations"] = [citation.raw for citation in part.citations if citation.raw is not None]
            else:
                # Citations in a user turn are refused, and those of other vendors lack what the target checks.
                self._losses.drop("citations", "the target takes only citations of its own")
        self._finish(block, part.cache, part.extras, "text")
        return [block]

    def _reasoning(self, part: Reasoning) -> list[Block]:
        signature = part.signature
        if signature is None or signature.vendor != VENDOR:
            self._losses.drop("reasoning", "reasoning without a signature of the target's vendor is refused")
            return []
        if part.redacted:
            return [{"type": "redacted_thinking", "data": signature.payload}]
        block: Block = {"type": "thinking", "thinking": part.text, "signature": signature.payload}
        self._finish(block, None, part.extras, "thinking")
        return [block]

    def _tool_use(self, part: ToolCall) -> Block:
        if part.signature is not None and part.signature.vendor != VENDOR:
            self._losses.drop("signature", "the target has no place for the signature of a tool call")
        arguments = wrapped(part.arguments) if part.kind == "custom" else part.arguments
        given = argument_object(arguments)
        if given is None:
            self._losses.adapt("arguments", f"the arguments of call {part.id} are not JSON: sent as a text")
            given = {"value": part.arguments}
        block: Block = {
            "type": "tool_use",
            "id": self._call_id(part.id),
            "name": self._names.target(part.name, part.namespace),
            "input": given,
        }
        if part.cache is not None or part.extras is not None:
            self._finish(block, part.cache, part.extras, "tool_calls")
        return block

    def _call_id(self, original: str) -> str:
        if original in self._call_ids:
            return self._call_ids[original]
        fitted = self._call_ids[original] = fitted_call_id(original, CALL_PREFIX)
        return fitted

    def _tool_result(self, part: ToolResult) -> Block:
        block: Block = {"type": "tool_result", "tool_use_id": self._call_id(part.call_id)}
        content = self.content(part.parts, "user")
        if content:
            block["content"] = content
        if part.is_error:
            block["is_error"] = True
        if part.cache is not None or part.extras is not None:
            self._finish(block, part.cache, part.extras, "tool_result")
        return block

    def _finish(self, block: Block, hint: CacheHint | None, extras: dict[str, Any] | None, what: str) -> None:
        control = cache_control(hint, extras if self._own else None)
        if control is not None:
            block["cache_control"] = control
            self.marks = True
        self._extras(extras, what, block)

    def _extras(self, extras: dict[str, Any] | None, what: str, block: Block | None = None) -> None:
        for key, value in (extras if extras is not None else {}).items():
            if not self._own:
                self._losses.drop(f"{what}.{key}", _REASON_NO_FIELD)
            elif block is not None and key != "cache_control":
                block[key] = value

    # Media. What decides is the type of the bytes, not the wrapper they came in.

    def _media(self, part: Media) -> list[Block]:
        if part.signature is not None:
            self._losses.drop("signature", "the target has no place for the signature of media")
        if part.detail not in (None, "auto"):
            self._losses.drop("detail", _REASON_NO_FIELD)
        block = self._inline(part) if part.data is not None else self._referenced(part)
        if block is None:
            return []
        title = part.title if part.title is not None else part.filename
        if title is not None and block["type"] == "document":
            block["title"] = title
        if part.extras is not None and self._own and isinstance(part.extras.get("source"), dict):
            block["source"] = part.extras["source"]
        self._finish(block, part.cache, part.extras, part.kind)
        return [block]

    def _inline(self, part: Media) -> Block | None:
        data = normalised_base64(part.data if part.data is not None else "")
        declared = normalised_type(part.media_type) if part.media_type is not None else None
        found = sniffed_type(data)
        media_type = found if found is not None else declared
        if media_type in IMAGE_TYPES:
            return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}
        if media_type == "application/pdf":
            return {"type": "document", "source": {"type": "base64", "media_type": media_type, "data": data}}
        if is_text(media_type) or (part.kind == "document" and media_type in (None, "application/octet-stream")):
            text = text_of(data)
            if text is not None and text.strip():
                return _text_document(text)
        if part.text is not None and part.text.strip():
            self._losses.adapt(part.kind, "sent as its text")
            return {"type": "text", "text": part.text}
        raise unsupported(f"the target takes no {part.kind} of type {media_type or 'unknown'}", param=part.kind)

    def _referenced(self, part: Media) -> Block | None:
        if part.file_id is not None:
            if not self._own:
                raise unsupported("the target cannot read a file id of another vendor", param="file_id")
            return {
                "type": "image" if part.kind == "image" else "document",
                "source": {"type": "file", "file_id": part.file_id},
            }
        if part.url is not None:
            inline = parse_data_url(part.url)
            if inline is not None:
                media_type = inline[0] if inline[0] is not None else part.media_type
                return self._inline(Media(part.kind, media_type, inline[1], text=part.text))
            return self._linked(part, part.url)
        if part.text is not None and part.text.strip():
            return _text_document(part.text) if part.kind == "document" else {"type": "text", "text": part.text}
        return None

    def _linked(self, part: Media, url: str) -> Block:
        media_type = normalised_type(part.media_type) if part.media_type is not None else None
        kind = "document" if media_type == "application/pdf" or part.kind == "document" else part.kind
        if kind not in ("image", "document") or kind not in self._capabilities.url_media:
            raise unsupported(f"the target takes no {kind} by URL", param=kind)
        if not url.lower().startswith(("https://", "http://")):
            raise unsupported(f"the target cannot read {url.partition(':')[0]}: URLs", param=kind)
        return {"type": kind, "source": {"type": "url", "url": url}}


def _is_plain(part: Text) -> bool:
    """Whether a text says something and is nothing but a text."""
    return (
        part.cache is None
        and part.extras is None
        and not part.citations
        and part.signature is None
        and part.text != ""
        and not part.text.isspace()
    )


def _text_document(text: str) -> Block:
    return {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": text}}


def instruction_text(schema: dict[str, Any] | None) -> str:
    """Return the instruction that stands in for an output format which the target can't enforce."""
    if schema is None:
        return "Answer with one valid JSON object only, without code fences and without any text around it."
    return (
        "Answer with one JSON value only, without code fences and without any text around it, "
        "valid under this JSON Schema:\n" + json.encode_text(schema)
    )
