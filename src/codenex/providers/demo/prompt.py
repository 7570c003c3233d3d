"""Reads from a request what the simulation answers: the last user text, tool results, media, wishes about reasoning."""

from __future__ import annotations

from itertools import chain

import msgspec

from codenex.core.parts import Media, Part, Text, ToolCall, ToolResult
from codenex.core.request import ReasoningOptions, Request, Turn

#: Context that agents put into a user turn for the model; it is nothing the user said.
_AGENT_CONTEXT = ("<system-reminder>", "<environment_context>", "<user_instructions>")


class Prompt(msgspec.Struct, frozen=True):
    """What came since the model last spoke; ``text`` is what the user said, after the last tool result if any."""

    text: str
    results: tuple[ToolResult, ...] = ()
    media: tuple[Media, ...] = ()


def prompt_of(request: Request) -> Prompt:
    """Return the end of the conversation; where it ends with the model's own words, the user turns before them."""
    turns = [turn for turn in request.turns if turn.role != "system"]
    end = len(turns)
    while end > 0 and turns[end - 1].role == "assistant":
        end -= 1
    begin = end
    while begin > 0 and turns[begin - 1].role == "user":
        begin -= 1
    turns = turns[begin:end]
    parts = list(chain.from_iterable(turn.parts for turn in turns))
    last_result = max((position for position, part in enumerate(parts) if isinstance(part, ToolResult)), default=-1)
    results = tuple(part for part in parts if isinstance(part, ToolResult))
    spoken = _text_of(parts[last_result + 1 :]) if results else _last_text(turns)
    return Prompt(spoken, results, tuple(part for part in parts if isinstance(part, Media)))


def call_names(request: Request) -> dict[str, str]:
    """Return the names of all calls in the conversation by their ids."""
    return {
        part.id: part.name
        for turn in request.turns
        if turn.role == "assistant"
        for part in turn.parts
        if isinstance(part, ToolCall)
    }


def wants_reasoning(options: ReasoningOptions | None) -> bool:
    """Whether the client asked the model to think."""
    if options is None or options.effort in ("none", "off") or options.budget == 0:
        return False
    return (
        options.effort is not None
        or options.budget is not None
        or options.visible is True
        or options.adaptive
        or options.summary is not None
    )


def _last_text(turns: list[Turn]) -> str:
    for turn in reversed(turns):
        text = _text_of(turn.parts)
        if text:
            return text
    return ""


def _text_of(parts: tuple[Part, ...] | list[Part]) -> str:
    texts = [part.text for part in parts if isinstance(part, Text)]
    spoken = [text for text in texts if not text.lstrip()[:40].startswith(_AGENT_CONTEXT)]
    return "\n".join(spoken).strip()
