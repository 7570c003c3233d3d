"""How the quotas of an account are shown: what is used in percent, and when it begins anew."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from codenex.control.database.quotas import Quota

#: Percent above which a limit is called so.
_LEVELS = ((90.0, "danger"), (70.0, "warning"))


def quota_view(quotas: list[Quota], *, by_model: bool = False) -> dict[str, Any] | None:
    """Return the limits of one account with a summary; ``None`` where none was told.

    The summary is that of the fullest limit. Limits ``by_model`` don't bound each other: of them it is the mean.
    """
    if not quotas:
        return None
    items = [_item(quota) for quota in quotas]
    percents = [item["percent"] for item in items if item["percent"] is not None]
    used = max(percents, default=None)
    if by_model and percents:
        used = round(sum(percents) / len(percents), 2)
    resets = max((item["resetAt"] for item in items if item["resetAt"]), default=None)
    summary = {"usedPercent": used, "status": _level(used), "resetAt": resets, "unit": "percent"}
    return {"summary": summary, "items": items, "raw": {quota.limit: quota.raw for quota in quotas}}


def google_view(quotas: list[Quota], plan: str | None, email: str | None) -> dict[str, Any] | None:
    """Return the quotas of a Google account, one for each model, with its tier and whose it is."""
    view = quota_view(quotas, by_model=True)
    if view is None:
        return None
    if plan is not None:
        view["summary"] |= {"plan": plan.upper(), "planClass": f"plan-{plan.removesuffix('-tier')}"}
    if email is not None:
        view["user"] = {"email": email}
    return view


def _item(quota: Quota) -> dict[str, Any]:
    # A limit that has begun anew since it was told is unused, as far as anybody knows.
    over = quota.resets_at is not None and quota.resets_at <= time.time()
    used = 0.0 if over else quota.used
    return {
        "id": quota.limit,
        "label": quota.raw.get("displayName") or quota.limit.replace("_", " "),
        "used": used,
        "limit": 100,
        "percent": used,
        "unit": "percent",
        "status": _level(used),
        "resetAt": None if quota.resets_at is None else _moment(quota.resets_at),
        "toldAt": _moment(quota.at),
    }


def _level(percent: float | None) -> str:
    return next((word for bound, word in _LEVELS if percent is not None and percent > bound), "normal")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
