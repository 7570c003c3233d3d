"""Many credentials at once, brought along from another program: each is read, kept and told of; then all of them become
accounts. Google is not asked: a check of the accounts does that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from codenex.control.google_keeping import Link, linked, written_file
from codenex.core.errors import Fault
from codenex.providers.google.credentials import Credential, CredentialInvalid, from_document, parsed
from codenex.providers.google.logins import newest
from codenex.providers.google.service import Service
from codenex.store.settings import Settings

#: What Google's refresh tokens begin with, where one is sent alone.
_REFRESH_TOKEN = "1//"

Told = tuple[str, dict[str, Any]]


def credential_in(token: Any) -> Credential:
    """Return what was sent as one token: an object in any of the shapes, its text, base64 of that, or a refresh token
    alone. Raises :class:`CredentialInvalid`."""
    if isinstance(token, dict):
        found = from_document(token)
    elif isinstance(token, str) and token.strip().startswith(_REFRESH_TOKEN):
        found = from_document({"refresh_token": token.strip()})
    elif isinstance(token, str):
        found = parsed(token.encode("utf-8", "replace"))
    else:
        raise CredentialInvalid("it is neither an object nor a text")
    if found.refresh_token is None:
        raise CredentialInvalid("it holds no refresh_token, so that it would end within the hour")
    return found


async def imported(
    service: Service, tokens: list[Any], settings: Settings, link: Link, *, again: bool = False
) -> AsyncIterator[Told]:
    """Keep credentials; yield what clients of this API know: ``start``, a ``progress`` for each, and ``complete``, or
    ``error`` where no accounts can be made of them. With ``again`` those are taken too that are here already."""
    yield "start", {"total": len(tokens)}
    known = set() if again else await asyncio.to_thread(_known, settings, service)
    kept: dict[Path, Credential] = {}
    details: list[dict[str, Any]] = []
    for index, token in enumerate(tokens, 1):
        told: dict[str, Any] = {"index": index, "success": False}
        try:
            credential = credential_in(token)
            if credential.refresh_token in known:
                raise CredentialInvalid("it is here already")
            path = await asyncio.to_thread(written_file, settings, service, credential)
        except CredentialInvalid as error:
            told["error"] = str(error)
        except OSError as error:
            told["error"] = f"it can't be written: {error.strerror or error}"
        else:
            if not again:
                known.add(str(credential.refresh_token))
            kept[path] = credential
            told |= {"success": True, "path": f"{service.folder}/{path.name}", "email": credential.email}
        details.append(told)
        yield "progress", {"index": index, "total": len(tokens), "current": told, **_counts(details)}
    try:
        await link(lambda pools: linked(pools, service, kept))
    except ValueError as error:
        yield "error", {"error": str(error)}
        return
    summary = {"success": bool(kept), "total": len(tokens), **_counts(details), "details": details}
    yield "complete", summary


def _counts(details: list[dict[str, Any]]) -> dict[str, int]:
    good = sum(1 for told in details if told["success"])
    return {"successCount": good, "failedCount": len(details) - good}


def _known(settings: Settings, service: Service) -> set[str]:
    """Return the refresh tokens of all accounts, as they were given here and as Google has replaced them."""
    found: set[str | None] = set()
    for account in settings.accounts.get(service.name, ()):
        if account.google is not None:
            try:
                before, credential, _ = newest(account.google)
            except Fault:
                continue
            found |= {before, credential.refresh_token}
    return {token for token in found if token is not None}
