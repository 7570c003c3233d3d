"""Tool names that fit a target, reversibly: derived from the names alone, so that every turn of a conversation
derives the same."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache

_ILLEGAL = r"[^a-zA-Z0-9_-]"

#: Names that every target takes as they are.
PLAIN_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")


_compiled = lru_cache(16)(re.compile)


class NameMap:
    """Maps client tool names to names that a target takes, without collisions, and back.

    ``limit`` is the longest name in characters; ``first`` is the pattern that the first character must match,
    ``illegal`` that of characters a name may not hold. A namespace is flattened to ``namespace__name``. ``fitting``
    are names, each by itself, that are known to fit; it is not changed.
    """

    __slots__ = ("_back", "_first", "_forth", "_illegal", "_limit")

    def __init__(
        self,
        names: Iterable[str],
        limit: int = 64,
        first: str = r"[a-zA-Z0-9_-]",
        illegal: str = _ILLEGAL,
        fitting: dict[str, str] | None = None,
    ) -> None:
        self._limit = limit
        self._illegal = _compiled(illegal)
        self._first = _compiled(first)
        self._forth: dict[str, str] = dict(fitting) if fitting else {}
        self._back: dict[str, str] = dict(fitting) if fitting else {}
        unique = [name for name in dict.fromkeys(names) if name not in self._forth]
        # Names that fit keep their own form, whatever the order in which they are declared.
        for name in unique:
            if self._fits(name):
                self._forth[name] = self._back[name] = name
        for name in unique:
            self.to_target(name)

    def to_target(self, name: str) -> str:
        """Return the name for the target; names not declared beforehand are taken in as well."""
        known = self._forth.get(name)
        if known is not None:
            return known
        fitted = name if self._fits(name) else self._shorten(name)
        attempt = 0
        while self._back.get(fitted, name) != name:
            attempt += 1
            fitted = self._shorten(name, attempt)
        self._forth[name], self._back[fitted] = fitted, name
        return fitted

    def to_client(self, name: str) -> str:
        """Return the client's name for a name that came back; unknown names are themselves."""
        return self._back.get(name, name)

    def changed(self) -> dict[str, str]:
        """Return target name → client name for the names that differ."""
        return {fitted: name for fitted, name in self._back.items() if fitted != name}

    def _fits(self, name: str) -> bool:
        return 0 < len(name) <= self._limit and not self._illegal.search(name) and self._first.match(name) is not None

    def _shorten(self, name: str, attempt: int = 0) -> str:
        clean = self._illegal.sub("_", name) or "_"
        if self._first.match(clean) is None:
            clean = "_" + clean
        seed = name if attempt == 0 else f"{name}\x1f{attempt}"
        return f"{clean[: self._limit - 9]}_{hashlib.sha256(seed.encode()).hexdigest()[:8]}"


def flattened(namespace: str | None, name: str) -> str:
    """Return a tool's name with its namespace in front."""
    return f"{namespace}__{name}" if namespace else name
