"""What one process tells the others about an account: that it rests, for a model or altogether, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from codenex.store.shared_memory import LARGEST_EVENT


class HealthChange(msgspec.Struct, frozen=True, array_like=True):
    """Times are monotonic seconds, 0 where there is none: ``until`` holds for all models, ``model_until`` for one."""

    uuid: str
    until: float
    model: str
    model_until: float
    reason: str | None
    at: float


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(HealthChange).decode


def encoded_change(change: HealthChange) -> bytes:
    """Return the event; a reason that does not fit is cut."""
    event = _encode(change)
    if len(event) <= LARGEST_EVENT:
        return event
    short = msgspec.structs.replace(change, reason=(change.reason or "")[:40])
    event = _encode(short)
    return event if len(event) <= LARGEST_EVENT else _encode(msgspec.structs.replace(short, reason=None, model=""))


def changes_in(events: Iterable[bytes]) -> Iterator[HealthChange]:
    """Return the changes that events hold; what another version of this program wrote differently is left out."""
    for event in events:
        try:
            yield _decode(event)
        except msgspec.DecodeError:
            continue
