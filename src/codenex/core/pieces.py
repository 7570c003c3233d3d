"""A text that comes in many small pieces, held as few larger ones: each small text takes some fifty bytes more than it
says, which is more than the text itself where a model's words come one by one."""

from __future__ import annotations

#: Small pieces that are held before they are joined.
MANY = 128
#: Characters below which pieces are small on average.
SMALL = 128


class Pieces(list[str]):
    """The pieces so far, in order: joined ones, and behind them the newest as they came. Joined, they are the text.

    :meth:`add` does all there is to do. Where a call is too dear: ``append``, and :meth:`gather` once there are more
    than ``most``.
    """

    __slots__ = ("most",)

    def __init__(self) -> None:
        super().__init__()
        self.most = MANY

    def add(self, text: str) -> None:
        """Take a piece."""
        self.append(text)
        if len(self) > self.most:
            self.gather()

    def gather(self) -> None:
        """Join the newest pieces, if they are small. What has been joined before stays, so that each byte is copied
        once."""
        start = self.most - MANY
        newest = self[start:]
        if sum(map(len, newest)) < MANY * SMALL:
            self[start:] = ["".join(newest)]
        # Larger ones are not copied: whoever reads and whoever writes a stream hold the same ones.
        self.most = len(self) + MANY
