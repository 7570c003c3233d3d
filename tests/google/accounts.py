"""Accounts at a scripted Google, and gateways with them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import msgspec
from tests.support.google.oauth import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from tests.support.google.server import ScriptedGoogle

from codenex.store.settings import Account, GoogleLogin

CODE_ASSIST = "gemini-cli-oauth"
ANTIGRAVITY = "gemini-antigravity"


def credential(**changes: Any) -> dict[str, Any]:
    """A credential in the canonical shape, whose access token has ended."""
    found = {"access_token": "ya29.ended", "refresh_token": REFRESH_TOKEN, "scope": "s", "token_type": "Bearer"}
    return {**found, "expiry_date": 1_000_000_000_000, **changes}


def fresh(google: ScriptedGoogle, **changes: Any) -> dict[str, Any]:
    """A credential whose access token is good for an hour."""
    return credential(access_token=google.oauth.issue(), expiry_date=int((time.time() + 3600) * 1000), **changes)


def google_account(
    google: ScriptedGoogle, folder: Path, content: Any = None, number: int = 0, *hosts: ScriptedGoogle, **login: Any
) -> Account:
    """An account of the scripted Google's service, with a credential file of its own in ``folder``."""
    provider = ANTIGRAVITY if google.antigravity else CODE_ASSIST
    file = folder / f"creds-{number}.json"
    file.write_text(json.dumps(fresh(google) if content is None else content))
    place = GoogleLogin(
        state_dir=str(folder / "state"),
        token_url=f"{google.url}/token",
        credentials_file=str(file),
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        hosts=tuple(host.url for host in hosts or (google,)),
    )
    fields = {name: login.pop(name) for name in ("aliases", "supported_models") if name in login}
    return Account(f"{provider}-{number}", provider, google=msgspec.structs.replace(place, **login), **fields)
