"""Stream events: the only form in which an answer travels through the hub. A unary answer is their fold.

Order: ``Start``; then for each part ``PartStart``, its deltas, ``PartStop`` with the final part; ``Finish`` once for
each choice; nothing but ``UsageSnapshot`` after the last ``Finish``. ``Ping`` and ``Raw`` may stand anywhere after
``Start``. ``Error`` ends the stream.
Parts are numbered from 0 in order of their start, over all choices; several may be open at once.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from codenex.core import json
from codenex.core.errors import Fault
from codenex.core.finish import FinishDetail
from codenex.core.parts import Citation, Part, Signature
from codenex.core.usage import Usage

PartKind = Literal["text", "refusal", "reasoning", "tool_call", "media", "server_tool", "compaction", "opaque"]


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of all events."""


class Start(Event, frozen=True):
    """The answer begins. ``created`` is in seconds since 1970, where the vendor says it."""

    protocol: str
    id: str | None = None
    model: str | None = None
    created: float | None = None
    usage: Usage | None = None
    extras: dict[str, Any] | None = None


class PartStart(Event, frozen=True):
    """A part begins. ``id``, ``name``, ``tool_kind``, ``namespace`` and ``item_id`` are those of a tool call;
    ``raw`` marks a raw chain of thought."""

    index: int
    kind: PartKind
    choice: int = 0
    id: str | None = None
    name: str | None = None
    tool_kind: Literal["function", "custom"] = "function"
    namespace: str | None = None
    item_id: str | None = None
    raw: bool = False


class TextDelta(Event, frozen=True):
    """More text of a text or refusal part."""

    index: int
    text: str


class TextRun(TextDelta, frozen=True):
    """Several text deltas in one, as they came: ``pieces`` is what each of them has between the quotes of its JSON
    string, which is valid in any JSON; ``text`` is all of it, decoded. None of them is empty."""

    pieces: list[bytes]

    def spread(self) -> list[TextDelta]:
        """Return the deltas one by one."""
        return [TextDelta(self.index, json.decode(b'"%b"' % piece)) for piece in self.pieces]


class ReasoningDelta(Event, frozen=True):
    """More reasoning; ``segment`` counts the paragraphs of a summary from 0."""

    index: int
    text: str
    segment: int = 0


class ReasoningRun(ReasoningDelta, frozen=True):
    """Several deltas of one paragraph in one; ``pieces`` are those of :class:`TextRun`."""

    pieces: list[bytes] = []

    def spread(self) -> list[ReasoningDelta]:
        """Return the deltas one by one."""
        return [ReasoningDelta(self.index, json.decode(b'"%b"' % piece), self.segment) for piece in self.pieces]


class SignatureSet(Event, frozen=True):
    """The signature of a part; a later one replaces it."""

    index: int
    signature: Signature


class ToolArgumentsDelta(Event, frozen=True):
    """More of a call's raw arguments."""

    index: int
    text: str


class ArgumentsRun(ToolArgumentsDelta, frozen=True):
    """Several deltas of one call's arguments in one; ``pieces`` are those of :class:`TextRun`."""

    pieces: list[bytes]

    def spread(self) -> list[ToolArgumentsDelta]:
        """Return the deltas one by one."""
        return [ToolArgumentsDelta(self.index, json.decode(b'"%b"' % piece)) for piece in self.pieces]


class CitationAdd(Event, frozen=True):
    """A source of a text part."""

    index: int
    citation: Citation


class MediaDelta(Event, frozen=True):
    """More base64 data of a media part."""

    index: int
    data: str


class LogprobDelta(Event, frozen=True):
    """Token log-probabilities in OpenAI Chat's form: ``[{token, logprob, bytes, top_logprobs}, …]``."""

    tokens: tuple[dict[str, Any], ...]
    choice: int = 0
    kind: Literal["content", "refusal"] = "content"


class PartStop(Event, frozen=True):
    """A part is complete; ``part`` is authoritative."""

    index: int
    part: Part
    choice: int = 0


class UsageSnapshot(Event, frozen=True):
    """Usage so far: cumulative, a later one overwrites what it knows."""

    usage: Usage


class Finish(Event, frozen=True):
    """A choice has ended."""

    detail: FinishDetail
    choice: int = 0
    extras: dict[str, Any] | None = None


class Error(Event, frozen=True):
    """The upstream failed in the middle of the answer."""

    fault: Fault


class Ping(Event, frozen=True):
    """A sign of life."""


class Raw(Event, frozen=True):
    """An event that only its own protocol knows."""

    protocol: str
    type: str
    raw: dict[str, Any]


StreamEvent = (
    Start
    | PartStart
    | TextDelta
    | ReasoningDelta
    | SignatureSet
    | ToolArgumentsDelta
    | CitationAdd
    | MediaDelta
    | LogprobDelta
    | PartStop
    | UsageSnapshot
    | Finish
    | Error
    | Ping
    | Raw
)

#: Events after which a client has seen something of the answer itself, so that another attempt would repeat it; the
#: types themselves, as each event is looked at.
CONTENT_EVENTS: frozenset[type[Event]] = frozenset(
    {
        PartStart,
        TextDelta,
        TextRun,
        ReasoningDelta,
        ReasoningRun,
        ToolArgumentsDelta,
        ArgumentsRun,
        MediaDelta,
        CitationAdd,
        PartStop,
        Finish,
    }
)
#: Those that only go on with a part and have nothing to be put back but the arguments of calls.
PLAIN_EVENTS: frozenset[type[Event]] = frozenset({TextDelta, TextRun, ReasoningDelta, ReasoningRun})
ARGUMENT_EVENTS: frozenset[type[Event]] = frozenset({ToolArgumentsDelta, ArgumentsRun})
