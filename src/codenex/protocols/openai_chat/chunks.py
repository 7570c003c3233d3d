"""Objects of an answer to events: the chunks of a stream, and the whole answer as one chunk with ``message``."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

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
    REASONING,
    TEXT,
    Call,
    Choice,
    Chunk,
    FirstChunk,
    first_chunk,
    plain_chunk,
)
from codenex.protocols.openai_chat.reasoning import decode_reasoning, extras_of, signature_of, text_of
from codenex.protocols.openai_chat.types import PROTOCOL
from codenex.protocols.openai_chat.usage import decode_usage, is_placeholder
from codenex.wire.text_runs import Form, Run

_CHUNK = frozenset(
    {"id", "object", "created", "model", "choices", "usage", "citations", "search_results", "obfuscation", "p", "error"}
)
_CHOICE = frozenset({"index", "delta", "message", "finish_reason", "logprobs"})
#: Choices are told apart by an index below this, which is the most that OpenAI gives.
_MOST_CHOICES = 128
_HEAD = ("id", "model", "created")
_KINDS = ("text", "refusal", "reasoning")
#: Chunks that turned out not to be plain, after which a server is not tried for them any more.
_MISSES = 8


class _Choice:
    """One choice while it arrives."""

    def __init__(self, assembly: Assembly, index: int, seed: tuple[str, ...]) -> None:
        self.index = index
        self.assembly = assembly
        self.text_key, self.reasoning_key = (index, "text"), (index, "reasoning")
        self.calls = CallAssembler(assembly, index)
        self.calls.seed = seed
        self.finish: str | None = None
        self.extras: dict[str, Any] = {}
        self.seen_content = False
        self.refused = False
        self._signed = False
        self._thoughts: list[str] = []
        self._call_signatures: list[tuple[str, Any]] = []
        self._audio: dict[str, Any] | None = None

    def key(self, kind: str) -> tuple[int, str]:
        return (self.index, kind)

    def flow(self) -> tuple[Form, Hashable] | None:
        """Return how an event looks that only goes on with what is open, and the key of that; ``None`` where there is
        no such event."""
        if self.finish is not None or self._call_signatures or self._audio is not None:
            return None
        last = self.assembly.last_open()
        if last == self.text_key:
            return TEXT, last
        if last == self.reasoning_key:
            return None if self._signed else (REASONING, last)
        call = self.calls.flowing()
        return None if call is None or call != last else (ARGUMENTS, call)

    def take_run(self, form: Form, run: Run) -> None:
        """Take events of the form that flows."""
        if form is TEXT:
            self.assembly.run(self.text_key, run.text, run.pieces)
        elif form is REASONING:
            self.assembly.reasoning_run(self.reasoning_key, run.text, run.pieces)
            self._thoughts.append(run.text)
        else:
            self.calls.take_run(run)

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
        if self.assembly.is_open(self.key("text")):
            self.assembly.cite(self.key("text"), citation)

    def close(self) -> None:
        """End everything that is open."""
        for kind in _KINDS:
            self.assembly.close(self.key(kind))
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
        for other in _KINDS:
            if other != kind:
                self.assembly.close(self.key(other))
        if kind != "calls":
            self.calls.settle()

    def _text(self, kind: Any, text: str) -> None:
        if not text:
            return
        key = self.key(kind)
        self._begin(kind)
        if not self.assembly.is_open(key):
            self.assembly.open(key, kind, self.index)
        self.assembly.text(key, text)

    def _reason(self, text: str, *, raw: bool, extras: dict[str, Any] | None = None) -> None:
        if not text:
            return
        key = self.key("reasoning")
        self._begin("reasoning")
        if self._signed and self.assembly.is_open(key):
            # A signature covers one block: what follows is the next one.
            self.assembly.close(key)
        if not self.assembly.is_open(key):
            self.assembly.open(key, "reasoning", self.index, raw=raw, extras=extras)
            self._signed = False
            self._thoughts = []
        self.assembly.reasoning(key, text)
        self._thoughts.append(text)

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
            elif self.assembly.is_open(self.key("reasoning")):
                self.assembly.sign(self.key("reasoning"), signature)
                self._signed = True
            else:
                self.seen_content = True
                redacted = Reasoning((), False, True, signature.item_id, signature, extras_of(entry))
                self.assembly.whole(redacted, self.index)

    def _has_reasoned(self, text: str) -> bool:
        """Whether a signed entry only repeats the text that came before it."""
        key = self.key("reasoning")
        return self.assembly.is_open(key) and "".join(self._thoughts).endswith(text)

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
        self._extras: dict[str, Any] = {}
        self._citations: list[Citation] = []
        self._usage_seen = False
        #: the form of the events that only go on with what is open, and what that is
        self.flow: Form | None = None
        self.flowing: Hashable = None
        self._misses = 0

    def take_plain(self, data: bytes) -> bool:
        """Take an ordinary chunk; false where it is any other."""
        if self._misses > _MISSES or len(self._choices) > 1:
            return False
        chunk = plain_chunk(data) if self._started else first_chunk(data)
        if chunk is None:
            self._misses += 1
            return False
        if len(self._head) < len(_HEAD):
            self._plain_head(chunk)
        if chunk.choices:
            self._start()
            choice = self._choices.get(0)
            if choice is None:
                choice = self._begin_choice(0)
            choice.take_plain(chunk.choices[0])
        if chunk.usage is not None:
            self._count(chunk.usage, chunk.service_tier)
        self._find_flow()
        return True

    def take_run(self, run: Run) -> None:
        """Take chunks of the form that flows."""
        if self.flow is not None:
            self._choices[0].take_run(self.flow, run)

    def _plain_head(self, chunk: Chunk) -> None:
        head = self._head
        for name, value in (("id", chunk.id), ("model", chunk.model), ("created", chunk.created)):
            if value and name not in head:
                head[name] = value
        if not self._started and isinstance(chunk, FirstChunk):
            if chunk.service_tier is not None:
                self._extras["service_tier"] = chunk.service_tier
            if chunk.system_fingerprint is not None:
                self._extras["system_fingerprint"] = chunk.system_fingerprint

    def _find_flow(self) -> None:
        found = self._choices[0].flow() if len(self._choices) == 1 and 0 in self._choices else None
        self.flow, self.flowing = (None, None) if found is None else found

    @property
    def is_finished(self) -> bool:
        """Whether every choice has said why it ended."""
        return bool(self._choices) and all(choice.finish for choice in self._choices.values())

    def take(self, chunk: dict[str, Any], *, whole: bool = False) -> None:
        """Take one object; ``whole`` says that it is all of the answer. An error in it ends the answer."""
        self.flow = self.flowing = None
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
        created = head.get("created")
        self.assembly.out.append(
            e.Start(
                PROTOCOL,
                head["id"] if isinstance(head.get("id"), str) else None,
                head["model"] if isinstance(head.get("model"), str) else None,
                created if isinstance(created, int | float) and not isinstance(created, bool) else None,
                extras=self._extras or None,
            )
        )

    def _begin_choice(self, index: int) -> _Choice:
        head = self._head
        seed = (str(head.get("id", "")), str(head.get("created", "")), str(head.get("model", "")))
        choice = self._choices[index] = _Choice(self.assembly, index, seed)
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
