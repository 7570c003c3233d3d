"""What an answer says, read from its own protocol's JSON without the gateway: the measure of every comparison.

The same functions read what a vendor recorded and what the gateway wrote. Vendors' own additions to Chat (reasoning in
several fields, content in parts) are known here, because real recordings hold them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

Json = Mapping[str, Any]


@dataclass
class Tokens:
    """Counts that the answer tells; None where it doesn't."""

    input: int | None = None
    cached: int | None = None
    output: int | None = None
    reasoning: int | None = None


@dataclass
class Reading:
    """One answer, its first alternative. Texts are joined without separators, arguments are parsed."""

    text: str = ""
    pieces: list[str] = field(default_factory=list)
    """The texts of which ``text`` consists, where the protocol keeps them apart."""
    refusal: str = ""
    reasoning: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    ids: list[str | None] = field(default_factory=list)
    """Of each call, what its result will refer to."""
    finish: str | None = None
    tokens: Tokens = field(default_factory=Tokens)
    images: int = 0
    transcript: str = ""
    """What a spoken answer says."""
    alternatives: int = 1
    """How many alternatives the answer has."""

    def say(self, text: str) -> None:
        """Add a piece of text."""
        self.text += text
        self.pieces.append(text)


class Cut(str):
    """Arguments that stop in their middle."""


def parsed(arguments: Any) -> Any:
    """Arguments as a value; no arguments at all are ``{}``."""
    if not isinstance(arguments, str):
        return {} if arguments is None else arguments
    try:
        return json.loads(arguments) if arguments.strip() else {}
    except ValueError:
        return Cut(arguments)


def _total(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _text_of(content: Any) -> tuple[str, str]:
    """Text and thinking of Chat's ``content``: a string, or parts (Mistral puts its thinking there)."""
    if not isinstance(content, list):
        return content or "", ""
    text = thinking = ""
    for part in content:
        if part.get("type") == "thinking":
            inner = part.get("thinking")
            thinking += inner if isinstance(inner, str) else _text_of(inner)[0]
        else:
            text += part.get("text") or ""
    return text, thinking


def chat(answer: Json) -> Reading:
    choices = answer.get("choices") or []
    reading = Reading(alternatives=len(choices))
    if choices:
        choice = choices[0]
        message = choice.get("message") or {}
        reading.text, thinking = _text_of(message.get("content"))
        reading.refusal = message.get("refusal") or ""
        reading.reasoning = thinking or _chat_reasoning(message)
        reading.images = len(message.get("images") or [])
        reading.transcript = (message.get("audio") or {}).get("transcript") or ""
        for call in message.get("tool_calls") or []:
            inner = call.get("function") or call.get("custom") or {}
            arguments = inner["input"] if "input" in inner else parsed(inner.get("arguments"))
            reading.calls.append((inner.get("name", ""), arguments))
            reading.ids.append(call.get("id"))
        if message.get("function_call"):
            legacy = message["function_call"]
            reading.calls.append((legacy.get("name", ""), parsed(legacy.get("arguments"))))
            reading.ids.append(None)
        reading.finish = choice.get("finish_reason")
    reading.tokens = _chat_tokens(answer.get("usage") or {})
    return reading


def _chat_tokens(usage: Json) -> Tokens:
    prompt, output = usage.get("prompt_tokens"), usage.get("completion_tokens")
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    thought = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
    if thought and None not in (prompt, output) and usage.get("total_tokens") == prompt + output + thought:
        # One vendor counts thinking beside the output, not in it.
        output += thought
    if None not in (cached, prompt):
        cached = min(cached, prompt)  # one vendor has told of more
    return Tokens(prompt, cached, output, thought)


def _chat_reasoning(message: Json) -> str:
    for name in ("reasoning_content", "reasoning"):
        if isinstance(message.get(name), str) and message[name]:
            return str(message[name])
    details = message.get("reasoning_details") or []
    return "".join(part.get("text") or part.get("summary") or "" for part in details)


_CLIENT_TOOLS: Final[Mapping[str, tuple[str, str]]] = {
    "local_shell_call": ("local_shell", "action"),
    "shell_call": ("shell", "action"),
    "apply_patch_call": ("apply_patch", "operation"),
    "tool_search_call": ("tool_search", "arguments"),
}
"""Items that are calls of tools with a form of their own, which the client runs → name, and where the arguments are."""


def _is_the_clients(item: Json) -> bool:
    environment = (item.get("environment") or {}).get("type", "local")
    return item.get("execution", "client") == "client" and environment == "local"


def _full_name(item: Json) -> str:
    """The name of a called function, with its namespace before it as protocols without namespaces have to say it."""
    return f"{item['namespace']}__{item.get('name')}" if item.get("namespace") else str(item.get("name", ""))


def responses(answer: Json) -> Reading:
    reading = Reading()
    for item in answer.get("output") or []:
        before = len(reading.calls)
        match item.get("type"):
            case "message":
                for part in item.get("content") or []:
                    reading.say((part.get("text") or "") if part.get("type") == "output_text" else "")
                    reading.refusal += (part.get("refusal") or "") if part.get("type") == "refusal" else ""
            case "reasoning":
                reading.reasoning += "".join(
                    part.get("text") or "" for part in [*(item.get("summary") or []), *(item.get("content") or [])]
                )
            case "function_call":
                reading.calls.append((_full_name(item), parsed(item.get("arguments"))))
            case kind if kind in _CLIENT_TOOLS and _is_the_clients(item):
                name, arguments = _CLIENT_TOOLS[kind]
                reading.calls.append((name, item.get(arguments)))
            case "custom_tool_call":
                reading.calls.append((item.get("name", ""), item.get("input")))
            case "image_generation_call":
                reading.images += 1 if item.get("result") else 0
        reading.ids += [item.get("call_id")] * (len(reading.calls) - before)
    details = answer.get("incomplete_details") or {}
    reading.finish = details.get("reason") or answer.get("status")
    usage = answer.get("usage") or {}
    reading.tokens = Tokens(
        usage.get("input_tokens"),
        (usage.get("input_tokens_details") or {}).get("cached_tokens"),
        usage.get("output_tokens"),
        (usage.get("output_tokens_details") or {}).get("reasoning_tokens"),
    )
    return reading


def messages(answer: Json) -> Reading:
    reading = Reading()
    for block in answer.get("content") or []:
        match block.get("type"):
            case "text":
                reading.say(block.get("text") or "")
            case "thinking":
                reading.reasoning += block.get("thinking") or ""
            case "tool_use":
                reading.calls.append((block.get("name", ""), block.get("input")))
                reading.ids.append(block.get("id"))
    reading.finish = answer.get("stop_reason")
    if reading.finish == "refusal":
        reading.refusal = (answer.get("stop_details") or {}).get("explanation") or ""
    usage = answer.get("usage") or {}
    cached, written = usage.get("cache_read_input_tokens"), usage.get("cache_creation_input_tokens")
    reading.tokens = Tokens(
        _total(usage.get("input_tokens"), cached, written),
        cached,
        usage.get("output_tokens"),
        (usage.get("output_tokens_details") or {}).get("thinking_tokens"),
    )
    return reading


def _assembled(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Parts in which calls whose arguments came piece by piece (Vertex) are whole."""
    out: list[dict[str, Any]] = []
    for part in parts:
        call = part.get("functionCall") or {}
        going_on = bool(out) and "functionCall" in part and not call.get("name")
        if going_on or call.get("willContinue"):
            if not going_on:
                out.append({**part, "functionCall": {"id": call.get("id"), "name": call["name"], "args": {}}})
            for piece in call.get("partialArgs") or []:
                _put(out[-1]["functionCall"]["args"], piece)
        else:
            out.append(part)
    return out


def _put(arguments: dict[str, Any], piece: Json) -> None:
    """Set or lengthen the value at a JSON path such as ``$.list[0].name``."""
    steps = [step or int(number) for step, number in re.findall(r"\.(\w+)|\[(\d+)\]", piece["jsonPath"])]
    value = next((piece[name] for name in ("stringValue", "numberValue", "boolValue") if name in piece), None)
    at: Any = arguments
    for step, after in pairwise([*steps, None]):
        if isinstance(at, list) and len(at) == step:
            at.append([] if isinstance(after, int) else {} if after is not None else None)
        if after is None:
            before = at[step] if isinstance(at, list) else at.get(step)
            at[step] = before + value if isinstance(before, str) and isinstance(value, str) else value
        elif isinstance(at, dict):
            at = at.setdefault(step, [] if isinstance(after, int) else {})
        else:
            at = at[step]


def contents(answers: list[dict[str, Any]]) -> Reading:
    reading = Reading(alternatives=0)
    parts: list[dict[str, Any]] = []
    for answer in answers:
        candidates = answer.get("candidates") or []
        reading.alternatives = max(reading.alternatives, len(candidates))
        for candidate in [one for one in candidates if one.get("index", 0) == 0][:1]:
            parts += (candidate.get("content") or {}).get("parts") or []
            reading.finish = candidate.get("finishReason") or reading.finish
        blocked = (answer.get("promptFeedback") or {}).get("blockReason")
        reading.finish = reading.finish or blocked
        usage = answer.get("usageMetadata")
        if usage:
            reading.tokens = Tokens(
                _total(usage.get("promptTokenCount"), usage.get("toolUsePromptTokenCount")),
                usage.get("cachedContentTokenCount"),
                _total(usage.get("candidatesTokenCount"), usage.get("thoughtsTokenCount")),
                usage.get("thoughtsTokenCount"),
            )
    for part in _assembled(parts):
        _add_part(reading, part)
    return reading


def _add_part(reading: Reading, part: Json) -> None:
    if part.get("functionCall") is not None:
        call = part["functionCall"]
        reading.calls.append((call.get("name", ""), call.get("args") or {}))
        reading.ids.append(call.get("id"))
    elif part.get("inlineData") is not None:
        reading.images += str(part["inlineData"].get("mimeType")).startswith("image/")
    elif part.get("thought"):
        reading.reasoning += part.get("text") or ""
    else:
        reading.say(part.get("text") or "")


READ: Final[Mapping[str, Callable[[Any], Reading]]] = {
    "openai_chat": chat,
    "openai_responses": responses,
    "anthropic": messages,
    "gemini": contents,
}
"""Answer in its protocol's JSON → reading; Gemini's is the list of its chunks."""
