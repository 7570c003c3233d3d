"""Keys: which client keys are refused, and the secrets that a first start makes."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from codenex.control.errors import ConfigurationError
from codenex.store import sealed_files

#: Characters that a client key needs at least, and different ones among them.
SHORTEST, FEWEST = 8, 4

#: Values that documentation uses as examples, and those that everybody tries first: without quotes and brackets, in
#: lower case, with hyphens, and without a vendor's "sk-". A server that takes one of them is open to everyone.
SAMPLE_KEYS = frozenset(
    {
        "0123456789",
        "12345678",
        "123456789",
        "1234567890",
        "abcd1234",
        "abcdefgh",
        "admin123",
        "administrator",
        "api-key-here",
        "change-it",
        "change-me",
        "change-me-please",
        "changeit",
        "changeme",
        "default-key",
        "enter-key-here",
        "example-key",
        "insert-key-here",
        "letmein123",
        "my-api-key",
        "my-secret",
        "my-secret-key",
        "password",
        "password1",
        "password123",
        "placeholder",
        "qwerty123",
        "qwertyuiop",
        "replace-me",
        "replace-with-your-key",
        "secret-key",
        "secret123",
        "super-secret",
        "test-api-key",
        "test-key",
        "test1234",
    }
)
_SAMPLE = re.compile(r"(enter-|insert-|put-|use-)?your.*(key|password|secret|token)(-.*)?")
_SENDABLE = re.compile(r"[!-~]+")


def checked_client_key(key: str, where: str = "REQUIRED_API_KEY") -> str:
    """Return a client key that an operator chose. Raises :class:`ConfigurationError` for samples, for what is easily
    guessed and for what no header can carry."""
    key = key.strip()
    plain = re.sub(r"[_\s]+", "-", key.lower().strip("\"'`<>[]{}()$ ")).removeprefix("sk-")
    if plain in SAMPLE_KEYS or _SAMPLE.fullmatch(plain) is not None:
        raise ConfigurationError(
            f"{where} is a sample from documentation, which everybody knows: choose another, "
            "or leave it out and one is generated"
        )
    if len(plain) < SHORTEST or len(set(plain)) < FEWEST:
        raise ConfigurationError(
            f"{where} is easily guessed: it needs {SHORTEST} characters or more, and {FEWEST} different ones among them"
        )
    if _SENDABLE.fullmatch(key) is None:
        raise ConfigurationError(f"{where} has blanks or characters beyond ASCII, which clients can't send")
    return key


def generated_key(path: Path, prefix: str = "", *, make: bool = True) -> tuple[str | None, bool]:
    """Return the key in a file and whether it is new: 256 random bits as hex, made on first use (0600).

    Without ``make`` a file that isn't there is no key. Raises :class:`ConfigurationError` for a file that can't be
    made or read, and for one that others can read.
    """
    try:
        new = make and not path.exists() and sealed_files.create(path, f"{prefix}{secrets.token_hex(32)}\n".encode())
        if not make and not path.exists():
            return None, False
        refuse_if_others_read(path)
        return sealed_files.read(path).decode("ascii").strip(), new
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"{path} can't be read or made: {error}") from None


def refuse_if_others_read(path: Path) -> None:
    """Raise :class:`ConfigurationError` for a secret file that group or others may read or write; ``OSError`` where
    there is none."""
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(f"{path} can be read by others: chmod 600 {path}")
