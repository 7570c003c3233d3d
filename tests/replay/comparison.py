"""Whether an answer says the same in another protocol: the rules by which two readings are compared.

The tables are written from the vendors' documents. What a protocol can't say is not asked of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from tests.replay.reading import Cut, Reading
from tests.support.vendors.dialects import ProtocolName

ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,40}")
"""Ids that every protocol takes."""

MALFORMED: Final = "malformed"
"""A call that the model wrote so badly that its vendor gave up: an error to everybody else's clients."""

FINISH: Final[Mapping[str, str]] = {
    "stop": "stop",
    "eos": "stop",
    "completed": "stop",
    "end_turn": "stop",
    "STOP": "stop",
    "stop_sequence": "stop sequence",
    "length": "length",
    "model_length": "length",
    "max_output_tokens": "length",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "MAX_TOKENS": "length",
    "tool_calls": "tools",
    "function_call": "tools",
    "tool_use": "tools",
    "content_filter": "filter",
    "SAFETY": "filter",
    "RECITATION": "filter",
    "BLOCKLIST": "filter",
    "PROHIBITED_CONTENT": "filter",
    "SPII": "filter",
    "LANGUAGE": "filter",
    "IMAGE_SAFETY": "filter",
    "IMAGE_PROHIBITED_CONTENT": "filter",
    "IMAGE_RECITATION": "filter",
    "MODEL_ARMOR": "filter",
    "ESCALATION": "filter",
    "refusal": "refusal",
    "pause_turn": "pause",
    "compaction": "compaction",
    "CONTINUATION": "pause",
    "MALFORMED_FUNCTION_CALL": MALFORMED,
    "UNEXPECTED_TOOL_CALL": MALFORMED,
    "TOO_MANY_TOOL_CALLS": MALFORMED,
    "MALFORMED_RESPONSE": MALFORMED,
    "MISSING_THOUGHT_SIGNATURE": MALFORMED,
}
"""Every vendor's word for the end of an answer → what it means. Words not listed are unknown ones."""

WORDS: Final[Mapping[str, Mapping[ProtocolName, frozenset[str]]]] = {
    meaning: {
        "openai_chat": frozenset(chat.split()),
        "openai_responses": frozenset(responses.split()),
        "anthropic": frozenset(anthropic.split()),
        "gemini": frozenset(gemini.split()),
    }
    for meaning, chat, responses, anthropic, gemini in (
        ("stop", "stop", "completed", "end_turn", "STOP"),
        ("stop sequence", "stop", "completed", "stop_sequence", "STOP"),
        ("length", "length", "max_output_tokens", "max_tokens model_context_window_exceeded", "MAX_TOKENS"),
        ("tools", "tool_calls", "completed", "tool_use", "STOP"),
        ("filter", "content_filter", "content_filter", "refusal", "SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT"),
        ("refusal", "content_filter stop", "completed content_filter", "refusal", "SAFETY STOP"),
        ("pause", "length", "max_output_tokens", "pause_turn", "MAX_TOKENS"),
        ("compaction", "length stop", "completed max_output_tokens", "compaction", "MAX_TOKENS STOP"),
        ("unknown", "stop", "completed", "end_turn", "STOP OTHER"),
    )
}
"""Meaning → the words by which a client of each protocol may be told."""


def differences(wanted: Reading, source: ProtocolName, got: Reading, client: ProtocolName) -> list[str]:
    """What ``got``, as a client read it, says otherwise than ``wanted``, as the vendor said it."""
    found = [*_texts(wanted, got, client), *_calls(wanted, got, client), *_tokens(wanted, got)]
    found += _ids(wanted, got, client)
    if _squeezed(wanted.reasoning) != _squeezed(got.reasoning):
        found.append(f"reasoning: {_near(got.reasoning, wanted.reasoning)}")
    words = WORDS[meaning_of(wanted, source)][client]
    own_word = client == source and got.finish == wanted.finish
    if got.finish not in words and not own_word:
        found.append(f"finish: {got.finish!r} for {wanted.finish!r}, expected one of {sorted(words)}")
    if client != "anthropic" and got.images != wanted.images:
        found.append(f"images: {got.images}, expected {wanted.images}")
    return found


def meaning_of(reading: Reading, source: ProtocolName) -> str:
    """What the end of an answer means: calls make a stop a call for tools, refusals a stop a refusal."""
    meaning = FINISH.get(str(reading.finish), "unknown")
    if reading.calls and meaning in ("stop", "unknown"):
        return "tools"
    if meaning == "tools" and not reading.calls:
        return "stop"
    return "refusal" if reading.refusal and meaning in ("stop", "filter") else meaning


def _texts(wanted: Reading, got: Reading, client: ProtocolName) -> list[str]:
    said = (got.text, got.refusal)
    if said == (wanted.text, wanted.refusal):
        return []
    if client == "openai_chat" and got.refusal == wanted.refusal and _in_paragraphs(got.text, wanted.pieces):
        return []
    # What was spoken can only be read where there is no sound.
    if wanted.transcript and client != "openai_chat" and got.text == wanted.text + wanted.transcript:
        return []
    # Two protocols have no field for a refusal of the model's own: it is text there.
    if client in ("anthropic", "gemini") and got.text == wanted.text + wanted.refusal:
        return []
    if got.text != wanted.text:
        return [f"text: {_near(got.text, wanted.text)}"]
    return [f"refusal: {got.refusal!r}, expected {wanted.refusal!r}"]


def _in_paragraphs(text: str, pieces: list[str]) -> bool:
    """Whether a text is these pieces, some of them as paragraphs of their own: Chat has one text for all of them."""
    at = 0
    for piece in pieces:
        if not text.startswith(piece, at) and text.startswith("\n\n" + piece, at):
            at += 2
        if not text.startswith(piece, at):
            return False
        at += len(piece)
    return at == len(text)


def _calls(wanted: Reading, got: Reading, client: ProtocolName) -> list[str]:
    calls, found = wanted.calls, got.calls
    if client in ("anthropic", "gemini"):
        # Arguments that stop in their middle are no object: such a call is left out, or has none.
        cut = [name for name, arguments in calls if isinstance(arguments, Cut)]
        calls = [(name, _as_object(arguments)) for name, arguments in calls if not isinstance(arguments, Cut)]
        found = [(name, arguments) for name, arguments in found if not (name in cut and arguments == {})]
    return [] if found == calls else [f"calls: {_near(repr(found), repr(calls))}"]


def _ids(wanted: Reading, got: Reading, client: ProtocolName) -> list[str]:
    """Ids that a result can refer to: one each, the vendor's own where the client can send it back."""
    if client == "gemini":
        return []
    missing = [id_ for id_ in got.ids if not id_]
    if missing or len(set(got.ids)) < len(got.ids):
        return [f"ids of calls: {got.ids}"]
    pairs = zip(wanted.ids, got.ids, strict=False)
    distinct = len(set(wanted.ids)) == len(wanted.ids)
    kept = [theirs == own or not theirs or ID.fullmatch(theirs) is None for theirs, own in pairs]
    return [f"ids of calls: {got.ids}, expected {wanted.ids}"] if distinct and not all(kept) else []


def _as_object(arguments: Any) -> Any:
    """Free text, or any other value, travels as a member of an object where arguments have to be one."""
    if isinstance(arguments, dict):
        return arguments
    return {"input" if isinstance(arguments, str) else "value": arguments}


def _tokens(wanted: Reading, got: Reading) -> list[str]:
    found = []
    for name in ("input", "cached", "output", "reasoning"):
        told, expected = getattr(got.tokens, name), getattr(wanted.tokens, name)
        # What the vendor didn't count can't be told; a protocol that has no place for a count says nothing.
        if expected is not None and (told or 0) != expected and (told is not None or expected):
            found.append(f"{name} tokens: {told}, expected {expected}")
    return found


def _squeezed(text: str) -> str:
    """Without white space: protocols differ in how they join paragraphs of thinking."""
    return "".join(text.split())


def _near(text: str, other: str) -> str:
    at = next(
        (at for at, pair in enumerate(zip(text, other, strict=False)) if pair[0] != pair[1]), min(len(text), len(other))
    )
    start = max(0, at - 20)
    return f"…{text[start : at + 60]!r}, expected …{other[start : at + 60]!r} (at {at})"
