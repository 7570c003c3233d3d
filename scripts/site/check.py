"""Whether a built site is whole, and asks nobody else for anything.

A link that people follow may lead anywhere; what a browser loads by itself has to be in the folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urldefrag

#: Elements and attributes whose address is loaded without being asked for.
_LOADED: Final = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "object": ("data",),
    "embed": ("src",),
    "use": ("href", "xlink:href"),
    "image": ("href", "xlink:href"),
}
#: Kinds of `<link>` that load nothing.
_TOLD_ONLY: Final = frozenset({"canonical", "next", "prev", "alternate"})
_OF_STYLES: Final = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")
_ELSEWHERE: Final = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?//|^(?!data:)[a-z][a-z0-9+.-]*:", re.IGNORECASE)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the element loads, and where it leads."""
        values = {name: value or "" for name, value in attrs}
        self.names |= {values[name] for name in ("id", "name") if name in values}
        if tag == "link" and not _TOLD_ONLY & set(values.get("rel", "").split()):
            self.loaded.append(values.get("href", ""))
        self.loaded += [values[name] for name in _LOADED.get(tag, ()) if name in values]
        self.loaded += _addresses(values.get("style", ""))
        if tag == "a" and "href" in values:
            self.links.append(values["href"])


def faults(folder: Path) -> Iterator[str]:
    """Return what is wrong with a site, in words."""
    pages = {path: _read(path) for path in sorted(folder.rglob("*.html"))}
    if not pages:
        yield f"{folder} holds no page"
    for path, page in pages.items():
        yield from (f"{path.relative_to(folder)}: loads {address}" for address in page.loaded if _is_foreign(address))
        for link in page.links:
            if not _ELSEWHERE.match(link) and not _leads(link, path, folder, pages):
                yield f"{path.relative_to(folder)}: {link} leads nowhere"
    for path in sorted(folder.rglob("*.css")):
        found = _addresses(path.read_text("utf-8"))
        yield from (f"{path.relative_to(folder)}: loads {address}" for address in found if _is_foreign(address))


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text("utf-8"))
    return page


def _addresses(style: str) -> list[str]:
    return ["".join(pair) for pair in _OF_STYLES.findall(style)]


def _is_foreign(address: str) -> bool:
    return _ELSEWHERE.match(address) is not None


def _leads(link: str, path: Path, folder: Path, pages: dict[Path, _Page]) -> bool:
    address, anchor = urldefrag(link)
    if address.startswith("/"):
        target = folder / unquote(address).lstrip("/")
    else:
        target = (path.parent / unquote(address)).resolve() if address else path
    if target.is_dir():
        target /= "index.html"
    known = {page.resolve(): content for page, content in pages.items()}.get(target.resolve())
    if known is None:
        return target.exists()
    return not anchor or unquote(anchor) in known.names or anchor.startswith("__")
