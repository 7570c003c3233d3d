"""Parts: the ordered pieces of a turn or of an answer, in no protocol's form."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

#: Fields that the hub has no name for, as decoded from the protocol of the request or answer that holds the part.
Extras = dict[str, Any]


class CacheHint(msgspec.Struct, frozen=True):
    """A prompt-cache breakpoint after the part; ``ttl`` is the vendor's word (``5m``, ``1h``)."""

    ttl: str | None = None


class Signature(msgspec.Struct, frozen=True, omit_defaults=True):
    """An opaque proof that a vendor wants back unchanged, with where it is valid.

    ``vendor`` is ``anthropic``, ``openai`` or ``gemini`` (who can read the payload), ``payload`` the vendor's
    text, ``item_id``
    the id it is bound to (OpenAI), ``model`` and ``scope`` the model and the account scope that made it, where known.
    """

    vendor: str
    payload: str
    item_id: str | None = None
    model: str | None = None
    scope: str | None = None


class Citation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A source of a text. ``start`` and ``end`` are character offsets into the text of the same part, where known."""

    url: str | None = None
    title: str | None = None
    cited_text: str | None = None
    start: int | None = None
    end: int | None = None
    #: the citation in its own protocol's form
    raw: dict[str, Any] | None = None


class Text(msgspec.Struct, frozen=True, omit_defaults=True):
    """Visible text."""

    text: str
    citations: tuple[Citation, ...] = ()
    cache: CacheHint | None = None
    signature: Signature | None = None
    extras: Extras | None = None
    #: the id of the message item that holds the part (OpenAI Responses)
    item_id: str | None = None


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """Text in which the model declines, where the protocol marks it as such."""

    text: str
    extras: Extras | None = None
    item_id: str | None = None


class Reasoning(msgspec.Struct, frozen=True, omit_defaults=True):
    """Thinking of the model. ``segments`` are the paragraphs of a summary or of the raw chain (``raw``).

    ``redacted`` says that only the signature holds content. One reasoning item or thinking block is one part.
    """

    segments: tuple[str, ...] = ()
    raw: bool = False
    redacted: bool = False
    item_id: str | None = None
    signature: Signature | None = None
    extras: Extras | None = None

    @property
    def text(self) -> str:
        """All segments, joined by blank lines."""
        return "\n\n".join(self.segments)


class Media(msgspec.Struct, frozen=True, omit_defaults=True):
    """An image, sound, video or document: inline (``data``, standard base64), by ``url`` or by a vendor's
    ``file_id``."""

    kind: Literal["image", "audio", "video", "document"]
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    filename: str | None = None
    title: str | None = None
    #: plain text of a text document, or the transcript of a sound
    text: str | None = None
    detail: str | None = None
    cache: CacheHint | None = None
    signature: Signature | None = None
    extras: Extras | None = None


class ToolCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call of a tool that the client runs.

    ``arguments`` is the raw text: JSON for functions, free text for ``custom``. It is parsed only where a target
    needs an object.
    """

    id: str
    name: str
    arguments: str = ""
    kind: Literal["function", "custom"] = "function"
    item_id: str | None = None
    namespace: str | None = None
    #: false when the stream stopped in the middle of the arguments
    complete: bool = True
    cache: CacheHint | None = None
    signature: Signature | None = None
    extras: Extras | None = None


class ToolResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a tool answered. ``name`` is looked up from the call where the protocol does not repeat it."""

    call_id: str
    parts: tuple[Part, ...] = ()
    name: str | None = None
    is_error: bool = False
    kind: Literal["function", "custom"] = "function"
    cache: CacheHint | None = None
    extras: Extras | None = None
    item_id: str | None = None


class ServerTool(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call or result of a tool that the vendor runs itself (web search, code execution, …), in its own form.

    ``text`` is what a reader of another protocol may be told, such as a query with its list of sources.
    """

    protocol: str
    type: str
    raw: dict[str, Any]
    call_id: str | None = None
    text: str | None = None
    cache: CacheHint | None = None


class Compaction(msgspec.Struct, frozen=True, omit_defaults=True):
    """A vendor's condensed history."""

    protocol: str
    raw: dict[str, Any]
    summary: str | None = None


class Opaque(msgspec.Struct, frozen=True):
    """A part of a type that this project does not know; it goes back to its own protocol unchanged, elsewhere it
    is a loss."""

    protocol: str
    type: str
    raw: dict[str, Any]


Part = Text | Refusal | Reasoning | Media | ToolCall | ToolResult | ServerTool | Compaction | Opaque
