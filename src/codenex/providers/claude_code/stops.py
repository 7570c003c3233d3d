"""Stop sequences, which the CLI can't pass on: found in the text of an answer as it comes. Pure."""

from __future__ import annotations


class StopFinder:
    """Lets text through up to the first stop sequence; what may be the beginning of one is held back."""

    __slots__ = ("_held", "_stops", "found")

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        #: the stop sequence that has come
        self.found: str | None = None

    def feed(self, text: str) -> str:
        """Take more text; return what of it the client may have. After a stop sequence that is nothing."""
        if self.found is not None:
            return ""
        if not self._stops:
            return text
        text = self._held + text
        first = min(((place, stop) for stop in self._stops if (place := text.find(stop)) >= 0), default=None)
        if first is not None:
            place, self.found = first
            self._held = ""
            return text[:place]
        keep = max(_overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self) -> str:
        """Return what was held back: the text is over."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """Return how many characters at the end of ``text`` are the beginning of ``stop``."""
    return next((size for size in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:size])), 0)
