"""What the simulation hands on: events of the answer, and instructions for pacing and faults."""

from __future__ import annotations

import msgspec

from codenex.core.events import StreamEvent


class Delay(msgspec.Struct, frozen=True):
    """Wait before going on."""

    milliseconds: int


class Cut(msgspec.Struct, frozen=True):
    """Break the answer off here, as a dying upstream would: no terminal event follows."""


Step = StreamEvent | Delay | Cut
