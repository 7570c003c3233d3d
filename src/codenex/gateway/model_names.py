"""The model that a request asks for, as its path or its body names it."""

from __future__ import annotations

from codenex.core.errors import invalid_request
from codenex.gateway.edits import Head
from codenex.gateway.routes import Route


def model_of(route: Route, head: Head) -> str:
    """Return the name. Raises :class:`Fault` (400) where there is none, or it is no name."""
    model = route.model if route.model is not None else head.model
    if model is None or not model.strip():
        raise invalid_request("model is required", param="model", code="model_required")
    if len(model) > 256 or not model.isprintable():
        raise invalid_request("model is not a model name", param="model")
    return model.removeprefix("models/")
