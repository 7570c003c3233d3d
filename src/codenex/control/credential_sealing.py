"""Encrypts the credential files that are there already, or makes them readable again."""

from __future__ import annotations

from pathlib import Path

from codenex.control.google_accounts import STATE
from codenex.providers.google.service import SERVICES
from codenex.store.documents import Document
from codenex.store.sealing import SealingError, is_sealed, sealing_of
from codenex.store.settings import Settings


def credential_files(settings: Settings) -> list[Path]:
    """Return the files that hold logins at Google: those of the accounts, and what is learned of them."""
    named = {
        Path(account.google.credentials_file)
        for service in SERVICES.values()
        for account in settings.accounts.get(service.name, ())
        if account.google is not None and account.google.credentials_file is not None
    }
    learned = (Path(settings.data_dir) / STATE).glob("*.json")
    return sorted(path for path in {*named, *learned} if path.is_file() and not path.name.startswith("."))


def change_all(settings: Settings, *, seal: bool) -> tuple[list[Path], list[str]]:
    """Encrypt all files with the first key, or decrypt all; return those that were changed, and what went wrong with
    others, which stay as they are. Raises :class:`SealingError` where there is no key."""
    sealing = sealing_of(settings.credentials_key_file)
    if not sealing.seals:
        raise SealingError("CREDENTIALS_KEY_FILE names no file with keys")
    changed: list[Path] = []
    problems: list[str] = []

    def change(content: bytes | None) -> bytes:
        plain = sealing.opened(content or b"")
        return sealing.sealed(plain) if seal else plain

    for path in credential_files(settings):
        document = Document(path)
        try:
            content = document.read() or b""
            if not seal and not is_sealed(content):
                continue
            document.update(change)
            changed.append(path)
        except (OSError, SealingError) as error:
            problems.append(f"{path}: {error}")
    return changed, problems
