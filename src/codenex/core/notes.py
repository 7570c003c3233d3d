"""What is noted of a request on its way, for the log, the measures and the control process."""

from __future__ import annotations

from typing import Any

from codenex.core.finish import FinishDetail
from codenex.core.losses import Loss
from codenex.core.usage import Usage


class Notes:
    """The notes of one request; what nobody has noted is ``None``. Attributes, since every request writes most of them
    and three readers look at each."""

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

    def __init__(self) -> None:
        #: the client key's id
        self.key: str | None = None
        self.protocol: str | None = None
        #: who was called, by what account, for which model
        self.provider: str | None = None
        self.account: str | None = None
        self.model: str | None = None
        self.usage: Usage | None = None
        self.finish: FinishDetail | None = None
        #: seconds until the answer's first output
        self.first_output: float | None = None
        #: what the translation lost
        self.lost: tuple[Loss, ...] | None = None
        #: what few requests have to note
        self.more: dict[str, Any] = {}
