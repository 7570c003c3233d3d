"""Listens for the answer to one pending login: a browser is sent to ``http://localhost:PORT/`` with it. Nothing else is
served there, and nothing of an answer is shown."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Awaitable, Callable

from codenex.providers.google.authorization import Refused

#: Told the query of an answer; returns what to show. Raises :class:`Refused`.
Take = Callable[[str], Awaitable[str]]

_HEAD_LIMIT = 16 * 1024
_PATIENCE = 10.0
_AT_ONCE = 16
_HEADERS = (
    "content-type: text/html; charset=utf-8\r\ncache-control: no-store\r\nreferrer-policy: no-referrer\r\n"
    "content-security-policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n"
    "x-content-type-options: nosniff\r\nconnection: close\r\n"
)
_STYLE = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:38rem;margin:15vh auto;padding:0 1rem}"


class Callbacks:
    """A listener on one port."""

    def __init__(self, host: str, port: int, take: Take) -> None:
        self._host, self._port = host, port
        self._take = take
        self._server: asyncio.Server | None = None
        self._open = 0

    async def start(self) -> None:
        """Begin to listen. Raises ``OSError``."""
        self._server = await asyncio.start_server(self._serve, self._host, self._port, limit=_HEAD_LIMIT)

    def stop(self) -> None:
        """Listen no more; an answer that is being written is finished."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= _AT_ONCE:
                async with asyncio.timeout(_PATIENCE):
                    head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await self._answer(head))
                async with asyncio.timeout(_PATIENCE):
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open -= 1
            writer.close()

    async def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        target, _, version = rest.rpartition(" ")
        path, _, query = target.partition("?")
        if method != "GET" or not version.startswith("HTTP/1.") or path != "/" or not query:
            # Browsers ask for icons.
            return b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"
        try:
            return _page("200 OK", "Logged in", await self._take(query))
        except Refused as error:
            return _page("400 Bad Request", "Not logged in", f"{error}.")


def _page(status: str, title: str, text: str) -> bytes:
    shown = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"<h1>{title}</h1><p>{html.escape(text)}</p><p>You can close this page.</p></html>"
    ).encode()
    return f"HTTP/1.1 {status}\r\n{_HEADERS}content-length: {len(shown)}\r\n\r\n".encode() + shown
