"""A short string that matches a regular expression: literals, classes, groups, alternatives, repetition.

Lookaround, back references and word boundaries are not sampled: there is no sample then. Nothing is ever matched
against the client's pattern here, so no pattern can make this slow.
"""

from __future__ import annotations

from typing import Final

_SAMPLE_LIMIT: Final = 1000
_CLASSES = {"d": "0", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a", "h": " ", "R": "\n"}
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_PREFERRED = "a0A-_ ./:@1bBzZ9"
_MEMBERS = {
    "d": "0123456789",
    "w": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
    "s": " \t\n\r\f\v",
}


class _Unsupported(Exception):
    pass


def pattern_sample(pattern: str, variant: int = 0) -> str | None:
    """Return a string that matches ``pattern``, or ``None`` where the pattern goes beyond the subset.

    ``variant`` takes other alternatives and more repetitions where the pattern leaves a choice.
    """
    if len(pattern) > _SAMPLE_LIMIT:
        return None
    try:
        return _Sampler(pattern, variant).whole()
    except (_Unsupported, IndexError, ValueError, RecursionError):
        return None


class _Sampler:
    def __init__(self, pattern: str, variant: int) -> None:
        self._pattern = pattern
        self._position = 0
        self._variant = variant
        self._depth = 0

    def whole(self) -> str:
        sample = self._alternatives()
        if self._position != len(self._pattern):
            raise _Unsupported
        return sample

    def _peek(self) -> str:
        return self._pattern[self._position] if self._position < len(self._pattern) else ""

    def _next(self) -> str:
        character = self._pattern[self._position]
        self._position += 1
        return character

    def _alternatives(self) -> str:
        self._depth += 1
        if self._depth > 40:
            raise _Unsupported
        options = [self._sequence()]
        while self._peek() == "|":
            self._next()
            options.append(self._sequence())
        self._depth -= 1
        return options[self._variant % len(options)]

    def _sequence(self) -> str:
        pieces: list[str] = []
        while self._peek() not in ("", "|", ")"):
            piece = self._atom()
            pieces.append(self._repeated(piece))
            if sum(map(len, pieces)) > _SAMPLE_LIMIT:
                raise _Unsupported
        return "".join(pieces)

    def _atom(self) -> str:
        character = self._next()
        if character in "^$":
            return ""
        if character == ".":
            return "a"
        if character == "(":
            return self._group()
        if character == "[":
            return self._class()
        if character == "\\":
            return self._escape()
        if character in "*+?{":
            raise _Unsupported
        return character

    def _group(self) -> str:
        if self._peek() == "?":
            self._next()
            kind = self._next()
            if kind == "P":
                kind = self._next()
            if kind == "<":
                if self._peek() in "=!":
                    raise _Unsupported
                while self._next() != ">":
                    pass
            elif kind != ":":
                raise _Unsupported
        sample = self._alternatives()
        if self._next() != ")":
            raise _Unsupported
        return sample

    def _escape(self) -> str:
        kind = self._next()
        if kind in "AZz":
            return ""
        if kind in _CLASSES:
            return _CLASSES[kind]
        if kind in _CONTROL:
            return _CONTROL[kind]
        if kind in "xu":
            return self._code_point(2 if kind == "x" else 4)
        if kind in "pP":
            return self._property(kind)
        if kind.isalnum():
            raise _Unsupported
        return kind

    def _code_point(self, digits: int) -> str:
        text = self._pattern[self._position : self._position + digits]
        self._position += digits
        return chr(int(text, 16))

    def _property(self, kind: str) -> str:
        if kind == "P" or self._next() != "{":
            raise _Unsupported
        name = ""
        while (character := self._next()) != "}":
            name += character
        samples = {"L": "a", "Ll": "a", "Lu": "A", "N": "0", "Nd": "0", "Letter": "a", "Alphabetic": "a"}
        if name not in samples:
            raise _Unsupported
        return samples[name]

    def _class(self) -> str:
        negated = self._peek() == "^"
        if negated:
            self._next()
        members: list[str] = []
        ranges: list[tuple[str, str]] = []
        first = True
        while first or self._peek() != "]":
            first = False
            low = self._member(members)
            if self._peek() == "-" and self._pattern[self._position + 1] != "]":
                self._next()
                if low is None:
                    members.append("-")
                    continue
                high = self._member([])
                if high is None:
                    raise _Unsupported
                ranges.append((low, high))
            elif low is not None:
                members.append(low)
        self._next()
        if negated:
            candidates = [c for c in _PREFERRED + "!~é" if not _contains(c, members, ranges)]
        else:
            candidates = [c for c in _PREFERRED if _contains(c, members, ranges)]
            candidates = candidates or [*members, *(low for low, _ in ranges)]
        return candidates[0]

    def _member(self, members: list[str]) -> str | None:
        """Read one member; a class escape is spread into ``members`` and yields ``None``."""
        character = self._next()
        if character != "\\":
            return character
        kind = self._peek()
        if kind in _MEMBERS:
            self._next()
            members.extend(_MEMBERS[kind])
            return None
        if kind in ("D", "W", "S", "p", "P"):
            raise _Unsupported
        if kind == "b":
            raise _Unsupported
        return self._escape()

    def _repeated(self, piece: str) -> str:
        least = self._quantity()
        if least is None:
            return piece
        if self._peek() in ("?", "+"):
            self._next()
        if least * len(piece) > _SAMPLE_LIMIT:
            raise _Unsupported
        return piece * least

    def _quantity(self) -> int | None:
        sign = self._peek()
        if sign == "*":
            self._next()
            return 1 + self._variant
        if sign == "+":
            self._next()
            return 1 + self._variant
        if sign == "?":
            self._next()
            return self._variant % 2
        if sign != "{":
            return None
        end = self._pattern.index("}", self._position)
        low, comma, high = self._pattern[self._position + 1 : end].partition(",")
        self._position = end + 1
        least = int(low) if low else 0
        most = (int(high) if high else least + self._variant) if comma else least
        return min(most, least + self._variant)


def _contains(character: str, members: list[str], ranges: list[tuple[str, str]]) -> bool:
    return character in members or any(low <= character <= high for low, high in ranges)
