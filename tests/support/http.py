"""HTTP/1.1 heads and bodies read from a :class:`~tests.support.peer.Peer`, strictly: a short body is an error."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field

from tests.support.peer import Peer

HeaderPairs = list[tuple[str, str]]
HeaderSource = Mapping[str, str] | Iterable[tuple[str, str]]


class TruncatedMessage(ConnectionError):
    """The stream ended before the message did."""


class MalformedMessage(ValueError):
    """Bytes that are no HTTP/1.1 message."""


@dataclass
class Headers:
    """Header pairs in order and in their own spelling, looked up without regard to case."""

    pairs: HeaderPairs = field(default_factory=list)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of that name."""
        wanted = name.lower()
        return next((value for key, value in self.pairs if key.lower() == wanted), default)

    def all(self, name: str) -> list[str]:
        wanted = name.lower()
        return [value for key, value in self.pairs if key.lower() == wanted]

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    @property
    def chunked(self) -> bool:
        return (self.get("transfer-encoding") or "").lower() == "chunked"

    @property
    def length(self) -> int | None:
        value = self.get("content-length")
        return None if value is None else int(value)


def pairs_of(source: HeaderSource) -> HeaderPairs:
    """Header pairs from a mapping or an iterable of pairs."""
    return list(source.items()) if isinstance(source, Mapping) else list(source)


def render_head(start_line: str, headers: HeaderSource) -> bytes:
    """The head of a message, up to and with the empty line."""
    lines = [start_line, *(f"{name}: {value}" for name, value in pairs_of(headers))]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; empty data gives no bytes, because an empty chunk would be the last one."""
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


LAST_CHUNK = b"0\r\n\r\n"


async def read_until(peer: Peer, mark: bytes) -> bytes:
    """Everything up to and with ``mark``; raises ``TruncatedMessage`` when the stream ends first."""
    known = 0
    while (at := peer.buffered.find(mark, max(0, known - len(mark)))) < 0:
        known = len(peer.buffered)
        if not await peer.more(known):
            raise TruncatedMessage(f"the stream ended before {mark!r}, after {peer.buffered[:200]!r}")
    return peer.take(at + len(mark))


async def read_head(peer: Peer) -> tuple[str, Headers]:
    """Start line and headers."""
    lines = (await read_until(peer, b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
    headers = Headers()
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise MalformedMessage(f"no colon in the header line {line!r}")
        headers.pairs.append((name, value.strip()))
    return lines[0], headers


async def read_exactly(peer: Peer, size: int) -> AsyncIterator[bytes]:
    """Pieces as they arrive, ``size`` bytes in all."""
    while size > 0:
        data = await peer.read(size)
        if not data:
            raise TruncatedMessage(f"the stream ended {size} bytes early")
        size -= len(data)
        yield data


async def read_chunks(peer: Peer) -> AsyncIterator[bytes]:
    """Pieces of a chunked body, as they arrive; trailers are dropped."""
    while True:
        line = await read_until(peer, b"\r\n")
        try:
            size = int(line[:-2].split(b";")[0], 16)
        except ValueError as error:
            raise MalformedMessage(f"bad chunk size {line!r}") from error
        if size == 0:
            while await read_until(peer, b"\r\n") != b"\r\n":
                pass
            return
        async for data in read_exactly(peer, size):
            yield data
        if (end := await read_until(peer, b"\r\n")) != b"\r\n":
            raise MalformedMessage(f"a chunk ends in {end!r}")


async def read_to_end(peer: Peer) -> AsyncIterator[bytes]:
    """Pieces until the other side closes."""
    while data := await peer.read():
        yield data


def read_body(peer: Peer, headers: Headers, *, until_close: bool) -> AsyncIterator[bytes]:
    """The body that the headers announce; without any announcement, up to the end of the stream or nothing."""
    if headers.chunked:
        return read_chunks(peer)
    if headers.length is not None or not until_close:
        return read_exactly(peer, headers.length or 0)
    return read_to_end(peer)
