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
from codenex.protocols.anthropic.finish import stop_fields
from codenex.protocols.anthropic.types import ENDING_KEYS, NAME
from codenex.protocols.anthropic.usage import final_usage, usage_object
from codenex.wire.sse import named_event

#: Blocks whose input is streamed as JSON text, although the vendor runs the tool.
_STREAMED_INPUT = ("server_tool_use", "mcp_tool_use")

_TEXT_DELTA = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":%b}}\n\n'
)
#: The same around the inside of the string.
_TEXT_BEFORE, _TEXT_BEHIND = _TEXT_DELTA.replace(b"%b", b'"%b"').split(b"%b")

MALFORMED = Fault(FaultKind.UPSTREAM, "the model made a tool call that cannot be read", code="malformed_tool_call")


class _Open:
    """The part that is being written."""

    __slots__ = ("citations", "held", "leading", "opened", "segment", "sent", "signature", "start")

    def __init__(self, start: e.PartStart) -> None:
        self.start = start
        self.opened = False
        #: text, thinking or arguments that the client has
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
        self._blocks = BlockEncoder("", context.id, context.losses)
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
        #: the part whose text is flowing: it is open, the client has its beginning, and nothing stands before it
        self._flowing = -1

    # The interface

    def send(self, event: e.StreamEvent) -> bytes:
        """Return what the client shall receive now."""
        if type(event) is e.TextDelta and event.index == self._flowing and self._open is not None:
            sent = self._open.sent
            sent.append(event.text)
            if len(sent) > sent.most:
                sent.gather()
            return _TEXT_DELTA % (self._index, json.encode(event.text))
        if type(event) is e.TextRun and event.index == self._flowing and self._open is not None:
            self._open.sent.add(event.text)
            before = _TEXT_BEFORE % self._index
            return before + (_TEXT_BEHIND + before).join(event.pieces) + _TEXT_BEHIND
        if self._done:
            return b""
        match event:
            case e.Start():
                if not self._begun:
                    self._start = event
                    self._blocks = BlockEncoder(event.protocol, self._context.id, self._context.losses)
                self._see(event.usage)
                self._begin()
            case e.UsageSnapshot():
                self._see(event.usage)
            case e.Finish():
                if event.choice == 0:
                    for held in self._serializer.push(event):
                        self._part(held)
                    self._finish = event
                    if stop_fields(event.detail) is None:
                        return self._taken() + self.fail(MALFORMED)
            case e.Error():
                return self.fail(event.fault)
            case e.Ping():
                return self.ping()
            case e.Raw():
                # Pieces of unknown blocks would stand outside of any block: the encoder numbers and closes its own.
                if event.protocol == NAME and self._begun and not event.type.startswith("content_block_"):
                    self._write(event.type, event.raw)
            case e.LogprobDelta():
                self._blocks.unplaced("logprobs")
            case e.PartStart() if event.choice != 0:
                self._ignored.add(event.index)
                self._blocks.unplaced("choices")
            case e.PartStart(kind="refusal") if self._start.protocol == NAME:
                # It was made from the stop details, which go back as such.
                self._ignored.add(event.index)
            case _:
                if event.index not in self._ignored:
                    for ready in self._serializer.push(event):
                        self._part(ready)
        return self._taken()

    def end(self) -> bytes:
        """Return the end of the stream, closing whatever is open."""
        if self._done:
            return b""
        for held in self._serializer.flush():
            self._part(held)
        self._close(None)
        self._begin()
        finish = self._finish if self._finish is not None else e.Finish(FinishDetail(FinishReason.OTHER))
        fields = stop_fields(self._detail(finish.detail))
        if fields is None:
            return self._taken() + self.fail(MALFORMED)
        ending = finish.extras if finish.extras is not None and self._start.protocol == NAME else {}
        delta: dict[str, Any] = {"stop_reason": fields.stop_reason, "stop_sequence": fields.stop_sequence}
        if fields.stop_details is not None:
            delta["stop_details"] = fields.stop_details
        if "container" in ending:
            delta["container"] = ending["container"]
        around = {key: ending[key] for key in ENDING_KEYS if key in ending and key != "container"}
        self._write("message_delta", {"type": "message_delta", "delta": delta, "usage": self._final_usage(), **around})
        self._write("message_stop", {"type": "message_stop"})
        self._done = True
        return self._taken()

    def fail(self, fault: Fault) -> bytes:
        """Return the error event, after which nothing follows."""
        if self._done:
            return b""
        self._done = True
        self._flowing = -1
        return named_event(b"error", encode_stream_error(fault))

    def ping(self) -> bytes:
        """Return a ping; the message begins before it, as clients expect."""
        if self._done:
            return b""
        self._begin()
        self._write("ping", {"type": "ping"})
        return self._taken()

    # The frame

    def _taken(self) -> bytes:
        out = b"".join(self._out)
        self._out.clear()
        return out

    def _write(self, kind: str, value: dict[str, Any]) -> None:
        self._out.append(named_event(kind.encode(), json.encode(value)))

    def _see(self, usage: Usage | None) -> None:
        if usage is not None:
            self._usage = usage if self._usage is None else self._usage.merged(usage)

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        own = self._start.protocol == NAME
        usage = usage_object(self._usage, estimate=self._context.estimate, own=own)
        if self._context.estimate is not None:
            # What it counts, the whole request, can go now.
            self._context.estimate = partial(int, usage["input_tokens"])
        message = {
            **message_head(self._start, self._context),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }
        self._write("message_start", {"type": "message_start", "message": message})

    def _final_usage(self) -> dict[str, Any]:
        own = self._start.protocol == NAME
        return final_usage(usage_object(self._usage, estimate=self._context.estimate, own=own))

    def _detail(self, detail: FinishDetail) -> FinishDetail:
        return settled(detail, has_tool_calls=self._calls > 0, cut=self._cut > 0)

    # Parts

    def _part(self, event: e.StreamEvent) -> None:
        self._begin()
        match event:
            case e.PartStart():
                self._close(None)
                self._open = _Open(event)
            case e.PartStop():
                self._close(event.part)
            case e.TextDelta():
                self._text(event.text)
            case e.ReasoningDelta():
                self._thinking(event.text, event.segment)
            case e.ToolArgumentsDelta():
                self._arguments(event.text)
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

    def _start_block(self, part: _Open, block: dict[str, Any]) -> None:
        if not part.opened:
            part.opened = True
            self._write(
                "content_block_start", {"type": "content_block_start", "index": self._index, "content_block": block}
            )

    def _delta(self, delta: dict[str, Any]) -> None:
        self._write("content_block_delta", {"type": "content_block_delta", "index": self._index, "delta": delta})

    def _stop_block(self) -> None:
        self._write("content_block_stop", {"type": "content_block_stop", "index": self._index})
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

    def _text(self, text: str) -> None:
        part = self._open
        if part is None or not text:
            return
        self._start_block(part, {"type": "text", "text": ""})
        part.sent.add(text)
        self._delta({"type": "text_delta", "text": text})
        self._flowing = part.start.index

    def _cite(self, part: _Open, event: e.CitationAdd) -> None:
        citation = self._blocks.citation(event.citation)
        if citation is not None:
            self._start_block(part, {"type": "text", "text": ""})
            self._delta({"type": "citations_delta", "citation": citation})

    def _thinking(self, text: str, segment: int) -> None:
        part = self._open
        if part is None or not text:
            return
        # The paragraphs of a summary share one block.
        text = "\n\n" * (segment - part.segment) + text
        part.segment = max(part.segment, segment)
        self._start_block(part, {"type": "thinking", "thinking": "", "signature": ""})
        part.sent.add(text)
        self._delta({"type": "thinking_delta", "thinking": text})

    def _arguments(self, text: str) -> None:
        part = self._open
        if part is None or not text:
            return
        if part.held is None and not part.sent:
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
        part.sent.add(text)
        self._delta({"type": "input_json_delta", "partial_json": text})

    def _start_call(self, part: _Open) -> None:
        if part.opened:
            return
        for block in signature_blocks(part.signature):
            self._whole_block(block)
        start = part.start
        self._calls += 1
        self._start_block(
            part,
            self._blocks.call_start(
                start.id, start.name if start.name is not None else "", start.namespace, start.index
            ),
        )

    def _close(self, final: Part | None) -> None:
        """End the open part; its final form adds what its deltas have not said."""
        part, self._open = self._open, None
        self._flowing = -1
        if part is None:
            return
        self._open = part
        match final:
            case Text() | Refusal():
                self._text(_missing(part.sent, final.text))
                if isinstance(final, Text):
                    for citation in final.citations[part.citations :]:
                        self._cite(part, e.CitationAdd(part.start.index, citation))
                    if final.signature is not None:
                        self._blocks.unplaced("signature")
            case Reasoning():
                self._close_thinking(part, final)
            case ToolCall():
                self._close_call(part, final)
            case None:
                self._sign(part, part.signature)
            case _:
                for block in self._blocks.blocks(final, part.start.index):
                    self._whole_block(block)
        if part.opened:
            self._stop_block()
        self._open = None
        self._flowing = -1

    def _close_thinking(self, part: _Open, final: Reasoning) -> None:
        if not part.opened:
            blocks = reasoning_blocks(final)
            if blocks and blocks[0]["type"] == "redacted_thinking":
                self._whole_block(blocks[0])
                return
            if blocks:
                self._start_block(part, {"type": "thinking", "thinking": "", "signature": ""})
        missing = _missing(part.sent, final.text)
        if missing:
            self._delta({"type": "thinking_delta", "thinking": missing})
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
        if part.held is not None or (not part.sent and text.lstrip()[:1] != "{") or final.kind == "custom":
            arguments = call_arguments(final)
            text = json.encode_text(arguments) if arguments else "" if arguments is not None else text
        self._start_call(part)
        self._cut += call_arguments(final) is None
        missing = _missing(part.sent, text)
        if missing:
            self._delta({"type": "input_json_delta", "partial_json": missing})


def _missing(sent: list[str], whole: str) -> str:
    """Return what of a final text has not been sent; nothing where it differs from what has been."""
    told = "".join(sent)
    return whole[len(told) :] if whole.startswith(told) else ""


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
