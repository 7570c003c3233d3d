"""The accounts of a large pool by when each was last called: whose turn it is without a look at all of them. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

from codenex.pool.selection import Candidate


class UsageOrder:
    """Chooses the least recently used of ``candidates``, as :func:`~codenex.pool.selection.selected` does.

    It keeps a heap of when each was last called as far as it knows. Who has been called since, here or by another
    process, moves on when the heap brings them up: a choice costs by how many were, and by how many of those in front
    can't be called now, not by how many there are. A time that was set back is noticed when its turn comes.
    """

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._candidates = candidates
        self._named = {candidate.uuid: candidate for candidate in candidates}
        # Sorted, and so a heap.
        self._heap = [(0, position) for position in range(len(candidates))]

    def named(self, uuid: str | None) -> Candidate | None:
        """Return a candidate by its uuid."""
        return None if uuid is None else self._named.get(uuid)

    def first(self, last_used: Callable[[str], int], may_be_called: Callable[[Candidate], bool]) -> Candidate | None:
        """Return the one that may be called and was so longest ago; of several the first of the configuration.
        ``last_used`` tells of a uuid when that was (0: never)."""
        heap, passed, found = self._heap, [], None
        while heap:
            known, position = heap[0]
            candidate = self._candidates[position]
            used = last_used(candidate.uuid)
            if used != known:
                heapq.heapreplace(heap, (used, position))
            elif may_be_called(candidate):
                found = candidate
                break
            else:
                passed.append(heapq.heappop(heap))
        for place in passed:
            heapq.heappush(heap, place)
        return found
