"""Objects of an answer to events: the chunks of a stream, and the whole answer as one chunk with ``message``."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, Literal

from codenex.core import events as e
from codenex.core.assembly import Assembly
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishDetail, FinishReason, settled
from codenex.core.logprobs import read_tokens
from codenex.core.parts import Citation, Media, Reasoning
from codenex.protocols.openai_chat import fields
from codenex.protocols.openai_chat.calls import CallAssembler
from codenex.protocols.openai_chat.content import decode_annotations, decode_part, thinking
from codenex.protocols.openai_chat.errors import in_band_fault
from codenex.protocols.openai_chat.finish import FAILURES, decode_finish
from codenex.protocols.openai_chat.plain import (
    ARGUMENTS,
    DECODE_ERRORS,
    REASONING,
    TEXT,
    Call,
    Choice,
    Chunk,
    FirstChunk,
    decode_chunk,
    decode_first,
)
from codenex.protocols.openai_chat.reasoning import decode_reasoning, extras_of, signature_of, text_of
from codenex.protocols.openai_chat.types import PROTOCOL
from codenex.protocols.openai_chat.usage import decode_usage, is_placeholder
from codenex.wire.text_runs import Form

_CHUNK = frozenset(
    {"id", "object", "created", "model", "choices", "usage", "citations", "search_results", "obfuscation", "p", "error"}
)
_CHOICE = frozenset({"index", "delta", "message", "finish_reason", "logprobs"})
#: Choices are told apart by an index below this, which is the most that OpenAI gives.
_MOST_CHOICES = 128
_HEAD = ("id", "model", "created")
#: Chunks that turned out not to be plain, after which a server is not tried for them any more.
_MISSES = 8


#: How events look that only go on with what is open, the key of that, and what takes runs of them.
Flow = tuple[Form, Hashable, Callable[[str, list[bytes]], None]]


class _Choice:
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
        entries = body.get("tool_calls")
        calls = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
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
        details = body.get("reasoning_details")
        entries = [entry for entry in details if isinstance(entry, dict)] if isinstance(details, list) else []
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
            elif self._now == "reasoning":
                self.assembly.sign(self.reasoning_key, signature)
                self._signed = True
            else:
                self.seen_content = True
                redacted = Reasoning((), False, True, signature.item_id, signature, extras_of(entry))
                self.assembly.whole(redacted, self.index)

    def _has_reasoned(self, text: str) -> bool:
        """Whether a signed entry only repeats the text that came before it."""
        return self._now == "reasoning" and "".join(self.assembly.segments(self.reasoning_key)).endswith(text)

    def _whole_reasoning(self, body: dict[str, Any], calls: list[dict[str, Any]]) -> None:
        call_ids = {str(entry["id"]) for entry in calls if entry.get("id")}
        try:
            parts, signatures = decode_reasoning(body, "message", call_ids)
        except Fault:
            return
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
        images = body.get("images")
        for image in images if isinstance(images, list) else ():
            if isinstance(image, dict):
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
            return
        self._begin("image")
        self.assembly.whole(part, self.index)


class ChunkReader:
    """Takes the objects of one answer; the events are taken from ``assembly``."""

    def __init__(self) -> None:
        self.assembly = Assembly()
        self.done = False
        self._choices: dict[int, _Choice] = {}
        self._started = False
        self._head: dict[str, Any] = {}
        #: whether any of what stands there is not known yet
        self._headless = True
        self._extras: dict[str, Any] = {}
        self._citations: list[Citation] = []
        self._usage_seen = False
        #: whether there is no other choice than the first
        self._alone = True
        self.flow: Flow | None = None
        self._misses = 0

    def take_plain(self, data: bytes) -> bool:
        """Take an ordinary chunk; false where it is any other."""
        if self._misses > _MISSES or not self._alone:
            return False
        try:
            chunk = decode_chunk(data) if self._started else decode_first(data)
        except DECODE_ERRORS:
            self._misses += 1
            return False
        entries = chunk.choices
        if entries[1:]:
            self._misses += 1
            return False
        if self._headless:
            self._plain_head(chunk)
        if entries:
            if not self._started:
                self._start()
            choice = self._choices.get(0)
            if choice is None:
                choice = self._begin_choice(0)
            choice.take_plain(entries[0])
        if chunk.usage is not None:
            self._count(chunk.usage, chunk.service_tier)
        self._find_flow()
        return True

    def _plain_head(self, chunk: Chunk) -> None:
        head = self._head
        if chunk.id and "id" not in head:
            head["id"] = chunk.id
        if chunk.model and "model" not in head:
            head["model"] = chunk.model
        if chunk.created and "created" not in head:
            head["created"] = chunk.created
        self._headless = len(head) < len(_HEAD)
        if not self._started and isinstance(chunk, FirstChunk):
            if chunk.service_tier is not None:
                self._extras["service_tier"] = chunk.service_tier
            if chunk.system_fingerprint is not None:
                self._extras["system_fingerprint"] = chunk.system_fingerprint

    def _find_flow(self) -> None:
        self.flow = self._choices[0].flow() if self._alone and self._choices else None

    @property
    def is_finished(self) -> bool:
        """Whether every choice has said why it ended."""
        return bool(self._choices) and all(choice.finish for choice in self._choices.values())

    def take(self, chunk: dict[str, Any], *, whole: bool = False) -> None:
        """Take one object; ``whole`` says that it is all of the answer. An error in it ends the answer."""
        self.flow = None
        fault = in_band_fault(chunk)
        if fault is not None:
            self.fail(fault)
            return
        self._note(chunk)
        choices = chunk.get("choices")
        entries = [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
        if entries:
            self._start()
        for position, entry in enumerate(entries):
            self._choice(entry, position, whole)
            if self.done:
                return
        self._usage(chunk)
        self._find_flow()

    def end(self) -> None:
        """End the answer properly."""
        if self.done:
            return
        if not self._choices:
            self.fail(Fault(FaultKind.UPSTREAM, "the upstream answered without any choice", from_upstream=True))
            return
        for choice in self._choices.values():
            failure = FAILURES.get(choice.finish or "")
            if failure is not None:
                self.fail(Fault(failure, f"the upstream ended the answer with '{choice.finish}'", from_upstream=True))
                return
        for choice in self._choices.values():
            for citation in self._citations if choice.index == 0 else ():
                choice.cite(citation)
            choice.close()
            self.assembly.out.append(e.Finish(choice.detail(), choice.index, choice.extras or None))
        self.done = True

    def fail(self, fault: Fault) -> None:
        """End the answer with an error."""
        if not self.done:
            self.assembly.out.append(e.Error(fault))
            self.done = True

    def _note(self, chunk: dict[str, Any]) -> None:
        for name in _HEAD:
            if chunk.get(name) and name not in self._head:
                self._head[name] = chunk[name]
        if not self._started:
            self._extras.update(fields.unknown(chunk, _CHUNK))
        results = chunk.get("search_results")
        if isinstance(results, list) and results:
            self._citations = [
                Citation(result["url"], result.get("title") if isinstance(result.get("title"), str) else None)
                for result in results
                if isinstance(result, dict) and isinstance(result.get("url"), str)
            ]
        elif isinstance(chunk.get("citations"), list) and not any(citation.title for citation in self._citations):
            self._citations = [Citation(url) for url in chunk["citations"] if isinstance(url, str)]

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        head = self._head
        given, model, created = head.get("id"), head.get("model"), head.get("created")
        self.assembly.out.append(
            e.Start(
                PROTOCOL,
                given if type(given) is str else None,
                model if type(model) is str else None,
                created if type(created) is int or type(created) is float else None,
                extras=self._extras or None,
            )
        )

    def _begin_choice(self, index: int) -> _Choice:
        head = self._head
        seed = (str(head.get("id", "")), str(head.get("created", "")), str(head.get("model", "")))
        choice = self._choices[index] = _Choice(self.assembly, index, seed)
        self._alone = self._alone and not index
        return choice

    def _choice(self, entry: dict[str, Any], position: int, whole: bool) -> None:
        given = entry.get("index")
        index = given if isinstance(given, int) and 0 <= given < _MOST_CHOICES else position
        choice = self._choices.get(index)
        if choice is None:
            choice = self._begin_choice(index)
        delta, message = entry.get("delta"), entry.get("message")
        # Perplexity writes both, an empty delta into whole answers and all text so far into the pieces of a stream.
        if isinstance(delta, dict) and delta and not (whole and isinstance(message, dict)):
            choice.take(delta, whole=False)
        elif isinstance(message, dict) and not choice.seen_content:
            choice.take(message, whole=True)
        self._logprobs(entry.get("logprobs"), index)
        choice.extras.update(fields.unknown(entry, _CHOICE))
        word = entry.get("finish_reason")
        if isinstance(word, str) and word and choice.finish is None:
            choice.finish = word

    def _logprobs(self, value: Any, index: int) -> None:
        if not isinstance(value, dict):
            return
        if tokens := read_tokens(value.get("content")):
            self.assembly.out.append(e.LogprobDelta(tokens, index))
        if tokens := read_tokens(value.get("refusal")):
            self.assembly.out.append(e.LogprobDelta(tokens, index, "refusal"))

    def _usage(self, chunk: dict[str, Any]) -> None:
        raw = chunk.get("usage")
        if raw is None and isinstance(chunk.get("x_groq"), dict):
            raw = chunk["x_groq"].get("usage")
        self._count(raw, chunk.get("service_tier"))

    def _count(self, raw: Any, service_tier: Any) -> None:
        if self._usage_seen and is_placeholder(raw):
            return
        usage = decode_usage(raw, service_tier)
        if usage is not None:
            self._start()
            self._usage_seen = True
            self.assembly.out.append(e.UsageSnapshot(usage))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
