"""Objects of an answer to events: the chunks of a stream, and the whole answer as one chunk with ``message``."""

from __future__ import annotations

from typing import Any

from codenex.core import events as e
from codenex.core.assembly import Assembly
from codenex.core.errors import Fault, FaultKind
from codenex.core.logprobs import read_tokens
from codenex.core.parts import Citation
from codenex.protocols.openai_chat import fields
from codenex.protocols.openai_chat.choice import ChoiceReader, Flow
from codenex.protocols.openai_chat.errors import in_band_fault
from codenex.protocols.openai_chat.finish import FAILURES
from codenex.protocols.openai_chat.plain import DECODE_ERRORS, Chunk, FirstChunk, decode_chunk, decode_first
from codenex.protocols.openai_chat.types import PROTOCOL
from codenex.protocols.openai_chat.usage import decode_usage, is_placeholder

_CHUNK = frozenset(
    {"id", "object", "created", "model", "choices", "usage", "citations", "search_results", "obfuscation", "p", "error"}
)
_CHOICE = frozenset({"index", "delta", "message", "finish_reason", "logprobs"})
#: Choices are told apart by an index below this, which is the most that OpenAI gives.
_MOST_CHOICES = 128
_HEAD = ("id", "model", "created")
#: Chunks that turned out not to be plain, after which a server is not tried for them any more.
_MISSES = 8


class ChunkReader:
    """Takes the objects of one answer; the events are taken from ``assembly``."""

    def __init__(self) -> None:
        self.assembly = Assembly()
        self.done = False
        self._choices: dict[int, ChoiceReader] = {}
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

    def _begin_choice(self, index: int) -> ChoiceReader:
        head = self._head
        seed = (str(head.get("id", "")), str(head.get("created", "")), str(head.get("model", "")))
        choice = self._choices[index] = ChoiceReader(self.assembly, index, seed)
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
