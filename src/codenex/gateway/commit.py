"""The commit gate: what has been promised to the client, and so what may still be done about a failure.

Nothing is promised until the first real output. A stream that stays silent for a while gets its head and
keep-alives, and failover stays
possible; content makes an answer final. The gate is pure: it takes observations and answers with a decision.
"""

from __future__ import annotations

from enum import Enum

import msgspec


class Stage(Enum):
    """How far an answer has gone."""

    #: nothing has been sent
    HELD = "held"
    #: status 200 and keep-alives only
    SILENT = "silent"
    #: content has been sent
    FLOWING = "flowing"
    #: the terminal event or an error has been sent
    ENDED = "ended"


# As names of this module: looking up a member of an enumeration costs a call.
_HELD, _SILENT = Stage.HELD, Stage.SILENT


class Recovery(Enum):
    """What may be done about a failed attempt."""

    #: try another account; if nothing is left, answer with the real status
    RETRY = "retry"
    #: try another account; if nothing is left, send the protocol's error event
    RETRY_IN_BAND = "retry_in_band"
    #: send the protocol's error event
    ERROR_EVENT = "error_event"
    #: nothing can be said any more
    NOTHING = "nothing"


_RECOVERY = {
    Stage.HELD: Recovery.RETRY,
    Stage.SILENT: Recovery.RETRY_IN_BAND,
    Stage.FLOWING: Recovery.ERROR_EVENT,
    Stage.ENDED: Recovery.NOTHING,
}


class CommitGate(msgspec.Struct):
    """The stage of one answer over all its attempts. ``commit_after`` is in seconds since the request began."""

    streaming: bool
    commit_after: float
    stage: Stage = Stage.HELD

    @property
    def may_fail_over(self) -> bool:
        """Whether another attempt could still take over without the client noticing."""
        return self.stage is _HELD or self.stage is _SILENT

    @property
    def recovery(self) -> Recovery:
        """What a failure now leads to."""
        return _RECOVERY[self.stage]

    def silence(self, elapsed: float) -> bool:
        """Say that nothing has come for ``elapsed`` seconds; true when the head has to go out now."""
        if self.stage is Stage.HELD and self.streaming and elapsed >= self.commit_after:
            self.stage = Stage.SILENT
            return True
        return False

    def content(self) -> bool:
        """Say that real output has come; true when the head has to go out before it."""
        stage = self.stage
        if stage is _HELD or stage is _SILENT:
            self.stage = Stage.FLOWING
        return stage is _HELD

    def ended(self) -> None:
        """Say that the answer is over."""
        self.stage = Stage.ENDED
