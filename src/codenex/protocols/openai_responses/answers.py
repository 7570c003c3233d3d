"""Upstream answers to hub events, item by item: what the stream decoder and the unary decoder share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from codenex.core import events as e
from codenex.core.assembly import Assembly
from codenex.core.finish import settled
from codenex.core.logprobs import read_tokens
from codenex.core.parts import Citation, Part, Reasoning, Refusal, Text, ToolCall
from codenex.core.reversal import argument_object
from codenex.protocols.openai_responses.items import (
    call_part,
    content_part,
    item_parts,
    reasoning_part,
    string_or_none,
    text_of,
)
from codenex.protocols.openai_responses.types import NAME
from codenex.protocols.openai_responses.usage import decode_finish, decode_usage

_STREAMED_CALLS = frozenset({"function_call", "custom_tool_call"})


class OpenItem:
    """An item of the answer while it arrives. ``number`` is its own; an upstream's indexes and ids can't be trusted."""

    __slots__ = ("call_id", "done", "item", "item_id", "kind", "number", "waiting")

    def __init__(self, number: int, kind: str, item: dict[str, Any]) -> None:
        self.number = number
        self.kind = kind
        self.item = item
        self.item_id = string_or_none(item.get("id"))
        self.call_id = string_or_none(item.get("call_id"))
        self.done = False
        #: arguments that came before the call had a name
        self.waiting = ""

    def takes(self, kind: str) -> bool:
        """Whether pieces of an item of a kind may belong to this one; one that named no type is what its pieces are."""
        return self.kind in ("", kind) or (self.kind in _STREAMED_CALLS and kind in _STREAMED_CALLS)


class ItemEvents:
    """Turns items and their deltas into hub events. Text that comes again as a whole adds only what was missing."""

    __slots__ = ("_assembly", "_items", "_logged", "_refused", "calls", "cut", "started")

    def __init__(self) -> None:
        self._assembly = Assembly()
        self._items: list[OpenItem] = []
        self._logged: set[tuple[int, int]] = set()
        self._refused = False
        self.calls = False
        self.cut = False
        self.started = False

    def take(self) -> list[e.StreamEvent]:
        """Return the events so far."""
        return self._assembly.take()

    def emit(self, event: e.StreamEvent) -> None:
        """Put an event in between."""
        self._assembly.out.append(event)

    # --- beginning and end ---

    def start(self, response: dict[str, Any]) -> None:
        """Begin the answer, once."""
        if self.started:
            return
        self.started = True
        created = response.get("created_at")
        self.emit(
            e.Start(
                NAME,
                string_or_none(response.get("id")),
                string_or_none(response.get("model")),
                created if isinstance(created, int | float) and not isinstance(created, bool) else None,
            )
        )

    def finish(self, response: dict[str, Any]) -> None:
        """End the answer: items that only the final object holds, usage, reason."""
        self.start(response)
        output = response.get("output")
        streamed: list[OpenItem | None] = list(self._items)
        for position, item in enumerate(output if isinstance(output, list) else []):
            if isinstance(item, dict) and isinstance(item.get("type"), str):
                number = _counterpart(streamed, item, position)
                found = streamed[number] if number is not None else None
                if number is not None:
                    streamed[number] = None
                if found is None:
                    found = self.open_item(item)
                if not found.done:
                    self.close_item(found, item)
        detail = decode_finish(response, refused=self._refused)
        self.close_open()
        usage = decode_usage(response.get("usage"), response.get("service_tier"))
        if usage is not None:
            self.emit(e.UsageSnapshot(usage))
        self.emit(e.Finish(settled(detail, has_tool_calls=self.calls, cut=self.cut)))

    def close_open(self) -> None:
        """Close items whose end never came."""
        for item in self._items:
            if not item.done:
                self.close_item(item, None)

    @property
    def all_done(self) -> bool:
        """Whether something has arrived and all of it is whole."""
        return bool(self._items) and all(item.done for item in self._items)

    # --- items ---

    def open_item(self, item: dict[str, Any]) -> OpenItem:
        """Begin an item; content it brings along is replayed."""
        kind = text_of(item.get("type"))
        opened = OpenItem(len(self._items), kind, item)
        self._items.append(opened)
        if kind in _STREAMED_CALLS:
            self._open_call(opened)
            self.arguments(opened, _arguments_of(item))
        elif kind == "message" and isinstance(item.get("content"), list):
            for position, part in enumerate(item["content"]):
                if isinstance(part, dict) and text_of(part.get("text")):
                    self.text(opened, position, part["text"])
        return opened

    def close_item(self, opened: OpenItem, item: dict[str, Any] | None) -> None:
        """End an item; its final form replaces what was assembled."""
        if opened.done:
            return
        opened.done = True
        if item is not None and text_of(item.get("type")) not in ("", opened.kind) and self._has_begun(opened):
            # The end of something else: what has been told can't become it any more.
            item = None
        final = item if item is not None else opened.item
        if item is not None:
            opened.item_id = opened.item_id or string_or_none(item.get("id"))
            opened.call_id = opened.call_id or string_or_none(item.get("call_id"))
            opened.kind = text_of(item.get("type")) or opened.kind
        match opened.kind:
            case "message":
                self._close_message(opened, final, whole=item is not None)
            case "reasoning":
                self._close_reasoning(opened, final)
            case "function_call" | "custom_tool_call":
                self._close_call(opened, final, whole=item is not None)
            case _ if item is not None:
                for part in item_parts(item):
                    self._whole(part)
            case _:
                pass

    def _has_begun(self, opened: OpenItem) -> bool:
        return any(isinstance(key, tuple) and key[0] == opened.number for key in self._assembly.open_keys())

    def _whole(self, part: Part) -> None:
        if isinstance(part, ToolCall):
            self.calls = True
            self.cut = self.cut or not part.complete
        self._refused = self._refused or isinstance(part, Refusal)
        self._assembly.whole(part)

    # --- messages ---

    # What adds to something returns what takes more of it until anything else comes; ``None`` where that isn't sure.

    def text(
        self, opened: OpenItem, content_index: int, delta: str, kind: str = "output_text"
    ) -> Callable[[str], None] | None:
        """Add to a text or a refusal of a message."""
        key = (opened.number, content_index)
        if not self._assembly.is_open(key):
            if not delta:
                return None
            self._assembly.open(key, "refusal" if kind == "refusal" else "text", item_id=opened.item_id)
            self._refused = self._refused or kind == "refusal"
        self._assembly.text(key, delta)
        return partial(self._assembly.text, key)

    def text_done(self, opened: OpenItem, content_index: int, text: str, kind: str = "output_text") -> None:
        """Add what the deltas have left out of a text."""
        key = (opened.number, content_index)
        so_far = self._assembly.text_so_far(key) if self._assembly.is_open(key) else ""
        if text.startswith(so_far):
            self.text(opened, content_index, text[len(so_far) :], kind)

    def cite(self, opened: OpenItem, content_index: int, found: Citation) -> None:
        """Add a source to a text."""
        key = (opened.number, content_index)
        if not self._assembly.is_open(key):
            self._assembly.open(key, "text", item_id=opened.item_id)
        if self._assembly.kind(key) == "text":
            self._assembly.cite(key, found)

    def logprobs(self, opened: OpenItem, content_index: int, tokens: Any) -> None:
        """Add the log-probabilities of a delta."""
        if found := read_tokens(tokens):
            self._logged.add((opened.number, content_index))
            self.emit(e.LogprobDelta(found))

    def _close_message(self, opened: OpenItem, final: dict[str, Any], *, whole: bool) -> None:
        content = final.get("content")
        if isinstance(content, str):
            content = [{"type": "output_text", "text": content}]
        phase = string_or_none(final.get("phase"))
        parts = [part for part in content if isinstance(part, dict)] if whole and isinstance(content, list) else []
        # The indexes of deltas can't be trusted either: Bedrock counts across items.
        streamed = sorted(
            key for key in self._assembly.open_keys() if isinstance(key, tuple) and key[0] == opened.number
        )
        for position, piece in enumerate(parts):
            key = streamed[position] if len(streamed) == len(parts) else (opened.number, position)
            if key not in self._logged:
                self.logprobs(opened, position, piece.get("logprobs"))
            part = content_part(piece, opened.item_id)
            if not isinstance(part, Text | Refusal):
                self._whole(part)
                continue
            extras = dict(part.extras) if part.extras is not None else {}
            if phase is not None:
                extras["phase"] = phase
            text = part.text
            cited = part.citations if isinstance(part, Text) else ()
            if self._assembly.is_open(key):
                so_far = self._assembly.text_so_far(key)
                # What has been streamed can't be taken back.
                text = text if text.startswith(so_far) else so_far
                self.text_done(opened, key[1], text)
            elif not text and not cited:
                continue
            else:
                kind = "refusal" if isinstance(part, Refusal) else "text"
                self._assembly.open(key, "refusal" if kind == "refusal" else "text", item_id=opened.item_id)
                self._assembly.text(key, text)
            known = self._assembly.citations(key)
            for found in cited:
                if found not in known:
                    self.cite(opened, key[1], found)
            # What a part has begun as, it stays.
            if self._assembly.kind(key) == "refusal":
                self._refused = True
                self._assembly.close(key, Refusal(text, extras or None, opened.item_id))
            else:
                cited = self._assembly.citations(key)
                self._assembly.close(key, Text(text, cited, extras=extras or None, item_id=opened.item_id))
        for open_key in self._assembly.open_keys():
            if isinstance(open_key, tuple) and open_key[0] == opened.number:
                self._assembly.close(open_key)

    # --- reasoning ---

    def reasoning(self, opened: OpenItem, segment: int, delta: str, *, raw: bool) -> Callable[[str], None] | None:
        """Add to a summary or a raw chain; the kind that comes first is the one that is shown."""
        key = (opened.number, -2 if raw else -1)
        other = (opened.number, -1 if raw else -2)
        if not delta or self._assembly.is_open(other):
            return None
        if not self._assembly.is_open(key):
            self._assembly.open(key, "reasoning", item_id=opened.item_id, raw=raw)
        self._assembly.reasoning(key, delta, segment)
        return partial(self._assembly.reasoning, key, segment=segment)

    def _close_reasoning(self, opened: OpenItem, final: dict[str, Any]) -> None:
        raw_key, summary_key = (opened.number, -2), (opened.number, -1)
        streamed = next((key for key in (raw_key, summary_key) if self._assembly.is_open(key)), None)
        part = reasoning_part(final, None if streamed is None else streamed == raw_key)
        if opened.item_id is not None:
            part = msgspec.structs.replace(part, item_id=opened.item_id)
        if streamed is None:
            self._assembly.whole(part)
            return
        if part.signature is not None:
            self._assembly.sign(streamed, part.signature)
        if not any(part.segments):
            # The end repeats nothing of what was streamed.
            extras = part.extras
            if extras is None and part.signature is None:
                self._assembly.close(streamed)
                return
            segments = self._assembly.segments(streamed)
            signature = part.signature
            part = Reasoning(segments, streamed == raw_key, False, opened.item_id, signature, extras)
        self._assembly.close(streamed, part)

    # --- calls ---

    def _open_call(self, opened: OpenItem) -> bool:
        key = (opened.number, 0)
        if self._assembly.is_open(key):
            return True
        part = call_part(opened.item)
        if not part.name or string_or_none(opened.item.get("call_id")) is None:
            return False
        self._assembly.open(
            key,
            "tool_call",
            id=part.id,
            name=part.name,
            tool_kind=part.kind,
            namespace=part.namespace,
            item_id=part.item_id,
        )
        return True

    def arguments(self, opened: OpenItem, delta: str) -> Callable[[str], None] | None:
        """Add to the arguments of a call; they wait until the call has id and name."""
        key = (opened.number, 0)
        if not self._assembly.is_open(key):
            opened.waiting += delta
            return None
        self._assembly.arguments(key, delta)
        return partial(self._assembly.arguments, key)

    def arguments_done(self, opened: OpenItem, arguments: str) -> None:
        """Add what the deltas have left out of the arguments."""
        key = (opened.number, 0)
        so_far = self._assembly.text_so_far(key) if self._assembly.is_open(key) else opened.waiting
        if arguments.startswith(so_far):
            self.arguments(opened, arguments[len(so_far) :])

    def _close_call(self, opened: OpenItem, final: dict[str, Any], *, whole: bool) -> None:
        key = (opened.number, 0)
        if not self._assembly.is_open(key):
            opened.item = final
            part = call_part(final)
            if not part.name:
                # A call that never got a name can't be run.
                return
            waiting, opened.waiting = opened.waiting, ""
            self._assembly.open(
                key,
                "tool_call",
                id=part.id,
                name=part.name,
                tool_kind=part.kind,
                namespace=part.namespace,
                item_id=opened.item_id,
            )
            self._assembly.arguments(key, waiting)
        self.calls = True
        so_far = self._assembly.text_so_far(key)
        part = call_part(final)
        arguments = part.arguments if whole and part.arguments.startswith(so_far) else so_far
        self._assembly.arguments(key, arguments[len(so_far) :])
        complete = part.complete and (part.kind == "custom" or argument_object(arguments) is not None)
        self.cut = self.cut or not complete
        started = call_part(opened.item)
        self._assembly.close(
            key,
            ToolCall(
                started.id,
                started.name,
                arguments,
                started.kind,
                opened.item_id,
                started.namespace,
                complete,
                extras=part.extras,
            ),
        )


def _counterpart(streamed: list[OpenItem | None], item: dict[str, Any], position: int) -> int | None:
    """Find an item of the final object among the streamed ones: by id, by call, else by position and type."""
    item_id, call_id, kind = string_or_none(item.get("id")), string_or_none(item.get("call_id")), item["type"]
    for number, known in enumerate(streamed):
        if known is not None and (
            (item_id is not None and known.item_id == item_id)
            or (call_id is not None and known.call_id == call_id and known.kind == kind)
        ):
            return number
    if position < len(streamed):
        at_position = streamed[position]
        if at_position is not None and at_position.kind == kind:
            return position
    return None


def _arguments_of(item: dict[str, Any]) -> str:
    return call_part(item).arguments
