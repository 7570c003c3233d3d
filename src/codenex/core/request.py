"""The request: what a client asks of a model, in no protocol's form."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from codenex.core.losses import Loss
from codenex.core.parts import CacheHint, Extras, Part


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn. Tool results are parts of user turns; system turns keep their position in the list.

    ``origin`` of a system turn is ``instructions``, ``system`` or ``developer``. ``phase`` is OpenAI's commentary
    or final_answer.
    """

    role: Literal["user", "assistant", "system"]
    parts: tuple[Part, ...]
    origin: str | None = None
    name: str | None = None
    phase: str | None = None
    extras: Extras | None = None


class Plain(tuple[Turn, ...]):
    """Turns that are known to hold one text each and nothing beside it, in their normal form
    (:func:`~codenex.core.turns.is_settled`): none empty, at most one of the system first, then users and assistants in
    turn. No part has a signature, a breakpoint or an address, no turn a name."""

    __slots__ = ()


class FunctionTool(msgspec.Struct, frozen=True, omit_defaults=True):
    """A function the client runs. ``schema`` is JSON Schema, untouched; ``None`` means that none was given."""

    name: str
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    namespace: str | None = None
    cache: CacheHint | None = None
    extras: Extras | None = None


class CustomTool(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool with free-text input, optionally under a grammar (``{"type": …, "syntax": …, "definition": …}``)."""

    name: str
    description: str | None = None
    grammar: dict[str, Any] | None = None
    namespace: str | None = None
    extras: Extras | None = None


class HostedTool(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool that the vendor runs. ``capability`` is the shared meaning (``web_search``, ``code_execution``, …),
    if any."""

    protocol: str
    type: str
    raw: dict[str, Any]
    capability: str | None = None
    name: str | None = None


Tool = FunctionTool | CustomTool | HostedTool


class ToolChoice(msgspec.Struct, frozen=True, omit_defaults=True):
    """``one`` forces the single tool in ``names``; ``allowed`` restricts to ``names`` (``required``: one of them
    must be called)."""

    mode: Literal["auto", "none", "required", "one", "allowed"]
    names: tuple[str, ...] = ()
    required: bool = False
    #: the choice in its own form where it names something other than a function (a hosted tool)
    raw: Any = None


class Sampling(msgspec.Struct, frozen=True, omit_defaults=True):
    """How tokens are drawn. Everything absent is ``None``; 0 is a value."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] | None = None
    choices: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None


#: Nothing said about it.
NO_SAMPLING = Sampling()


class ReasoningOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """How much the model shall think and whether that is shown.

    ``effort`` is one of none, minimal, low, medium, high, xhigh, max, auto; ``budget`` is in tokens (-1 dynamic, 0
    off);
    ``visible`` asks for readable reasoning; ``summary`` is OpenAI's word for its form; ``adaptive`` is Anthropic's
    adaptive mode.
    """

    effort: str | None = None
    budget: int | None = None
    visible: bool | None = None
    summary: str | None = None
    adaptive: bool = False
    raw: dict[str, Any] | None = None


class OutputFormat(msgspec.Struct, frozen=True, omit_defaults=True):
    """The form of the answer's text."""

    kind: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = None
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """Server-side conversation state asked for."""

    store: bool | None = None
    previous_response_id: str | None = None
    conversation: Any = None


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decoded request. ``protocol`` names the spoke it came from, whose terms ``extras`` and every part's extras
    use."""

    protocol: str
    model: str
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    sampling: Sampling = Sampling()
    max_output_tokens: int | None = None
    reasoning: ReasoningOptions | None = None
    output: OutputFormat | None = None
    verbosity: str | None = None
    stream: bool = False
    include_usage: bool = False
    end_user: str | None = None
    metadata: dict[str, Any] | None = None
    service_tier: str | None = None
    cache_key: str | None = None
    #: ask for automatic caching of the whole prompt (Anthropic's top-level cache_control)
    cache: CacheHint | None = None
    state: State | None = None
    extras: Extras | None = None
    #: the client used Chat's legacy functions / function_call
    legacy_functions: bool = False
    #: what decoding itself had to give up
    losses: tuple[Loss, ...] = ()


def leading_system(turns: tuple[Turn, ...]) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """Split turns into the run of system turns at the beginning and the rest."""
    count = 0
    while count < len(turns) and turns[count].role == "system":
        count += 1
    return turns[:count], turns[count:]
