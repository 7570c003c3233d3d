"""Lists of models and token counts, as OpenAI gives them."""

from __future__ import annotations

from typing import Any

from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.core.spoke import Model


def encode_models(models: list[Model]) -> bytes:
    """Render a list of models."""
    return json.encode({"object": "list", "data": [_model(model) for model in models]})


def encode_model(model: Model) -> bytes:
    """Render one model."""
    return json.encode(_model(model))


def _model(model: Model) -> dict[str, Any]:
    return {"id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by}


def decode_models(body: bytes) -> list[Model]:
    """Read an upstream's list. Raises :class:`~codenex.core.errors.Fault` (``upstream``)."""
    try:
        value = json.decode(body)
    except json.MalformedJson as error:
        told = f"the upstream's list of models isn't JSON: {error}"
        raise Fault(FaultKind.UPSTREAM, told, from_upstream=True) from None
    rows = value.get("data", value.get("models")) if isinstance(value, dict) else value
    if not isinstance(rows, list):
        raise Fault(FaultKind.UPSTREAM, "the upstream's list of models has an unknown form", from_upstream=True)
    return [model for row in rows if (model := _read(row)) is not None]


def _read(row: Any) -> Model | None:
    name = row if isinstance(row, str) else row.get("id", row.get("name")) if isinstance(row, dict) else None
    if not isinstance(name, str) or not name:
        return None
    if not isinstance(row, dict):
        return Model(name)
    owner, created, display = row.get("owned_by"), row.get("created"), row.get("display_name")
    return Model(
        name,
        owner if isinstance(owner, str) else "codenex",
        display if isinstance(display, str) else None,
        int(created) if isinstance(created, int | float) and not isinstance(created, bool) else 0,
        _limit(row, "context_length", "context_window", "max_input_tokens", "max_model_len"),
        _limit(row, "max_output_tokens", "max_completion_tokens"),
    )


def _limit(row: dict[str, Any], *names: str) -> int | None:
    for name in names:
        value = row.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def encode_count(tokens: int) -> bytes:
    """Render the answer of the token counter."""
    return json.encode({"object": "response.input_tokens", "input_tokens": tokens})


def decode_count(body: bytes) -> int:
    """Read the answer of the token counter. Raises :class:`~codenex.core.errors.Fault` (``upstream``)."""
    value = json.try_object(body)
    count = value.get("input_tokens") if value is not None else None
    if not isinstance(count, int) or isinstance(count, bool):
        raise Fault(FaultKind.UPSTREAM, "the upstream's token count has an unknown form", from_upstream=True)
    return count
