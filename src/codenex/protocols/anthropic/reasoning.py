"""Thinking, both ways: modes, budgets and effort, fitted to what the model takes."""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core.errors import invalid_request
from codenex.core.losses import Losses
from codenex.core.request import ReasoningOptions
from codenex.models.capabilities import Capabilities
from codenex.protocols.anthropic.types import NAME, an_object, optional_integer, optional_text

#: Effort → thinking budget in tokens, and the upper bounds by which a budget is read as an effort.
BUDGETS: dict[str, int] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 24576,
    "xhigh": 32768,
    "max": 1_000_000,
}
_READ_AS: tuple[tuple[int, str], ...] = ((512, "minimal"), (1024, "low"), (8192, "medium"), (24576, "high"))

#: Efforts in rising order, to find the nearest one that a model has.
EFFORTS = ("minimal", "low", "medium", "high", "xhigh", "max")

LEAST_BUDGET = 1024


def effort_of(budget: int) -> str:
    """Return the effort that a budget stands for."""
    if budget < 0:
        return "auto"
    if budget == 0:
        return "none"
    return next((effort for bound, effort in _READ_AS if budget <= bound), "xhigh")


def reasoning_from(thinking: Any, effort: str | None) -> ReasoningOptions | None:
    """Decode ``thinking`` and ``output_config.effort``. Raises a fault (400)."""
    if thinking is None:
        return ReasoningOptions(effort=effort, raw={"effort": effort}) if effort is not None else None
    given = an_object(thinking, "thinking")
    display = optional_text(given, "display", "thinking")
    visible = {"summarized": True, "omitted": False}.get(display) if display is not None else None
    raw = {"thinking": given, "effort": effort}
    match given.get("type"):
        case "enabled":
            budget = optional_integer(given, "budget_tokens", "thinking")
            if budget is None:
                raise invalid_request("thinking.budget_tokens: Field required", param="thinking.budget_tokens")
            return ReasoningOptions(effort, budget, True if visible is None else visible, raw=raw)
        case "adaptive":
            return ReasoningOptions(effort, visible=visible, adaptive=True, raw=raw)
        case "disabled" | "between_tools":
            return ReasoningOptions("none", raw=raw)
        case str():
            return ReasoningOptions(effort, visible=visible, raw=raw)
        case _:
            raise invalid_request("thinking.type: a string is required", param="thinking.type")


class Thinking(msgspec.Struct, frozen=True):
    """The fields of a request that ask for thinking, and the answer's length that goes with them."""

    thinking: dict[str, Any] | None = None
    effort: str | None = None
    max_tokens: int = 0

    @property
    def manual(self) -> bool:
        """Whether thinking has a budget, with all that this forbids."""
        return self.thinking is not None and self.thinking.get("type") == "enabled"

    @property
    def active(self) -> bool:
        """Whether thinking is asked for at all."""
        return self.thinking is not None and self.thinking.get("type") in ("enabled", "adaptive")


def thinking_for(
    options: ReasoningOptions | None, protocol: str, max_tokens: int, capabilities: Capabilities, losses: Losses
) -> Thinking:
    """Encode what the client asked for, as far as the model takes it."""
    if options is None:
        return Thinking(max_tokens=max_tokens)
    if protocol == NAME and options.raw is not None:
        kept = _kept(options, capabilities)
        if kept is not None:
            return _within(msgspec.structs.replace(kept, max_tokens=max_tokens), losses)
    budget, effort = options.budget, options.effort
    if effort is None and budget is not None:
        effort = effort_of(budget)
    if effort == "none":
        return _off(max_tokens, capabilities, losses)
    display = {"display": "summarized"} if options.visible is True or options.summary is not None else {}
    if options.visible is False:
        display = {"display": "omitted"}
    if "adaptive" in capabilities.thinking:
        asked = None if effort in (None, "auto") else _nearest(str(effort), capabilities, losses)
        return Thinking({"type": "adaptive", **display}, asked, max_tokens)
    if "budget" in capabilities.thinking:
        if budget is None or budget < 0:
            if effort in (None, "auto"):
                effort = "medium" if options.visible is True or options.adaptive else None
            budget = BUDGETS.get(effort) if effort is not None else None
        if budget is None:
            return Thinking(max_tokens=max_tokens)
        low, high = capabilities.budget_range
        return _within(Thinking(_enabled(min(max(budget, low), high), display), None, max_tokens), losses)
    if effort is not None or budget is not None:
        losses.drop("reasoning", "the target model is not known to think")
    return Thinking(max_tokens=max_tokens)


def _enabled(budget: int, display: dict[str, str]) -> dict[str, Any]:
    return {"type": "enabled", "budget_tokens": budget, **(display if display.get("display") == "omitted" else {})}


def _kept(options: ReasoningOptions, capabilities: Capabilities) -> Thinking | None:
    """The client's own fields, where the model takes them or nothing is known about it."""
    raw = options.raw if options.raw is not None else {}
    thinking, effort = raw.get("thinking"), raw.get("effort")
    modes = capabilities.thinking
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    legal = (
        not modes
        or kind is None
        or (kind == "enabled" and "budget" in modes)
        or (kind == "adaptive" and "adaptive" in modes)
        or (kind == "disabled" and capabilities.thinking_can_be_off and capabilities.thinking_off_mode == "disabled")
        or kind == capabilities.thinking_off_mode
    )
    if not legal or (effort is not None and modes and "adaptive" not in modes and effort not in capabilities.efforts):
        return None
    return Thinking(thinking, effort)


def _off(max_tokens: int, capabilities: Capabilities, losses: Losses) -> Thinking:
    if not capabilities.thinking or "adaptive" not in capabilities.thinking:
        return Thinking(max_tokens=max_tokens)
    if capabilities.thinking_can_be_off:
        return Thinking({"type": capabilities.thinking_off_mode}, None, max_tokens)
    losses.approximate("reasoning", "the target model always thinks: the lowest effort is asked for")
    return Thinking(None, capabilities.efforts[0] if capabilities.efforts else None, max_tokens)


def _nearest(effort: str, capabilities: Capabilities, losses: Losses) -> str | None:
    """The nearest effort that the model has: the next lower one, else the lowest."""
    if effort in capabilities.efforts:
        return effort
    if effort not in EFFORTS or not capabilities.efforts:
        losses.drop("reasoning_effort", f"the target does not know the effort {effort!r}")
        return None
    below = [known for known in EFFORTS[: EFFORTS.index(effort)] if known in capabilities.efforts]
    chosen = below[-1] if below else capabilities.efforts[0]
    losses.approximate("reasoning_effort", f"the target has no effort {effort!r}: {chosen!r} is used")
    return chosen


def _within(asked: Thinking, losses: Losses) -> Thinking:
    """Keep the budget below the answer's length, with room for the answer itself; too small a budget means none."""
    if not asked.manual or asked.thinking is None or asked.max_tokens <= 0:
        return asked
    budget = asked.thinking.get("budget_tokens")
    if not isinstance(budget, int) or LEAST_BUDGET <= budget < asked.max_tokens:
        return asked
    fitted = min(budget, asked.max_tokens - max(LEAST_BUDGET, asked.max_tokens // 4))
    if fitted < LEAST_BUDGET:
        losses.drop("reasoning", "the answer's length leaves no room for thinking")
        return msgspec.structs.replace(asked, thinking=None)
    losses.approximate("reasoning", f"the thinking budget was lowered to {fitted} tokens to fit the answer's length")
    return msgspec.structs.replace(asked, thinking={**asked.thinking, "budget_tokens": fitted})
