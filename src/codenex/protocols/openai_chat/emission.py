"""Events to a stream of chunks for a client. From an upstream: ``stream``."""

from __future__ import annotations

from typing import Any, assert_never

from codenex.core import events as e
from codenex.core import json
from codenex.core.errors import Fault
from codenex.core.finish import FinishDetail
from codenex.core.parts import Media, Reasoning, Text, ToolCall
from codenex.core.render import RenderContext
from codenex.core.serialization import Serializer
from codenex.core.usage import Usage
from codenex.protocols.openai_chat import rendering
from codenex.protocols.openai_chat.errors import error_object
from codenex.protocols.openai_chat.reasoning import detail_entries
from codenex.protocols.openai_chat.response import unfinished
from codenex.protocols.openai_chat.types import CallEntry, CustomBody, Delta, FunctionBody
from codenex.protocols.openai_chat.usage import encode_usage, is_known
from codenex.wire.sse import data_event

DONE = b"data: [DONE]\n\n"
_PING = b": keep-alive\n\n"
_Piece = e.TextDelta | e.ReasoningDelta | e.ToolArgumentsDelta
_TEXTS: frozenset[type[e.Event]] = frozenset({e.TextDelta, e.TextRun})
_ARGUMENTS: frozenset[type[e.Event]] = frozenset({e.ToolArgumentsDelta, e.ArgumentsRun})
_NOTHING: frozenset[type[e.Event]] = frozenset()
_KINDS: dict[str, frozenset[type[e.Event]]] = {
    "text": _TEXTS,
    "reasoning": frozenset({e.ReasoningDelta, e.ReasoningRun}),
    "tool_call": _ARGUMENTS,
}
_RUNS = frozenset({e.TextRun, e.ReasoningRun, e.ArgumentsRun})


class _ChoiceState:
    """What the client has been sent of one choice."""

    def __init__(self) -> None:
        self.serializer = Serializer()
        self.outcome = rendering.Outcome()
        self.started = False
        self.finished = False
        self.length = 0
        self.gap = False
        self.reasoned = False
        self.details = 0
        self.images = 0
        self.audio = False
        self.annotations: list[dict[str, Any]] = []


class _PartState:
    """What the client has been sent of one part."""

    def __init__(self, start: e.PartStart, state: _ChoiceState, call: int) -> None:
        self.start = start
        self.state = state
        #: index among the calls of the choice
        self.call = call
        self.sent = 0
        self.base = 0
        self.segment = 0
        #: no reasoning of the choice has been sent before this part
        self.first = False
        #: the events that go on with it
        self.kinds = _KINDS.get(start.kind, _NOTHING)


class StreamEncoder:
    """Writes chunks. Concurrent parts go out one after the other; every choice ends with exactly one finish reason."""

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._legacy = rendering.is_legacy(context)
        self._own = False
        self._choices: dict[int, _ChoiceState] = {}
        self._parts: dict[int, _PartState] = {}
        self._usage: Usage | None = None
        self._fields: dict[str, Any] = {}
        self._out: list[bytes] = []
        self._ended = False
        #: the part whose text is flowing, and the bytes around its text
        self._flow: _PartState | None = None
        self._before = self._behind = self._between = b""
        self._frame()

    def send(self, event: e.StreamEvent) -> bytes:
        """Return what the client shall receive now; may be empty."""
        flow = self._flow
        if flow is not None and type(event) in flow.kinds and event.index == flow.start.index:  # type: ignore[union-attr]
            return self._more(flow, event)
        if self._ended:
            return b""
        match event:
            case e.Start():
                self._flow = None
                self._own = rendering.is_own(event.protocol)
                self._fields = rendering.own_fields(event.protocol, event.extras)
                self._frame()
                self._see(event.usage)
            case e.UsageSnapshot():
                self._see(event.usage)
            case e.Error():
                return self.fail(event.fault)
            case e.Ping():
                return self.ping()
            case e.Raw():
                pass
            case e.Finish():
                self._flush(event.choice)
                self._finish(event.choice, event.detail)
            case e.LogprobDelta():
                self._logprobs(event)
            case e.PartStart():
                state = self._choice(event.choice)
                self._parts[event.index] = _PartState(event, state, -1)
                self._pass(state, event)
            case (
                e.TextDelta()
                | e.ReasoningDelta()
                | e.SignatureSet()
                | e.ToolArgumentsDelta()
                | e.CitationAdd()
                | e.MediaDelta()
                | e.PartStop()
            ):
                part = self._parts.get(event.index)
                if part is not None:
                    self._pass(part.state, event)
            case _:
                assert_never(event)
        return self._taken()

    def send_all(self, events: list[e.StreamEvent]) -> bytes:
        """Return what the client shall receive of several events."""
        return b"".join(map(self.send, events))

    def _more(self, part: _PartState, event: Any) -> bytes:
        """Return more of what flows: nearly all events."""
        kind, text = type(event), event.text
        if kind in _TEXTS:
            part.state.length += len(text)
        elif kind not in _ARGUMENTS and event.segment != part.segment:
            self._reasoning(part, text, event.segment, event)
            return self._taken()
        part.sent += len(text)
        inside = self._between.join(event.pieces) if kind in _RUNS else json.encode(text)[1:-1]
        return self._before + inside + self._behind

    def end(self) -> bytes:
        """Return the terminal bytes: missing finish reasons, usage where it was asked for, ``[DONE]``."""
        if self._ended:
            return b""
        self._flow = None
        if not self._choices:
            self._choice(0)
        for index in list(self._choices):
            self._flush(index)
            if not self._finish(index, None):
                return self._taken()
        if self._context.include_usage and self._usage is not None and is_known(self._usage):
            chunk = {**rendering.head(self._context, "chat.completion.chunk"), "choices": [], **self._fields}
            self._out.append(data_event(json.encode({**chunk, "usage": encode_usage(self._usage)})))
        self._out.append(DONE)
        self._ended = True
        return self._taken()

    def fail(self, fault: Fault) -> bytes:
        """Return the error as the last event; ``[DONE]`` does not follow, as the answer is not complete."""
        if self._ended:
            return b""
        self._ended = True
        self._flow = None
        return self._taken() + data_event(json.encode(error_object(fault)))

    def ping(self) -> bytes:
        """Return a comment."""
        return b"" if self._ended else _PING

    def after_ping(self, data: bytes) -> bytes:
        """Return the same: pings begin nothing."""
        return data

    # --- the order of things ---------------------------------------------------------------------------------------

    def _see(self, usage: Usage | None) -> None:
        if usage is not None:
            self._usage = usage if self._usage is None else self._usage.merged(usage)

    def _choice(self, index: int) -> _ChoiceState:
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = _ChoiceState()
        return state

    def _pass(self, state: _ChoiceState, event: e.StreamEvent) -> None:
        if not state.finished:
            for ready in state.serializer.push(event):
                self._write(ready)

    def _flush(self, index: int) -> None:
        for held in self._choice(index).serializer.flush():
            self._write(held)

    def _finish(self, index: int, detail: FinishDetail | None) -> bool:
        """End a choice; return whether the stream goes on, which an answer without a true reason does not."""
        state = self._choice(index)
        if state.finished:
            return True
        state.finished = True
        self._flow = None
        word = state.outcome.word(detail, own=self._own, legacy=self._legacy)
        if word is None:
            self._out.append(data_event(json.encode(error_object(unfinished(detail)))))
            self._ended = True
            return False
        self._begin(index, state, "")
        if state.annotations:
            # In one chunk: client libraries can't join lists whose entries have no index.
            self._chunk(index, Delta(annotations=state.annotations))
        self._chunk(index, Delta(), finish=word)
        return True

    def _begin(self, index: int, state: _ChoiceState, content: str | None) -> None:
        if not state.started:
            # The SDK's stream helper takes choices in their order only.
            for lower in range(index):
                self._begin(lower, self._choice(lower), "")
            state.started = True
            self._chunk(index, Delta(role="assistant", content=content))

    # --- parts -----------------------------------------------------------------------------------------------------

    def _write(self, event: e.StreamEvent) -> None:
        match event:
            case e.PartStart():
                self._start(self._parts[event.index])
            case e.TextDelta():
                self._text(self._parts[event.index], event.text, event)
            case e.ReasoningDelta():
                self._reasoning(self._parts[event.index], event.text, event.segment, event)
            case e.ToolArgumentsDelta():
                self._arguments(self._parts[event.index], event.text, event)
            case e.PartStop():
                self._stop(self._parts.pop(event.index), event)
            case _:
                # Signatures, citations and media are written from the final part.
                pass

    def _start(self, part: _PartState) -> None:
        start, state = part.start, part.state
        part.first = not state.reasoned
        if start.kind == "tool_call":
            part.call = state.outcome.calls
            state.outcome.calls += 1
            self._call(part)
        if start.kind in rendering.SEPARATING:
            state.gap = True

    def _call(self, part: _PartState) -> None:
        start, state = part.start, part.state
        name = rendering.call_name(start.namespace, start.name if start.name is not None else "")
        self._begin(start.choice, state, None)
        if self._legacy:
            if part.call == 0:
                self._chunk(start.choice, Delta(function_call=FunctionBody(name, "")))
            else:
                self._context.losses.drop("function_call", "the legacy form holds one call")
            return
        identity = rendering.call_id(start.id, self._context, part.call + 1)
        entry = CallEntry(part.call, identity, start.tool_kind)
        if start.tool_kind == "custom":
            entry.custom = CustomBody(name, "")
        else:
            entry.function = FunctionBody(name, "")
        self._chunk(start.choice, Delta(tool_calls=[entry]))

    def _arguments(self, part: _PartState, text: str, event: _Piece | None = None) -> None:
        if not text or part.start.kind != "tool_call":
            return
        part.sent += len(text)
        if self._legacy:
            if part.call == 0:
                self._piece(part, event, text, Delta(function_call=FunctionBody(arguments="")), b'"arguments":""')
        elif part.start.tool_kind == "custom":
            entry = CallEntry(part.call, custom=CustomBody(input=""))
            self._piece(part, event, text, Delta(tool_calls=[entry]), b'"input":""')
        else:
            entry = CallEntry(part.call, function=FunctionBody(arguments=""))
            self._piece(part, event, text, Delta(tool_calls=[entry]), b'"arguments":""')

    def _text(self, part: _PartState, text: str, event: _Piece | None = None) -> None:
        if not text:
            return
        state, choice = part.state, part.start.choice
        state.outcome.content = True
        if part.start.kind == "refusal":
            part.sent += len(text)
            state.outcome.refusal = True
            self._begin(choice, state, None)
            self._chunk(choice, Delta(refusal=text))
            return
        self._begin(choice, state, "")
        if not part.sent:
            if state.gap and state.length and not self._own:
                self._chunk(choice, Delta(content=rendering.PARAGRAPH))
                state.length += len(rendering.PARAGRAPH)
            part.base = state.length
        part.sent += len(text)
        state.length += len(text)
        state.gap = False
        self._piece(part, event, text, Delta(content=""), b'"content":""')

    def _piece(self, part: _PartState, event: _Piece | None, text: str, empty: Delta, string: bytes) -> None:
        """Write a text, or the pieces of a run whose text it is, into the empty string of a delta. More of the same can
        go out without looking at anything else: the part is open, its choice is, and every chunk has the same bytes
        around its string."""
        if self._flow is not part:
            before, _, behind = _choice(part.start.choice, empty).partition(string)
            self._before = b"data: %b%b%b" % (self._opening, before, string[:-1])
            self._behind = b'"%b%b\n\n' % (behind, self._closing)
            self._between = self._behind + self._before
            self._flow = part
        if isinstance(event, e.TextRun | e.ReasoningRun | e.ArgumentsRun) and text == event.text:
            inside = self._between.join(event.pieces)
        else:
            inside = json.encode(text)[1:-1]
        self._out.append(self._before + inside + self._behind)

    def _reasoning(self, part: _PartState, text: str, segment: int, event: _Piece | None = None) -> None:
        if not text:
            return
        state = part.state
        self._begin(part.start.choice, state, "")
        if part.sent:
            if segment != part.segment:
                text = rendering.PARAGRAPH + text
        elif state.reasoned and not self._own:
            text = rendering.PARAGRAPH + text
        part.sent += len(text)
        part.segment = segment
        state.reasoned = True
        self._piece(part, event, text, Delta(reasoning_content=""), b'"reasoning_content":""')

    def _stop(self, part: _PartState, event: e.PartStop) -> None:
        state, final, choice = part.state, event.part, part.start.choice
        if self._flow is part:
            self._flow = None
        losses = self._context.losses
        match final:
            case Text():
                if final.text and not part.sent:
                    self._text(part, final.text)
                if not part.sent:
                    part.base = state.length
                if final.signature is not None:
                    losses.drop("content.signature", "the protocol signs no text")
                state.annotations += rendering.annotations_of(final, part.base, losses, own=self._own)
            case Reasoning():
                if not part.sent:
                    for number, segment in enumerate(final.segments):
                        self._reasoning(part, segment, number)
                entries = detail_entries(final, state.details, with_text=not part.first)
                if entries:
                    state.details += len(entries)
                    self._begin(choice, state, "")
                    self._chunk(choice, Delta(reasoning_details=entries))
            case ToolCall():
                self._stop_call(part, final)
            case Media():
                self._stop_media(part, final)
            case _:
                if part.start.kind == "refusal" and not part.sent:
                    self._text(part, getattr(final, "text", ""))
                elif part.start.kind != "refusal":
                    rendering.drop(final, losses)

    def _stop_call(self, part: _PartState, call: ToolCall) -> None:
        arguments = rendering.whole_arguments(call)
        if len(arguments) > part.sent:
            self._arguments(part, arguments[part.sent :])
        extra = rendering.extra_content(call)
        if extra is not None and not self._legacy:
            entry = CallEntry(part.call, extra_content=extra)
            if call.kind == "function":
                # The SDK's stream helper insists on this object in every fragment of a function call.
                entry.function = FunctionBody(arguments="")
            self._chunk(part.start.choice, Delta(tool_calls=[entry]))

    def _stop_media(self, part: _PartState, media: Media) -> None:
        state, choice = part.state, part.start.choice
        if media.kind == "image" and rendering.is_shown(media):
            self._begin(choice, state, "")
            self._chunk(choice, Delta(images=[rendering.image_entry(media, state.images)]))
            state.images += 1
        elif media.kind == "audio" and not state.audio:
            state.audio = True
            self._begin(choice, state, None)
            self._chunk(choice, Delta(audio=rendering.audio_object(media, self._context)))
        else:
            rendering.drop(media, self._context.losses)
            return
        state.outcome.content = True

    def _logprobs(self, event: e.LogprobDelta) -> None:
        state = self._choice(event.choice)
        if state.finished:
            return
        self._begin(event.choice, state, "")
        self._chunk(event.choice, Delta(), logprobs={"content": None, "refusal": None, event.kind: list(event.tokens)})

    # --- bytes -----------------------------------------------------------------------------------------------------

    def _frame(self) -> None:
        """Prepare the bytes around a choice, which are the same in every chunk."""
        opening = json.encode({**rendering.head(self._context, "chat.completion.chunk"), **self._fields})
        self._opening = opening[:-1] + b',"choices":['
        self._closing = b'],"usage":null}' if self._context.include_usage else b"]}"

    def _chunk(
        self, index: int, delta: Delta, *, finish: str | None = None, logprobs: dict[str, Any] | None = None
    ) -> None:
        choice = _choice(index, delta, finish, logprobs)
        self._out.append(b"data: %b%b%b\n\n" % (self._opening, choice, self._closing))

    def _taken(self) -> bytes:
        out, self._out = self._out, []
        return b"".join(out)


def _choice(index: int, delta: Delta, finish: str | None = None, logprobs: dict[str, Any] | None = None) -> bytes:
    return json.encode({"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish})
