"""A stream of events from an upstream to events of the hub. To a client: ``emission``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from codenex.core import events as e
from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.protocols.openai_responses.answers import ItemEvents, OpenItem
from codenex.protocols.openai_responses.errors import fault_of
from codenex.protocols.openai_responses.items import citation, string_or_none, text_of
from codenex.protocols.openai_responses.response import response_events
from codenex.protocols.openai_responses.types import NAME
from codenex.wire.json_array import is_cut
from codenex.wire.opening import Opening
from codenex.wire.run_decoder import RunDecoder
from codenex.wire.sse import Frame, SseDecoder

Fields = dict[str, Any]

_NUMBERS = (int, type(None))
#: Largest answer that isn't an event stream, in bytes.
_WHOLE_LIMIT = 64 * 1024 * 1024


class _Delta(msgspec.Struct):
    """An event that goes on with something: where that is, and what it brings. Further fields tell nothing."""

    type: str
    delta: str
    output_index: int
    content_index: int | None = None
    summary_index: int | None = None
    logprobs: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=0)] | None = None


_decode = msgspec.json.Decoder(_Delta).decode
#: The type and the indexes of a delta.
_Place = tuple[str, int, int | None, int | None]


class StreamDecoder(RunDecoder):
    """Bytes of an upstream to events. Items are found by ``output_index``; ids may change from event to event."""

    def __init__(self) -> None:
        super().__init__(SseDecoder())
        self._items = ItemEvents()
        self._indexes: dict[int, OpenItem] = {}
        self._created: str | None = None
        #: the body, where it is no event stream
        self._whole: bytearray | None = None
        self._opening = Opening()
        self._beginning = True
        #: what the last event was, if it was a delta, and what takes more of what it went on with
        self._place: _Place | None = None
        self._more: Callable[[str], None] | None = None

    def feed(self, data: bytes) -> list[e.StreamEvent]:
        """Take bytes; never raises."""
        if self.done:
            return []
        if self._beginning:
            data = self._opening.feed(data)
            self._beginning = not self._opening.first
            if self._opening.first in (b"{", b"[", b"<"):
                self._whole = bytearray()
        if self._whole is not None:
            self._whole += data
            return [] if len(self._whole) <= _WHOLE_LIMIT else self._fail(FaultKind.UPSTREAM, "the answer is too large")
        try:
            self._events(data)
        except Fault as fault:
            self._error(fault)
        return self._items.take()

    def eof(self) -> list[e.StreamEvent]:
        """End of the bytes: without the terminal event the answer is truncated."""
        if self.done:
            return []
        if self._whole is not None:
            return self._whole_body(bytes(self._whole))
        for frame in self._frames.eof():
            self._frame(frame.data, last=True)
        self._truncated()
        return self._items.take()

    def _one(self, name: bytes, data: bytes, lead: bytes) -> None:
        if self._place is not None and self._more is not None:
            try:
                event = _decode(data)
            except (msgspec.DecodeError, RecursionError, UnicodeError):
                pass
            else:
                # Nearly all events: more of the same.
                if (event.type, event.output_index, event.content_index, event.summary_index) == self._place:
                    self._more(event.delta)
                    return
        self._frame(data)

    def _forget(self) -> None:
        self._place = self._more = None

    def _take(self, frames: list[Frame]) -> None:
        for frame in frames:
            self._one(frame.event, frame.data, b"")

    # --- bodies that are no stream ---

    def _whole_body(self, body: bytes) -> list[e.StreamEvent]:
        try:
            value = json.decode(body)
        except json.MalformedJson:
            if body[:1] == b"<":
                self._error(fault_of(body.decode("utf-8", "replace")))
            elif is_cut(body):
                self._truncated()
            self._error(_nonsense("the upstream's answer isn't JSON"))
            return self._items.take()
        try:
            if isinstance(value, list):
                raise fault_of(value)
            events = response_events(value)
        except Fault as fault:
            self._error(fault)
            return self._items.take()
        self.done = True
        return events

    def _fail(self, kind: FaultKind, message: str) -> list[e.StreamEvent]:
        self._error(Fault(kind, message, from_upstream=True))
        return self._items.take()

    def _truncated(self) -> None:
        told = "the upstream's answer ended in the middle"
        self._error(Fault(FaultKind.UPSTREAM_TRUNCATED, told, from_upstream=True))

    def _error(self, fault: Fault) -> None:
        if not self.done:
            self.done = True
            self._items.emit(e.Error(fault))

    # --- events ---

    def _frame(self, data: bytes, *, last: bool = False) -> None:
        if self.done:
            return
        self._forget()
        if data.strip() == b"[DONE]":
            # Servers that end as Chat does, and forget the terminal event.
            if self._items.all_done:
                self._items.finish({})
                self.done = True
            return
        try:
            event = json.decode(data)
        except json.MalformedJson as error:
            if last:
                # Half an event at the end of the bytes.
                return
            self._error(_nonsense(f"the upstream sent an event that isn't JSON: {error}"))
            return
        if not isinstance(event, dict):
            self._error(_nonsense("the upstream sent an event that isn't an object"))
            return
        kind = text_of(event.get("type"))
        if not kind or kind == "error":
            if event.get("error") or kind == "error":
                self._error(fault_of(event))
            return
        lifecycle = _LIFECYCLE.get(kind)
        if lifecycle is not None:
            lifecycle(self, event)
            return
        self._items.start({})
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, event)
            if self._more is not None:
                self._place = _place_of(kind, event)
        elif kind.startswith(_PROGRESS):
            self._items.emit(e.Ping())
        else:
            self._items.emit(e.Raw(NAME, kind, event))

    def _on_begun(self, event: Fields) -> None:
        response = event.get("response")
        response = response if isinstance(response, dict) else {}
        response_id = string_or_none(response.get("id"))
        # Some hosts change the id with every event; only a second beginning is another answer.
        again = self._created is not None and text_of(event.get("type")) == "response.created"
        if again and response_id is not None and response_id != self._created:
            self._error(_nonsense("the upstream began a second answer inside the first one"))
            return
        self._created = self._created if self._created is not None else response_id
        self._items.start(response)

    def _on_finished(self, event: Fields) -> None:
        response = event.get("response")
        response = response if isinstance(response, dict) else {}
        if response.get("error"):
            self._error(fault_of(response))
            return
        status = text_of(event.get("type")).rpartition(".")[2]
        self._items.finish(response if "status" in response else {**response, "status": status})
        self.done = True

    def _on_failed(self, event: Fields) -> None:
        response = event.get("response")
        self._error(fault_of(response if isinstance(response, dict) and response.get("error") else event))

    # --- items ---

    def _item(self, event: Fields, kind: str) -> OpenItem:
        """Find the item that an event is about, or begin one that was never announced."""
        index = event.get("output_index")
        found: OpenItem | None
        if isinstance(index, int):
            found = self._indexes.get(index)
            if found is not None and not found.done and not found.takes(kind):
                self._aside(found)
                found = None
        else:
            item_id = string_or_none(event.get("item_id"))
            known = [one for one in self._indexes.values() if not one.done and one.takes(kind)]
            found = next((one for one in known if item_id is not None and one.item_id == item_id), None)
            found = found if found is not None else next(reversed(known), None)
        if found is None or found.done:
            head: Fields = {"type": kind, "id": event.get("item_id")}
            return self._remember(index, self._items.open_item(head))
        found.kind = found.kind if found.kind else kind
        return found

    def _remember(self, index: Any, opened: OpenItem) -> OpenItem:
        self._indexes[index if isinstance(index, int) else -1 - len(self._indexes)] = opened
        return opened

    def _aside(self, opened: OpenItem) -> None:
        """Let an item live on under another key: some upstreams give every item the same index."""
        self._indexes[-1 - len(self._indexes)] = opened

    def _on_item_added(self, event: Fields) -> None:
        item = event.get("item")
        if isinstance(item, dict):
            index = event.get("output_index")
            previous = self._indexes.get(index) if isinstance(index, int) else None
            if previous is not None and not previous.done:
                self._aside(previous)
            self._remember(index, self._items.open_item(item))

    def _on_item_done(self, event: Fields) -> None:
        item = event.get("item")
        if not isinstance(item, dict):
            return
        index, kind = event.get("output_index"), text_of(item.get("type"))
        item_id = string_or_none(item.get("id"))
        opened = [one for one in self._indexes.values() if not one.done]
        found = next((one for one in opened if item_id is not None and one.item_id == item_id), None)
        if found is None and isinstance(index, int):
            known = self._indexes.get(index)
            found = known if known is not None and not known.done and known.kind == kind else None
        if found is None and not isinstance(index, int):
            found = next((one for one in opened if one.kind == kind), None)
        if found is None:
            found = self._remember(index, self._items.open_item(item))
        self._items.close_item(found, item)

    def _on_text(self, event: Fields) -> None:
        opened, position = self._item(event, "message"), _index(event, "content_index")
        self._more = self._items.text(opened, position, text_of(event.get("delta")))
        self._items.logprobs(opened, position, event.get("logprobs"))

    def _on_text_done(self, event: Fields) -> None:
        opened, position = self._item(event, "message"), _index(event, "content_index")
        self._items.text_done(opened, position, text_of(event.get("text")))

    def _on_refusal(self, event: Fields) -> None:
        delta = text_of(event.get("delta"))
        opened, position = self._item(event, "message"), _index(event, "content_index")
        self._more = self._items.text(opened, position, delta, "refusal")

    def _on_refusal_done(self, event: Fields) -> None:
        refusal = text_of(event.get("refusal"))
        self._items.text_done(self._item(event, "message"), _index(event, "content_index"), refusal, "refusal")

    def _on_annotation(self, event: Fields) -> None:
        annotation = event.get("annotation")
        if isinstance(annotation, dict):
            opened = self._item(event, "message")
            self._items.cite(opened, _index(event, "content_index"), citation(annotation))

    def _on_summary(self, event: Fields) -> None:
        opened = self._item(event, "reasoning")
        segment, delta = _index(event, "summary_index"), text_of(event.get("delta"))
        self._more = self._items.reasoning(opened, segment, delta, raw=False)

    def _on_chain(self, event: Fields) -> None:
        opened = self._item(event, "reasoning")
        segment, delta = _index(event, "content_index"), text_of(event.get("delta"))
        self._more = self._items.reasoning(opened, segment, delta, raw=True)

    def _on_arguments(self, event: Fields) -> None:
        self._more = self._items.arguments(self._item(event, "function_call"), text_of(event.get("delta")))

    def _on_arguments_done(self, event: Fields) -> None:
        self._items.arguments_done(self._item(event, "function_call"), text_of(event.get("arguments")))

    def _on_input(self, event: Fields) -> None:
        self._more = self._items.arguments(self._item(event, "custom_tool_call"), text_of(event.get("delta")))

    def _on_input_done(self, event: Fields) -> None:
        self._items.arguments_done(self._item(event, "custom_tool_call"), text_of(event.get("input")))

    def _nothing(self, event: Fields) -> None:
        """The text of the part comes in deltas, its end with the item."""


_Handler = Callable[[StreamDecoder, Fields], None]

_LIFECYCLE: dict[str, _Handler] = {
    "response.queued": StreamDecoder._on_begun,
    "response.created": StreamDecoder._on_begun,
    "response.in_progress": StreamDecoder._on_begun,
    "response.completed": StreamDecoder._on_finished,
    "response.incomplete": StreamDecoder._on_finished,
    "response.cancelled": StreamDecoder._on_finished,
    "response.done": StreamDecoder._on_finished,
    "response.failed": StreamDecoder._on_failed,
}

_HANDLERS: dict[str, _Handler] = {
    "response.output_item.added": StreamDecoder._on_item_added,
    "response.output_item.done": StreamDecoder._on_item_done,
    "response.content_part.added": StreamDecoder._nothing,
    "response.content_part.done": StreamDecoder._nothing,
    "response.output_text.delta": StreamDecoder._on_text,
    "response.output_text.done": StreamDecoder._on_text_done,
    "response.output_text.annotation.added": StreamDecoder._on_annotation,
    "response.refusal.delta": StreamDecoder._on_refusal,
    "response.refusal.done": StreamDecoder._on_refusal_done,
    "response.reasoning_summary_part.added": StreamDecoder._nothing,
    "response.reasoning_summary_part.done": StreamDecoder._nothing,
    "response.reasoning_summary_text.delta": StreamDecoder._on_summary,
    "response.reasoning_summary_text.done": StreamDecoder._nothing,
    "response.reasoning_part.added": StreamDecoder._nothing,
    "response.reasoning_part.done": StreamDecoder._nothing,
    "response.reasoning_text.delta": StreamDecoder._on_chain,
    "response.reasoning_text.done": StreamDecoder._nothing,
    "response.function_call_arguments.delta": StreamDecoder._on_arguments,
    "response.function_call_arguments.done": StreamDecoder._on_arguments_done,
    "response.custom_tool_call_input.delta": StreamDecoder._on_input,
    "response.custom_tool_call_input.done": StreamDecoder._on_input_done,
}

#: Events that show a vendor's own tool at work; the end of its item says what it did.
_PROGRESS = (
    "response.web_search_call.",
    "response.file_search_call.",
    "response.code_interpreter_call",
    "response.image_generation_call.",
    "response.mcp_call",
    "response.mcp_list_tools.",
    "response.shell_call",
    "response.compaction.",
    "keepalive",
    "ping",
)


def _place_of(kind: str, event: Fields) -> _Place | None:
    """Return the place of a delta; ``None`` where it doesn't say it by numbers alone."""
    index, content, summary = event.get("output_index"), event.get("content_index"), event.get("summary_index")
    if type(index) is not int or type(content) not in _NUMBERS or type(summary) not in _NUMBERS:
        return None
    return kind, index, content, summary


def _index(event: Fields, name: str) -> int:
    value = event.get(name)
    return value if isinstance(value, int) and 0 <= value < 10_000 else 0


def _nonsense(message: str) -> Fault:
    return Fault(FaultKind.UPSTREAM, message, from_upstream=True)
