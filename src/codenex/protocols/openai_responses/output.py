"""The output items of an answer as they are written: every method emits the wire events that belong to it."""

from __future__ import annotations

from typing import Any

from codenex.core.identifiers import fitted_call_id
from codenex.core.parts import Signature
from codenex.core.pieces import Pieces
from codenex.protocols.openai_responses.types import ID_PREFIXES

Fields = dict[str, Any]

#: Stands for "no item is open" and "no content is open".
_NOTHING: Fields = {"type": ""}

#: Fields that differ between the two kinds of streamed calls: where the arguments are, and their events.
_CALLS = {
    "function_call": ("arguments", "response.function_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
}

#: The two kinds of reasoning: list in the item, type of its members, name of their index, their events.
_SUMMARY = ("summary", "summary_text", "summary_index", "response.reasoning_summary_part")
_CHAIN = ("content", "reasoning_text", "content_index", "response.content_part")
_REASONING_TEXT = {"summary": "response.reasoning_summary_text", "content": "response.reasoning_text"}


class OutputWriter:
    """Writes items one after the other; opening one closes the one before. ``sequence_number`` is added later."""

    __slots__ = (
        "_content",
        "_context_id",
        "_index",
        "_item",
        "_logprobs",
        "_out",
        "_pieces",
        "_segment",
        "_taken",
        "items",
    )

    def __init__(self, context_id: str) -> None:
        self._context_id = context_id
        #: items that are complete
        self.items: list[Fields] = []
        #: their ids, and those of their calls
        self._taken: set[object] = set()
        self._out: list[Fields] = []
        self._item = _NOTHING
        self._index = -1
        self._content = _NOTHING
        #: the text or the arguments of what is open, as it came
        self._pieces = Pieces()
        self._segment = -1
        self._logprobs: list[Fields] = []

    def emit(self, kind: str, **fields: Any) -> None:
        """Add a wire event."""
        self._out.append({"type": kind, **fields})

    def take(self) -> list[Fields]:
        """Return the wire events so far."""
        out, self._out = self._out, []
        return out

    def count(self) -> int:
        """Return how many wire events wait to be taken."""
        return len(self._out)

    def discard(self, count: int) -> None:
        """Forget the waiting wire events from number ``count`` on."""
        del self._out[count:]

    @property
    def open_type(self) -> str:
        """The type of the open item, "" where none is open."""
        return str(self._item["type"])

    # --- items ---

    def next_id(self, kind: str) -> str:
        """Return the id of the item that comes next: derived from the answer's id and the position."""
        return f"{ID_PREFIXES.get(kind, 'item')}_{self._context_id}{self._index + 1:04x}"

    def fitted_call_id(self, call_id: str | None) -> str:
        """Return an id of a call that can be sent back; one without, or a second one, gets it from its position."""
        fitted = fitted_call_id(call_id) if call_id else None
        if fitted is None or ("call_id", fitted) in self._taken:
            return f"call_{self._context_id}{self._index + 1:04x}"
        return fitted

    def _open(self, item: Fields) -> None:
        self._index += 1
        self._item = item
        self._segment = -1
        self._pieces = Pieces()
        self.emit("response.output_item.added", output_index=self._index, item=_copied(item))

    def _done(self) -> None:
        item, self._item = self._item, _NOTHING
        self.items.append(item)
        for name in ("id", "call_id"):
            value = item.get(name)
            if isinstance(value, str):
                self._taken.add((name, value))
        self.emit("response.output_item.done", output_index=self._index, item=item)

    def close(self, *, complete: bool = True) -> None:
        """Close the open item, if there is one; a call that has not ended is incomplete."""
        match self.open_type:
            case "":
                pass
            case "message":
                self._close_content()
                self._item["status"] = "completed" if complete else "incomplete"
                self._done()
            case "reasoning":
                self._close_segment()
                self._done()
            case _:
                self.end_call("".join(self._pieces), complete=False)

    def whole(self, item: Fields, before: Fields | None = None) -> None:
        """Write an item in one piece; ``before`` is its form at the beginning."""
        self.close()
        self._open(before if before is not None else item)
        self._item = item
        self._done()

    def signature(self, signature: Signature) -> None:
        """Carry the signature of a text or a call in a reasoning item: clients send those back unchanged."""
        head: Fields = {"id": self.next_id("reasoning"), "type": "reasoning", "summary": []}
        if self.open_type:
            self.close()
            head["id"] = self.next_id("reasoning")
        self.whole({**head, "encrypted_content": signature.payload}, head)

    def place(self) -> Fields:
        """Return what the events of an item's inner life have in common."""
        return {"item_id": self._item["id"], "output_index": self._index}

    def progress(self, item: Fields, before: Fields, *kinds: str) -> None:
        """Write an item in one piece with events of its progress in between."""
        self.close()
        self._open(before)
        for kind in kinds:
            self.emit(kind, **self.place())
        self._item = item
        self._done()

    # --- messages ---

    def open_content(self, *, refusal: bool, new_message: bool) -> None:
        """Begin a piece of content, in the open message unless ``new_message``."""
        if self.open_type != "message" or new_message:
            self.close()
            head: Fields = {"id": self.next_id("message"), "type": "message", "status": "in_progress"}
            self._open({**head, "role": "assistant", "content": []})
        else:
            self._close_content()
        if refusal:
            self._content = {"type": "refusal", "refusal": ""}
        else:
            self._content = {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
        self._pieces = Pieces()
        self.emit("response.content_part.added", **self._content_place(), part=_copied(self._content))

    def _content_place(self) -> Fields:
        return {**self.place(), "content_index": len(self._item["content"])}

    def text(self, text: str) -> None:
        """Add to the open content."""
        self._pieces.add(text)
        if self._content["type"] == "refusal":
            self.emit("response.refusal.delta", **self._content_place(), delta=text)
        else:
            self.emit("response.output_text.delta", **self._content_place(), delta=text, logprobs=[])

    def more(self, text: str) -> None:
        """Add to what is open without an event."""
        pieces = self._pieces
        pieces.append(text)
        if len(pieces) > pieces.most:
            pieces.gather()

    def text_so_far(self) -> str:
        """Return the text of the open content, or the arguments of the open call."""
        return "".join(self._pieces)

    def annotate(self, annotation: Fields) -> None:
        """Add a source to the open text, once."""
        known = self._content.get("annotations")
        if known is not None and annotation not in known:
            known.append(annotation)
            number = len(known) - 1
            place = self._content_place()
            kind = "response.output_text.annotation.added"
            self.emit(kind, **place, annotation_index=number, annotation=annotation)

    def logprobs(self, tokens: tuple[Fields, ...]) -> None:
        """Add log-probabilities to the text that is open or comes next."""
        self._logprobs.extend(tokens)

    def phase(self, phase: str) -> None:
        """Set the phase of the open message."""
        self._item["phase"] = phase

    def _close_content(self) -> None:
        content, self._content = self._content, _NOTHING
        if content is _NOTHING:
            return
        text, place = "".join(self._pieces), self._content_place()
        if content["type"] == "refusal":
            content["refusal"] = text
            self.emit("response.refusal.done", **place, refusal=text)
        else:
            content["text"], content["logprobs"], self._logprobs = text, self._logprobs, []
            self.emit("response.output_text.done", **place, text=text, logprobs=content["logprobs"])
        self.emit("response.content_part.done", **place, part=content)
        self._item["content"].append(content)

    # --- reasoning ---

    def open_reasoning(self, item_id: str | None, *, raw: bool) -> None:
        """Begin an item of reasoning. A signature may be bound to the vendor's id, but no two items may share one."""
        self.close()
        taken = item_id is None or ("id", item_id) in self._taken
        item: Fields = {"id": self.next_id("reasoning") if taken else item_id, "type": "reasoning", "summary": []}
        if raw:
            item["content"] = []
        self._open(item)

    def reasoning(self, text: str, segment: int) -> None:
        """Add to a paragraph of the open reasoning."""
        members, kind, index, events = self._form()
        if segment != self._segment or self._content is _NOTHING:
            self._close_segment()
            self._segment, self._content, self._pieces = segment, {"type": kind, "text": ""}, Pieces()
            place = {**self.place(), index: len(self._item[members])}
            self.emit(f"{events}.added", **place, part=_copied(self._content))
        self._pieces.add(text)
        place = {**self.place(), index: len(self._item[members])}
        self.emit(f"{_REASONING_TEXT[members]}.delta", **place, delta=text)

    @property
    def has_reasoning(self) -> bool:
        """Whether the open reasoning has said anything."""
        return self._content is not _NOTHING or bool(self._item[self._form()[0]])

    def _form(self) -> tuple[str, str, str, str]:
        return _CHAIN if "content" in self._item else _SUMMARY

    def _close_segment(self) -> None:
        content, self._content = self._content, _NOTHING
        if content is _NOTHING:
            return
        members, _, index, events = self._form()
        content["text"] = "".join(self._pieces)
        place = {**self.place(), index: len(self._item[members])}
        self.emit(f"{_REASONING_TEXT[members]}.done", **place, text=content["text"])
        self.emit(f"{events}.done", **place, part=content)
        self._item[members].append(content)

    def end_reasoning(self, payload: str | None) -> None:
        """End the open reasoning with its signature."""
        self._close_segment()
        if payload is not None:
            self._item["encrypted_content"] = payload
        self._done()

    # --- calls ---

    def open_call(self, name: str, call_id: str | None, namespace: str | None, *, custom: bool) -> None:
        """Begin a call."""
        self.close()
        kind = "custom_tool_call" if custom else "function_call"
        item: Fields = {"id": self.next_id(kind), "type": kind, "status": "in_progress"}
        item |= {"call_id": self.fitted_call_id(call_id), "name": name}
        if namespace is not None:
            item["namespace"] = namespace
        item[_CALLS[kind][0]] = ""
        self._open(item)

    @property
    def in_call(self) -> bool:
        """Whether a call is open."""
        return self.open_type in _CALLS

    def arguments(self, text: str) -> None:
        """Add to the arguments of the open call."""
        self._pieces.add(text)
        self.emit(f"{_CALLS[self.open_type][1]}.delta", **self.place(), delta=text)

    def end_call(self, arguments: str, *, complete: bool) -> None:
        """End the open call; what the arguments have more than was told is told now."""
        key, events = _CALLS[self.open_type]
        told = "".join(self._pieces)
        if complete and key == "arguments" and not arguments.strip():
            arguments = "{}"
        if arguments.startswith(told):
            if len(arguments) > len(told):
                self.arguments(arguments[len(told) :])
        else:
            arguments = told
        self._item[key] = arguments
        self.emit(f"{events}.done", **self.place(), **{key: arguments})
        self._item["status"] = "completed" if complete else "incomplete"
        self._done()


def _copied(item: Fields) -> Fields:
    """Copy an item as it is now: it grows on after its event has been made."""
    return {key: list(value) if isinstance(value, list) else value for key, value in item.items()}
