"""Renews the tokens of Google accounts that are about to end, so that no request has to wait for the next one.

Tokens that have ended already are left to the request that needs them: an account that nobody uses costs nothing.
"""

from __future__ import annotations

import asyncio
import logging

from codenex.control.part import ControlPart
from codenex.core.errors import Fault
from codenex.providers.google.cloud import cloud_of

_logger = logging.getLogger(__name__)

#: Seconds between two looks: several fall into the time in which a token is renewed ahead of its end.
INTERVAL = 60.0


class Renewing:
    """The accounts of one gateway."""

    def __init__(self, part: ControlPart) -> None:
        self._part = part

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(INTERVAL)
            await self.look()

    async def look(self) -> None:
        """Renew what is due. A failure is kept with the account, and told by its next request or check."""
        accounts = [
            account
            for group in self._part.settings.accounts.values()
            for account in group
            if account.google is not None and not account.disabled
        ]
        if accounts:
            cloud = cloud_of(await self._part.outward.transport())
            for account in accounts:
                try:
                    await cloud.logins.renew_early(account)
                except (Fault, OSError) as error:
                    _logger.info("the token of %s was not renewed: %s", account.uuid, _words(error))


def _words(error: Fault | OSError) -> str:
    return (error.notice or error.message) if isinstance(error, Fault) else str(error)
