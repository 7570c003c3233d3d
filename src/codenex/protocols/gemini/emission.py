"""Events to a stream of chunks for a Google client. From Google: ``stream``.

The finish and the usage are in the last chunk, at :meth:`~StreamEncoder.end`; every chunk repeats the same
``responseId`` and has a part, because clients give up a stream otherwise.
"""

from __future__ import annotations

from codenex.core import events as e
from codenex.core import json
from codenex.core.errors import Fault
from codenex.core.finish import FinishDetail
from codenex.core.parts import Reasoning, Refusal, Text, ToolCall
from codenex.core.pieces import Pieces
from codenex.core.render import RenderContext
from codenex.core.serialization import Serializer
from codenex.core.usage import Usage
from codenex.protocols.gemini.answer import (
    CitedTexts,
    candidate_end,
    encode_part,
    is_blocked,
    is_cut,
    loaded,
    spoken_refusal,
)
from codenex.protocols.gemini.carriage import Carrier
from codenex.protocols.gemini.errors import error_object
from codenex.protocols.gemini.finish import encode_block
from codenex.protocols.gemini.signatures import encode_signature
from codenex.protocols.gemini.types import NAME, Object
from codenex.protocols.gemini.usage import encode_usage
from codenex.wire.sse import data_event


class _OpenPart:
    """What of a part has been written: its text, and how many paragraphs of reasoning it has begun."""

    __slots__ = ("kind", "segment", "sent")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.sent = Pieces()
        self.segment = 0


class _Choice:
    __slots__ = ("carrier", "cut", "detail", "extras", "finished", "parts", "serializer", "texts", "tokens")

    def __init__(self) -> None:
        self.serializer = Serializer()
        self.carrier = Carrier()
        self.parts = 0
        self.cut = False
        self.texts: CitedTexts = []
        self.tokens: list[dict[str, object]] = []
        self.detail: FinishDetail | None = None
        self.extras: dict[str, object] | None = None
        self.finished = False


_Piece = e.TextDelta | e.ReasoningDelta
_EMPTY = b'"text":""'


def _is_like(event: _Piece, after: _Piece) -> bool:
    """Whether a piece goes on with what another one, just before, has added to."""
    if event.index != after.index or not event.text:
        return False
    if isinstance(event, e.ReasoningDelta):
        return isinstance(after, e.ReasoningDelta) and event.segment == after.segment
    return isinstance(after, e.TextDelta)


class StreamEncoder:
    """Encodes events for a Google client."""

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._protocol = ""
        self._extras: Object = {}
        self._usage: Usage | None = None
        self._choices: dict[int, _Choice] = {}
        self._choice_of: dict[int, int] = {}
        self._open: dict[int, _OpenPart] = {}
        self._written = False
        self._closed = False
        #: the piece that was written last, of which part, and the bytes around its text: another one like it differs in
        #: that alone
        self._after: _Piece | None = None
        self._latest: _OpenPart | None = None
        self._before = self._behind = b""

    def send(self, event: e.StreamEvent) -> bytes:
        """Return the chunks that an event makes."""
        return self.send_all([event])

    def send_all(self, events: list[e.StreamEvent]) -> bytes:
        """Return the chunks that events make."""
        out: list[bytes] = []
        for event in events:
            if type(event) in e.ARGUMENT_EVENTS:
                # Calls are written when they are whole.
                continue
            after = self._after
            if after is not None and isinstance(event, _Piece) and _is_like(event, after):
                out.append(self._more(event))
                continue
            self._after = self._latest = None
            out.append(self._send(event))
            if isinstance(event, _Piece):
                self._learn(event)
        return b"".join(out)

    def _learn(self, event: _Piece) -> None:
        """Let pieces like this one be written without a look at anything else."""
        if self._latest is None:
            return
        thought = {"thought": True} if isinstance(event, e.ReasoningDelta) else {}
        chunk = self._chunk(self._choice_of[event.index], {"text": "", **thought})
        before, _, behind = chunk.partition(_EMPTY)
        self._after, self._before, self._behind = event, before + _EMPTY[:-1], b'"' + behind

    def _more(self, event: _Piece) -> bytes:
        """Write a piece like the last one."""
        part = self._latest
        if part is None:
            return b""
        sent = part.sent
        sent.append(event.text)
        if len(sent) > sent.most:
            sent.gather()
        if isinstance(event, e.TextRun | e.ReasoningRun):
            inside = b"".join(event.pieces)
        else:
            inside = json.encode(event.text)[1:-1]
        return self._before + inside + self._behind

    def _send(self, event: e.StreamEvent) -> bytes:
        if self._closed:
            return b""
        match event:
            case e.Start():
                self._protocol = event.protocol
                self._extras = dict(event.extras or {}) if event.protocol == NAME else {}
                self._see(event.usage)
            case e.UsageSnapshot():
                self._see(event.usage)
            case e.LogprobDelta():
                if event.kind == "content":
                    self._choice(event.choice).tokens.extend(event.tokens)
                else:
                    self._context.losses.drop(
                        "logprobs.refusal", "Gemini's clients know no log-probabilities of refusals"
                    )
            case e.Finish():
                choice = self._choice(event.choice)
                choice.detail, choice.extras, choice.finished = event.detail, event.extras, True
                return self._parts(event.choice, choice.serializer.flush())
            case e.Error():
                return self.fail(event.fault)
            case e.Raw():
                if event.protocol != NAME:
                    self._context.losses.drop(f"stream.{event.type}", "only its vendor's clients know this event")
            case e.Ping():
                pass
            case e.PartStart():
                self._choice_of[event.index] = event.choice
                return self._parts(event.choice, self._choice(event.choice).serializer.push(event))
            case _:
                index = self._choice_of.get(event.index)
                if index is not None:
                    return self._parts(index, self._choice(index).serializer.push(event))
        return b""

    def end(self) -> bytes:
        """Return the last chunk, with finish and usage, and the end of an array."""
        if self._closed:
            return b""
        self._after = None
        out = b"".join(self._parts(index, choice.serializer.flush()) for index, choice in self._choices.items())
        out += self._last()
        self._closed = True
        return out + (b"]" if self._context.array_stream else b"")

    def fail(self, fault: Fault) -> bytes:
        """Return the error as the last chunk."""
        if self._closed:
            return b""
        self._after = None
        out = self._written_chunk(error_object(fault))
        self._closed = True
        return out + (b"]" if self._context.array_stream else b"")

    def ping(self) -> bytes:
        """Return an empty line, which is all that Google's clients ignore."""
        return b"" if self._closed else b"\n"

    def after_ping(self, data: bytes) -> bytes:
        """Return the same: pings begin nothing."""
        return data

    # --- parts ---

    def _parts(self, index: int, events: list[e.StreamEvent]) -> bytes:
        choice = self._choice(index)
        pieces = [piece for event in events for piece in self._pieces(choice, event)]
        return b"".join(self._chunk(index, piece) for piece in pieces)

    def _pieces(self, choice: _Choice, event: e.StreamEvent) -> list[Object]:
        match event:
            case e.PartStart():
                self._open[event.index] = _OpenPart(event.kind)
            case e.TextDelta() if event.text and (part := self._open.get(event.index)) is not None:
                part.sent.add(event.text)
                self._latest = part
                return [{"text": event.text}]
            case e.ReasoningDelta() if event.text and (part := self._open.get(event.index)) is not None:
                text = event.text
                if event.segment > part.segment and part.sent:
                    text = "\n\n" + text
                part.segment = max(part.segment, event.segment)
                part.sent.add(text)
                self._latest = part
                return [{"text": text, "thought": True}]
            case e.PartStop():
                return self._stopped(choice, event)
            case _:
                pass
        return []

    def _stopped(self, choice: _Choice, event: e.PartStop) -> list[Object]:
        open_part = self._open.pop(event.index, None)
        sent = "".join(open_part.sent) if open_part is not None else ""
        part = choice.carrier.shown(event.part) if isinstance(event.part, Reasoning) else event.part
        if not isinstance(part, Text | Reasoning | Refusal):
            choice.cut = choice.cut or is_cut(part)
            wire = encode_part(part, self._protocol, self._context.losses)
            if wire is None:
                return []
            choice.parts += 1
            return [loaded(wire, choice.carrier) if isinstance(part, ToolCall) else wire]
        if not isinstance(part, Reasoning):
            choice.carrier.passed(part.text)
        signature = signature_of(part)
        if not part.text and not sent and signature is None:
            return []
        if isinstance(part, Text) and part.citations:
            choice.texts.append((choice.parts, part.text, part.citations))
        choice.parts += 1
        if not sent:
            whole = encode_part(part, self._protocol, self._context.losses)
            return [whole] if whole is not None else []
        return self._rest(part.text, sent, {"thought": True} if isinstance(part, Reasoning) else {}, signature)

    def _rest(self, text: str, sent: str, thought: Object, signature: str | None) -> list[Object]:
        """Return what of a final part has not been written: more text, and its signature on a part without text."""
        more = text[len(sent) :] if text.startswith(sent) else ""
        if signature is not None:
            return [{"text": more, **thought, "thoughtSignature": signature}]
        return [{"text": more, **thought}] if more else []

    # --- chunks ---

    def _choice(self, index: int) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
        return choice

    def _see(self, usage: Usage | None) -> None:
        if usage is not None:
            self._usage = usage if self._usage is None else self._usage.merged(usage)

    def _chunk(self, index: int, part: Object) -> bytes:
        candidate = {"content": {"parts": [part], "role": "model"}, "index": index}
        return self._written_chunk({"candidates": [candidate], **self._identity()})

    def _identity(self) -> Object:
        return {"modelVersion": self._context.requested_model, "responseId": self._context.id}

    def _last(self) -> bytes:
        choices = self._choices if self._choices else {0: _Choice()}
        feedback: object = None
        candidates: list[Object] = []
        for index, choice in sorted(choices.items()):
            if choice.detail is not None and is_blocked(choice.detail, has_content=choice.parts > 0):
                feedback = encode_block(choice.detail)
                continue
            if self._protocol == NAME and choice.extras is not None:
                feedback = choice.extras.get("promptFeedback", feedback)
            end = candidate_end(
                index,
                choice.detail,
                choice.extras,
                tuple(choice.tokens),
                choice.texts,
                self._protocol,
                has_content=choice.parts > 0,
                cut=choice.cut,
            )
            parts = spoken_refusal(choice.detail, has_content=choice.parts > 0) or [{"text": ""}]
            load = choice.carrier.load()
            if load is not None:
                parts = [*parts[:-1], {**parts[-1], "thoughtSignature": load}]
            candidates.append({"content": {"parts": parts, "role": "model"}, **end})
        chunk: Object = {"candidates": candidates} if candidates else {}
        if feedback is not None:
            chunk["promptFeedback"] = feedback
        usage = encode_usage(self._usage, self._protocol)
        if usage is not None:
            chunk["usageMetadata"] = usage
        return self._written_chunk({**chunk, **self._identity(), **self._extras})

    def _written_chunk(self, chunk: Object) -> bytes:
        data = json.encode(chunk)
        first, self._written = not self._written, True
        if self._context.array_stream:
            return (b"[" if first else b",\r\n") + data
        return data_event(data)


def signature_of(part: Text | Reasoning | Refusal) -> str | None:
    """Return the signature of a text, as the wire wants it."""
    if isinstance(part, Refusal) or part.signature is None:
        return None
    return encode_signature(part.signature.payload)
