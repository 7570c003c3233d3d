"""Runs of events as the single deltas that they stand for, to compare what was read with what is expected."""

from __future__ import annotations

from collections.abc import Iterable

from codenex.core import events as e


def spread(events: Iterable[e.StreamEvent]) -> list[e.StreamEvent]:
    """Return the events with the deltas of every run one by one, which have to say what the run says."""
    out: list[e.StreamEvent] = []
    for event in events:
        if not isinstance(event, e.TextRun | e.ReasoningRun | e.ArgumentsRun):
            out.append(event)
            continue
        deltas = event.spread()
        assert "".join(delta.text for delta in deltas) == event.text
        assert all(delta.text for delta in deltas)
        out.extend(deltas)
    return out
