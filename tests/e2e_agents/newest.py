"""What the newest models refuse besides the rules of their protocol: parameters that earlier ones took.

From the vendors' documentation of November 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.support.vendors.checks import Problems
from tests.support.vendors.dialects import ProtocolName
from tests.support.vendors.framing import Json

#: The models that the vendors of these tests serve.
MODELS: Final[Mapping[ProtocolName, str]] = {
    "openai_chat": "gpt-5.5",
    "openai_responses": "gpt-5.5",
    "anthropic": "claude-opus-4-8",
    "gemini": "gemini-3.1-pro-preview",
}
_OPENAI: Final = ("temperature", "top_p", "logprobs", "top_logprobs", "presence_penalty", "frequency_penalty", "stop")


def complaints(protocol: ProtocolName, body: Json) -> list[str]:
    """What the newest model of that vendor refuses in a request."""
    problems = Problems()
    _CHECKS[protocol](problems, body)
    return list(problems)


def _refuse(problems: Problems, body: Json, names: tuple[str, ...]) -> None:
    for name in names:
        problems.require(body.get(name) is None, f"{name}: unsupported parameter for this model ({body.get(name)!r})")


def _chat(problems: Problems, body: Json) -> None:
    _refuse(problems, body, (*_OPENAI, "max_tokens"))
    both = body.get("tools") and body.get("reasoning_effort") not in (None, "none")
    problems.require(not both, "reasoning_effort: function tools with reasoning_effort are not supported")


def _responses(problems: Problems, body: Json) -> None:
    if (body.get("reasoning") or {}).get("effort") != "none":
        _refuse(problems, body, _OPENAI)


def _anthropic(problems: Problems, body: Json) -> None:
    _refuse(problems, body, ("top_p", "top_k"))
    problems.require(body.get("temperature") in (None, 1), f"temperature: {body.get('temperature')!r} is not supported")
    kind = (body.get("thinking") or {}).get("type")
    problems.require(kind != "enabled", "thinking.type: 'enabled' is not supported for this model, use 'adaptive'")


def _gemini(problems: Problems, body: Json) -> None:
    thinking: Any = (body.get("generationConfig") or {}).get("thinkingConfig") or {}
    problems.require("thinkingBudget" not in thinking, "thinkingConfig.thinkingBudget: use thinkingLevel")
    level = str(thinking.get("thinkingLevel", "low")).lower()
    problems.one_of("thinkingConfig.thinkingLevel", level, ("low", "medium", "high"))


_CHECKS: Final[Mapping[ProtocolName, Callable[[Problems, Json], None]]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
}
