"""Brings the files of a request that its target can't read by address: each is fetched once, whatever accounts are
tried, and stands inline in the request then."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Iterator

import msgspec

from codenex.core.errors import Fault, FaultKind, invalid_request
from codenex.core.losses import Losses
from codenex.core.parts import Media, Part, ToolResult
from codenex.core.request import Request, Turn
from codenex.core.spoke import Spoke
from codenex.models.capabilities import Capabilities
from codenex.providers.media import Fetched, Fetcher
from codenex.providers.media.fetching import Unavailable
from codenex.providers.transport.budget import BodyBudget, no_room

#: Media types that a file is supposed to have which nobody has fetched yet.
_SUPPOSED = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4", "document": "application/pdf"}
#: Files of one request.
MOST = 32
#: Of them, so many are fetched at once: nobody's request shall hold up all others'.
AT_ONCE = 4


class Attachments:
    """What has been fetched for one request, by address; charged to the budget of all bodies until it is let go.
    ``limit`` is in characters of all of them together."""

    def __init__(self, fetcher: Fetcher, budget: BodyBudget, limit: int) -> None:
        self._fetcher = fetcher
        self._budget = budget
        self._limit = limit
        self._held: dict[str, Fetched] = {}
        self._charged = 0
        self._free = asyncio.Semaphore(AT_ONCE)

    async def brought(self, request: Request, spoke: Spoke, capabilities: Capabilities) -> Request:
        """Return the request with everything inline that the target needs so. Raises :class:`Fault`: 400 where a file
        can't be had, 503 where there is no room for it."""
        wanted = unreadable(request, spoke, capabilities)
        if not wanted:
            return request
        if len(wanted) > MOST:
            raise invalid_request(f"more than {MOST} files by address: send them inline", param="messages")
        tasks = [asyncio.ensure_future(self._file(url, *place)) for url, place in wanted.items()]
        try:
            files = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return _inlined(request, dict(zip(wanted, files, strict=True)))

    def let_go(self) -> None:
        """Forget everything."""
        self._budget.give_back(self._charged)
        self._charged = 0
        self._held.clear()

    async def _file(self, url: str, path: str, media: Media) -> Fetched:
        known = self._held.get(url)
        if known is not None:
            return known
        try:
            async with self._free:
                found = await self._fetcher.fetch(url, media.kind)
        except Unavailable as error:
            raise invalid_request(
                f"{path}: the {media.kind} at {_shown(url)} can't be fetched: {error}",
                param=path,
                code="media_unavailable",
            ) from None
        if self._charged + len(found.data) > self._limit:
            raise Fault(FaultKind.TOO_LARGE, "the files of the request are too large together", code="media_too_large")
        if not self._budget.charge(len(found.data)):
            raise no_room()
        self._charged += len(found.data)
        self._held[url] = found
        return found


def by_address(request: Request) -> bool:
    """Whether the request names any file by address, which most don't."""
    # Without a call for a part: a long conversation has many, and every translated request comes by here.
    for turn in request.turns:
        for part in turn.parts:
            if type(part) is Media:
                if part.url is not None:
                    return True
            elif type(part) is ToolResult:
                for piece in part.parts:
                    if type(piece) is Media and piece.url is not None:
                        return True
    return False


def unreadable(request: Request, spoke: Spoke, capabilities: Capabilities) -> dict[str, tuple[str, Media]]:
    """Return what the target takes inline only, by address: where it stands, and what it is said to be."""
    found: dict[str, tuple[str, Media]] = {}
    for number, media in _media_in(request):
        if _needs_fetching(media, spoke, capabilities):
            found.setdefault(str(media.url), (f"messages[{number}]", media))
    return found


def supposed(request: Request, spoke: Spoke, capabilities: Capabilities, losses: Losses) -> Request:
    """Return the request as it would be sent, without fetching anything: words stand in place of the files."""
    wanted = unreadable(request, spoke, capabilities)
    for url, (path, media) in wanted.items():
        losses.adapt(path, f"the {media.kind} at {_shown(url)} is fetched and sent inline")
    words = b64encode(b"what is fetched when the request is sent").decode()
    files = {url: Fetched(media.media_type or _SUPPOSED[media.kind], words) for url, (_, media) in wanted.items()}
    return _inlined(request, files) if files else request


def _media_in(request: Request) -> Iterator[tuple[int, Media]]:
    for number, turn in enumerate(request.turns):
        for part in turn.parts:
            if isinstance(part, Media):
                yield number, part
            elif isinstance(part, ToolResult):
                yield from ((number, piece) for piece in part.parts if isinstance(piece, Media))


def _needs_fetching(media: Media, spoke: Spoke, capabilities: Capabilities) -> bool:
    url = media.url
    if url is None or media.data is not None or media.text is not None or media.kind in capabilities.url_media:
        return False
    if media.kind not in capabilities.media_kinds or not url.lower().startswith(("http://", "https://")):
        return False
    return spoke.reads is None or not spoke.reads(url)


def _inlined(request: Request, found: dict[str, Fetched]) -> Request:
    turns = tuple(_turn(turn, found) for turn in request.turns)
    return msgspec.structs.replace(request, turns=turns)


def _turn(turn: Turn, found: dict[str, Fetched]) -> Turn:
    return msgspec.structs.replace(turn, parts=tuple(_part(part, found) for part in turn.parts))


def _part(part: Part, found: dict[str, Fetched]) -> Part:
    if isinstance(part, ToolResult):
        return msgspec.structs.replace(part, parts=tuple(_part(piece, found) for piece in part.parts))
    if not isinstance(part, Media) or part.data is not None or part.url not in found:
        return part
    file = found[part.url]
    extras = part.extras
    if extras is not None and "fileData" in extras:
        # What a Gemini client said beside the address belongs to no inline file.
        extras = {name: value for name, value in extras.items() if name != "fileData"} or None
    return msgspec.structs.replace(
        part, kind=file.kind, media_type=file.media_type, data=file.data, url=None, extras=extras
    )


def _shown(url: str) -> str:
    """Return an address without its query, which may hold a signature."""
    bare = url.partition("?")[0].partition("#")[0]
    return bare if len(bare) <= 200 else f"{bare[:200]}..."
