"""Which operation a path means, in which client protocol: decided on the path as received, before anything else is
looked at."""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import unquote

import msgspec

from codenex.core.errors import Fault, FaultKind
from codenex.providers.registry import is_known

CHAT, RESPONSES, ANTHROPIC, GEMINI = "openai-chat", "openai-responses", "anthropic", "gemini"


class Operation(StrEnum):
    """What a client may ask of a route."""

    # An enumeration's own hash is Python code, and every request asks for it.
    __hash__ = str.__hash__

    GENERATE = "generate"
    COUNT = "count"
    EMBED = "embed"
    EMBED_MANY = "embed_many"
    MODELS = "models"
    MODEL = "model"
    STORED_RESPONSE = "stored_response"
    HEALTH = "health"
    READY = "ready"
    PROVIDER_HEALTH = "provider_health"
    METRICS = "metrics"
    PROBE = "probe"
    CONTROL = "control"


class Route(msgspec.Struct, frozen=True):
    """A matched path. ``provider`` comes from a path prefix, ``model`` and ``stream`` from Gemini's method paths;
    ``methods`` are allowed."""

    operation: Operation
    protocol: str
    methods: tuple[str, ...]
    provider: str | None = None
    model: str | None = None
    stream: bool | None = None


#: Paths behind an optional version (``/v1``, ``/v1beta`` …), without parameters.
_FIXED: dict[str, tuple[Operation, str, tuple[str, ...]]] = {
    "/chat/completions": (Operation.GENERATE, CHAT, ("POST",)),
    "/responses": (Operation.GENERATE, RESPONSES, ("POST",)),
    "/responses/input_tokens": (Operation.COUNT, RESPONSES, ("POST",)),
    "/messages": (Operation.GENERATE, ANTHROPIC, ("POST",)),
    "/messages/count_tokens": (Operation.COUNT, ANTHROPIC, ("POST",)),
    "/embeddings": (Operation.EMBED, CHAT, ("POST",)),
    "/models": (Operation.MODELS, CHAT, ("GET", "HEAD")),
}
_OPEN: dict[str, tuple[Operation, tuple[str, ...]]] = {
    "/health": (Operation.HEALTH, ("GET", "HEAD")),
    "/ready": (Operation.READY, ("GET", "HEAD")),
    "/provider_health": (Operation.PROVIDER_HEALTH, ("GET", "HEAD")),
    "/metrics": (Operation.METRICS, ("GET", "HEAD")),
}
_VERSION = re.compile(r"/(v1|v1beta|v1beta1|v1alpha)(?=/)")
_GEMINI_METHODS: dict[str, tuple[Operation, bool | None]] = {
    "generateContent": (Operation.GENERATE, False),
    "streamGenerateContent": (Operation.GENERATE, True),
    "countTokens": (Operation.COUNT, None),
    "embedContent": (Operation.EMBED, None),
    "batchEmbedContents": (Operation.EMBED_MANY, None),
}
_MODEL = re.compile(rf"/(?:models|tunedModels)/(?P<model>[^?#]+?)(?::(?P<method>{'|'.join(_GEMINI_METHODS)}))?")
#: A method of Google's kind that this server does not have; a model's tag (``llama3:8b``) looks different.
_OTHER_METHOD = re.compile(r".*:(?P<method>[a-z]+[A-Z][A-Za-z]*)")
_VERTEX = re.compile(r"/projects/[^/]+/locations/[^/]+/publishers/[^/]+(?=/models/)")
_STORED = re.compile(r"/responses/[^/]+(?:/input_items|/cancel)?")
_SLASHES = re.compile(r"/{2,}")
#: Long enough for every real model name, short enough for a log line.
_LONGEST_MODEL = 256


def matched(path: str) -> Route:
    """Return the route of a path. Raises :class:`Fault` ``not_found`` (the error body's protocol: see
    :func:`protocol_of`)."""
    open_route = _OPEN.get(path)
    if open_route is not None:
        return Route(open_route[0], CHAT, open_route[1])
    if path == "/":
        return Route(Operation.PROBE, CHAT, ("GET", "HEAD"))
    rest = _normalised(path)
    if _is_page(rest):
        return Route(Operation.CONTROL, CHAT, ("GET", "HEAD"))
    if _is_control(rest):
        return Route(Operation.CONTROL, CHAT, ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"))
    provider, rest = _split_provider(rest)
    google = False
    while (version := _VERSION.match(rest)) is not None:
        google = google or version.group(1) != "v1"
        rest = rest[version.end() :]
    vertex = _VERTEX.match(rest)
    if vertex is not None:
        google, rest = True, rest[vertex.end() :]
    fixed = _FIXED.get(rest)
    if fixed is not None:
        return Route(fixed[0], GEMINI if google and fixed[0] is Operation.MODELS else fixed[1], fixed[2], provider)
    model = _MODEL.fullmatch(rest)
    if model is not None:
        return _model_route(model, provider, google)
    if _STORED.fullmatch(rest) is not None:
        return Route(Operation.STORED_RESPONSE, RESPONSES, ("GET", "DELETE", "POST"), provider)
    raise Fault(FaultKind.NOT_FOUND, f"there is no endpoint {path[:200]}", code="unknown_endpoint")


def is_control(path: str) -> bool:
    """Whether a path belongs to the management API or its web pages."""
    path = _normalised(path)
    return _is_control(path) or _is_page(path) or path == ""


def _is_control(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


def _is_page(path: str) -> bool:
    return path == "/ui" or path.startswith("/ui/")


def protocol_of(path: str) -> str:
    """Return the protocol whose clients would use a path, for error bodies where no route matched."""
    if "/messages" in path:
        return ANTHROPIC
    if "/v1beta" in path or re.search(r"/models/[^/]+(:|%3[Aa])[A-Za-z]+$", path) is not None:
        return GEMINI
    return RESPONSES if "/responses" in path else CHAT


def _normalised(path: str) -> str:
    if "%" in path:
        path = unquote(path, errors="replace")
    if "//" in path:
        path = _SLASHES.sub("/", path)
    return path.rstrip("/") if path.endswith("/") else path


def _split_provider(path: str) -> tuple[str | None, str]:
    end = path.find("/", 1)
    if end > 0 and is_known(path[1:end]):
        return path[1:end], path[end:]
    return None, path


def _model_route(match: re.Match[str], provider: str | None, google: bool) -> Route:
    model, method = match["model"], match["method"]
    if len(model) > _LONGEST_MODEL or ".." in model.split("/") or not model.isprintable():
        raise Fault(FaultKind.INVALID_REQUEST, "the model name in the path is not a model name", param="model")
    other = _OTHER_METHOD.fullmatch(model) if method is None else None
    if other is not None:
        raise Fault(FaultKind.NOT_FOUND, f"there is no method {other['method']} for models", code="unknown_endpoint")
    if method is None:
        return Route(Operation.MODEL, GEMINI if google else CHAT, ("GET", "HEAD"), provider, model)
    known = _GEMINI_METHODS[method]
    return Route(known[0], GEMINI, ("POST",), provider, model, known[1])
