"""What workers report to the control process: a row for each served request, and events. Plain values."""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core.losses import Loss
from codenex.core.usage import Usage
from codenex.telemetry.access_log import Record

#: Losses of a request that are kept, and characters of their texts.
_MOST, _LONGEST = 30, 200


class AttemptRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call of one account. Times in milliseconds since the first one could begin; ``error`` is the kind of its
    fault (``cancelled`` where the client left or another attempt was quicker), ``status`` what the upstream answered
    then."""

    provider: str
    account: str
    model: str
    began_ms: float
    ended_ms: float
    error: str | None = None
    status: int | None = None


class LossRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a translation lost."""

    path: str
    action: str
    reason: str


class UsageRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request that reached a provider. ``number`` is its place in its sender's sequence, ``at`` in seconds since
    1970; times in milliseconds; tokens that nobody counted are ``None``."""

    number: int
    at: float
    request_id: str
    status: int
    duration_ms: float
    complete: bool = True
    first_output_ms: float | None = None
    key: str | None = None
    protocol: str | None = None
    provider: str | None = None
    account: str | None = None
    model: str | None = None
    finish: str | None = None
    losses: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    input_uncached: int | None = None
    input_cache_read: int | None = None
    input_cache_write: int | None = None
    input_tool: int | None = None
    output_text: int | None = None
    output_reasoning: int | None = None
    #: the endpoint, without query
    path: str | None = None
    lost: list[LossRow] | None = None
    error: str | None = None
    #: where the first account didn't serve at once
    attempts: list[AttemptRow] | None = None
    #: what was done, where it is not the usual; the client's span, and the gateway's own. None of them is kept.
    operation: str | None = None
    traceparent: str | None = None
    trace: str | None = None


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that happened, for the event stream: ``name`` is the event's, ``data`` its fields."""

    number: int
    at: float
    name: str
    data: dict[str, Any] = {}


class Batch(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one sender has to report. ``dropped`` counts what its queue could not take so far."""

    sender: str
    rows: list[UsageRow] = []
    events: list[Event] = []
    dropped: int = 0


class Acknowledgement(msgspec.Struct, frozen=True):
    """Everything up to this number is kept, so that the sender may forget it."""

    through: int


_NOTHING = Usage()


def usage_row(number: int, at: float, record: Record) -> UsageRow:
    """Make the row of a request from the edge's record; ``at`` is its end, in seconds since 1970."""
    notes = record.notes
    usage = notes.usage
    if usage is None:
        usage = _NOTHING
    elif usage.cost is not None:
        usage = usage.cost
    short, long = usage.input_cache_write_5m, usage.input_cache_write_1h
    first, finish, lost = notes.first_output, notes.finish, notes.lost
    row = UsageRow(
        number,
        at,
        record.request_id,
        record.status,
        record.duration_us / 1000,
        record.complete,
        None if first is None else first * 1000,
        notes.key,
        notes.protocol,
        notes.provider,
        notes.account,
        notes.model,
        None if finish is None else finish.reason._value_,
        0 if lost is None else len(lost),
        record.bytes_in,
        record.bytes_out,
        usage.input_uncached,
        usage.input_cache_read,
        short if long is None else long if short is None else short + long,
        usage.input_tool,
        usage.output_text,
        usage.output_reasoning,
        record.path,
        None if lost is None else _lost(lost),
    )
    return _unusual(row, notes.more) if notes.more else row


def _unusual(row: UsageRow, more: dict[str, Any]) -> UsageRow:
    told = {name: more[name] for name in ("error", "attempts", "operation", "traceparent", "trace") if name in more}
    return msgspec.structs.replace(row, **told)


def _lost(losses: tuple[Loss, ...]) -> list[LossRow]:
    return [LossRow(loss.path[:_LONGEST], loss.action, loss.reason[:_LONGEST]) for loss in losses[:_MOST]]
