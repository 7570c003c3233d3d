"""The web pages: one document for every page's address, and the files that it is made of.

``scripts/web_build.py`` builds them from ``web/`` into the folder ``static``. Nothing in them is secret, so that no
session is needed; what they show comes from the management API.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

from codenex.control.guard import PAGES

BUILT: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
#: Content codings that files are kept in besides, the best first, and how their names end.
_CODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
#: What stands in the built document for the nonce, and for the way from the address to the files.
NONCE_MARK: Final = "__NONCE__"
_ROOT_MARK: Final = "./assets/"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'"
)
_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
_UNBUILT: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>codenex</title></head>
<body><h1>The web pages aren't built</h1>
<p>The gateway itself works. In its source folder, <code>make web</code> builds the pages; then load this one again.</p>
</body></html>
"""


def pages_router() -> APIRouter:
    """Build the router of ``/`` and everything below ``/ui``."""
    folder = BUILT
    router = APIRouter(include_in_schema=False)

    @router.api_route("/", methods=["GET", "HEAD"])
    @router.api_route(PAGES, methods=["GET", "HEAD"])
    async def beginning(request: Request) -> Response:
        # Addresses without a slash at their end look for files beside it.
        return await asyncio.to_thread(_document, folder, "./ui/assets/")

    @router.api_route(PAGES + "/assets/{name:path}", methods=["GET", "HEAD"])
    async def asset(name: str, request: Request) -> Response:
        accepted = request.headers.get("accept-encoding", "")
        return await asyncio.to_thread(_asset, folder / "assets", name, accepted)

    @router.api_route(PAGES + "/{page:path}", methods=["GET", "HEAD"])
    async def page(page: str) -> Response:
        return await asyncio.to_thread(_document, folder, "../" * page.count("/") + _ROOT_MARK)

    return router


def _document(folder: Path, assets: str) -> Response:
    """The document that every page begins with; ``assets`` is the way to the files from its address."""
    nonce = secrets.token_urlsafe(18)
    headers = {**_HEADERS, "content-security-policy": _POLICY.format(nonce=nonce), "cache-control": "no-store"}
    try:
        text = (folder / "index.html").read_text("utf-8")
    except OSError:
        return Response(_UNBUILT, 200, headers, "text/html; charset=utf-8")
    text = text.replace(NONCE_MARK, nonce).replace(_ROOT_MARK, assets)
    return Response(text, 200, headers, "text/html; charset=utf-8")


def _asset(folder: Path, name: str, accepted: str) -> Response:
    """A file, in the best coding that the browser takes; its name changes with its content, so it is kept for ever."""
    kind = _TYPES.get(Path(name).suffix)
    if kind is None or _NAME.fullmatch(name) is None:
        return _missing()
    headers = {**_HEADERS, "cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
    offered = {coding.partition(";")[0].strip().lower() for coding in accepted.split(",") if "q=0" not in coding}
    for coding, ending in _CODINGS:
        if coding in offered:
            try:
                packed = (folder / (name + ending)).read_bytes()
            except OSError:
                continue
            return Response(packed, 200, {**headers, "content-encoding": coding}, kind)
    try:
        return Response((folder / name).read_bytes(), 200, headers, kind)
    except OSError:
        return _missing()


def _missing() -> Response:
    return Response("There is no such file.\n", 404, {**_HEADERS, "cache-control": "no-store"}, "text/plain")
