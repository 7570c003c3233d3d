"""One choice of an answer while it arrives: its text, reasoning, calls and media as events."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, Literal

from codenex.core import events as e
from codenex.core.assembly import Assembly
from codenex.core.errors import Fault
from codenex.core.finish import FinishDetail, FinishReason, settled
from codenex.core.parts import Citation, Media, Reasoning
from codenex.protocols.openai_chat.calls import CallAssembler
from codenex.protocols.openai_chat.content import decode_annotations, decode_part, thinking
from codenex.protocols.openai_chat.finish import decode_finish
from codenex.protocols.openai_chat.plain import ARGUMENTS, REASONING, TEXT, Call, Choice
from codenex.protocols.openai_chat.reasoning import block_entry, decode_reasoning, extras_of, signature_of, text_of
from codenex.protocols.openai_chat.types import PROTOCOL
from codenex.wire.text_runs import Form

#: How events look that only go on with what is open, the key of that, and what takes runs of them.
Flow = tuple[Form, Hashable, Callable[[str, list[bytes]], None]]


class ChoiceReader:
    """One choice while it arrives."""

    def __init__(self, assembly: Assembly, index: int, seed: tuple[str, ...]) -> None:
        self.index = index
        self.assembly = assembly
        self.text_key, self.reasoning_key = (index, "text"), (index, "reasoning")
        self._text_run = partial(assembly.run, self.text_key)
        self._reasoning_run = partial(assembly.reasoning_run, self.reasoning_key)
        self.calls = CallAssembler(assembly, index)
        self.calls.seed = seed
        self.finish: str | None = None
        self.extras: dict[str, Any] = {}
        self.seen_content = False
        self.refused = False
        #: what of text, refusal and reasoning is open: one of them at most
        self._now: Literal["text", "refusal", "reasoning"] | None = None
        self._signed = False
        self._call_signatures: list[tuple[str, Any]] = []
        self._audio: dict[str, Any] | None = None

    def key(self, kind: str) -> tuple[int, str]:
        return (self.index, kind)

    def flow(self) -> Flow | None:
        """Return how events look that only go on with what is open; ``None`` where there are no such events."""
        if self.finish is not None or self._call_signatures or self._audio is not None:
            return None
        match self._now:
            case "text":
                return TEXT, self.text_key, self._text_run
            case "reasoning":
                return None if self._signed else (REASONING, self.reasoning_key, self._reasoning_run)
            case "refusal":
                return None
            case None:
                call = self.calls.flowing()
                return None if call is None else (ARGUMENTS, call, self.calls.take_run)

    def take_plain(self, entry: Choice) -> None:
        """Take an ordinary piece: as ``take`` does, with what such a piece can have."""
        delta = entry.delta
        if delta is not None:
            reasoning = delta.reasoning_content or delta.reasoning
            if reasoning:
                self._reason(reasoning, raw=True)
            if delta.content:
                self._text("text", delta.content)
            if delta.tool_calls:
                self._plain_calls(delta.tool_calls)
            if self._call_signatures:
                self._sign_calls()
        if entry.finish_reason and self.finish is None:
            self.finish = entry.finish_reason

    def _plain_calls(self, calls: list[Call]) -> None:
        self._begin("calls")
        for call in calls:
            function = call.function
            self.calls.piece(call.id or "", call.index, function.name or "", function.arguments)

    def _sign_calls(self) -> None:
        """Sign calls with the signatures that came before them."""
        self._call_signatures = [
            (call_id, signature)
            for call_id, signature in self._call_signatures
            if not self.calls.sign(call_id, signature)
        ]

    def take(self, body: dict[str, Any], *, whole: bool) -> None:
        """Take a delta, or a whole message."""
        calls = _objects(body.get("tool_calls"))
        self._reasoning(body, calls, whole)
        content = body.get("content")
        if isinstance(content, str):
            self._text("text", content)
        elif isinstance(content, list):
            for item in content:
                self._item(item)
        refusal = body.get("refusal")
        if isinstance(refusal, str):
            self.refused = self.refused or bool(refusal)
            self._text("refusal", refusal)
        for citation in decode_annotations(body.get("annotations")):
            self.cite(citation)
        self._media(body)
        for entry in calls:
            self._begin("calls")
            self.calls.fragment(entry, fresh=whole)
        legacy = body.get("function_call")
        if isinstance(legacy, dict):
            self._begin("calls")
            self.calls.legacy(legacy)
        self._sign_calls()

    def cite(self, citation: Citation) -> None:
        """Add a source to the text, if there is one."""
        if self._now == "text":
            self.assembly.cite(self.text_key, citation)

    def close(self) -> None:
        """End everything that is open."""
        self._close_text()
        if self._audio is not None:
            audio = self._audio
            extras = {name: audio[name] for name in ("id", "expires_at") if audio.get(name) is not None}
            data = self.assembly.text_so_far(self.key("audio"))
            media = Media("audio", data=data or None, text=audio["transcript"] or None, extras=extras or None)
            self.assembly.close(self.key("audio"), media)
            self._audio = None
        self.calls.finish()

    def detail(self) -> FinishDetail:
        """Return why the choice ended, in agreement with what it holds."""
        detail = decode_finish(self.finish) if self.finish else FinishDetail(FinishReason.STOP)
        if self.refused and detail.reason is FinishReason.STOP:
            detail = FinishDetail(FinishReason.REFUSAL, detail.raw)
        return settled(detail, has_tool_calls=self.calls.count > 0, cut=self.calls.cut)

    def _begin(self, kind: str) -> None:
        """Let content of another kind close what is open; calls stay open, because fragments may still come."""
        self.seen_content = True
        if self._now is not None and self._now != kind:
            self._close_text()
        if kind != "calls" and not self.calls.is_empty:
            self.calls.settle()

    def _close_text(self) -> None:
        if self._now is not None:
            self.assembly.close((self.index, self._now))
            self._now = None

    def _text(self, kind: Literal["text", "refusal"], text: str) -> None:
        if not text:
            return
        self._begin(kind)
        key = self.text_key if kind == "text" else self.key(kind)
        if self._now is None:
            self._now = kind
            self.assembly.open(key, kind, self.index)
        self.assembly.text(key, text)

    def _reason(self, text: str, *, raw: bool, extras: dict[str, Any] | None = None) -> None:
        if not text:
            return
        key = self.reasoning_key
        self._begin("reasoning")
        if self._signed:
            # A signature covers one block: what follows is the next one.
            self._close_text()
        if self._now is None:
            self._now = "reasoning"
            self.assembly.open(key, "reasoning", self.index, raw=raw, extras=extras)
            self._signed = False
        self.assembly.reasoning(key, text)

    def _reasoning(self, body: dict[str, Any], calls: list[dict[str, Any]], whole: bool) -> None:
        entries = _objects(body.get("reasoning_details"))
        if not entries:
            entries = [*map(block_entry, _objects(body.get("thinking_blocks")))]
        if whole and entries:
            self._whole_reasoning(body, calls)
            return
        plain = next((body[name] for name in ("reasoning_content", "reasoning") if _is_text(body.get(name))), "")
        call_ids = self.calls.ids | {str(entry["id"]) for entry in calls if entry.get("id")}
        if plain:
            self._reason(plain, raw=not entries, extras=extras_of(entries[0]) if entries else None)
        for entry in entries:
            signature = signature_of(entry)
            if not plain and not (signature is not None and self._has_reasoned(text_of(entry))):
                self._reason(text_of(entry), raw=False, extras=extras_of(entry))
            if signature is None:
                continue
            if signature.item_id is not None and signature.item_id in call_ids:
                self._call_signatures.append((signature.item_id, signature))
            elif self._now == "reasoning" and not (self._signed and entry.get("type") == "reasoning.encrypted"):
                # Encrypted behind what is signed already is a block by itself.
                self.assembly.sign(self.reasoning_key, signature)
                self._signed = True
            else:
                self._begin("redacted")
                redacted = Reasoning((), False, True, signature.item_id, signature, extras_of(entry))
                self.assembly.whole(redacted, self.index)

    def _has_reasoned(self, text: str) -> bool:
        """Whether a signed entry only repeats the text that came before it."""
        return self._now == "reasoning" and "".join(self.assembly.segments(self.reasoning_key)).endswith(text)

    def _whole_reasoning(self, body: dict[str, Any], calls: list[dict[str, Any]]) -> None:
        call_ids = {str(entry["id"]) for entry in calls if entry.get("id")}
        # What else an upstream writes there is no reason to lose what can be read.
        legible = {name: _objects(body.get(name)) for name in ("reasoning_details", "thinking_blocks")}
        texts = {name: body[name] for name in ("reasoning_content", "reasoning") if _is_text(body.get(name))}
        parts, signatures = decode_reasoning({**legible, **texts}, "message", call_ids)
        for part in parts:
            self.seen_content = True
            self.assembly.whole(part, self.index)
        self._call_signatures.extend(signatures.items())

    def _item(self, item: Any) -> None:
        """Take a part of content that is a list, as Mistral sends it."""
        if isinstance(item, str):
            self._text("text", item)
            return
        if not isinstance(item, dict):
            return
        match item.get("type"):
            case "text" | "output_text" if isinstance(item.get("text"), str):
                self._text("text", item["text"])
            case "thinking":
                self._reason(thinking(item).text, raw=True)
            case "refusal" if isinstance(item.get("refusal"), str):
                self.refused = True
                self._text("refusal", item["refusal"])
            case "image_url":
                self._image(item)
            case kind:
                self.assembly.out.append(e.Raw(PROTOCOL, str(kind), item))

    def _media(self, body: dict[str, Any]) -> None:
        for image in _objects(body.get("images")):
            self._image({"type": "image_url", **image})
        audio = body.get("audio")
        if isinstance(audio, dict):
            key = self.key("audio")
            if self._audio is None:
                self._begin("audio")
                self._audio = {"transcript": ""}
                self.assembly.open(key, "media", self.index, media=Media("audio"))
            for name in ("id", "expires_at"):
                if audio.get(name) is not None:
                    self._audio[name] = audio[name]
            if _is_text(audio.get("transcript")):
                self._audio["transcript"] += audio["transcript"]
            if _is_text(audio.get("data")):
                self.assembly.data(key, audio["data"])

    def _image(self, item: dict[str, Any]) -> None:
        try:
            part = decode_part({key: value for key, value in item.items() if key != "index"}, "images")
        except Fault:
            self.assembly.out.append(e.Raw(PROTOCOL, "image_url", item))
            return
        self._begin("image")
        self.assembly.whole(part, self.index)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
