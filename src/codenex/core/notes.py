"""What is noted of a request on its way, for the log, the measures and the control process."""

from __future__ import annotations

from typing import Any

from codenex.core.finish import FinishDetail
from codenex.core.losses import Loss
from codenex.core.usage import Usage


class Notes:
    """The notes of one request, made by :func:`no_notes`; what nobody has noted is ``None``. Attributes, since every
    request writes most of them and three readers look at each."""

    __slots__ = (
        "account",
        "finish",
        "first_output",
        "key",
        "lost",
        "model",
        "more",
        "protocol",
        "provider",
        "usage",
    )

    #: the client key's id
    key: str | None
    protocol: str | None
    #: who was called, by what account, for which model
    provider: str | None
    account: str | None
    model: str | None
    usage: Usage | None
    finish: FinishDetail | None
    #: seconds until the answer's first output
    first_output: float | None
    #: what the translation lost
    lost: tuple[Loss, ...] | None
    #: what few requests have to note
    more: dict[str, Any]


def no_notes() -> Notes:
    """Return notes of which none has been made. A constructor in Python would take twice as long."""
    notes = Notes()
    notes.key = notes.protocol = notes.provider = notes.account = notes.model = None
    notes.usage = notes.finish = notes.first_output = notes.lost = None
    notes.more = {}
    return notes
