"""Message objects of the vendor to events: what a whole answer and a stream have in common, block by block."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from codenex.core import events as e
from codenex.core import json
from codenex.core.assembly import Assembly
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import settled
from codenex.core.identifiers import derived_call_id
from codenex.core.parts import Opaque, Part, Refusal, Signature
from codenex.core.pieces import Pieces
from codenex.core.reversal import argument_object
from codenex.protocols.anthropic.blocks import citation_of, part_of
from codenex.protocols.anthropic.content import CALL_PREFIX
from codenex.protocols.anthropic.errors import fault_of
from codenex.protocols.anthropic.finish import finish_from
from codenex.protocols.anthropic.types import ENDING_KEYS, MESSAGE_KEYS, NAME, VENDOR, rest_of
from codenex.protocols.anthropic.usage import updated, usage_from

Object = dict[str, Any]
#: Takes pieces: what they say together, and the JSON of each.
Sink = Callable[[str, list[bytes]], None]

#: Delta type → the kind of block it belongs to.
_BLOCK_OF_DELTA = {
    "text_delta": "text",
    "citations_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
}


class _Block:
    """A block that has begun: its kind, what it began with, and its arguments or input so far."""

    __slots__ = ("initial", "kind", "pieces", "raw")

    def __init__(self, kind: str, raw: Object) -> None:
        self.kind = kind
        self.raw = raw
        self.initial = ""
        self.pieces = Pieces()


class MessageReader:
    """Collects what an answer says and emits events. No method raises; nonsense becomes an ``Error`` event."""

    def __init__(self) -> None:
        self._assembly = Assembly()
        self._blocks: dict[int, _Block] = {}
        self._id: str | None = None
        self._usage: Object = {}
        self._ending: Object = {}
        self._stop: Object = {}
        self._calls = 0
        self._spoken = False
        self._cut = 0
        self.started = False
        self.done = False

    def take(self) -> list[e.StreamEvent]:
        """Return the events so far."""
        return self._assembly.take()

    def fail(self, fault: Fault) -> None:
        """End the answer in failure."""
        if not self.done:
            self.done = True
            self._assembly.out.append(e.Error(fault))

    def truncated(self) -> None:
        """End the answer as one that was cut off."""
        told = "the upstream's stream ended before its answer did"
        self.fail(Fault(FaultKind.UPSTREAM_TRUNCATED, told, from_upstream=True))

    def error(self, value: Object) -> None:
        """Take an error object, or the envelope around one."""
        error = value.get("error")
        self.fail(fault_of(error if isinstance(error, dict) else {"message": error} if error else value))

    def ping(self) -> None:
        """Take a sign of life."""
        if self.started:
            self._assembly.out.append(e.Ping())

    def raw(self, kind: str, value: Object) -> None:
        """Take an event of a kind that this project does not know."""
        if self.started:
            self._assembly.out.append(e.Raw(NAME, kind, value))

    def start(self, message: Object) -> None:
        """Take a message object, the first event of an answer."""
        found = _text(message.get("id"))
        if self.started:
            # Some upstreams retry inside their own stream. The same answer again is harmless, another one is not.
            if found is not None and self._id is not None and found != self._id:
                self.fail(
                    Fault(FaultKind.UPSTREAM, "the upstream began a second answer inside the first", from_upstream=True)
                )
            return
        self.started = True
        self._id = found
        self._note_ending(message)
        self._usage = updated(self._usage, message.get("usage"))
        self._assembly.out.append(
            e.Start(
                NAME,
                found,
                _text(message.get("model")),
                None,
                usage_from(self._usage) if self._usage else None,
                rest_of(message, MESSAGE_KEYS | set(ENDING_KEYS)),
            )
        )

    def _note_ending(self, source: Object) -> None:
        for key in ENDING_KEYS:
            if source.get(key) is not None:
                self._ending[key] = source[key]

    def _demand_start(self) -> None:
        if not self.started:
            self.start({})

    # Blocks

    def begin(self, index: int, block: Any) -> None:
        """Take the start of a block, which may hold content already."""
        self._demand_start()
        if index in self._blocks:
            self.finish(index)
        raw = dict(block) if isinstance(block, dict) else {}
        opened = self._blocks[index] = _Block(str(raw.get("type")), raw)
        match opened.kind:
            case "text":
                self._add_text(index, raw.get("text"))
                citations = raw.get("citations")
                for citation in citations if isinstance(citations, list) else ():
                    self._cite(index, citation)
            case "thinking":
                self._add_thinking(index, raw.get("thinking"))
                self._sign(index, raw.get("signature"))
            case "tool_use":
                given = raw.get("input")
                if isinstance(given, str):
                    opened.initial = given
                elif given:
                    opened.initial = json.encode_text(given)
                call_id = _text(raw.get("id"))
                self._calls += 1
                self._assembly.open(
                    (index, "tool_use"),
                    "tool_call",
                    id=call_id if call_id else derived_call_id(self._id, index, prefix=CALL_PREFIX),
                    name=_text(raw.get("name")) or "",
                    extras=rest_of(raw, {"type", "id", "name", "input"}),
                )
            case _:
                return

    def delta(self, index: int, delta: Any) -> None:
        """Take a piece of a block; pieces of another kind than the block's own still count as what they are."""
        if not isinstance(delta, dict):
            return
        kind = str(delta.get("type"))
        block = self._blocks.get(index)
        if block is None:
            implied = _BLOCK_OF_DELTA.get(kind)
            if implied is None:
                self.raw("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})
                return
            self.begin(index, {"type": implied})
            block = self._blocks[index]
        match kind:
            case "text_delta":
                self._add_text(index, delta.get("text"))
            case "thinking_delta":
                self._add_thinking(index, delta.get("thinking"))
            case "signature_delta":
                self._sign(index, delta.get("signature"))
            case "citations_delta":
                self._cite(index, delta.get("citation"))
            case "input_json_delta":
                self._add_input(index, block, delta.get("partial_json"))
            case "compaction_delta":
                for key in ("content", "encrypted_content"):
                    if isinstance(delta.get(key), str):
                        before = block.raw.get(key)
                        block.raw[key] = before + delta[key] if isinstance(before, str) else delta[key]
            case _:
                self.raw("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})

    # Pieces as they ordinarily are. Each method takes one and returns what takes runs of those that follow it; ``None``
    # where the piece is no ordinary one, and nothing was done.

    def text(self, index: int, text: str) -> Sink | None:
        """Take a piece of text."""
        if not text or index not in self._blocks:
            return None
        self._add_text(index, text)
        return partial(self._assembly.run, (index, "text"))

    def thinking(self, index: int, text: str) -> Sink | None:
        """Take a piece of reasoning."""
        if not text or index not in self._blocks:
            return None
        self._add_thinking(index, text)
        return partial(self._assembly.reasoning_run, (index, "thinking"))

    def input(self, index: int, piece: str) -> Sink | None:
        """Take a piece of a call's arguments."""
        block = self._blocks.get(index)
        if block is None or block.kind != "tool_use":
            return None
        self._add_input(index, block, piece)
        return partial(self._input_run, index)

    def _input_run(self, index: int, text: str, pieces: list[bytes]) -> None:
        if text:
            self._blocks[index].pieces.add(text)
            self._assembly.arguments_run((index, "tool_use"), text, pieces)

    def finish(self, index: int) -> None:
        """Take the end of a block."""
        block = self._blocks.pop(index, None)
        if block is None:
            return
        match block.kind:
            case "tool_use":
                key = (index, "tool_use")
                if not block.pieces:
                    self._assembly.arguments(key, block.initial)
                complete = argument_object(self._assembly.text_so_far(key)) is not None
                self._cut += not complete
                self._assembly.close(key, complete=complete)
            case "text" | "thinking":
                pass
            case _:
                self._whole(block)
        for kind in ("thinking", "text"):
            self._assembly.close((index, kind))

    def _whole(self, block: _Block) -> None:
        if block.pieces:
            given = argument_object("".join(block.pieces))
            block.raw["input"] = given if given is not None else {}
        part: Part
        try:
            part = part_of(block.raw, "content")
        except Fault:
            part = Opaque(NAME, block.kind, block.raw)
        self._assembly.whole(part)

    def _switched(self, index: int, kind: str, hub_kind: Any) -> tuple[int, str]:
        """Return the key of an open part of the kind, closing the other text-like part of the block."""
        other = "thinking" if kind == "text" else "text"
        self._assembly.close((index, other))
        key = (index, kind)
        if not self._assembly.is_open(key):
            self._assembly.open(key, hub_kind, extras=self._leftovers(index, kind))
        return key

    def _leftovers(self, index: int, kind: str) -> Object | None:
        block = self._blocks[index]
        if block.kind != kind:
            return None
        return rest_of(block.raw, {"type", "text", "citations", "thinking", "signature"})

    def _add_text(self, index: int, text: Any) -> None:
        if isinstance(text, str) and text:
            self._spoken = True
            self._assembly.text(self._switched(index, "text", "text"), text)

    def _add_thinking(self, index: int, text: Any) -> None:
        if isinstance(text, str) and text:
            self._assembly.reasoning(self._switched(index, "thinking", "reasoning"), text)

    def _sign(self, index: int, signature: Any) -> None:
        if isinstance(signature, str) and signature:
            self._assembly.sign(self._switched(index, "thinking", "reasoning"), Signature(VENDOR, signature))

    def _cite(self, index: int, citation: Any) -> None:
        if isinstance(citation, dict):
            self._assembly.cite(self._switched(index, "text", "text"), citation_of(citation))

    def _add_input(self, index: int, block: _Block, piece: Any) -> None:
        if isinstance(piece, dict):
            piece = json.encode_text(piece)
        if not isinstance(piece, str) or not piece:
            return
        # What the block began with is superseded: it is a preview, or the same again.
        block.pieces.add(piece)
        if block.kind == "tool_use":
            self._assembly.arguments((index, "tool_use"), piece)

    # The end

    def update(self, delta: Any, usage: Any, around: Object) -> None:
        """Take ``message_delta``: of several, the last that states something counts."""
        self._demand_start()
        given = delta if isinstance(delta, dict) else {}
        for key in ("stop_reason", "stop_sequence", "stop_details"):
            if given.get(key) is not None:
                self._stop[key] = given[key]
        self._note_ending(given)
        self._note_ending(around)
        if isinstance(usage, dict):
            self._usage = updated(self._usage, usage)
            self._assembly.out.append(e.UsageSnapshot(usage_from(self._usage)))

    def stop(self) -> None:
        """Take the end of the message."""
        self._demand_start()
        for index in list(self._blocks):
            self.finish(index)
        detail = finish_from(
            self._stop.get("stop_reason"), self._stop.get("stop_sequence"), self._stop.get("stop_details")
        )
        detail = settled(detail, has_tool_calls=self._calls > 0, cut=self._cut > 0)
        if detail.message is not None and not self._spoken:
            # The vendor explains a refusal beside an empty content; other protocols know it as a part.
            self._assembly.whole(Refusal(detail.message))
        self._assembly.out.append(e.Finish(detail, 0, self._ending if self._ending else None))
        self.done = True

    def message(self, value: Object) -> None:
        """Take a whole message object, or an error in its place."""
        content = value.get("content")
        if value.get("type") == "error" or (isinstance(value.get("error"), dict | str) and content is None):
            self.error(value)
            return
        # Nothing but nulls is no content either; an empty list is one.
        if not isinstance(content, list) or (content and not any(isinstance(block, dict) for block in content)):
            self.fail(Fault(FaultKind.UPSTREAM, "the upstream's answer has no content", from_upstream=True))
            return
        self.start(value)
        for index, block in enumerate(content):
            self.begin(index, block)
            self.finish(index)
        self.update(value, None, {})
        self.stop()


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
