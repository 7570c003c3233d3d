"""Lists of models and counts of tokens, in Google's shapes."""

from __future__ import annotations

from typing import Any

from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.core.spoke import Model
from codenex.protocols.gemini.errors import fault_of
from codenex.protocols.gemini.types import Object, bare_model

_METHODS = ["generateContent", "streamGenerateContent", "countTokens"]
_EMBEDDING_METHODS = ["embedContent", "batchEmbedContents"]


def _resource(model: Model) -> Object:
    resource: Object = {
        "name": f"models/{model.id}",
        "baseModelId": model.id,
        "version": "001",
        "displayName": model.display_name if model.display_name is not None else model.id,
    }
    if model.max_input_tokens is not None:
        resource["inputTokenLimit"] = model.max_input_tokens
    if model.max_output_tokens is not None:
        resource["outputTokenLimit"] = model.max_output_tokens
    return {**resource, "supportedGenerationMethods": _EMBEDDING_METHODS if model.embeds else _METHODS}


def encode_models(models: list[Model]) -> bytes:
    """Return the list of models."""
    return json.encode({"models": [_resource(model) for model in models]})


def encode_model(model: Model) -> bytes:
    """Return a single model."""
    return json.encode(_resource(model))


def decode_models(body: bytes) -> list[Model]:
    """Return the models of a list that generate text or embed it; others are left out. Raises ``upstream``."""
    listed = _object(body).get("models")
    models: list[Model] = []
    for resource in listed if isinstance(listed, list) else []:
        if not isinstance(resource, dict) or not isinstance(resource.get("name"), str):
            continue
        methods = resource.get("supportedGenerationMethods", resource.get("supportedActions"))
        generates = not isinstance(methods, list) or "generateContent" in methods
        if isinstance(methods, list) and not generates and "embedContent" not in methods:
            continue
        models.append(
            Model(
                bare_model(resource["name"]),
                "google",
                _text(resource.get("displayName")),
                max_input_tokens=_integer(resource.get("inputTokenLimit")),
                max_output_tokens=_integer(resource.get("outputTokenLimit")),
                embeds=not generates,
            )
        )
    return models


def encode_count(count: int) -> bytes:
    """Return the answer of a token counter."""
    return json.encode({"totalTokens": count})


def decode_count(body: bytes) -> int:
    """Return the count of a token counter's answer; Google leaves out a zero. Raises ``upstream``."""
    source = _object(body)
    count = _integer(source.get("totalTokens", source.get("total_tokens", 0)))
    if count is None:
        raise Fault(FaultKind.UPSTREAM, "the upstream's count of tokens is no number", from_upstream=True)
    return count


def _object(body: bytes) -> Object:
    try:
        source = json.decode_object(body)
    except json.MalformedJson as error:
        raise Fault(FaultKind.UPSTREAM, f"the upstream's answer is not JSON: {error}", from_upstream=True) from None
    if isinstance(reported := source.get("error"), dict):
        raise fault_of(reported)
    return source


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _integer(value: Any) -> int | None:
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
