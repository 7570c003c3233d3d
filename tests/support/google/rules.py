"""What Code Assist and Antigravity refuse in their envelopes; what is inside is judged by the Gemini API's rules.

The envelopes of Google's own Gemini CLI pass (Code Assist), so that they are a fair judge of others.
"""

from __future__ import annotations

import re
from typing import Any, Final

from tests.support.vendors.checks import Problems, words
from tests.support.vendors.gemini.rules import check_request
from tests.support.vendors.gemini.turns import check_parts

ENVELOPE: Final = words(
    """
    model project user_prompt_id request enabled_credit_types
    """
)
REQUEST: Final = words(
    """
    contents systemInstruction cachedContent tools toolConfig labels safetySettings generationConfig session_id
    """
)
GENERATION: Final = words(
    """
    temperature topP topK candidateCount maxOutputTokens stopSequences responseLogprobs logprobs presencePenalty
    frequencyPenalty seed responseMimeType responseSchema responseJsonSchema routingConfig
    modelSelectionConfig responseModalities mediaResolution speechConfig audioTimestamp thinkingConfig
    """
)
ANTIGRAVITY: Final = words(
    """
    project model userAgent requestType requestId request enabledCreditTypes
    """
)
INTERNAL_ONLY: Final = ("safetySettings", "cachedContent", "labels", "session_id")
SESSION: Final = re.compile(r"-?\d{1,19}")


def check_code_assist(body: Any, project: str) -> list[str]:
    """The reasons for which Code Assist answers 400."""
    if not isinstance(body, dict):
        return ["body: must be an object"]
    problems = [f"envelope.{name}: unknown" for name in body.keys() - set(ENVELOPE)]
    if body.get("project") != project:
        problems.append(f"project: {body.get('project')!r} is not the account's")
    request = body.get("request")
    if not isinstance(request, dict):
        return [*problems, "request: must be an object"]
    problems += [f"request.{name}: unknown" for name in request.keys() - set(REQUEST)]
    config = request.get("generationConfig") or {}
    problems += [f"generationConfig.{name}: unknown" for name in config.keys() - set(GENERATION)]
    thinking = config.get("thinkingConfig") or {}
    if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
        problems.append("thinkingConfig: level and budget")
    return [*problems, *_inner(request, str(body.get("model")))]


def check_antigravity(body: Any, project: str) -> list[str]:
    """The reasons for which Antigravity answers 400."""
    if not isinstance(body, dict):
        return ["body: must be an object"]
    problems = [f"envelope.{name}: unknown" for name in body.keys() - set(ANTIGRAVITY)]
    problems += [f"envelope.{name}: missing" for name in set(ANTIGRAVITY) - {"enabledCreditTypes"} - body.keys()]
    if body.get("project") != project:
        problems.append(f"project: {body.get('project')!r} is not the account's")
    request = body.get("request")
    if not isinstance(request, dict):
        return [*problems, "request: must be an object"]
    model = str(body.get("model"))
    problems += [f"request.{name}: not taken" for name in INTERNAL_ONLY if name in request]
    if SESSION.fullmatch(str(request.get("sessionId"))) is None:
        problems.append(f"sessionId: {request.get('sessionId')!r}")
    config = request.get("generationConfig") or {}
    declared = [entry for tool in request.get("tools") or [] for entry in tool.get("functionDeclarations") or []]
    if any("parametersJsonSchema" in entry for entry in declared):
        problems.append("tools: parametersJsonSchema is not taken")
    if not model.startswith("claude-") and "maxOutputTokens" in config:
        problems.append("maxOutputTokens is not taken")
    if model.startswith("claude-"):
        problems += _check_claude(request, config, declared)
    kind = body.get("requestType")
    expected = "image_gen" if "-image" in model else "agent"
    if kind not in (expected, "web_search"):
        problems.append(f"requestType: {kind!r}")
    inner = {name: value for name, value in request.items() if name != "sessionId"}
    return [*problems, *_inner(inner, "gemini-2.5-flash" if model.startswith("claude-") else model)]


def _check_claude(request: dict[str, Any], config: dict[str, Any], declared: list[Any]) -> list[str]:
    problems = []
    mode = ((request.get("toolConfig") or {}).get("functionCallingConfig") or {}).get("mode")
    if declared and mode not in ("VALIDATED", "NONE"):
        problems.append(f"functionCallingConfig.mode: {mode!r}")
    if any(not (entry.get("parameters") or {}).get("properties") for entry in declared):
        problems.append("tools: a function without parameters")
    thinking = config.get("thinkingConfig") or {}
    budget, limit = thinking.get("thinkingBudget"), config.get("maxOutputTokens")
    if isinstance(budget, int) and 0 <= budget < 1024:
        problems.append("thinkingBudget: at least 1024")
    if isinstance(budget, int) and isinstance(limit, int) and budget >= limit:
        problems.append("max_tokens must be greater than thinking.budget_tokens")
    for content in request.get("contents") or []:
        for part in content.get("parts") or []:
            if part.get("thought") and len(str(part.get("thoughtSignature") or "")) < 50:
                problems.append("Invalid `signature` in `thinking` block")
    if (request.get("contents") or [{}])[0].get("role") != "user":
        problems.append("contents: first content should be with role 'user'")
    return problems


def check_count(body: Any) -> list[str]:
    """The reasons for which a token count is refused."""
    request = body.get("request") if isinstance(body, dict) else None
    if not isinstance(request, dict) or body.keys() != {"request"} or request.keys() != {"model", "contents"}:
        return ["a count takes request.model and request.contents"]
    problems = Problems()
    for number, content in enumerate(request["contents"]):
        check_parts(problems, f"contents[{number}]", content)
    if not str(request["model"]).startswith("models/"):
        problems.append("model: must begin with models/")
    return list(problems)


def _inner(request: dict[str, Any], model: str) -> list[str]:
    bare = {name: value for name, value in request.items() if name not in ("labels", "session_id")}
    config = dict(bare.get("generationConfig") or {})
    for name in ("routingConfig", "modelSelectionConfig", "audioTimestamp"):
        config.pop(name, None)
    if "generationConfig" in bare:
        bare["generationConfig"] = config
    return check_request(bare, None, f"/v1beta/models/{model}:generateContent", call_ids=True)
