"""Whole answers: an upstream's body to events, and a folded answer to the body for a client."""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core import json
from codenex.core.answer import Answer, Choice, fault_of
from codenex.core.errors import Fault, FaultKind
from codenex.core.events import StreamEvent
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import Media, Part, Reasoning, Refusal, Text, ToolCall
from codenex.core.render import RenderContext
from codenex.core.usage import Usage
from codenex.protocols.openai_chat import rendering
from codenex.protocols.openai_chat.chunks import ChunkReader
from codenex.protocols.openai_chat.errors import decode_error
from codenex.protocols.openai_chat.reasoning import detail_entries
from codenex.protocols.openai_chat.usage import decode_usage, encode_usage, is_known


class _UsageOnly(msgspec.Struct):
    usage: dict[str, Any] | None = None
    service_tier: str | None = None


def decode_response(body: bytes) -> list[StreamEvent]:
    """Read a whole answer. Raises the :class:`~codenex.core.errors.Fault` of an error inside a 200, or ``upstream``."""
    events = decode_body(body)
    fault = fault_of(events)
    if fault is not None:
        raise fault
    return events


def decode_body(body: bytes) -> list[StreamEvent]:
    """Read a whole answer; an error in it is the last event. Raises ``upstream`` for what is no answer at all."""
    try:
        value = json.decode(body)
    except json.MalformedJson as error:
        raise Fault(FaultKind.UPSTREAM, f"the upstream's answer is not JSON: {error}", from_upstream=True) from None
    if isinstance(value, list) and value and isinstance(value[0], dict) and "error" in value[0]:
        value = value[0]
    if not isinstance(value, dict):
        raise Fault(FaultKind.UPSTREAM, "the upstream's answer is not a JSON object", from_upstream=True)
    reader = ChunkReader()
    if "choices" not in value and not value.get("error") and ("detail" in value or "message" in value):
        reader.fail(decode_error(502, [], body))
        return reader.assembly.take()
    reader.take(value, whole=True)
    reader.end()
    return reader.assembly.take()


def usage_of(body: bytes) -> Usage | None:
    """Return the usage of a whole answer, for accounting; nothing else of it is looked at."""
    try:
        found = json.decode_as(_UsageOnly, body)
    except json.MalformedJson:
        return None
    return decode_usage(found.usage, found.service_tier)


def encode_response(answer: Answer, context: RenderContext) -> bytes:
    """Render a whole answer. Raises ``upstream`` where no finish reason of this protocol would be true."""
    choices = answer.choices if answer.choices else (Choice(0, (), FinishDetail(FinishReason.STOP)),)
    body = rendering.head(context, "chat.completion")
    body["choices"] = [_choice(choice, answer.protocol, context) for choice in choices]
    if answer.usage is not None and is_known(answer.usage):
        body["usage"] = encode_usage(answer.usage)
    body.update(rendering.answer_fields(answer))
    return json.encode(body)


def _choice(choice: Choice, protocol: str, context: RenderContext) -> dict[str, Any]:
    message = _Message(rendering.is_own(protocol), context)
    for part in choice.parts:
        message.add(part)
    logprobs = None
    if choice.logprobs or choice.refusal_logprobs:
        logprobs = {"content": list(choice.logprobs) or None, "refusal": list(choice.refusal_logprobs) or None}
    word = message.outcome.word(choice.finish, own=message.own, legacy=message.legacy)
    if word is None:
        raise unfinished(choice.finish)
    return {"index": choice.index, "message": message.rendered(), "logprobs": logprobs, "finish_reason": word}


def unfinished(detail: FinishDetail | None) -> Fault:
    """Build the fault of an answer that ended in a way for which this protocol has no word."""
    told = detail.message if detail is not None and detail.message else None
    raw = detail.raw if detail is not None else None
    reason = told if told is not None else f"the upstream ended without an answer ({raw or 'no reason given'})"
    return Fault(FaultKind.UPSTREAM, reason, from_upstream=True)


class _Message:
    """The message of one choice while its parts are put into the fields of the protocol."""

    def __init__(self, own: bool, context: RenderContext) -> None:
        self.own = own
        self.legacy = rendering.is_legacy(context)
        self.outcome = rendering.Outcome()
        self._context = context
        self._content = ""
        self._gap = False
        self._refusal = ""
        self._reasoning = ""
        self._details: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        self._calls: list[dict[str, Any]] = []
        self._function: dict[str, Any] | None = None
        self._images: list[dict[str, Any]] = []
        self._audio: dict[str, Any] | None = None

    def add(self, part: Part) -> None:
        """Put a part into its field."""
        match part:
            case Text():
                self._text(part)
            case Refusal():
                self._refusal += part.text
                self.outcome.refusal = self.outcome.refusal or bool(part.text)
                self.outcome.content = self.outcome.content or bool(part.text)
            case Reasoning():
                self._reason(part)
            case ToolCall():
                self._gap = True
                self._call(part)
            case Media(kind="image") if rendering.is_shown(part):
                self._gap = self.outcome.content = True
                self._images.append(rendering.image_entry(part, len(self._images)))
            case Media(kind="audio") if self._audio is None:
                self._gap = self.outcome.content = True
                self._audio = rendering.audio_object(part, self._context)
            case _:
                self._gap = True
                rendering.drop(part, self._context.losses)

    def rendered(self) -> dict[str, Any]:
        """Return the message."""
        has_text = self._content != ""
        others = self._calls or self._function or self._refusal or self._audio
        message: dict[str, Any] = {
            "role": "assistant",
            "content": self._content if has_text or not others else None,
            "refusal": self._refusal or None,
        }
        if self._annotations:
            message["annotations"] = self._annotations
        if self._reasoning:
            message["reasoning_content"] = self._reasoning
        for name, value in (
            ("reasoning_details", self._details),
            ("images", self._images),
            ("audio", self._audio),
            ("tool_calls", self._calls),
            ("function_call", self._function),
        ):
            if value:
                message[name] = value
        return message

    def _text(self, part: Text) -> None:
        if part.signature is not None:
            self._context.losses.drop("content.signature", "the protocol signs no text")
        if self._gap and self._content and part.text and not self.own:
            self._content += rendering.PARAGRAPH
        base = len(self._content)
        self._content += part.text
        if part.text:
            self._gap = False
            self.outcome.content = True
        self._annotations += rendering.annotations_of(part, base, self._context.losses, own=self.own)

    def _reason(self, part: Reasoning) -> None:
        text = rendering.PARAGRAPH.join(segment for segment in part.segments if segment)
        entries = detail_entries(part, len(self._details), with_text=self._reasoning != "")
        self._details += entries
        if text:
            if self._reasoning and not self.own:
                self._reasoning += rendering.PARAGRAPH
            self._reasoning += text

    def _call(self, call: ToolCall) -> None:
        self.outcome.calls += 1
        name, arguments = rendering.call_name(call.namespace, call.name), rendering.whole_arguments(call)
        if self.legacy:
            if self._function is None:
                self._function = {"name": name, "arguments": arguments}
            else:
                self._context.losses.drop("function_call", "the legacy form holds one call")
            return
        entry: dict[str, Any] = {"id": rendering.call_id(call.id, self._context, self.outcome.calls), "type": call.kind}
        if call.kind == "custom":
            entry["custom"] = {"name": name, "input": arguments}
        else:
            entry["function"] = {"name": name, "arguments": arguments}
        extra = rendering.extra_content(call)
        if extra is not None:
            entry["extra_content"] = extra
        self._calls.append(entry)
