"""The state of accounts in ``provider_pools.json``: a snapshot for people and other programs, which a start takes up
again. What is in use is in the shared memory; the file is written now and then, and never read while the gateway runs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from pathlib import Path
from typing import Any

from codenex.control.account_health import health_by_account, moment
from codenex.control.errors import ConfigurationError
from codenex.control.part import ControlPart
from codenex.control.pool_entries import numbered
from codenex.control.pool_revision import MODELS, STATE_FIELDS, pools_revision
from codenex.gateway.account_rows import EARLIER_FAILURES, EARLIER_REQUESTS, AccountRows
from codenex.store.documents import Document

#: Seconds between two looks at what has changed, and between two writes of mere counts.
_LOOK, _COUNTS = 2.0, 60.0
_COUNT_FIELDS = frozenset({"usageCount", "errorCount", "lastUsed", "lastErrorTime"})
_logger = logging.getLogger(__name__)


class PoolState:
    """Writes the snapshot of one gateway's accounts and takes up an earlier one."""

    def __init__(self, part: ControlPart) -> None:
        self._part = part
        self._written: dict[str, dict[str, Any]] = {}
        self._counted = time.monotonic()

    @property
    def _document(self) -> Document:
        return Document(Path(self._part.settings.pools_file), revise=pools_revision, sealable=True)

    def restore(self) -> None:
        """Count what the file says of earlier times to what this gateway counts."""
        rows = AccountRows(self._part.settings, self._part.shared)
        for entry in self._entries():
            uuid = entry.get("uuid")
            for name, field in (("usageCount", EARLIER_REQUESTS), ("errorCount", EARLIER_FAILURES)):
                count = entry.get(name)
                if isinstance(uuid, str) and isinstance(count, int) and count > 0 and not any(rows.values(uuid, field)):
                    rows.write(uuid, field, min(count, 1 << 48))

    def _entries(self) -> list[dict[str, Any]]:
        try:
            pools = numbered(json.loads(self._document.read() or b"{}"))
            return [entry for entries in pools.values() for entry in entries if isinstance(entry, dict)]
        except (OSError, ValueError, AttributeError, TypeError, RecursionError, ConfigurationError):
            return []

    async def run(self) -> None:
        """Write for ever: soon after an account's health has changed, mere counts now and then."""
        while True:
            await asyncio.sleep(_LOOK)
            await self.save()

    async def save(self, *, all_counts: bool = False) -> None:
        """Write what has changed."""
        state = self._state()
        due = all_counts or time.monotonic() - self._counted >= _COUNTS
        if not any(_differs(fields, self._written.get(uuid), counts=due) for uuid, fields in state.items()):
            return
        try:
            await asyncio.to_thread(self._write, state)
        except (OSError, ValueError) as error:
            # The data plane goes on without it, and the next look tries again.
            _logger.warning("the state of accounts can't be written: %s", error)
            return
        self._written, self._counted = state, time.monotonic()

    def _state(self) -> dict[str, dict[str, Any]]:
        now, wall = time.monotonic(), time.time()
        found: dict[str, dict[str, Any]] = {}
        for uuid, health in health_by_account(self._part.shared, self._part.settings).items():
            fields = {name: health[name] for name in STATE_FIELDS if name in health}
            rests = health["restingModels"]
            fields[MODELS] = {model: moment(now + seconds, now, wall) for model, seconds in rests.items()}
            found[uuid] = {**fields, **self._part.checks.get(uuid, {})}
        return found

    def _write(self, state: dict[str, dict[str, Any]]) -> None:
        def change(content: bytes | None) -> bytes:
            if content is None:
                raise FileNotFoundError(2, "there is no file of pools")
            pools = json.loads(content)
            named = numbered(pools)
            for name, entries in named.items():
                if isinstance(entries, list):
                    named[name] = [
                        _merged(entry, state.get(entry.get("uuid", ""))) if isinstance(entry, dict) else entry
                        for entry in entries
                    ]
            if named == pools:
                return content
            return json.dumps(named, indent=2, ensure_ascii=False).encode() + b"\n"

        if self._document.path.exists():
            self._document.update(change)


def _merged(entry: dict[str, Any], state: dict[str, Any] | None) -> dict[str, Any]:
    return entry if state is None else {**entry, **state}


def _differs(fields: dict[str, Any], written: dict[str, Any] | None, *, counts: bool) -> bool:
    if written is None:
        # An account that was never used has no state worth a write.
        return bool(fields["usageCount"]) or not fields["isHealthy"] or bool(fields[MODELS])
    names = fields.keys() if counts else fields.keys() - _COUNT_FIELDS
    # Seconds that are left become a moment again at every look, which then differs by rounding.
    return any(_settled(fields[name]) != _settled(written.get(name)) for name in names)


def _settled(value: Any) -> Any:
    return sorted(value) if isinstance(value, dict) else value[:18] if isinstance(value, str) else value
