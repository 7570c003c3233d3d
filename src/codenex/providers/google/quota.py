"""What Google tells of an account's models and of what is left of their quotas. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.models.antigravity import public_name


class Quota(msgspec.Struct, frozen=True):
    """What is left of one model's quota: ``remaining`` is between 0 and 1, ``None`` where nobody says; ``reset`` is a
    moment in RFC 3339."""

    model: str
    remaining: float | None
    reset: str | None = None
    amount: str | None = None
    display_name: str | None = None
    max_output_tokens: int | None = None


def quotas_of_buckets(answer: dict[str, Any]) -> list[Quota]:
    """Return Code Assist's quotas, one for each model: that with the least left, where there are several."""
    found: dict[str, Quota] = {}
    for bucket in answer.get("buckets") or []:
        model = bucket.get("modelId") if isinstance(bucket, dict) else None
        if not isinstance(model, str) or not model:
            continue
        amount = bucket.get("remainingAmount")
        quota = Quota(model, _fraction(bucket), _text(bucket.get("resetTime")), None if amount is None else str(amount))
        known = found.get(model)
        if known is None or (quota.remaining if quota.remaining is not None else 1.0) < (known.remaining or 1.0):
            found[model] = quota
    return list(found.values())


def quotas_of_models(answer: dict[str, Any]) -> list[Quota]:
    """Return Antigravity's models with their quotas, by their ids; what is not for clients is left out."""
    models = answer.get("models")
    found: list[Quota] = []
    for id, facts in models.items() if isinstance(models, dict) else ():
        if public_name(id) is None or not isinstance(facts, dict):
            continue
        info = facts.get("quotaInfo")
        limit = facts.get("maxOutputTokens")
        found.append(
            Quota(
                id,
                _fraction(info) if isinstance(info, dict) else None,
                _text(info.get("resetTime")) if isinstance(info, dict) else None,
                None,
                _text(facts.get("displayName")),
                limit if isinstance(limit, int) and not isinstance(limit, bool) else None,
            )
        )
    return found


def _fraction(info: dict[str, Any]) -> float | None:
    value = info.get("remainingFraction")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
