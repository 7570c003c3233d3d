"""Notes of requests for tests, by their names."""

from __future__ import annotations

from typing import Any

from codenex.core.notes import Notes, no_notes


def noted(**named: Any) -> Notes:
    """Make notes; what has no attribute of its own is among the rest."""
    notes = no_notes()
    for name, value in named.items():
        if name in Notes.__slots__:
            setattr(notes, name, value)
        else:
            notes.more[name] = value
    return notes


def noted_in(notes: Notes) -> dict[str, Any]:
    """Return what was noted, by name."""
    named = {name: getattr(notes, name) for name in Notes.__slots__ if name != "more"}
    return {**{name: value for name, value in named.items() if value is not None}, **notes.more}
