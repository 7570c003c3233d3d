"""Which account is called next: the least recently used one that may be called. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from codenex.pool.health import AccountState


class Candidate(msgspec.Struct, frozen=True):
    """What selection needs to know of an account's configuration. ``limit`` 0 means any number of requests at once."""

    uuid: str
    enabled: bool = True
    supported: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    limit: int = 0

    def serves(self, model: str) -> bool:
        """Whether the account is switched on and its lists allow the model."""
        return self.enabled and model not in self.unsupported and (not self.supported or model in self.supported)


_FRESH = AccountState()


def selected(
    candidates: Iterable[Candidate],
    states: Mapping[str, AccountState],
    model: str,
    now: float,
    excluded: frozenset[str] = frozenset(),
) -> str | None:
    """Return the uuid of the account to call, or ``None`` where none may be called now."""
    best: tuple[int, int, str] | None = None
    for position, candidate in enumerate(candidates):
        if candidate.uuid in excluded or not candidate.serves(model):
            continue
        state = states.get(candidate.uuid, _FRESH)
        if not state.available(model, now) or (candidate.limit and state.in_flight >= candidate.limit):
            continue
        rank = (state.last_used, position, candidate.uuid)
        if best is None or rank < best:
            best = rank
    return None if best is None else best[2]


def soonest(
    candidates: Iterable[Candidate], states: Mapping[str, AccountState], model: str, now: float
) -> float | None:
    """Return in how many seconds the first account that serves the model may be called; ``None`` where none ever
    may."""
    waits = [
        max(0.0, states.get(candidate.uuid, _FRESH).available_at(model) - now)
        for candidate in candidates
        if candidate.serves(model)
    ]
    return min(waits) if waits else None
