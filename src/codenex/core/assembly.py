"""Assembles parts from deltas: what every stream decoder shares.

A decoder opens a part under a key of its own (a block index, an item, a kind), adds to it and closes it; the
assembly numbers the
parts, emits the hub's events and builds the final part of each ``PartStop``.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Literal, assert_never

import msgspec

from codenex.core import events as e
from codenex.core.parts import Citation, Media, Part, Reasoning, Refusal, Signature, Text, ToolCall
from codenex.core.pieces import Pieces

#: Paragraphs that may be skipped: their numbers come from the upstream, and a leap must not fill the memory.
_LEAP = 100

AssembledKind = Literal["text", "refusal", "reasoning", "tool_call", "media"]


class _OpenPart:
    __slots__ = ("citations", "extras", "head", "media", "pieces", "segments", "signature", "start")

    def __init__(self, start: e.PartStart) -> None:
        self.start = start
        self.pieces = Pieces()
        self.segments: list[Pieces] = []
        self.citations: list[Citation] = []
        self.signature: Signature | None = None
        self.extras: dict[str, Any] | None = None
        self.media: Media | None = None


class Assembly:
    """Builds events of parts. Every method appends to ``out``, the list that the decoder hands on."""

    __slots__ = ("_count", "_open", "out")

    def __init__(self) -> None:
        self.out: list[e.StreamEvent] = []
        self._open: dict[Hashable, _OpenPart] = {}
        self._count = 0

    def take(self) -> list[e.StreamEvent]:
        """Return the events so far and begin a new list."""
        out, self.out = self.out, []
        return out

    def open(
        self,
        key: Hashable,
        kind: AssembledKind,
        choice: int = 0,
        *,
        id: str | None = None,
        name: str | None = None,
        tool_kind: Literal["function", "custom"] = "function",
        namespace: str | None = None,
        item_id: str | None = None,
        raw: bool = False,
        media: Media | None = None,
        extras: dict[str, Any] | None = None,
    ) -> None:
        """Begin a part under ``key``; a part that is open there is closed first."""
        if key in self._open:
            self.close(key)
        start = e.PartStart(self._count, kind, choice, id, name, tool_kind, namespace, item_id, raw)
        self._count += 1
        part = self._open[key] = _OpenPart(start)
        part.media, part.extras = media, extras
        self.out.append(start)

    def is_open(self, key: Hashable) -> bool:
        """Whether a part is open under ``key``."""
        return key in self._open

    def open_keys(self) -> list[Hashable]:
        """Return the keys of the open parts, oldest first."""
        return list(self._open)

    def kind(self, key: Hashable) -> e.PartKind:
        """Return what the open part is."""
        return self._open[key].start.kind

    def text_so_far(self, key: Hashable) -> str:
        """Return the text or the arguments that the open part has received."""
        return "".join(self._open[key].pieces)

    def citations(self, key: Hashable) -> tuple[Citation, ...]:
        """Return the sources that the open part has received."""
        return tuple(self._open[key].citations)

    def segments(self, key: Hashable) -> tuple[str, ...]:
        """Return the paragraphs of reasoning that the open part has received."""
        return tuple("".join(pieces) for pieces in self._open[key].segments)

    def text(self, key: Hashable, text: str) -> None:
        """Add to a text or refusal; empty text is nothing."""
        if text:
            part = self._open[key]
            # Most events come through here: a call less for each of them.
            pieces = part.pieces
            pieces.append(text)
            if len(pieces) > pieces.most:
                pieces.gather()
            self.out.append(e.TextDelta(part.start.index, text))

    def run(self, key: Hashable, text: str, pieces: list[bytes]) -> None:
        """Add several pieces to a text at once; ``pieces`` are their JSON."""
        if text:
            part = self._open[key]
            part.pieces.add(text)
            self.out.append(e.TextRun(part.start.index, text, pieces))

    def reasoning(self, key: Hashable, text: str, segment: int = 0) -> None:
        """Add to a paragraph of reasoning."""
        if text:
            part = self._open[key]
            segment = min(segment, len(part.segments) + _LEAP)
            while len(part.segments) <= segment:
                part.segments.append(Pieces())
            part.segments[segment].add(text)
            self.out.append(e.ReasoningDelta(part.start.index, text, segment))

    def reasoning_run(self, key: Hashable, text: str, pieces: list[bytes]) -> None:
        """Add several pieces to the first paragraph of reasoning at once; ``pieces`` are their JSON."""
        if text:
            part = self._open[key]
            if not part.segments:
                part.segments.append(Pieces())
            part.segments[0].add(text)
            self.out.append(e.ReasoningRun(part.start.index, text, 0, pieces))

    def arguments(self, key: Hashable, text: str) -> None:
        """Add to a call's arguments."""
        if text:
            part = self._open[key]
            part.pieces.add(text)
            self.out.append(e.ToolArgumentsDelta(part.start.index, text))

    def arguments_run(self, key: Hashable, text: str, pieces: list[bytes]) -> None:
        """Add several pieces to a call's arguments at once; ``pieces`` are their JSON."""
        if text:
            part = self._open[key]
            part.pieces.add(text)
            self.out.append(e.ArgumentsRun(part.start.index, text, pieces))

    def data(self, key: Hashable, data: str) -> None:
        """Add base64 data to a media part."""
        if data:
            part = self._open[key]
            part.pieces.append(data)
            self.out.append(e.MediaDelta(part.start.index, data))

    def sign(self, key: Hashable, signature: Signature) -> None:
        """Set the signature of a part; a later one replaces it."""
        part = self._open[key]
        part.signature = signature
        self.out.append(e.SignatureSet(part.start.index, signature))

    def cite(self, key: Hashable, citation: Citation) -> None:
        """Add a source to a text."""
        part = self._open[key]
        part.citations.append(citation)
        self.out.append(e.CitationAdd(part.start.index, citation))

    def close(self, key: Hashable, final: Part | None = None, *, complete: bool = True) -> None:
        """End a part; ``final`` replaces what was assembled. Nothing happens where none is open."""
        part = self._open.pop(key, None)
        if part is not None:
            built = final if final is not None else _built(part, complete)
            self.out.append(e.PartStop(part.start.index, built, part.start.choice))

    def close_all(self, choice: int | None = None, *, complete: bool = True) -> None:
        """End all open parts (of one choice), oldest first."""
        for key in [key for key, part in self._open.items() if choice is None or part.start.choice == choice]:
            self.close(key, complete=complete)

    def whole(self, part: Part, choice: int = 0) -> None:
        """Emit a part that arrived in one piece."""
        from codenex.core.answer import part_events

        self.out.extend(part_events(self._count, part, choice))
        self._count += 1


def _built(part: _OpenPart, complete: bool) -> Part:
    start = part.start
    match start.kind:
        case "text":
            return Text(
                "".join(part.pieces),
                tuple(part.citations),
                signature=part.signature,
                extras=part.extras,
                item_id=start.item_id,
            )
        case "refusal":
            return Refusal("".join(part.pieces), part.extras, start.item_id)
        case "reasoning":
            segments = tuple("".join(pieces) for pieces in part.segments)
            redacted = not any(segments) and part.signature is not None and bool((part.extras or {}).get("redacted"))
            return Reasoning(segments, start.raw, redacted, start.item_id, part.signature, part.extras)
        case "tool_call":
            return ToolCall(
                start.id if start.id is not None else "",
                start.name if start.name is not None else "",
                "".join(part.pieces),
                start.tool_kind,
                start.item_id,
                start.namespace,
                complete,
                signature=part.signature,
                extras=part.extras,
            )
        case "media":
            media = part.media if part.media is not None else Media("image")
            data = "".join(part.pieces) or media.data
            signature = part.signature if part.signature is not None else media.signature
            return msgspec.structs.replace(media, data=data, signature=signature)
        case "server_tool" | "compaction" | "opaque":
            raise ValueError(f"a part of kind {start.kind} can't be assembled from deltas")
        case _:
            assert_never(start.kind)
