"""Messages that are nearly right: valid ones with a few things changed as an attacker, or a broken program, would.

All of it follows from a seed, so that what failed can be had again.
"""

from __future__ import annotations

import itertools
import os
import random
import re
from collections.abc import Iterator, Sequence

DEEP = os.environ.get("CODENEX_DEEP") == "1"

#: How many messages each parser is given.
INPUTS = 1_000_000 if DEEP else 2000

_NUMBER = re.compile(rb"[0-9A-Fa-f]{1,6}")
_ODD_NUMBERS = (
    b"0", b"1", b"7", b"+5", b"-1", b"0x5", b"5 ", b" 5", b"5,5", b"00005", b"", b"1e3", b"ffffffff",
    b"FFFFFFFFFFFFFFFF",
    b"4294967296", b"9223372036854775808", b"18446744073709551616", b"9" * 40, b"200", b"100", b"101", b"204", b"304",
)  # fmt: skip
_ODD_BYTES = (
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b"\r\r\n", b"\0", b" ", b"\t", b"\x0b", b":", b";", b",", b"\"", b"\\",
    b"\xff", b"\xc3", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"{", b"}", b"[", b"]", b"%", b"#", b"?", b"x" * 300,
)  # fmt: skip


def sources(count: int = INPUTS) -> Iterator[tuple[int, random.Random]]:
    """Seeds with what follows from them."""
    for seed in range(count):
        yield seed, random.Random(seed)


def mutated(source: random.Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """One of ``seeds`` after up to four changes; ``words`` are put in where they may mean something."""
    data = source.choice(seeds)
    for _ in range(source.choice((0, 1, 1, 2, 2, 3, 4))):
        data = _CHANGES[source.randrange(len(_CHANGES))](source, data, seeds, words)
    return data[:20_000]


def pieces(source: random.Random, data: bytes) -> Iterator[bytes]:
    """The message as it may arrive: whole, byte by byte, or cut anywhere."""
    how = source.randrange(10)
    if how < 4:
        yield data
        return
    if how == 4 and len(data) < 600:
        for place in range(len(data)):
            yield data[place : place + 1]
        return
    cuts = sorted({0, len(data), *(source.randint(0, len(data)) for _ in range(source.randint(1, 6)))})
    for start, end in itertools.pairwise(cuts):
        yield data[start:end]


def _span(source: random.Random, data: bytes, most: int = 40) -> tuple[int, int]:
    start = source.randint(0, len(data))
    return start, min(len(data), start + source.randint(1, most))


def _insert(source: random.Random, data: bytes, piece: bytes) -> bytes:
    place = source.randint(0, len(data))
    return data[:place] + piece + data[place:]


def _flip(source: random.Random, data: bytes, *_: Sequence[bytes]) -> bytes:
    if not data:
        return data
    place = source.randrange(len(data))
    return data[:place] + bytes((data[place] ^ (1 << source.randrange(8)),)) + data[place + 1 :]


def _odd(source: random.Random, data: bytes, *_: Sequence[bytes]) -> bytes:
    return _insert(source, data, source.choice(_ODD_BYTES))


def _drop(source: random.Random, data: bytes, *_: Sequence[bytes]) -> bytes:
    start, end = _span(source, data)
    return data[:start] + data[end:]


def _double(source: random.Random, data: bytes, *_: Sequence[bytes]) -> bytes:
    start, end = _span(source, data)
    return data[:end] * source.choice((1, 1, 1, 20)) + data[start:]


def _end(source: random.Random, data: bytes, *_: Sequence[bytes]) -> bytes:
    return data[: source.randint(0, len(data))]


def _number(source: random.Random, data: bytes, *_: Sequence[bytes]) -> bytes:
    found = list(_NUMBER.finditer(data))
    if not found:
        return data
    match = source.choice(found)
    return data[: match.start()] + source.choice(_ODD_NUMBERS) + data[match.end() :]


def _lines(source: random.Random, data: bytes, *_: Sequence[bytes]) -> bytes:
    lines = data.split(b"\r\n") if b"\r\n" in data else data.split(b"\n")
    end = b"\r\n" if b"\r\n" in data else b"\n"
    place, other = source.randrange(len(lines)), source.randrange(len(lines))
    match source.randrange(4):
        case 0:
            lines.insert(place, lines[other])
        case 1:
            del lines[place]
        case 2:
            lines[place], lines[other] = lines[other], lines[place]
        case _:
            # Folded, as lines once could be.
            lines[place] = b" " + lines[place]
    return end.join(lines)


def _word(source: random.Random, data: bytes, _seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    word = source.choice(words)
    if source.randrange(2):
        return _insert(source, data, word)
    lines = data.split(b"\r\n")
    lines.insert(source.randint(1, len(lines)), word)
    return b"\r\n".join(lines)


def _other(source: random.Random, data: bytes, seeds: Sequence[bytes], _words: Sequence[bytes]) -> bytes:
    other = source.choice(seeds)
    if source.randrange(2):
        return data + other
    return data[: source.randint(0, len(data))] + other[source.randint(0, len(other)) :]


_CHANGES = (_flip, _odd, _drop, _double, _end, _number, _number, _lines, _lines, _word, _word, _other)
