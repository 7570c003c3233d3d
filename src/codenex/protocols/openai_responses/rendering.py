"""Hub events to the events of a Responses stream, as a state machine that knows no bytes.

The whole answer of a unary request is the object at the end of the same machine, so that both always agree.
"""

from __future__ import annotations

from typing import Any, assert_never

from codenex.core import events as e
from codenex.core import json
from codenex.core.envelope import UNSIGNED
from codenex.core.errors import Fault
from codenex.core.finish import FinishDetail, FinishReason, settled
from codenex.core.parts import (
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
)
from codenex.core.render import RenderContext
from codenex.core.serialization import Serializer
from codenex.core.usage import Usage
from codenex.protocols.openai_responses.body import response_body
from codenex.protocols.openai_responses.errors import stream_error
from codenex.protocols.openai_responses.input import annotation
from codenex.protocols.openai_responses.items import CONTENT
from codenex.protocols.openai_responses.output import OutputWriter
from codenex.protocols.openai_responses.tools import builtins_of
from codenex.protocols.openai_responses.types import NAME, TOOL_SEARCH, Builtin
from codenex.protocols.openai_responses.usage import encode_finish, encode_usage

Fields = dict[str, Any]

#: Terminal events by status; an answer that was cancelled has none of its own.
_TERMINALS = {"completed": "response.completed", "incomplete": "response.incomplete", "failed": "response.failed"}


class Rendering:
    """Takes the events of one answer; every method returns the wire events it causes, without ``sequence_number``."""

    __slots__ = (
        "_builtins",
        "_call",
        "_context",
        "_ended",
        "_finish",
        "_foreign",
        "_message_id",
        "_others",
        "_parts",
        "_serializer",
        "_signature",
        "_started",
        "_text",
        "_usage",
        "_writer",
        "final",
    )

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._serializer = Serializer()
        self._writer = OutputWriter(context.id)
        self._builtins = builtins_of(context.request.tools) if context.request is not None else {}
        self._started = False
        self._foreign = True
        self._ended = False
        self._parts: list[Part] = []
        #: parts of other choices
        self._others: set[int] = set()
        #: the upstream's id of the message that is open
        self._message_id: str | None = None
        #: the text whose start waits for its first character
        self._text: e.PartStart | None = None
        #: the call whose start waits for its signature, and the signature of the part that is open
        self._call: e.PartStart | None = None
        self._signature: Signature | None = None
        self._usage: Usage | None = None
        self._finish: FinishDetail | None = None
        #: the object of the terminal event
        self.final: Fields | None = None

    # --- the three ways in ---

    def push(self, event: e.StreamEvent) -> list[Fields]:
        """Take one event."""
        if not self._ended and self._is_first_choice(event):
            for one in self._serializer.push(event):
                self._event(one)
        return self._writer.take()

    def more(self, text: str) -> None:
        """Take more of what the last delta has added to, whose event is written without this."""
        self._writer.more(text)

    def end(self) -> list[Fields]:
        """End the answer; where no reason was given it is that of its content."""
        if self._ended:
            return []
        for event in self._serializer.flush():
            self._event(event)
        self._ended = True
        self._start()
        has_calls = self._call is not None or any(isinstance(part, ToolCall) for part in self._parts)
        detail = self._finish
        if detail is None:
            detail = settled(FinishDetail(FinishReason.OTHER), has_tool_calls=has_calls)
        status, reason = encode_finish(detail, self._parts)
        self._close(complete=status == "completed")
        error = None
        if status == "failed":
            message = detail.message if detail.message is not None else "The model made a tool call that can't be read."
            error = {"code": "server_error", "message": message}
        self._terminal(_TERMINALS.get(status, "response.incomplete"), status, error, reason)
        return self._writer.take()

    def fail(self, fault: Fault) -> list[Fields]:
        """End the answer with an error. What was open is in the object, without events of its end."""
        self._fail(fault)
        return self._writer.take()

    def _fail(self, fault: Fault) -> None:
        if self._ended:
            return
        self._ended = True
        self._start()
        waiting = self._writer.count()
        self._close(complete=False)
        self._writer.discard(waiting)
        self._terminal("response.failed", "failed", stream_error(fault), None)

    def _terminal(self, kind: str, status: str, error: Fields | None, reason: str | None) -> None:
        usage = self._usage
        self.final = response_body(
            self._context,
            status,
            self._writer.items,
            usage=encode_usage(usage),
            error=error,
            reason=reason,
            service_tier=usage.service_tier if usage is not None else None,
        )
        self._writer.emit(kind, response=self.final)

    def _is_first_choice(self, event: e.StreamEvent) -> bool:
        if isinstance(event, e.PartStart) and event.choice != 0:
            self._others.add(event.index)
            self._context.losses.drop("choices", "Responses gives one answer per request")
        return not self._others or getattr(event, "index", None) not in self._others

    # --- events ---

    def _event(self, event: e.StreamEvent) -> None:
        match event:
            case e.Start():
                self._foreign = event.protocol != NAME
                self._see(event.usage)
                self._start()
            case e.UsageSnapshot():
                self._see(event.usage)
            case e.Error():
                self._fail(event.fault)
            case e.Finish():
                self._start()
                if event.choice == 0:
                    # The item stays open: log-probabilities may follow, and the reason is part of its status.
                    self._finish = event.detail
            case e.Ping() | e.Raw() | e.MediaDelta():
                pass
            case e.LogprobDelta():
                if event.choice == 0 and event.kind == "content":
                    self._writer.logprobs(event.tokens)
            case e.PartStart():
                self._start()
                self._part_start(event)
            case e.PartStop():
                self._start()
                self._parts.append(event.part)
                self._part_stop(event.part)
            case e.TextDelta():
                if event.text:
                    self._open_text()
                    self._writer.text(event.text)
            case e.ReasoningDelta():
                if event.text and self._writer.open_type == "reasoning":
                    self._writer.reasoning(event.text, event.segment)
            case e.SignatureSet():
                self._signature = event.signature
                self._open_call()
            case e.ToolArgumentsDelta():
                self._open_call()
                if event.text and self._writer.in_call:
                    self._writer.arguments(event.text)
            case e.CitationAdd():
                self._open_text()
                found = annotation(event.citation, self._writer.text_so_far())
                if found is not None:
                    self._writer.annotate(found)
            case _:
                assert_never(event)

    def _start(self) -> None:
        if not self._started:
            self._started = True
            body = response_body(self._context, "in_progress", [])
            self._writer.emit("response.created", response=body)
            self._writer.emit("response.in_progress", response=body)

    def _see(self, usage: Usage | None) -> None:
        if usage is not None:
            self._usage = usage if self._usage is None else self._usage.merged(usage)

    def _close(self, *, complete: bool = True) -> None:
        self._text = None
        if self._call is not None:
            self._open_call()
        self._writer.close(complete=complete)

    # --- parts ---

    def _part_start(self, event: e.PartStart) -> None:
        # A call that never ended, where the stream broke off and what had waited behind it comes out.
        self._open_call()
        self._signature = None
        match event.kind:
            case "text" | "refusal":
                self._text = event
            case "reasoning":
                self._writer.open_reasoning(event.item_id, raw=event.raw)
            case "tool_call":
                # A signature comes first if it comes: it has its own item before the call.
                self._call = event
            case "media" | "server_tool" | "compaction" | "opaque":
                pass
            case _:
                assert_never(event.kind)

    def _part_stop(self, part: Part) -> None:
        match part:
            case Text() | Refusal():
                self._end_text(part)
            case Reasoning():
                self._end_reasoning(part)
            case ToolCall():
                self._end_call(part)
            case Media():
                self._media(part)
            case ServerTool() | Compaction():
                if part.protocol == NAME:
                    self._raw(part.raw)
                else:
                    self._context.losses.drop("output", "what only another vendor's tools and histories hold")
            case Opaque() if part.protocol == NAME and not part.type.startswith(CONTENT):
                self._raw(part.raw)
            case _:
                self._context.losses.drop("output", "a part that Responses doesn't know")

    def _raw(self, item: Fields) -> None:
        self._writer.close()
        self._writer.whole({**item, "id": item.get("id") or self._writer.next_id(str(item.get("type")))})

    def _open_text(self) -> None:
        """Begin the text that waits. Neighbouring texts share a message, unless the upstream had several."""
        text, self._text = self._text, None
        if text is not None:
            foreign = text.item_id is not None and text.item_id != self._message_id
            self._writer.open_content(refusal=text.kind == "refusal", new_message=foreign)
            self._message_id = text.item_id

    def _end_text(self, part: Text | Refusal) -> None:
        """Complete the content; it is closed when the next part begins, because log-probabilities may follow."""
        cited = part.citations if isinstance(part, Text) else ()
        if part.text or cited:
            self._open_text()
        opened = self._text is None
        self._text = None
        if opened:
            told = self._writer.text_so_far()
            if part.text.startswith(told) and len(part.text) > len(told):
                self._writer.text(part.text[len(told) :])
            for citation in cited:
                found = annotation(citation, part.text)
                if found is not None:
                    self._writer.annotate(found)
            phase = (part.extras or {}).get("phase")
            if isinstance(phase, str):
                self._writer.phase(phase)
        signature = part.signature if isinstance(part, Text) else None
        if signature is not None:
            self._writer.signature(signature)

    def _end_reasoning(self, part: Reasoning) -> None:
        if not self._writer.has_reasoning:
            for number, segment in enumerate(part.segments):
                if segment:
                    self._writer.reasoning(segment, number)
        signature = part.signature if part.signature is not None else self._signature
        # Without one the vendor would look for an item that it has never made.
        unsigned = UNSIGNED if self._foreign else None
        self._writer.end_reasoning(signature.payload if signature is not None else unsigned)

    # --- calls ---

    def _open_call(self) -> None:
        """Begin the call that waits, after an item with its signature."""
        call, self._call = self._call, None
        if call is None:
            return
        if self._signature is not None:
            self._writer.signature(self._signature)
        if self._builtin(call.name, call.tool_kind, call.namespace) is None:
            custom = call.tool_kind == "custom"
            self._writer.open_call(call.name or "", call.id, call.namespace, custom=custom)
        else:
            # Its arguments are an object: the item goes out when they are whole.
            self._writer.close()

    def _builtin(self, name: str | None, kind: str, namespace: str | None) -> Builtin | None:
        return self._builtins.get(name or "") if kind == "function" and namespace is None else None

    def _end_call(self, part: ToolCall) -> None:
        late = part.signature if self._call is None and self._signature is None else None
        if self._signature is None and late is None:
            self._signature = part.signature
        self._open_call()
        builtin = self._builtin(part.name, part.kind, part.namespace)
        if self._writer.in_call:
            self._writer.end_call(part.arguments, complete=part.complete)
        elif builtin is not None:
            self._builtin_item(part, builtin)
        if late is not None:
            self._writer.signature(late)

    def _builtin_item(self, part: ToolCall, builtin: Builtin) -> None:
        arguments = json.try_object(part.arguments) if part.arguments.strip() else {}
        head: Fields = {"call_id": self._writer.fitted_call_id(part.id)}
        if arguments is None or not part.complete:
            kind = "function_call"
            item = {"id": self._writer.next_id(kind), "type": kind, **head, "name": part.name, "status": "incomplete"}
            self._writer.whole({**item, "arguments": part.arguments})
            return
        head = {"id": self._writer.next_id(builtin.call), "type": builtin.call, **head, builtin.field: arguments}
        if builtin is TOOL_SEARCH:
            head["execution"] = "client"
        self._writer.whole({**head, "status": "completed"}, {**head, "status": "in_progress"})

    # --- media ---

    def _media(self, part: Media) -> None:
        kind = "image_generation_call"
        if part.kind == "image" and part.data is not None:
            self._writer.close()
            extras = {key: value for key, value in (part.extras or {}).items() if key not in ("id", "status")}
            head: Fields = {"id": self._writer.next_id(kind), "type": kind}
            self._writer.progress(
                {**head, "status": "completed", **extras, "result": part.data},
                {**head, "status": "in_progress", "result": None},
                f"response.{kind}.in_progress",
                f"response.{kind}.completed",
            )
        elif part.text:
            self._context.losses.adapt("output", f"only the text of the {part.kind} is sent")
            self._writer.open_content(refusal=False, new_message=False)
            self._writer.text(part.text)
        else:
            self._context.losses.drop("output", f"Responses answers without {part.kind}s")
        if part.signature is not None:
            self._writer.signature(part.signature)
