"""Lists of models and counts of tokens, in Anthropic's shapes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.core.spoke import Model
from codenex.protocols.anthropic.errors import fault_of


def _entry(model: Model) -> dict[str, Any]:
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.display_name if model.display_name is not None else model.id,
        "created_at": datetime.fromtimestamp(max(model.created, 0), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "max_input_tokens": model.max_input_tokens,
        "max_tokens": model.max_output_tokens,
        "lifecycle": "active",
    }


def encode_models(models: list[Model]) -> bytes:
    """Return the whole list as its first and only page."""
    return json.encode(
        {
            "data": [_entry(model) for model in models],
            "has_more": False,
            "first_id": models[0].id if models else None,
            "last_id": models[-1].id if models else None,
        }
    )


def encode_model(model: Model) -> bytes:
    """Return a single model."""
    return json.encode(_entry(model))


def decode_models(body: bytes) -> list[Model]:
    """Return the models of a list; entries without an id are left out. Raises a fault (``upstream``)."""
    listed = _object(body).get("data")
    if not isinstance(listed, list):
        raise Fault(FaultKind.UPSTREAM, "the upstream's list of models has no data", from_upstream=True)
    return [
        Model(
            entry["id"],
            "anthropic",
            entry["display_name"] if isinstance(entry.get("display_name"), str) else None,
            _seconds(entry.get("created_at", entry.get("created"))),
            _count(entry.get("max_input_tokens")),
            _count(entry.get("max_tokens")),
        )
        for entry in listed
        if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    ]


def encode_count(count: int) -> bytes:
    """Return the token counter's answer."""
    return json.encode({"input_tokens": count})


def decode_count(body: bytes) -> int:
    """Return the count in the token counter's answer. Raises a fault (``upstream``)."""
    count = _count(_object(body).get("input_tokens"))
    if count is None:
        raise Fault(FaultKind.UPSTREAM, "the upstream's count of tokens is no number", from_upstream=True)
    return count


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.decode_object(body)
    except json.MalformedJson as error:
        raise Fault(FaultKind.UPSTREAM, f"the upstream's answer is not JSON: {error}", from_upstream=True) from None
    if isinstance(error_in := value.get("error"), dict):
        raise fault_of(error_in)
    return value


def _seconds(value: Any) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value)
    try:
        return int(datetime.fromisoformat(value).timestamp()) if isinstance(value, str) else 0
    except (ValueError, OverflowError, OSError):
        return 0


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
