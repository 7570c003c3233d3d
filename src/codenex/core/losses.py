"""Losses: what a target protocol cannot express, as values that tests assert and users see."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

Action = Literal["dropped", "adapted", "approximated"]

#: Upper bound of the ``x-codenex-losses`` header, in bytes.
HEADER_LIMIT = 1000


#: What can't stand in an entry: all but printable ASCII, and what separates.
_UNFIT = re.compile(r"[^ -~]|[,;=]")


class Loss(msgspec.Struct, frozen=True, order=True):
    """One thing that did not survive. ``path`` names the field in the terms of its source protocol."""

    path: str
    action: Action
    reason: str


class Losses:
    """Collects losses on the way through a translation; the same loss is kept once, in order of appearance."""

    __slots__ = ("found",)

    def __init__(self) -> None:
        #: what was collected, to be looked at without a call
        self.found: dict[Loss, None] = {}

    def drop(self, path: str, reason: str) -> None:
        """Note something that was left out."""
        self.found[Loss(path, "dropped", reason)] = None

    def adapt(self, path: str, reason: str) -> None:
        """Note something that was expressed in another form with the same meaning for a reader."""
        self.found[Loss(path, "adapted", reason)] = None

    def approximate(self, path: str, reason: str) -> None:
        """Note something that was replaced by the nearest value the target knows."""
        self.found[Loss(path, "approximated", reason)] = None

    def extend(self, losses: tuple[Loss, ...]) -> None:
        """Take over losses collected elsewhere."""
        for loss in losses:
            self.found[loss] = None

    def values(self) -> tuple[Loss, ...]:
        """Return what was collected."""
        return tuple(self.found)

    def __len__(self) -> int:
        return len(self.found)


def header_value(losses: tuple[Loss, ...]) -> str:
    """Render losses for ``x-codenex-losses``: ``count; path=action, …``, cut to whole entries within 1 kB, ASCII."""
    text = str(len(losses))
    separator = "; "
    for loss in losses:
        entry = f"{separator}{_UNFIT.sub('_', loss.path)}={loss.action}"
        if len(text) + len(entry) > HEADER_LIMIT - 5:
            return text + ", ..."
        text += entry
        separator = ", "
    return text
