"""What the services take of a request for the Gemini API: the rest is left out or changed, and each is a loss. Pure."""

from __future__ import annotations

from typing import Any

from codenex.core import json
from codenex.core.losses import Losses
from codenex.models.antigravity import is_claude, makes_images, thinks
from codenex.providers.google.envelope import PLACEHOLDER

_REQUEST = frozenset(
    {
        "contents",
        "systemInstruction",
        "cachedContent",
        "tools",
        "toolConfig",
        "labels",
        "safetySettings",
        "generationConfig",
    }
)
_GENERATION = frozenset(
    {
        "temperature",
        "topP",
        "topK",
        "candidateCount",
        "maxOutputTokens",
        "stopSequences",
        "responseLogprobs",
        "logprobs",
        "presencePenalty",
        "frequencyPenalty",
        "seed",
        "responseMimeType",
        "responseSchema",
        "responseJsonSchema",
        "routingConfig",
        "modelSelectionConfig",
        "responseModalities",
        "mediaResolution",
        "speechConfig",
        "audioTimestamp",
        "thinkingConfig",
        "imageConfig",
    }
)
#: Signatures of Claude are longer than this; what is shorter is none.
_SHORTEST_SIGNATURE = 50
_SENTINEL = "skip_thought_signature_validator"
_ASKED_FIRST = {"role": "user", "parts": [{"text": "(The conversation goes on.)"}]}


def fitted_code_assist(body: bytes, model: str, losses: Losses) -> bytes:
    """Return the request as Code Assist takes it."""
    request = json.decode_object(body)
    _keep(request, _REQUEST, "", losses)
    if isinstance(config := request.get("generationConfig"), dict):
        _keep(config, _GENERATION - {"imageConfig"}, "generationConfig.", losses)
    return json.encode(request)


def fitted_antigravity(body: bytes, model: str, losses: Losses) -> bytes:
    """Return the request as Antigravity takes it."""
    request = json.decode_object(body)
    _keep(request, _REQUEST - {"safetySettings", "cachedContent"}, "", losses)
    config: dict[str, Any] = request.setdefault("generationConfig", {})
    _keep(config, _GENERATION, "generationConfig.", losses)
    claude = is_claude(model)
    if not claude and config.pop("maxOutputTokens", None) is not None:
        losses.drop("max_output_tokens", "Antigravity sets the length of its own models' answers")
    if claude:
        _fit_claude(request, losses)
    elif makes_images(model):
        _fit_images(request, config, losses)
    _fit_thinking(request, config, model, losses)
    contents = request.get("contents") or []
    if contents and contents[0].get("role") == "model":
        losses.adapt("messages", "a conversation has to begin with a user's turn: a minimal one was put before it")
        request["contents"] = [_ASKED_FIRST, *contents]
    if not config:
        del request["generationConfig"]
    return json.encode(request)


def _keep(fields: dict[str, Any], known: frozenset[str], prefix: str, losses: Losses) -> None:
    for name in [name for name in fields if name not in known]:
        del fields[name]
        losses.drop(prefix + name, "the service has no such field")


def _fit_claude(request: dict[str, Any], losses: Losses) -> None:
    functions = [entry for tool in request.get("tools") or [] for entry in tool.get("functionDeclarations") or []]
    if functions:
        request["tools"] = [{"functionDeclarations": functions}]
        for function in functions:
            if not function.get("parameters"):
                function["parameters"] = PLACEHOLDER
        config = request.setdefault("toolConfig", {}).setdefault("functionCallingConfig", {})
        if config.get("mode") == "ANY":
            losses.approximate("tool_choice", "a call can't be forced: Claude behind Antigravity decides itself")
        if config.get("mode") != "NONE":
            config["mode"] = "VALIDATED"
    for content in request.get("contents") or []:
        parts = content.get("parts") or []
        kept = [part for part in parts if not (part.get("thought") and not _is_signed(part))]
        if len(kept) < len(parts):
            losses.drop("reasoning", "thoughts without Claude's own signature are refused")
            content["parts"] = kept
        for part in kept:
            if part.get("thoughtSignature") == _SENTINEL:
                del part["thoughtSignature"]
    request["contents"] = [content for content in request.get("contents") or [] if content.get("parts")]


def _is_signed(part: dict[str, Any]) -> bool:
    signature = part.get("thoughtSignature")
    return isinstance(signature, str) and len(signature) >= _SHORTEST_SIGNATURE


def _fit_images(request: dict[str, Any], config: dict[str, Any], losses: Losses) -> None:
    for name in ("tools", "toolConfig"):
        if request.pop(name, None) is not None and name == "tools":
            losses.drop("tools", "the image model has no tools")
    config.pop("thinkingConfig", None)
    config.setdefault("responseModalities", ["TEXT", "IMAGE"])


def _fit_thinking(request: dict[str, Any], config: dict[str, Any], model: str, losses: Losses) -> None:
    thinking = config.get("thinkingConfig")
    if not isinstance(thinking, dict):
        return
    budget = thinking.get("thinkingBudget")
    if not thinks(model):
        del config["thinkingConfig"]
        losses.drop("reasoning", "the model does not think")
        return
    if not model.startswith("gemini-3") and thinking.pop("thinkingLevel", None) is not None:
        budget = thinking["thinkingBudget"] = -1
    if not is_claude(model):
        return
    limit = config.get("maxOutputTokens")
    if isinstance(budget, int) and isinstance(limit, int) and budget >= limit:
        losses.approximate("reasoning", f"the budget has to stay below the answer's limit of {limit} tokens")
        budget = thinking["thinkingBudget"] = limit - 1
    if (isinstance(budget, int) and 0 <= budget < 1024) or _calls_without_thoughts(request):
        del config["thinkingConfig"]
        if budget != 0:
            losses.drop("reasoning", "Claude can't think here: too few tokens, or calls whose thoughts are gone")


def _calls_without_thoughts(request: dict[str, Any]) -> bool:
    """Whether the turn that goes on has calls and no signed thought before them, which a thinking Claude refuses."""
    turn: list[dict[str, Any]] = []
    for content in reversed(request.get("contents") or []):
        if content.get("role") == "user" and not any("functionResponse" in part for part in content["parts"]):
            break
        turn = [*content["parts"], *turn]
    return any("functionCall" in part for part in turn) and not any(_is_signed(part) for part in turn)
