"""The body of a request while it comes."""

from __future__ import annotations

from io import BytesIO

#: Bytes from which pieces are gathered as they come: to put a list of so many together takes longer, and takes room
#: for the body twice.
_LARGE = 256 * 1024


class Upload:
    """Pieces, in order; ``size`` is their bytes so far."""

    __slots__ = ("_gathered", "_parts", "size")

    def __init__(self, piece: bytes = b"") -> None:
        self.size = len(piece)
        self._parts = [piece] if piece else []
        self._gathered: BytesIO | None = None

    def add(self, piece: bytes) -> None:
        """Take the next piece."""
        self.size += len(piece)
        gathered = self._gathered
        if gathered is not None:
            gathered.write(piece)
        elif self.size < _LARGE:
            self._parts.append(piece)
        else:
            self._gathered = BytesIO()
            self._gathered.writelines(self._parts)
            self._gathered.write(piece)
            self._parts.clear()

    def whole(self) -> bytes:
        """Return what has come so far."""
        if self._gathered is not None:
            # Not a copy, as long as nothing is added.
            return self._gathered.getvalue()
        parts = self._parts
        return parts[0] if len(parts) == 1 else b"".join(parts)
