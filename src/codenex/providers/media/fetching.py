"""Fetches one file by its address, as nobody's inside may be fetched: public addresses only, checked where the
connection is made and again behind every redirect; no credentials, no cookies, no proxy; bounded in size and time."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

import msgspec

from codenex import __version__
from codenex.core.errors import Fault, FaultKind
from codenex.core.media import MediaKind, is_text, kind_of, normalised_type, sniffed_type
from codenex.providers.media.addresses import is_public
from codenex.providers.transport import Deadlines, Origin, Transport, UpstreamRequest, UpstreamResponse
from codenex.providers.transport.resolver import Address, Lookup, Resolver, system_lookup

#: Bytes of one file, seconds that it may take with all redirects, and redirects.
SIZE_LIMIT: Final = 20 * 1024 * 1024
PATIENCE: Final = 10.0
REDIRECTS: Final = 3
_AT_ONCE = 64
_LONGEST = 8192
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_DEADLINES = Deadlines(connect=5.0, first_byte=PATIENCE, idle=5.0)
#: One word for all hosts that aren't called, so that nobody learns which names mean something inside.
_OUT_OF_REACH = "its host can't be reached on the public internet"
_TIMED = frozenset({"audio", "video"})
_GRAPHIC = "".join(chr(code) for code in range(0x21, 0x7F))


class Fetched(msgspec.Struct, frozen=True):
    """A file: its media type and its content as standard base64."""

    media_type: str
    data: str

    @property
    def kind(self) -> MediaKind:
        """Which kind of part it makes, whatever it was called."""
        return kind_of(self.media_type)


class Unavailable(ValueError):
    """A file that can't be had. The text says why, and nothing of what is inside."""


class PublicResolver(Resolver):
    """Gives the addresses of a name only where all of them are public; connections go to those that were checked."""

    __slots__ = ("_allowed",)

    def __init__(self, lookup: Lookup = system_lookup, allowed: Callable[[str], bool] = is_public) -> None:
        super().__init__(lookup)
        self._allowed = allowed

    async def resolve(self, host: str, port: int) -> list[Address]:
        """Return the addresses. Raises ``OSError`` and :class:`Unavailable`."""
        found = await super().resolve(host, port)
        if not all(self._allowed(str(address[0])) for _, address in found):
            raise Unavailable(_OUT_OF_REACH)
        return found


class Fetcher:
    """Fetches files; at most 64 at once. ``transport`` is for this alone: its resolver is what keeps insides safe."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def fetch(self, url: str, kind: MediaKind) -> Fetched:
        """Return a file. Raises :class:`Unavailable`, and :class:`Fault` (503) where there is no room for it."""
        try:
            async with asyncio.timeout(PATIENCE), self._free:
                return await self._followed(url, kind)
        except TimeoutError:
            raise Unavailable(f"it did not come within {PATIENCE:g} s") from None
        except Fault as fault:
            if fault.kind is FaultKind.OVERLOADED:
                raise
            raise Unavailable(_reason(fault)) from None

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def _followed(self, url: str, kind: MediaKind) -> Fetched:
        for _ in range(REDIRECTS + 1):
            origin, target = placed(url)
            headers = [
                ("accept", "*/*"),
                ("accept-encoding", "identity"),
                ("user-agent", f"codenex-ai-proxy-api/{__version__}"),
            ]
            response = await self._transport.send(UpstreamRequest("GET", origin, target, headers), _DEADLINES)
            try:
                if response.status not in _REDIRECTS:
                    return await _content(response, kind)
                location = response.header("location")
            finally:
                response.close()
            if not location:
                raise Unavailable("it is redirected to nowhere")
            url = urljoin(url, location)
        raise Unavailable(f"it is redirected more than {REDIRECTS} times")


def placed(url: str) -> tuple[Origin, str]:
    """Return where an address leads: the origin and the target there. Raises :class:`Unavailable`."""
    if len(url) > _LONGEST or any(letter <= " " or letter == "\x7f" for letter in url):
        raise Unavailable("its address is no address")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Unavailable("its address is no address") from None
    if parts.scheme not in ("http", "https"):
        raise Unavailable("its address has to begin with https:// or http://")
    if "@" in parts.netloc or "\\" in parts.netloc:
        raise Unavailable("its address must not name a user")
    if port is None:
        port = 443 if parts.scheme == "https" else 80
    if port < 1024 and port not in (80, 443):
        # What listens there speaks another protocol, and could be made to listen to this one.
        raise Unavailable(f"port {port} is none of the web's")
    try:
        host = (parts.hostname or "").rstrip(".").encode("idna").decode()
        origin = Origin(parts.scheme, host, port)
    except (UnicodeError, ValueError):
        raise Unavailable("its address names no host") from None
    path = quote(parts.path or "/", safe=_GRAPHIC)
    return origin, f"{path}?{quote(parts.query, safe=_GRAPHIC)}" if parts.query else path


async def _content(response: UpstreamResponse, kind: MediaKind) -> Fetched:
    if response.status != 200:
        raise Unavailable(f"its server answered with status {response.status}")
    length = response.header("content-length") or ""
    if length.isdecimal() and int(length) > SIZE_LIMIT:
        raise Unavailable(f"it has more than {SIZE_LIMIT >> 20} MiB")
    content = await response.read(SIZE_LIMIT)
    if not content:
        raise Unavailable("it is empty")
    return Fetched(_type_of(content, response.header("content-type"), kind), b64encode(content).decode())


def _type_of(content: bytes, declared: str | None, kind: MediaKind) -> str:
    """Return the media type of a file. Of pictures and PDFs only their first bytes are believed; sounds, films and
    texts have no such beginning in all their forms. Raises :class:`Unavailable` where it is not what was asked for."""
    found = sniffed_type(b64encode(content[:48]).decode())
    told = normalised_type(declared) if declared else None
    media_type = found if found is not None else told
    if media_type is None:
        raise Unavailable("nobody says of what type it is")
    family = kind_of(media_type)
    if found is not None:
        # A PDF may be called a picture, and anything a document: what it is decides.
        right = kind in (family, "document") or (kind, family) == ("image", "document") or is_timed(kind, family)
    elif kind in _TIMED:
        right = is_timed(kind, family)
    else:
        right = kind == "document" and is_text(media_type)
    if not right:
        raise Unavailable(f"it is no {kind}: its type is {media_type[:100]}")
    return media_type


def is_timed(*kinds: MediaKind) -> bool:
    """Whether all of them are sounds or films, whose containers are the same."""
    return _TIMED.issuperset(kinds)


def _reason(fault: Fault) -> str:
    match fault.kind:
        case FaultKind.UPSTREAM_CONNECT:
            return _OUT_OF_REACH
        case FaultKind.UPSTREAM_TIMEOUT:
            return "its server is too slow"
        case FaultKind.UPSTREAM_TRUNCATED:
            return "it was cut short"
        case _:
            return "its server did not answer as it should, or it is too large"


def fetcher_of(transport: Transport) -> Fetcher:
    """Return what fetches files for a process; it lives as long as the process's transport, and counts with it."""
    known = transport.companions.get(__name__)
    if isinstance(known, Fetcher):
        return known
    own = Transport(
        budget=transport.budget, resolver=PublicResolver(), connections=_AT_ONCE, idle_seconds=2.0, idle_per_origin=1
    )
    fetcher = transport.companions[__name__] = Fetcher(own)
    transport.closing.append(fetcher.close)
    return fetcher
