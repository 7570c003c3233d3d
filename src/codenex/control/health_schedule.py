"""Looks at accounts that aren't trusted, now and then, so that they are back before a client's request has to try."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from codenex.control.account_health import known_accounts
from codenex.control.part import ControlPart
from codenex.pool.health import Circuit
from codenex.store.settings import Account

#: Seconds between two looks at whether a check is due.
_LOOK = 1.0


class HealthSchedule:
    """Checks each account whose circuit isn't closed once in an interval; ``check`` asks one and tells the workers.

    An account that works is never asked: its requests say more, and cost nothing extra. Those that rest for a model
    until a stated time aren't asked either.
    """

    def __init__(self, part: ControlPart, check: Callable[[Account], Awaitable[None]]) -> None:
        self._part = part
        self._check = check
        self._asked: dict[str, float] = {}

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(_LOOK)
            await self.look(time.monotonic())

    async def look(self, now: float) -> None:
        """Ask the accounts that are due."""
        interval = self._part.settings.health_check_interval
        if not interval:
            return
        known = known_accounts(self._part.shared, self._part.settings)
        due: list[Account] = []
        for group in self._part.settings.accounts.values():
            for account in group:
                if account.disabled or not account.check_health:
                    continue
                if known[account.uuid].state.circuit(now) is Circuit.CLOSED:
                    self._asked.pop(account.uuid, None)
                    continue
                # The first look comes an interval after the account has failed.
                since = self._asked.setdefault(account.uuid, now)
                if now - since >= interval:
                    self._asked[account.uuid] = now
                    due.append(account)
        await asyncio.gather(*map(self._check, due))
