"""A server with everything that may be guarded: accounts with an upstream that counts, keys of every kind, sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.control.site import PASSWORD, Site, running_site
from tests.security.doors import ADMIN, CLIENT, EITHER
from tests.support.gateway import KEY, account_for, settings_for
from tests.support.vendor import KEY as UPSTREAM_KEY
from tests.support.vendor import ScriptedVendor

from codenex.control.sessions import IDLE_LIMIT
from codenex.gateway.authentication import digest_of
from codenex.store.settings import ClientKey

EXPIRED_KEY, REVOKED_KEY = "cdx-expired-key-for-tests", "cdx-revoked-key-for-tests"

Headers = list[tuple[str, str]]


@dataclass
class House:
    site: Site
    vendor: ScriptedVendor
    expired_session: str
    ended_session: str
    setup_token: str

    def ways(self, secret: str) -> list[Headers]:
        """Every way in which a credential may be presented, but for the query."""
        return [
            [("authorization", f"Bearer {secret}")],
            [("x-api-key", secret)],
            [("x-goog-api-key", secret)],
            [("cookie", f"codenex_session={secret}")],
        ]

    def wrong(self, opened_by: str) -> dict[str, Headers]:
        """Credentials that don't open such a door, by name."""
        secrets = {
            "empty": "",
            "wrong": "cdx-" + "0" * 64,
            "beginning": KEY[:-1],
            "longer": KEY + "x",
            "upper case": KEY.upper(),
            "digest": digest_of(KEY),
            "expired key": EXPIRED_KEY,
            "revoked key": REVOKED_KEY,
            "expired session": self.expired_session,
            "ended session": self.ended_session,
            "setup token": self.setup_token,
            "password": PASSWORD,
            "upstream key": UPSTREAM_KEY,
            "blank": " ",
            "not ASCII": "\xfc\xff\x80",
            "long": "k" * 4000,
        }
        if opened_by == ADMIN:
            secrets["client key"] = KEY
        elif opened_by == CLIENT:
            secrets["admin session"] = self.site.session
        found = {f"{name} {way[0][0]}": way for name, secret in secrets.items() for way in self.ways(secret)}
        found["nothing"] = []
        found["basic"] = [("authorization", f"Basic {KEY}")]
        found["scheme alone"] = [("authorization", "Bearer")]
        found["nonsense"] = [("authorization", KEY), ("cookie", "codenex_session; ;;==")]
        return found

    def right(self, opened_by: str) -> list[Headers]:
        """Credentials that open such a door."""
        key, session = [("authorization", f"Bearer {KEY}")], [("authorization", f"Bearer {self.site.session}")]
        return {CLIENT: [key], ADMIN: [session], EITHER: [key, session]}[opened_by]


@asynccontextmanager
async def running_house(folder: Path) -> AsyncIterator[House]:
    """The house, set up, until the block ends."""
    keys = (
        ClientKey(digest_of(KEY), "tests"),
        ClientKey(digest_of(EXPIRED_KEY), "expired", expires=1.0),
        ClientKey(digest_of(REVOKED_KEY), "revoked", disabled=True),
    )
    async with ScriptedVendor("openai_chat", validate=False) as vendor:
        # No proxy is trusted: what a client says of addresses and hosts is its own word.
        settings = settings_for(account_for(vendor), client_keys=keys)
        async with running_site(folder, settings) as site:
            setup_token = site.token
            await site.set_up()
            expired = site.session
            site.clock.advance(IDLE_LIMIT + 1)
            await site.log_in()
            ended = site.session
            assert (await site.ask("POST", "/api/logout", None, site.bearer)).status == 200
            await site.log_in()
            yield House(site, vendor, expired, ended, setup_token)
