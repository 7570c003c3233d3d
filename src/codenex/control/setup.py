"""First run: a one-time token on the console is exchanged for the admin password, so that no default password
exists."""

from __future__ import annotations

import hashlib
import secrets
import time
from hmac import compare_digest
from pathlib import Path

from codenex.control.errors import ConfigurationError
from codenex.control.keys import refuse_if_others_read
from codenex.store.files import create_once, write_atomically
from codenex.store.settings import Settings

#: Seconds for which a setup token is valid.
TOKEN_LIFETIME = 24 * 3600


def password_path(settings: Settings) -> Path:
    """Return where the hash of the admin password is kept."""
    return Path(settings.config_dir) / "admin_password"


def token_path(settings: Settings) -> Path:
    """Return where the setup token is kept."""
    return Path(settings.config_dir) / "setup_token"


def setup_notice(settings: Settings) -> list[str]:
    """Make a setup token where no password exists and no valid token either; return the line that shows it, once.

    Raises :class:`ConfigurationError` where it can't be kept, or where others can read it.
    """
    path = token_path(settings)
    try:
        if password_path(settings).exists():
            return []
        if _age(path, time.time()) > TOKEN_LIFETIME:
            path.unlink(missing_ok=True)
        token = secrets.token_urlsafe(32)
        if not create_once(path, f"{token}\n".encode()):
            refuse_if_others_read(path)
            return []
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error}") from None
    return [f"Setup token for the management API (kept in {path}, valid for 24 hours): {token}"]


def token_matches(settings: Settings, presented: str, now: float) -> bool:
    """Whether a token is the valid one. ``now`` is in seconds since 1970."""
    path = token_path(settings)
    if _age(path, now) > TOKEN_LIFETIME:
        return False
    try:
        expected = path.read_bytes().strip()
    except OSError:
        return False
    return bool(expected) and compare_digest(_digest(expected), _digest(presented.encode("utf-8", "surrogateescape")))


def finish_setup(settings: Settings, password_hash: str) -> bool:
    """Keep the first password and use up the token; false where a password exists already."""
    if not create_once(password_path(settings), f"{password_hash}\n".encode()):
        return False
    token_path(settings).unlink(missing_ok=True)
    return True


def change_password(settings: Settings, password_hash: str) -> None:
    """Replace the password's hash."""
    write_atomically(password_path(settings), f"{password_hash}\n".encode())


def start_over(settings: Settings) -> None:
    """Forget the password, so that a new setup token is made. Raises ``OSError``."""
    token_path(settings).unlink(missing_ok=True)
    password_path(settings).unlink(missing_ok=True)


def stored_hash(settings: Settings) -> str | None:
    """Return the hash of the admin password, or ``None`` before setup. An empty or unreadable file is never a
    password."""
    try:
        return password_path(settings).read_text("ascii").strip() or ""
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError):
        return ""


def _age(path: Path, now: float) -> float:
    try:
        return now - path.stat().st_mtime
    except OSError:
        return 0.0


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
