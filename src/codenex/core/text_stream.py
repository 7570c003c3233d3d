"""A stream of one text that is all there: what an ordinary answer is where nothing delayed it."""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core.finish import FinishDetail
from codenex.core.usage import Usage


class TextStream(msgspec.Struct):
    """What a whole stream tells. ``pieces`` are the strings that bring the text, each as JSON writes it between its
    quotes; none is empty. ``extras`` are what the vendor says beside the hub's fields."""

    pieces: list[bytes]
    finish: FinishDetail
    usage: Usage | None = None
    extras: dict[str, Any] | None = None
    #: where in its bytes the event with usage alone stands, which a client only gets that has asked for it
    alone: tuple[int, int] | None = None
