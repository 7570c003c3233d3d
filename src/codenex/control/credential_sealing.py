"""Encrypts the credential files that are there already, or makes them readable again."""

from __future__ import annotations

from pathlib import Path

from codenex.control.evaluation import COPIES
from codenex.control.files import CLIENT_KEYS, CONFIG
from codenex.control.google_accounts import STATE
from codenex.control.restoring_api import SET_ASIDE
from codenex.providers.google.service import SERVICES
from codenex.store import sealed_files
from codenex.store.documents import Document
from codenex.store.sealed_files import SIGN
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


def own_files(settings: Settings) -> list[Path]:
    """Return the files of the configuration that hold keys, and their last good copies."""
    configs, copies = Path(settings.config_dir), Path(settings.data_dir) / COPIES
    named = [configs / name for name in (CONFIG, CLIENT_KEYS, "api_key", SIGN)] + [Path(settings.pools_file)]
    found = {*named, *copies.glob("*.json"), *configs.glob(f"*{SET_ASIDE}")}
    return sorted(path for path in found if path.is_file())


def change_own(settings: Settings, *, seal: bool) -> list[Path]:
    """Encrypt or decrypt the configuration's own files; return those that were changed. Raises ``OSError``; nothing is
    changed where one of them can't be read."""
    paths = own_files(settings)
    for path in paths:
        sealed_files.read(path)
    changed = []
    for path in paths:
        with Document(path).locked():
            if sealed_files.change_form(path, seal=seal):
                changed.append(path)
    return changed


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
