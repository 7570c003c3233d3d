"""Lists of models and token counts."""

from __future__ import annotations

from typing import Any

from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.core.spoke import Model

#: Where compatible servers put a model's limits, in order of trust.
_INPUT_LIMITS = ("context_length", "max_model_len", "max_context_length", "context_window", "max_input_tokens")
_OUTPUT_LIMITS = ("max_completion_tokens", "max_output_tokens", "max_tokens")


def encode_model(model: Model) -> bytes:
    """Render one model."""
    return json.encode(_entry(model))


def encode_models(models: list[Model]) -> bytes:
    """Render a list of models."""
    return json.encode({"object": "list", "data": [_entry(model) for model in models]})


def decode_models(body: bytes) -> list[Model]:
    """Read a list of models, bare lists and Ollama's ``models`` included. Raises ``upstream``."""
    try:
        value = json.decode(body)
    except json.MalformedJson:
        value = None
    if isinstance(value, dict):
        value = value.get("data") if "data" in value else value.get("models")
    if not isinstance(value, list):
        raise Fault(FaultKind.UPSTREAM, "the upstream's list of models can't be read", from_upstream=True)
    return [model for entry in value if (model := _model(entry)) is not None]


def encode_count(tokens: int) -> bytes:
    """Render a count. The protocol has no endpoint for it; the form is that of its sister Responses."""
    return json.encode({"object": "response.input_tokens", "input_tokens": tokens})


def decode_count(body: bytes) -> int:
    """Read a count. Raises ``upstream``."""
    count = (json.try_object(body) or {}).get("input_tokens")
    if not isinstance(count, int) or isinstance(count, bool):
        raise Fault(FaultKind.UPSTREAM, "the upstream's token count can't be read", from_upstream=True)
    return count


def _entry(model: Model) -> dict[str, Any]:
    return {"id": model.id, "object": "model", "created": model.created, "owned_by": model.owned_by}


def _model(entry: Any) -> Model | None:
    if isinstance(entry, str):
        return Model(entry)
    if not isinstance(entry, dict):
        return None
    name = next((entry[key] for key in ("id", "model", "name") if isinstance(entry.get(key), str) and entry[key]), None)
    if name is None:
        return None
    owner, display, created = entry.get("owned_by"), entry.get("name"), entry.get("created")
    provider = entry.get("top_provider")
    output = _limit(provider, _OUTPUT_LIMITS) if isinstance(provider, dict) else None
    return Model(
        name,
        owner if isinstance(owner, str) else "",
        display if isinstance(display, str) and display != name else None,
        int(created) if isinstance(created, int | float) and not isinstance(created, bool) else 0,
        _limit(entry, _INPUT_LIMITS),
        output if output is not None else _limit(entry, _OUTPUT_LIMITS),
    )


def _limit(entry: dict[str, Any], names: tuple[str, ...]) -> int | None:
    return next(
        (entry[name] for name in names if isinstance(entry.get(name), int) and not isinstance(entry[name], bool)), None
    )
