"""Google's answers to events, chunk by chunk; a unary answer is a single chunk.

Every chunk is lenient reading: wrong types are passed over, unknown parts are kept, ``response`` and ``error`` are
looked for. Finish reasons are held until the end, because some hosts write one on every chunk.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from codenex.core import events as e
from codenex.core import json
from codenex.core.assembly import Assembly
from codenex.core.errors import Fault, FaultKind
from codenex.core.finish import FinishDetail, FinishReason, settled
from codenex.core.identifiers import derived_call_id, digest
from codenex.core.media import kind_of, normalised_base64, sniffed_type
from codenex.core.parts import Media, Opaque, Part, Reasoning, Signature, ToolCall
from codenex.core.usage import Usage
from codenex.protocols.gemini.content import is_own_file, server_tool
from codenex.protocols.gemini.errors import fault_of
from codenex.protocols.gemini.fields import canonical, rest_of
from codenex.protocols.gemini.finish import decode_finish
from codenex.protocols.gemini.grounding import Sources
from codenex.protocols.gemini.logprobs import decode_logprobs
from codenex.protocols.gemini.partial import PartialCall
from codenex.protocols.gemini.plain import plain_chunk
from codenex.protocols.gemini.signatures import decode_signature
from codenex.protocols.gemini.types import (
    BLOB_FIELDS,
    CALL_FIELDS,
    CANDIDATE_FIELDS,
    CHUNK_FIELDS,
    CONTENT_FIELDS,
    FILE_FIELDS,
    NAME,
    PART_DATA,
    PART_FIELDS,
    SERVER_TOOL_PARTS,
    Object,
)
from codenex.protocols.gemini.usage import decode_usage

_TAKEN = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "createTime", "response", "error"})
_CANDIDATE_TAKEN = frozenset({"content", "finishReason", "finishMessage", "index", "logprobsResult"})
#: Reasons that a later one overwrites: some hosts write one on every chunk.
_WEAK = frozenset({None, "STOP"})
#: Candidates are told apart by an index below this; nobody asks for as many.
_MOST_CANDIDATES = 128
#: Chunks that turned out not to be ordinary, after which a server is not tried for them any more.
_MISSES = 8
_UNSPECIFIED = "FINISH_REASON_UNSPECIFIED"


class _Choice:
    """One candidate while it grows. ``last`` is the kind of the open part, ``signed`` says that nothing may join it."""

    __slots__ = ("calls", "cut", "extras", "finish", "index", "last", "message", "partial", "signed", "sources")

    def __init__(self, index: int) -> None:
        self.index = index
        self.last: str | None = None
        self.signed = False
        #: the ids of the calls so far
        self.calls: list[str] = []
        self.cut = False
        self.finish: str | None = None
        self.message: str | None = None
        self.extras: Object = {}
        self.sources = Sources()
        self.partial: PartialCall | None = None


class ChunkReader:
    """Collects chunks and emits their events. ``failed`` is set once an error has been read."""

    def __init__(self) -> None:
        self._assembly = Assembly()
        self._choices: dict[int, _Choice] = {}
        self._started = False
        self._feedback: Object | None = None
        self._usage: Usage | None = None
        self._seed = ""
        self._wrapped = False
        self._misses = 0
        self.failed = False

    @property
    def started(self) -> bool:
        """Whether a chunk has been read."""
        return self._started

    @property
    def finished(self) -> bool:
        """Whether a finish reason or a refusal of the prompt has been read."""
        return self._blocked is not None or any(choice.finish is not None for choice in self._choices.values())

    def take(self) -> list[e.StreamEvent]:
        """Return the events so far."""
        return self._assembly.take()

    def fail(self, fault: Fault) -> None:
        """End with an error."""
        if not self.failed:
            self.failed = True
            self._assembly.out.append(e.Error(fault))

    def truncated(self) -> None:
        """End with the error of an answer that was cut off."""
        told = "the upstream ended its answer in the middle"
        self.fail(Fault(FaultKind.UPSTREAM_TRUNCATED, told, from_upstream=True))

    def read_plain(self, data: bytes) -> bool:
        """Read an ordinary chunk of an answer that has begun; false where it is any other."""
        if not self._started or self._misses > _MISSES:
            return False
        chunk = plain_chunk(data, wrapped=self._wrapped)
        if chunk is None:
            self._misses += 1
            return False
        choice = self._choices.get(0)
        if choice is None:
            choice = self._choices[0] = _Choice(0)
        for part in chunk.candidates[0].content.parts:
            if part.thought:
                self._reasoning(choice, part.text, None, None)
            else:
                self._text(choice, part.text, None, None)
        self._count(chunk.usage_metadata)
        return True

    def _count(self, metadata: Any) -> None:
        usage = decode_usage(metadata)
        if usage is not None and usage != self._usage:
            self._usage = usage
            self._assembly.out.append(e.UsageSnapshot(usage))

    def read(self, value: Any) -> None:
        """Read a decoded chunk; a list is several."""
        if self.failed:
            return
        if isinstance(value, list):
            for item in value:
                self.read(item)
            return
        if not isinstance(value, dict):
            self.fail(Fault(FaultKind.UPSTREAM, "the upstream sent JSON that is no answer", from_upstream=True))
            return
        chunk = canonical(value, CHUNK_FIELDS)
        if isinstance(inner := chunk.get("response"), dict):
            # Code Assist wraps every chunk; beside it stand a trace id and the like, which mean nothing to clients.
            chunk = canonical(inner, CHUNK_FIELDS)
            self._wrapped = True
        if "error" in chunk:
            error = chunk["error"]
            self.fail(fault_of(error if isinstance(error, dict) else {"message": str(error)}))
            return
        self._start(chunk, value)
        if isinstance(feedback := chunk.get("promptFeedback"), dict):
            self._feedback = feedback
        candidates = chunk.get("candidates")
        for position, item in enumerate(candidates if isinstance(candidates, list) else []):
            if isinstance(item, dict):
                self._candidate(canonical(item, CANDIDATE_FIELDS), position)
        self._count(chunk.get("usageMetadata"))

    def _start(self, chunk: Object, raw: Object) -> None:
        if self._started:
            return
        self._started = True
        identifier, model = _text(chunk.get("responseId")), _text(chunk.get("modelVersion"))
        # Call ids have to differ between the answers of a conversation; without a response id the chunk must do.
        self._seed = identifier if identifier else digest("chunk", json.encode_text(raw))
        extras = rest_of(chunk, _TAKEN | {"promptFeedback"})
        created = _seconds(chunk.get("createTime"))
        self._assembly.out.append(e.Start(NAME, identifier, model, created, extras=extras))

    @property
    def _blocked(self) -> Object | None:
        feedback = canonical(self._feedback, frozenset({"blockReason", "blockReasonMessage"})) if self._feedback else {}
        return feedback if "blockReason" in feedback else None

    # --- candidates ---

    def _candidate(self, candidate: Object, position: int) -> None:
        given = candidate.get("index", position)
        index = given if isinstance(given, int) and 0 <= given < _MOST_CANDIDATES else position
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice(index)
        # Sources first: in a whole answer they stand beside the texts that they belong to.
        choice.sources.see(candidate.get("groundingMetadata"), candidate.get("citationMetadata"))
        content = candidate.get("content")
        parts = canonical(content, CONTENT_FIELDS).get("parts") if isinstance(content, dict) else None
        for part in parts if isinstance(parts, list) else []:
            if isinstance(part, dict):
                self._part(choice, canonical(part, PART_FIELDS))
        if tokens := decode_logprobs(candidate.get("logprobsResult")):
            self._assembly.out.append(e.LogprobDelta(tokens, index))
        reason = _text(candidate.get("finishReason"))
        if reason is not None and reason != _UNSPECIFIED and choice.finish in _WEAK:
            choice.finish = reason
        choice.message = _text(candidate.get("finishMessage")) or choice.message
        choice.extras.update(rest_of(candidate, _CANDIDATE_TAKEN) or {})

    def _part(self, choice: _Choice, part: Object) -> None:
        kind = next((name for name in PART_DATA if name in part), None)
        given = _text(part.get("thoughtSignature"))
        signature = decode_signature(given) if given else None
        thought = part.get("thought") is True
        extras = rest_of(part, frozenset({"thought", "thoughtSignature", *([kind] if kind is not None else [])}))
        if kind == "text" or (kind is None and extras is None and (thought or signature is not None)):
            text = _text(part.get("text")) or ""
            if thought:
                self._reasoning(choice, text, signature, extras)
            else:
                self._text(choice, text, signature, extras)
            return
        if kind is None and extras is None:
            return
        if kind == "functionCall" and isinstance(part[kind], dict):
            self._call(choice, canonical(part[kind], CALL_FIELDS), signature, extras)
            return
        self._close(choice)
        self._assembly.whole(_whole(kind, part, signature, extras), choice.index)

    def _text(self, choice: _Choice, text: str, signature: Signature | None, extras: Object | None) -> None:
        if signature is None and extras is None:
            if not text:
                return
            if choice.last != "text" or choice.signed:
                self._close(choice)
                self._assembly.open(("text", choice.index), "text", choice.index)
                choice.last, choice.signed = "text", False
            self._assembly.text(("text", choice.index), text)
            return
        # A signed part stays by itself. One without text leaves the text before it open, for its sources come last.
        key = ("signed" if not text else "text", choice.index)
        if text or choice.last != "text" or self._assembly.is_open(key):
            self._close(choice)
        self._assembly.open(key, "text", choice.index, extras=extras)
        self._assembly.text(key, text)
        if signature is not None:
            self._assembly.sign(key, signature)
        choice.last, choice.signed = "text", True

    def _reasoning(self, choice: _Choice, text: str, signature: Signature | None, extras: Object | None) -> None:
        key = ("reasoning", choice.index)
        alone = signature is not None or extras is not None
        if not text and not alone:
            return
        if choice.last != "reasoning" or choice.signed or alone:
            self._close(choice)
            self._assembly.open(key, "reasoning", choice.index, extras=extras)
            choice.last, choice.signed = "reasoning", alone
        self._assembly.reasoning(key, text)
        if signature is not None:
            self._assembly.sign(key, signature)
            if not text:
                self._assembly.close(key, Reasoning((), redacted=True, signature=signature, extras=extras))
                choice.last = None

    def _call(self, choice: _Choice, call: Object, signature: Signature | None, extras: Object | None) -> None:
        self._close(choice)
        name, identifier = _text(call.get("name")) or "", _text(call.get("id"))
        pieces, goes_on = call.get("partialArgs"), call.get("willContinue") is True
        partial = choice.partial
        if partial is not None and (name and name != partial.name):
            self._emit_partial(choice, complete=False)
            partial = None
        if partial is None and (isinstance(pieces, list) or goes_on):
            partial = choice.partial = PartialCall(name, identifier)
        if partial is not None:
            partial.add(call.get("args"), pieces if isinstance(pieces, list) else [])
            partial.signature = signature if signature is not None else partial.signature
            partial.extras.update(extras or {})
            if not goes_on:
                self._emit_partial(choice, complete=True)
            return
        if not name:
            return
        arguments = call.get("args")
        text = arguments if isinstance(arguments, str) and arguments.strip() else json.encode_text(arguments or {})
        self._emit_call(choice, ToolCall(identifier or "", name, text, signature=signature, extras=extras))

    def _emit_partial(self, choice: _Choice, *, complete: bool) -> None:
        partial, choice.partial = choice.partial, None
        if partial is not None and partial.name:
            extras = partial.extras if partial.extras else None
            call = ToolCall(partial.id or "", partial.name, partial.text(), complete=complete, extras=extras)
            self._emit_call(choice, msgspec.structs.replace(call, signature=partial.signature))

    def _emit_call(self, choice: _Choice, call: ToolCall) -> None:
        if not call.id or call.id in choice.calls:
            place = (self._seed, choice.index, len(choice.calls), call.name, call.id)
            call = msgspec.structs.replace(call, id=derived_call_id(NAME, *place))
        choice.calls.append(call.id)
        choice.cut = choice.cut or not call.complete
        self._assembly.whole(call, choice.index)

    def _close(self, choice: _Choice, *, last: bool = False) -> None:
        key = ("text", choice.index)
        if self._assembly.is_open(key):
            for citation in choice.sources.take(self._assembly.text_so_far(key), last=last):
                self._assembly.cite(key, citation)
        self._assembly.close_all(choice.index)
        choice.last, choice.signed = None, False

    # --- the end ---

    def end(self, *, whole: bool) -> None:
        """Finish all candidates. An answer that is not ``whole`` (a stream) must have said why it ended."""
        if self.failed:
            return
        blocked = self._blocked
        if not self._started or (not self.finished and not (whole and self._choices)):
            if whole:
                self.fail(Fault(FaultKind.UPSTREAM, "the upstream's answer holds no candidate", from_upstream=True))
            else:
                self.truncated()
            return
        refusal = self._refusal(blocked) if blocked is not None else None
        if refusal is not None and not self._choices:
            self._assembly.out.append(e.Finish(refusal))
            return
        for choice in self._choices.values():
            self._finish(choice, refusal)

    def _refusal(self, blocked: Object) -> FinishDetail:
        reason, message = _text(blocked.get("blockReason")), _text(blocked.get("blockReasonMessage"))
        return FinishDetail(FinishReason.PROMPT_FILTER, reason, message=message, details=self._feedback)

    def _finish(self, choice: _Choice, refusal: FinishDetail | None) -> None:
        self._emit_partial(choice, complete=False)
        self._close(choice, last=True)
        detail = decode_finish(choice.finish, choice.message)
        detail = settled(detail, has_tool_calls=bool(choice.calls), cut=choice.cut)
        if choice.finish is None and refusal is not None:
            detail = refusal
        extras = choice.extras
        if self._feedback is not None and choice.index == 0:
            extras = {**extras, "promptFeedback": self._feedback}
        self._assembly.out.append(e.Finish(detail, choice.index, extras if extras else None))


def _whole(kind: str | None, part: Object, signature: Signature | None, extras: Object | None) -> Part:
    """Return a part that is not text and no call."""
    value = part.get(kind) if kind is not None else None
    if kind in SERVER_TOOL_PARTS:
        return server_tool(kind, part)
    if kind == "inlineData" and isinstance(value, dict):
        blob = canonical(value, BLOB_FIELDS)
        data = normalised_base64(_text(blob.get("data")) or "")
        media_type = _text(blob.get("mimeType")) or sniffed_type(data)
        name = _text(blob.get("displayName"))
        return Media(kind_of(media_type), media_type, data, filename=name, signature=signature, extras=extras)
    if kind == "fileData" and isinstance(value, dict) and isinstance(address := value.get("fileUri"), str):
        file = canonical(value, FILE_FIELDS)
        media_type = _text(file.get("mimeType"))
        own = is_own_file(address)
        return Media(
            kind_of(media_type),
            media_type,
            url=None if own else address,
            file_id=address if own else None,
            signature=signature,
            extras=extras,
        )
    known = kind if kind is not None else next(iter(extras or part))
    return Opaque(NAME, known, part)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _seconds(value: Any) -> float | None:
    """Return an RFC 3339 time in seconds since 1970."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found.timestamp() if found.tzinfo is not None else None
