"""The revision of ``provider_pools.json``, to which the state of accounts that stands in it makes no difference."""

from __future__ import annotations

import json

from codenex.store.documents import revision_of

#: When each model that an account rests for is served again; the other fields are those of earlier versions.
MODELS = "scheduledRecoveryTimes"
STATE_FIELDS = (
    "isHealthy",
    "scheduledRecoveryTime",
    MODELS,
    "lastErrorMessage",
    "lastErrorTime",
    "lastHealthCheckTime",
    "lastHealthCheckModel",
    "usageCount",
    "errorCount",
    "lastUsed",
)


def pools_revision(content: bytes | None) -> str:
    """Return the revision of a file of pools: that of everything but the accounts' state, so that a snapshot is no
    change to anybody."""
    try:
        pools = json.loads(content or b"")
        stripped = {
            name: [{key: value for key, value in entry.items() if key not in STATE_FIELDS} for entry in entries]
            for name, entries in pools.items()
        }
    except (ValueError, AttributeError, TypeError, RecursionError):
        return revision_of(content)
    return revision_of(json.dumps(stripped).encode("utf-8", "surrogatepass"))
