"""How often and how fast something that fails to start is started again: pure functions of time.

Delays grow from 0.1 s to 5 s. Five failures within a minute are hopeless: somebody has to look. What was killed from
outside while it started waits as well, but gives no reason to give up.
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST_DELAY = 0.1
LONGEST_DELAY = 5.0
HOPELESS_FAILURES = 5
HOPELESS_WINDOW = 60.0
#: Seconds that a child has to live after it was ready, so that its end isn't counted as a failed start.
SETTLED_AFTER = 3.0


@dataclass(frozen=True)
class Failures:
    """The failed starts of one kind of child in seconds, oldest first: ``times`` of all, ``own`` of those that failed
    by themselves."""

    times: tuple[float, ...] = ()
    own: tuple[float, ...] = ()

    def another(self, now: float, *, own: bool = True) -> Failures:
        """Return the record with one more failure; what is older than the window is forgotten."""
        times, mine = (tuple(time for time in kind if now - time < HOPELESS_WINDOW) for kind in (self.times, self.own))
        return Failures((*times, now), (*mine, now) if own else mine)

    def next_start(self) -> float:
        """Return when the next start may be tried; 0 where nothing has failed."""
        if not self.times:
            return 0.0
        delay: float = FIRST_DELAY * 2 ** (len(self.times) - 1)
        return self.times[-1] + min(delay, LONGEST_DELAY)

    def hopeless(self, now: float) -> bool:
        """Whether starting again is pointless."""
        return sum(now - time < HOPELESS_WINDOW for time in self.own) >= HOPELESS_FAILURES
