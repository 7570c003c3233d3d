"""Which account is called next, and what stands in the way where none can be. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from codenex.pool.health import AccountState


class Strategy(StrEnum):
    """How one of several accounts is chosen."""

    LEAST_RECENTLY_USED = "least-recently-used"
    ROUND_ROBIN = "round-robin"
    #: at random, by the accounts' weights
    WEIGHTED = "weighted"
    #: the first in the order of the configuration, until it rests or is full
    FILL_FIRST = "fill-first"


class Candidate(msgspec.Struct, frozen=True):
    """What selection needs to know of an account's configuration. ``limit`` 0 means any number of requests at once;
    ``queue`` is how many may wait while they are all in progress."""

    uuid: str
    enabled: bool = True
    supported: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    limit: int = 0
    weight: int = 1
    queue: int = 0

    def serves(self, model: str) -> bool:
        """Whether the account is switched on and its lists allow the model."""
        return self.enabled and model not in self.unsupported and (not self.supported or model in self.supported)


class Obstacle(msgspec.Struct, frozen=True):
    """Why no account can be called now. With none of the three, none ever can."""

    #: seconds until the first account has rested
    wait: float | None = None
    #: how many requests may wait for one in progress to end; ``None`` where that helps nobody
    queue: int | None = None
    #: an account is being probed, and may be there for all in a moment
    probing: bool = False


_FRESH = AccountState()
States = Mapping[str, AccountState]
Place = tuple[int, Candidate]


def selected(
    candidates: Sequence[Candidate],
    states: States,
    model: str,
    now: float,
    excluded: frozenset[str] = frozenset(),
    *,
    strategy: Strategy = Strategy.LEAST_RECENTLY_USED,
    chance: float = 0.0,
    preferred: str | None = None,
) -> str | None:
    """Return the uuid of the account to call, or ``None`` where none may be called now. ``chance`` (0 to 1) decides
    where the strategy is random, ``preferred`` is taken before any other."""
    if len(candidates) == 1:
        # Most pools have one account, and nothing to choose.
        only = candidates[0]
        may = only.uuid not in excluded and only.serves(model)
        return only.uuid if may and _free(only, states.get(only.uuid, _FRESH), model, now) else None
    places = [
        (position, candidate)
        for position, candidate in enumerate(candidates)
        if candidate.uuid not in excluded
        and candidate.serves(model)
        and _free(candidate, states.get(candidate.uuid, _FRESH), model, now)
    ]
    if not places:
        return None
    if preferred is not None and any(candidate.uuid == preferred for _, candidate in places):
        return preferred
    return _STRATEGIES[strategy](places, candidates, states, chance).uuid


def obstacle(
    candidates: Iterable[Candidate],
    states: States,
    model: str,
    now: float,
    excluded: frozenset[str] = frozenset(),
) -> Obstacle:
    """Return why none of the accounts can be called now."""
    waits: list[float] = []
    queues: list[int] = []
    probing = False
    for candidate in candidates:
        if candidate.uuid in excluded or not candidate.serves(model):
            continue
        state = states.get(candidate.uuid, _FRESH)
        wait = state.available_at(model) - now
        if wait > 0:
            waits.append(wait)
        elif not state.available(model, now):
            probing = True
        elif _full(candidate, state):
            queues.append(candidate.queue)
    return Obstacle(min(waits, default=None), sum(queues) if queues else None, probing)


def may_rest(candidates: Sequence[Candidate], states: States, uuid: str, model: str, now: float) -> bool:
    """Whether errors may send an account to rest: with it at most half of the pool rests for errors, and another one is
    left. Retired accounts and those that rest for a model are no part of that half."""
    enabled = [candidate for candidate in candidates if candidate.enabled]
    ejected = sum(states.get(candidate.uuid, _FRESH).ejected for candidate in enabled if candidate.uuid != uuid)
    if 2 * (ejected + 1) > len(enabled):
        return False
    return any(
        candidate.uuid != uuid and candidate.serves(model) and states.get(candidate.uuid, _FRESH).available(model, now)
        for candidate in enabled
    )


def _full(candidate: Candidate, state: AccountState) -> bool:
    return bool(candidate.limit) and state.in_flight >= candidate.limit


def _free(candidate: Candidate, state: AccountState, model: str, now: float) -> bool:
    return state.available(model, now) and not _full(candidate, state)


def _least_recently_used(
    places: list[Place], candidates: Sequence[Candidate], states: States, chance: float
) -> Candidate:
    return min(places, key=lambda place: (states.get(place[1].uuid, _FRESH).last_used, place[0]))[1]


def _round_robin(places: list[Place], candidates: Sequence[Candidate], states: States, chance: float) -> Candidate:
    """Take the next one after the one that was called last."""
    last = max(range(len(candidates)), key=lambda at: states.get(candidates[at].uuid, _FRESH).last_used)
    if states.get(candidates[last].uuid, _FRESH).last_used == 0:
        last = -1
    return min(places, key=lambda place: (place[0] <= last, place[0]))[1]


def _weighted(places: list[Place], candidates: Sequence[Candidate], states: States, chance: float) -> Candidate:
    left = chance * sum(candidate.weight for _, candidate in places)
    for _, candidate in places:
        left -= candidate.weight
        if left < 0:
            return candidate
    return places[-1][1]


def _fill_first(places: list[Place], candidates: Sequence[Candidate], states: States, chance: float) -> Candidate:
    return places[0][1]


_STRATEGIES: dict[Strategy, Callable[[list[Place], Sequence[Candidate], States, float], Candidate]] = {
    Strategy.LEAST_RECENTLY_USED: _least_recently_used,
    Strategy.ROUND_ROBIN: _round_robin,
    Strategy.WEIGHTED: _weighted,
    Strategy.FILL_FIRST: _fill_first,
}
