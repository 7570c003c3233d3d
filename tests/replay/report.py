"""What has been checked and what disagreed; the last line of the output is the sum."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

SHOWN = 600
"""Characters of a disagreement that are printed."""


class Disagreement(Exception):
    """A check that failed; the message says what was expected and what came."""


class RefusedAsDocumented(Exception):
    """The gateway refused what nobody can express, for a reason of the table; the message is the reason's name."""


@dataclass
class Report:
    """Counts checks and prints each disagreement when it is found."""

    passed: int = 0
    failed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    """Checks by their first word, whatever came out."""
    skipped: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def check(self, kind: str, name: str) -> Iterator[None]:
        """One check: what the block raises is the disagreement."""
        self.kinds[kind] += 1
        try:
            yield
        except RefusedAsDocumented as reason:
            self.refused[str(reason)] += 1
            self.passed += 1
        except Exception as error:
            told = f"{'' if isinstance(error, Disagreement) else type(error).__name__ + ': '}{error}"
            self.fail(f"{kind}: {name}", told)
        else:
            self.passed += 1

    def skip(self, what: str) -> None:
        """Count something that is none of the gateway's business."""
        self.skipped[what] += 1

    def note(self, what: str, name: str) -> None:
        """Print and count something that is worth a look, and no failure of the gateway."""
        self.skipped[what] += 1
        sys.stdout.write(f"NOTE {what}: {name}\n")

    def fail(self, name: str, told: str) -> None:
        """Count and print a disagreement."""
        self.failed += 1
        sys.stdout.write(f"FAILED {name}\n    {told[:SHOWN]}\n")
        sys.stdout.flush()

    def summary(self) -> str:
        """The closing lines."""
        lines = [f"{count:6} {kind}" for kind, count in self.kinds.items()]
        lines += [f"{count:6} refused as documented: {reason}" for reason, count in sorted(self.refused.items())]
        lines += [f"{count:6} not judged: {what}" for what, count in sorted(self.skipped.items())]
        return "\n".join([*lines, f"{self.passed} passed, {self.failed} failed"])


def expect(truth: bool, told: str) -> None:
    """Raise a :class:`Disagreement` unless ``truth``."""
    if not truth:
        raise Disagreement(told)


def expect_equal(what: str, found: object, wanted: object) -> None:
    """Raise a :class:`Disagreement` that shows both, from where they begin to differ."""
    if found != wanted:
        raise Disagreement(f"{what}: {_shown(found, wanted)}, expected {_shown(wanted, found)}")


def _shown(value: object, other: object) -> str:
    text, against = repr(value), repr(other)
    if len(text) < 120:
        return text
    same = next((at for at, pair in enumerate(zip(text, against, strict=False)) if pair[0] != pair[1]), 0)
    start = max(0, same - 30)
    return f"…{text[start : start + 150]}…"
