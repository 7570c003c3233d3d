"""What one process tells the others about an account: that it rests, for a model or altogether, why, and that it is
trusted again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from codenex.store.shared_memory import LARGEST_EVENT

#: In place of a model's name: whatever was said of single models holds no more.
EVERY_MODEL = "*"


class HealthChange(msgspec.Struct, frozen=True, array_like=True):
    """Times are monotonic seconds, 0 where there is none: ``until`` holds for all models, ``model_until`` for one."""

    uuid: str
    until: float
    model: str
    model_until: float
    reason: str | None
    at: float
    #: whether it is tried again with one request at a time, because of its upstream's errors or of its own refusal
    ejected: bool = False
    retired: bool = False
    ejections: int = 0


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
