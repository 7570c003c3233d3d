"""The stream encoder: events to an Anthropic client's server-sent events.

What the official clients insist on: ``message_start`` once and first; blocks numbered from 0, one open at a time,
deltas of the block's own kind; one ``message_delta`` with stop reason and usage; ``message_stop`` last.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from codenex.core import events as e
from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishDetail, FinishReason, settled
from codenex.core.parts import Part, Reasoning, Refusal, Signature, Text, ToolCall
from codenex.core.pieces import Pieces
from codenex.core.render import RenderContext
from codenex.core.serialization import Serializer
from codenex.core.usage import Usage
from codenex.protocols.anthropic.answer import (
    BlockEncoder,
    call_arguments,
    input_text,
    reasoning_blocks,
    signature_blocks,
    thinking_signature,
)
from codenex.protocols.anthropic.errors import encode_stream_error
from codenex.protocols.anthropic.finish import STOP_WORDS, stop_fields
from codenex.protocols.anthropic.templates import (
    BEHIND,
    BLOCK_START,
    BLOCK_STOP,
    EVENT,
    INPUT_BEFORE,
    MESSAGE_END,
    MESSAGE_START,
    STOPS,
    TEXT_BEFORE,
    TEXT_START,
    THINKING_BEFORE,
    THINKING_START,
    THOUGHT,
)
from codenex.protocols.anthropic.types import ENDING_KEYS, NAME
from codenex.protocols.anthropic.usage import final_usage, totals, usage_object
from codenex.wire.sse import named_event

#: Blocks whose input is streamed as JSON text, although the vendor runs the tool.
_STREAMED_INPUT = ("server_tool_use", "mcp_tool_use")

#: How the event begins that begins a message: within JSON there are no line ends.
_START = b"event: message_start\n"

_Kinds = frozenset[type[e.Event]]
_TEXTS: _Kinds = frozenset({e.TextDelta, e.TextRun})
_THOUGHTS: _Kinds = frozenset({e.ReasoningDelta, e.ReasoningRun})
_ARGUMENTS: _Kinds = frozenset({e.ToolArgumentsDelta, e.ArgumentsRun})
_NOTHING: _Kinds = frozenset()
_RUNS = frozenset({e.TextRun, e.ReasoningRun, e.ArgumentsRun})

_Piece = e.TextDelta | e.ReasoningDelta | e.ToolArgumentsDelta
#: Events that belong to a part.
_OF_PARTS = _TEXTS | _THOUGHTS | _ARGUMENTS | {e.PartStart, e.PartStop, e.SignatureSet, e.CitationAdd, e.MediaDelta}

MALFORMED = Fault(FaultKind.UPSTREAM, "the model made a tool call that cannot be read", code="malformed_tool_call")


class _Open:
    """The part that is being written."""

    __slots__ = ("citations", "held", "leading", "opened", "segment", "sent", "signature", "start", "told")

    def __init__(self, start: e.PartStart) -> None:
        self.start = start
        self.opened = False
        #: characters that the client has: of text or arguments, they are the beginning of those in the end
        self.told = 0
        #: thinking that the client has, which in the end may be told differently
        self.sent = Pieces()
        #: arguments that can't be sent before they are whole
        self.held: Pieces | None = None
        #: white space before any arguments
        self.leading = ""
        self.segment = 0
        self.citations = 0
        self.signature: Signature | None = None


class AnthropicStreamEncoder:
    """Encodes one answer; :meth:`end` writes its end, when the usage is known too."""

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._start = e.Start("")
        #: made where it is needed, which for a plain text is never
        self._made: BlockEncoder | None = None
        self._serializer = Serializer()
        self._out: list[bytes] = []
        self._begun = False
        self._done = False
        self._open: _Open | None = None
        self._ignored: set[int] = set()
        self._index = 0
        self._calls = 0
        self._cut = 0
        self._usage: Usage | None = None
        self._finish: e.Finish | None = None
        #: the part that flows: it is open, the client has its beginning, and nothing stands before it; the events that
        #: go on with it, and the bytes around what they bring
        self._flowing = -1
        self._kinds = _NOTHING
        self._before = self._between = b""

    # The interface

    def send(self, event: e.StreamEvent) -> bytes:
        """Return what the client shall receive now."""
        return self.send_all([event])

    def send_all(self, events: list[e.StreamEvent]) -> bytes:
        """Return what the client shall receive of several events."""
        match events:
            case [e.TextRun() | e.ArgumentsRun() as run] if run.index == self._flowing and self._open is not None:
                # Nearly all events where nothing hurries: a piece of what flows.
                self._open.told += len(run.text)
                return b"".join((self._before, self._between.join(run.pieces), BEHIND))
        for event in events:
            if type(event) in self._kinds and event.index == self._flowing:  # type: ignore[union-attr]
                self._more(event)
            else:
                self._push(event)
        out, self._out = self._out, []
        return b"".join(out)

    def _more(self, event: Any) -> None:
        """Write more of what flows."""
        part, kind, text = self._open, type(event), event.text
        if part is None:
            return
        if kind in _THOUGHTS:
            if event.segment != part.segment:
                self._thinking(event)
                return
            part.sent.add(text)
        part.told += len(text)
        inside = self._between.join(event.pieces) if kind in _RUNS else json.encode(text)[1:-1]
        self._out += (self._before, inside, BEHIND)

    def _push(self, event: Any) -> None:
        if self._done:
            return
        kind = type(event)
        if kind in _OF_PARTS:
            self._of_part(event)
            return
        if kind is e.Start:
            if not self._begun:
                self._start = event
                self._made = None
            self._see(event.usage)
            self._begin()
        elif kind is e.UsageSnapshot:
            self._see(event.usage)
        elif kind is e.Finish:
            if event.choice == 0:
                for held in self._serializer.push(event):
                    self._part(held)
                self._finish = event
                if STOP_WORDS[event.detail.reason] is None:
                    self._fail(MALFORMED)
        elif kind is e.Error:
            self._fail(event.fault)
        elif kind is e.Ping:
            self._ping()
        elif kind is e.Raw:
            # Pieces of unknown blocks would stand outside of any block: the encoder numbers and closes its own.
            if event.protocol == NAME and self._begun and not event.type.startswith("content_block_"):
                self._write(event.type, event.raw)
        elif kind is e.LogprobDelta:
            self._blocks().unplaced("logprobs")

    def _of_part(self, event: Any) -> None:
        if type(event) is e.PartStart:
            if event.choice != 0:
                self._ignored.add(event.index)
                self._blocks().unplaced("choices")
                return
            if event.kind == "refusal" and self._start.protocol == NAME:
                # It was made from the stop details, which go back as such.
                self._ignored.add(event.index)
                return
        elif event.index in self._ignored:
            return
        for ready in self._serializer.push(event):
            self._part(ready)

    def end(self) -> bytes:
        """Return the end of the stream, closing whatever is open."""
        if self._done:
            return b""
        for held in self._serializer.flush():
            self._part(held)
        self._close(None)
        self._begin()
        finish = self._finish if self._finish is not None else e.Finish(FinishDetail(FinishReason.OTHER))
        detail = settled(finish.detail, has_tool_calls=self._calls > 0, cut=self._cut > 0)
        self._end(detail, finish.extras if self._start.protocol == NAME else None)
        self._done = True
        return self._taken()

    def _end(self, detail: FinishDetail, ending: dict[str, Any] | None) -> None:
        own = self._start.protocol == NAME
        usage = self._usage
        word = STOPS.get(detail.reason)
        if word is not None and not own and usage is not None and not usage.server_tools:
            thought = b"" if usage.output_reasoning is None else THOUGHT % usage.output_reasoning
            self._out.append(MESSAGE_END % (word, *totals(usage, self._context.estimate), thought))
            return
        fields = stop_fields(detail)
        if fields is None:
            self._fail(MALFORMED)
            return
        ending = ending if ending is not None else {}
        delta: dict[str, Any] = {"stop_reason": fields.stop_reason, "stop_sequence": fields.stop_sequence}
        if fields.stop_details is not None:
            delta["stop_details"] = fields.stop_details
        if "container" in ending:
            delta["container"] = ending["container"]
        around = {key: ending[key] for key in ENDING_KEYS if key in ending and key != "container"}
        told = final_usage(usage_object(usage, estimate=self._context.estimate, own=own))
        self._write("message_delta", {"type": "message_delta", "delta": delta, "usage": told, **around})
        self._write("message_stop", {"type": "message_stop"})

    def fail(self, fault: Fault) -> bytes:
        """Return the error event, after which nothing follows."""
        if self._done:
            return b""
        self._fail(fault)
        return self._taken()

    def _fail(self, fault: Fault) -> None:
        self._done = True
        self._stop_flow()
        self._out.append(named_event(b"error", encode_stream_error(fault)))

    def ping(self) -> bytes:
        """Return a ping; the message begins before it, as clients expect."""
        if self._done:
            return b""
        self._ping()
        return self._taken()

    def after_ping(self, data: bytes) -> bytes:
        """Leave out the message's beginning, which has gone out with the first ping: clients want it once."""
        start = data.find(_START) if self._begun else -1
        return data if start < 0 else data[:start] + data[data.index(b"\n\n", start) + 2 :]

    def _ping(self) -> None:
        self._begin()
        self._write("ping", {"type": "ping"})

    # The frame

    def _taken(self) -> bytes:
        out, self._out = self._out, []
        return b"".join(out)

    def _write(self, kind: str, value: dict[str, Any]) -> None:
        self._out.append(EVENT % (kind.encode(), json.encode(value)))

    def _see(self, usage: Usage | None) -> None:
        if usage is not None:
            self._usage = usage if self._usage is None else self._usage.merged(usage)

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        own = self._start.protocol == NAME
        context = self._context
        if self._usage is None and not own:
            given = 0
            if context.estimate is not None:
                given = context.estimate()
                # What it counts, the whole request, can go now.
                context.estimate = partial(int, given)
            self._out.append(MESSAGE_START % (context.id.encode(), json.encode(context.requested_model), given, 0, 0))
            return
        usage = usage_object(self._usage, estimate=context.estimate, own=own)
        if context.estimate is not None:
            context.estimate = partial(int, usage["input_tokens"])
        message = {
            **message_head(self._start, context),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        self._write("message_start", {"type": "message_start", "message": message})

    def _blocks(self) -> BlockEncoder:
        if self._made is None:
            self._made = BlockEncoder(self._start.protocol, self._context.id, self._context.losses)
        return self._made

    def _flow(self, part: _Open, kinds: _Kinds, before: bytes) -> None:
        """Let more of the part go out without looking at anything else."""
        self._flowing, self._kinds = part.start.index, kinds
        self._before = before % self._index
        self._between = BEHIND + self._before

    def _stop_flow(self) -> None:
        self._flowing, self._kinds = -1, _NOTHING

    # Parts

    def _part(self, event: e.StreamEvent) -> None:
        if not self._begun:
            self._begin()
        if type(event) in _TEXTS:
            self._text(event, event.text)  # type: ignore[arg-type, union-attr]
            return
        match event:
            case e.PartStart():
                self._close(None)
                self._open = _Open(event)
            case e.PartStop():
                self._close(event.part)
            case e.ReasoningDelta():
                self._thinking(event)
            case e.ToolArgumentsDelta():
                self._arguments(event)
            case e.SignatureSet():
                if self._open is not None:
                    self._open.signature = event.signature
            case e.CitationAdd():
                part = self._open
                if part is not None:
                    part.citations += 1
                    self._cite(part, event)
            case _:
                return

    def _start_block(self, part: _Open, start: bytes) -> None:
        if not part.opened:
            part.opened = True
            self._out.append(start % self._index)

    def _string(self, part: _Open, before: bytes, text: str, event: _Piece | None = None) -> None:
        """Write a delta with a text, or those of a run whose text it is."""
        part.told += len(text)
        before = before % self._index
        if type(event) in _RUNS and text == event.text:  # type: ignore[union-attr]
            inside = (BEHIND + before).join(event.pieces)  # type: ignore[union-attr]
        else:
            inside = json.encode(text)[1:-1]
        self._out += (before, inside, BEHIND)

    def _delta(self, delta: dict[str, Any]) -> None:
        self._write("content_block_delta", {"type": "content_block_delta", "index": self._index, "delta": delta})

    def _stop_block(self) -> None:
        self._out.append(BLOCK_STOP % self._index)
        self._index += 1

    def _whole_block(self, block: dict[str, Any]) -> None:
        given = input_text(block) if block.get("type") in _STREAMED_INPUT else None
        start = block if given is None else {**block, "input": {}}
        self._write(
            "content_block_start", {"type": "content_block_start", "index": self._index, "content_block": start}
        )
        if given is not None:
            self._delta({"type": "input_json_delta", "partial_json": given})
        self._stop_block()

    def _text(self, event: e.TextDelta | None, text: str) -> None:
        part = self._open
        if part is None or not text:
            return
        self._start_block(part, TEXT_START)
        self._string(part, TEXT_BEFORE, text, event)
        self._flow(part, _TEXTS, TEXT_BEFORE)

    def _cite(self, part: _Open, event: e.CitationAdd) -> None:
        citation = self._blocks().citation(event.citation)
        if citation is not None:
            self._start_block(part, TEXT_START)
            self._delta({"type": "citations_delta", "citation": citation})

    def _thinking(self, event: e.ReasoningDelta) -> None:
        part = self._open
        if part is None or not event.text:
            return
        # The paragraphs of a summary share one block.
        text = "\n\n" * (event.segment - part.segment) + event.text
        part.segment = max(part.segment, event.segment)
        self._start_block(part, THINKING_START)
        part.sent.add(text)
        self._string(part, THINKING_BEFORE, text, event)
        self._flow(part, _THOUGHTS, THINKING_BEFORE)

    def _arguments(self, event: e.ToolArgumentsDelta) -> None:
        part = self._open
        text = event.text
        if part is None or not text:
            return
        if part.held is None and not part.told:
            text = part.leading + text
            opening = text.lstrip()[:1]
            if part.start.tool_kind == "custom" or not part.start.name or opening not in ("{", ""):
                part.held = Pieces()
            elif not opening:
                part.leading = text
                return
        if part.held is not None:
            part.held.add(text)
            return
        self._start_call(part)
        self._string(part, INPUT_BEFORE, text, event)
        self._flow(part, _ARGUMENTS, INPUT_BEFORE)

    def _start_call(self, part: _Open) -> None:
        if part.opened:
            return
        for block in signature_blocks(part.signature):
            self._whole_block(block)
        start = part.start
        self._calls += 1
        name = start.name if start.name is not None else ""
        block = self._blocks().call_start(start.id, name, start.namespace, start.index)
        part.opened = True
        self._out.append(BLOCK_START % (self._index, json.encode(block)))

    def _close(self, final: Part | None) -> None:
        """End the open part; its final form adds what its deltas have not said."""
        part = self._open
        if part is None:
            return
        match final:
            case Text() | Refusal():
                if len(final.text) > part.told:
                    self._text(None, final.text[part.told :])
                if isinstance(final, Text):
                    for citation in final.citations[part.citations :]:
                        self._cite(part, e.CitationAdd(part.start.index, citation))
                    if final.signature is not None:
                        self._blocks().unplaced("signature")
            case Reasoning():
                self._close_thinking(part, final)
            case ToolCall():
                self._close_call(part, final)
            case None:
                self._sign(part, part.signature)
            case _:
                for block in self._blocks().blocks(final, part.start.index):
                    self._whole_block(block)
        if part.opened:
            self._stop_block()
        self._open = None
        self._stop_flow()

    def _close_thinking(self, part: _Open, final: Reasoning) -> None:
        if not part.opened:
            blocks = reasoning_blocks(final)
            if blocks and blocks[0]["type"] == "redacted_thinking":
                self._whole_block(blocks[0])
                return
            if blocks:
                self._start_block(part, THINKING_START)
        missing = _missing(part.sent, final.text)
        if missing:
            self._string(part, THINKING_BEFORE, missing)
        self._sign(part, final.signature)

    def _sign(self, part: _Open, signature: Signature | None) -> None:
        if part.opened and part.start.kind == "reasoning":
            self._delta({"type": "signature_delta", "signature": thinking_signature(signature)})

    def _close_call(self, part: _Open, final: ToolCall) -> None:
        if not final.name:
            self._context.losses.drop("output.tool_call", "a call without a name")
            return
        if part.signature is None:
            part.signature = final.signature
        if not part.start.name:
            part.start = e.PartStart(
                part.start.index, "tool_call", 0, final.id, final.name, final.kind, namespace=final.namespace
            )
        text = final.arguments
        if part.held is not None or (not part.told and text.lstrip()[:1] != "{") or final.kind == "custom":
            arguments = call_arguments(final)
            text = json.encode_text(arguments) if arguments else "" if arguments is not None else text
        self._start_call(part)
        self._cut += call_arguments(final) is None
        if len(text) > part.told:
            self._string(part, INPUT_BEFORE, text[part.told :])


def _missing(sent: list[str], whole: str) -> str:
    """Return what of a final text has not been sent; nothing where it differs from what has been."""
    told = "".join(sent)
    return "" if told == whole or not whole.startswith(told) else whole[len(told) :]


def message_head(start: e.Start, context: RenderContext) -> dict[str, Any]:
    """Return the fields with which a message object begins."""
    own = start.protocol == NAME
    given = start.id if own and start.id is not None and start.id.startswith("msg_") else None
    return {
        "id": given if given is not None else f"msg_{context.id}",
        "type": "message",
        "role": "assistant",
        "model": context.requested_model,
        **(start.extras if own and start.extras is not None else {}),
    }
