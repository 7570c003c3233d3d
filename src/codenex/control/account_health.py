"""How the accounts are, as the processes have told each other: read from what their shared memory still holds."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from codenex.store.health_changes import HealthChange, changes_in
from codenex.store.shared_memory import SharedMemory


def health_by_account(shared: SharedMemory) -> dict[str, dict[str, Any]]:
    """Return ``isHealthy``, ``lastErrorMessage`` and ``lastErrorTime`` of each account that anything was told of."""
    latest: dict[str, HealthChange] = {}
    for change in changes_in(shared.history()):
        known = latest.get(change.uuid)
        if known is None or change.at >= known.at:
            latest[change.uuid] = change
    now, wall = time.monotonic(), time.time()
    return {uuid: _shown(change, now, wall) for uuid, change in latest.items()}


def _shown(change: HealthChange, now: float, wall: float) -> dict[str, Any]:
    at = datetime.fromtimestamp(wall - (now - change.at), UTC)
    return {
        "isHealthy": change.until <= now,
        "lastErrorMessage": change.reason,
        "lastErrorTime": at.isoformat(timespec="milliseconds"),
    }
