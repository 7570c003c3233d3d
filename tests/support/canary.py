"""Secrets made to be looked for, and the search for them in everything that a test run leaves behind.

A leak is the secret, twelve characters of it in a row, or either of these in base64, hexadecimal or URL encoding.
Fewer characters are fine: the last four may be shown.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

WINDOW: Final = 12
"""Characters in a row that make a leak."""
ENCODED_WINDOW: Final = 16
"""The same in base64: twelve characters become sixteen."""
HEX_WINDOW: Final = 24

PREFIXES: Final[Mapping[str, str]] = {
    "openai": "sk-proj-",
    "anthropic": "sk-ant-api03-",
    "google": "AIza",
    "oauth access": "ya29.",
    "oauth refresh": "1//0",
    "client": "cdx-",
    "password": "",
}
"""What real secrets begin with; the beginning is known to all and doesn't count as a leak."""


@dataclass(frozen=True)
class Canary:
    """A secret: a prefix that anybody knows and a body that nobody may see."""

    name: str
    prefix: str
    body: str

    @property
    def secret(self) -> str:
        return self.prefix + self.body


@dataclass(frozen=True)
class Leak:
    """A find. It doesn't carry the secret."""

    canary: str
    form: str
    where: str


def canary(name: str, prefix: str = "", *, length: int = 40) -> Canary:
    """A canary that depends on nothing but its name; ``+`` and ``/`` in it give the encodings something to do."""
    digest = hashlib.shake_256(f"canary {name}".encode()).digest(length)
    body = base64.b64encode(digest).decode().rstrip("=")[:length]
    # A secret that is its own URL encoding would not be searched for in that form.
    return Canary(name, prefix, body[: length // 2] + "/+" + body[length // 2 + 2 :])


def canaries(count: int = 30, salt: str = "") -> list[Canary]:
    """``count`` canaries, of every kind in turn."""
    kinds = list(PREFIXES.items())
    return [
        canary(f"{kinds[number % len(kinds)][0]} {number}{salt}", kinds[number % len(kinds)][1])
        for number in range(count)
    ]


def _windows(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(len(text) - size + 1))


def _forms(body: str) -> Iterator[tuple[str, str, int]]:
    """The ways in which a body may be written: name, text, window."""
    raw = body.encode()
    yield "plain", body, WINDOW
    yield "url-encoded", quote(body, safe=""), WINDOW
    yield "hexadecimal", raw.hex(), HEX_WINDOW
    yield "hexadecimal", raw.hex().upper(), HEX_WINDOW
    for shift in range(3):
        # Where the secret stands inside of what was encoded decides its letters; the edges depend on neighbours.
        padded = b"\0" * shift + raw
        padded = padded[: len(padded) - len(padded) % 3]
        edge = 4 if shift else 0
        yield "base64", base64.b64encode(padded).decode()[edge:], ENCODED_WINDOW
        yield "base64", base64.urlsafe_b64encode(padded).decode()[edge:], ENCODED_WINDOW


class Scanner:
    """Looks for canaries in bytes, text, files and folders."""

    def __init__(self, secrets: Iterable[Canary]) -> None:
        self._needles: dict[int, dict[str, tuple[str, str]]] = {}
        for secret in secrets:
            for form, text, size in _forms(secret.body):
                needles = self._needles.setdefault(size, {})
                needles.update((window, (secret.name, form)) for window in _windows(text, size))

    def scan(self, content: bytes | str, where: str = "") -> list[Leak]:
        """The leaks in the content, each canary and form once."""
        text = content.decode("latin-1") if isinstance(content, bytes) else content
        found = {
            needles[window]
            for size, needles in self._needles.items()
            for window in needles.keys() & set(_windows(text, size))
        }
        return [Leak(name, form, where) for name, form in sorted(found)]

    def scan_file(self, path: Path) -> list[Leak]:
        """The leaks in a file: its content, its name, and the members of an archive."""
        leaks = self.scan(path.read_bytes(), str(path)) + self.scan(path.name, f"name of {path.parent}")
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for member in archive.namelist():
                    leaks += self.scan(archive.read(member), f"{path}!{member}") + self.scan(member, f"names in {path}")
        return leaks

    def scan_folder(self, folder: Path, *, without: Iterable[Path] = ()) -> list[Leak]:
        """The leaks in all files below a folder but those (or those below them) where secrets belong."""
        left_out = [path.resolve() for path in without]
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        return [
            leak
            for path in files
            if not any(path.resolve() == other or other in path.resolve().parents for other in left_out)
            for leak in self.scan_file(path)
        ]
