"""The state of all accounts as ``/provider_health`` tells it: in groups, and as the flat list that monitors read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from codenex.core.errors import invalid_request

#: The share of unhealthy accounts up to which all is well, where a monitor says no other.
THRESHOLD = 0.0001


def pool_report(providers: dict[str, list[dict[str, Any]]], query: str, wall: float) -> dict[str, Any]:
    """Return the report; ``query`` may hold ``provider``, ``customName`` and ``unhealthRatioThreshold``, ``wall`` is
    now in seconds since 1970. Disabled accounts are not counted as unhealthy.

    Raises :class:`Fault` (400) for a threshold that is none.
    """
    asked = dict(parse_qsl(query))
    threshold = _threshold(asked.get("unhealthRatioThreshold"))
    items = [
        {
            "uuid": account["uuid"],
            "customName": account["customName"],
            "isHealthy": account["isHealthy"],
            "isDisabled": account["isDisabled"],
            "lastErrorTime": account.get("lastErrorTime"),
            "lastErrorMessage": account["lastErrorMessage"],
            "needsRefresh": account.get("needsRefresh", False),
            "identify": f"{account['customName'] or account['uuid']}::{provider}",
            "provider": provider,
        }
        for provider, accounts in providers.items()
        for account in accounts
        if asked.get("provider", provider) == provider
        and asked.get("customName", account["customName"]) == account["customName"]
    ]
    unhealthy = [item for item in items if not item["isHealthy"] and not item["isDisabled"]]
    ratio = len(unhealthy) / len(items) if items else 0.0
    return {
        "timestamp": datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds"),
        "items": items,
        "count": len(items),
        "unhealthyCount": len(unhealthy),
        "unhealthyRatio": round(ratio, 4),
        # Existing monitors read this spelling.
        "unhealthySummeryMessage": "; ".join(f"{item['identify']}: {item['lastErrorMessage']}" for item in unhealthy),
        "summaryHealth": ratio <= threshold,
        "providers": providers,
    }


def _threshold(text: str | None) -> float:
    if text is None:
        return THRESHOLD
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise invalid_request("unhealthRatioThreshold must be a number from 0 to 1", param="unhealthRatioThreshold")
    return value
