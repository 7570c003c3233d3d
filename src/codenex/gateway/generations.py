"""Generations of settings: the gateway looks at every request whether there is a new one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from codenex.store.settings import Settings


class Generations(Protocol):
    """Where settings come from."""

    @property
    def current(self) -> Settings:
        """The newest generation."""
        ...

    def renewed(self) -> bool:
        """Whether :attr:`current` has changed since the last call; cheap, because every request asks."""
        ...


class SharedGenerations:
    """Generations whose number stands in the shared memory and whose settings :meth:`take` brings.

    ``number`` reads the number in the shared memory; ``fetch`` returns the settings and their number as far as they
    have come.
    """

    def __init__(self, number: Callable[[], int], fetch: Callable[[], tuple[Settings, int]]) -> None:
        self._number = number
        self._fetch = fetch
        self._current, self._known = fetch()

    @property
    def current(self) -> Settings:
        """The newest generation that has come."""
        return self._current

    def renewed(self) -> bool:
        """Look at the number, and fetch the settings where it is new."""
        if self._number() == self._known:
            return False
        settings, number = self._fetch()
        if number == self._known:
            return False
        self._current, self._known = settings, number
        return True
