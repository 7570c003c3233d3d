"""``messages``, from the wire: turns of ordered parts, calls and results with ids that name one call each."""

from __future__ import annotations

from collections import deque
from typing import Any

from codenex.core import json
from codenex.core.identifiers import derived_call_id
from codenex.core.losses import Losses
from codenex.core.parts import Media, Part, Refusal, Signature, Text, ToolCall, ToolResult
from codenex.core.request import Turn
from codenex.protocols.openai_chat import fields
from codenex.protocols.openai_chat.content import decode_annotations, decode_content, decode_part
from codenex.protocols.openai_chat.reasoning import FIELDS, decode_reasoning
from codenex.protocols.openai_chat.types import TOOL_ERROR, VENDOR

_PLAIN = frozenset({"role", "content", "name"})
_ASSISTANT = _PLAIN | FIELDS | {"refusal", "tool_calls", "function_call", "annotations", "audio", "images"}
_RESULT = frozenset({"role", "content", "name", "tool_call_id"})
_CALL = frozenset({"id", "type", "index", "function", "custom", "extra_content"})
_CALL_BODY = frozenset({"name", "arguments", "input"})


class _CallIds:
    """Gives every call an id of its own: servers repeat ids in each turn or leave them empty."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._used: set[str] = set()
        self._waiting: dict[str, deque[str]] = {}
        self._latest: dict[str, str] = {}

    def begin_turn(self) -> None:
        """Forget calls without results: what follows answers the new turn."""
        self._waiting.clear()

    def call(self, original: str, *position: object) -> str:
        """Return the id for a call."""
        own = original
        if not original or original in self._used:
            own = derived_call_id(*position, original)
            if original:
                self._losses.adapt("messages[].tool_calls[].id", f"the call id {original} occurs twice: renamed")
        self._used.add(own)
        self._waiting.setdefault(original, deque()).append(own)
        return own

    def result(self, original: str) -> str:
        """Return the id of the call that a result answers: the oldest waiting one of that name."""
        waiting = self._waiting.get(original)
        if waiting:
            self._latest[original] = waiting.popleft()
        return self._latest.get(original, original)


class MessageDecoder:
    """Reads the list of messages."""

    def __init__(self) -> None:
        self.losses = Losses()
        self._ids = _CallIds(self.losses)
        self._turns: list[Turn] = []
        self._results: list[Part] = []
        self._names: dict[str, ToolCall] = {}

    def decode(self, value: Any) -> tuple[Turn, ...]:
        """Return the turns. Raises :class:`~codenex.core.errors.Fault` (400)."""
        messages = fields.sequence(value, "messages")
        if messages is None:
            raise fields.missing("messages")
        for number, item in enumerate(messages):
            if type(item) is dict and "role" in item and self._ordinary(item, number):
                continue
            path = f"messages[{number}]"
            message = fields.required_mapping(item, path)
            role = fields.required_text(message.get("role"), f"{path}.role")
            if role in ("tool", "function"):
                self._results.append(self._result(message, role, path))
                continue
            self._flush()
            match role:
                case "user":
                    self._turns.append(self._plain("user", message, path, None))
                case "system" | "developer":
                    self._turns.append(self._plain("system", message, path, role))
                case "assistant" | "model":
                    self._turns.append(self._assistant(message, path, number))
                case _:
                    raise fields.wrong(f"{path}.role", "one of system, developer, user, assistant, tool, function")
        self._flush()
        return tuple(self._turns)

    def _ordinary(self, message: dict[str, Any], number: int) -> bool:
        """Take a message of the form that nearly all have; return whether it is one. Of any other form the other
        methods make the same turn, or one that says more, or a fault."""
        role, content = message["role"], message.get("content")
        if role == "tool":
            call_id = message.get("tool_call_id")
            if len(message) != 3 or type(content) is not str or type(call_id) is not str:
                return False
            if content.startswith(TOOL_ERROR):
                return False
            own = self._ids.result(call_id)
            answer = (Text(content),)
            if own in self._names:
                called = self._names[own]
                self._results.append(ToolResult(own, answer, called.name, False, called.kind))
            else:
                self._results.append(ToolResult(own, answer))
            return True
        if role == "user" or role == "system" or role == "developer":
            if len(message) != 2:
                return False
            parts = (Text(content),) if type(content) is str else _texts_of(content)
            if parts is None:
                return False
            if self._results:
                self._flush()
            self._turns.append(Turn("user", parts) if role == "user" else Turn("system", parts, role))
            return True
        if role != "assistant":
            return False
        said: list[Part] = []
        if type(content) is str:
            if content:
                said.append(Text(content))
        elif content is not None:
            return False
        rest = len(message) - 1 - ("content" in message)
        calls: list[Any] = []
        if rest and "refusal" in message and message["refusal"] is None:
            rest -= 1
        if rest and "tool_calls" in message:
            calls, rest = message["tool_calls"], rest - 1
            if type(calls) is not list:
                return False
        if rest or not all(map(_is_ordinary_call, calls)):
            return False
        if self._results:
            self._flush()
        self._ids.begin_turn()
        for position, entry in enumerate(calls):
            name, original = entry["function"]["name"], entry["id"]
            call = ToolCall(self._ids.call(original, number, position, name), name, entry["function"]["arguments"])
            self._names[call.id] = call
            said.append(call)
        self._turns.append(Turn("assistant", tuple(said)))
        return True

    def _flush(self) -> None:
        if self._results:
            self._turns.append(Turn("user", tuple(self._results)))
            self._results = []

    def _plain(self, role: Any, message: dict[str, Any], path: str, origin: str | None) -> Turn:
        if message.get("content") is None:
            raise fields.missing(f"{path}.content")
        return Turn(
            role,
            tuple(decode_content(message["content"], f"{path}.content")),
            origin,
            fields.text(message.get("name"), f"{path}.name"),
            extras=fields.unknown(message, _PLAIN) or None,
        )

    def _result(self, message: dict[str, Any], role: str, path: str) -> ToolResult:
        if role == "function":
            original = ""
            name = fields.required_text(message.get("name"), f"{path}.name")
        else:
            given = fields.text(message.get("tool_call_id"), f"{path}.tool_call_id")
            if given is None:
                raise fields.missing(f"{path}.tool_call_id")
            original = given
            name_given = fields.text(message.get("name"), f"{path}.name")
            name = name_given if name_given is not None else ""
        call_id = self._ids.result(original)
        call = self._names.get(call_id)
        parts = decode_content(message.get("content"), f"{path}.content")
        is_error = bool(parts) and isinstance(parts[0], Text) and parts[0].text.startswith(TOOL_ERROR)
        if is_error and isinstance(parts[0], Text):
            parts[0] = Text(parts[0].text[len(TOOL_ERROR) :], cache=parts[0].cache, extras=parts[0].extras)
        return ToolResult(
            call_id,
            tuple(parts),
            name or (call.name if call is not None else None),
            is_error,
            call.kind if call is not None else "function",
            extras=fields.unknown(message, _RESULT) or None,
        )

    def _assistant(self, message: dict[str, Any], path: str, number: int) -> Turn:
        self._ids.begin_turn()
        entries = fields.sequence(message.get("tool_calls"), f"{path}.tool_calls") or []
        call_ids = {entry["id"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)}
        reasoning, signatures = decode_reasoning(message, path, call_ids)
        parts: list[Part] = [*reasoning]
        # Beside calls or reasoning, an empty string says as little as null.
        content = decode_content(message.get("content") or None, f"{path}.content")
        citations = decode_annotations(message.get("annotations"))
        if citations and content and isinstance(content[0], Text):
            first = content[0]
            content[0] = Text(first.text, citations, first.cache, extras=first.extras)
        parts.extend(content)
        refusal = fields.text(message.get("refusal"), f"{path}.refusal")
        if refusal:
            parts.append(Refusal(refusal))
        parts.extend(_outputs(message, path))
        for position, entry in enumerate(entries):
            parts.append(self._call(entry, f"{path}.tool_calls[{position}]", (number, position), signatures))
        legacy = fields.mapping(message.get("function_call"), f"{path}.function_call")
        if legacy is not None:
            parts.append(self._legacy_call(legacy, f"{path}.function_call", number))
        return Turn(
            "assistant",
            tuple(parts),
            name=fields.text(message.get("name"), f"{path}.name"),
            extras=fields.unknown(message, _ASSISTANT) or None,
        )

    def _call(self, value: Any, path: str, position: tuple[int, int], signatures: dict[str, Signature]) -> ToolCall:
        entry = fields.required_mapping(value, path)
        kind = fields.text(entry.get("type"), f"{path}.type")
        custom = kind == "custom" or (kind is None and "custom" in entry and "function" not in entry)
        body_name, argument_name = ("custom", "input") if custom else ("function", "arguments")
        body = fields.required_mapping(entry.get(body_name), f"{path}.{body_name}")
        name = fields.required_text(body.get("name"), f"{path}.{body_name}.name")
        original = fields.text(entry.get("id"), f"{path}.id")
        original = original if original is not None else ""
        extra = fields.mapping(entry.get("extra_content"), f"{path}.extra_content")
        signature, extra = _google_signature(extra)
        extras = {**fields.unknown(entry, _CALL), **fields.unknown(body, _CALL_BODY, f"{body_name}.")}
        if extra:
            extras["extra_content"] = extra
        call = ToolCall(
            self._ids.call(original, *position, name),
            name,
            _arguments(body.get(argument_name)),
            "custom" if custom else "function",
            signature=signature if signature is not None else signatures.get(original),
            extras=extras or None,
        )
        self._names[call.id] = call
        return call

    def _legacy_call(self, body: dict[str, Any], path: str, number: int) -> ToolCall:
        name = fields.required_text(body.get("name"), f"{path}.name")
        call = ToolCall(self._ids.call("", number, name), name, _arguments(body.get("arguments")))
        self._names[call.id] = call
        return call


def _texts_of(content: Any) -> tuple[Text, ...] | None:
    """Return the texts of a list of nothing but plain texts, ``None`` for anything else."""
    if type(content) is not list:
        return None
    texts: list[Text] = []
    for part in content:
        if type(part) is not dict or len(part) != 2 or "type" not in part or part["type"] != "text":
            return None
        if "text" not in part or type(part["text"]) is not str:
            return None
        texts.append(Text(part["text"]))
    return tuple(texts)


def _is_ordinary_call(entry: Any) -> bool:
    """Whether an entry of ``tool_calls`` has an id, a function and no more."""
    if type(entry) is not dict or len(entry) != 3 or "id" not in entry or "type" not in entry:
        return False
    body = entry.get("function")
    return (
        type(body) is dict
        and len(body) == 2
        and entry["type"] == "function"
        and type(entry["id"]) is str
        and type(body.get("name")) is str
        and type(body.get("arguments")) is str
    )


def _arguments(value: Any) -> str:
    """Return the raw arguments; an object that a client sent unencoded is encoded."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.encode_text(value)


def _google_signature(extra: dict[str, Any] | None) -> tuple[Signature | None, dict[str, Any] | None]:
    """Take Google's thought signature out of ``extra_content``; return it and what else is there."""
    if extra is None:
        return None, None
    google = extra.get("google")
    if not isinstance(google, dict) or not isinstance(google.get("thought_signature"), str):
        return None, extra
    payload = google["thought_signature"]
    others = {key: item for key, item in google.items() if key != "thought_signature"}
    rest = {key: item for key, item in extra.items() if key != "google"}
    if others:
        rest["google"] = others
    return (Signature(VENDOR, payload) if payload else None), rest or None


def _outputs(message: dict[str, Any], path: str) -> list[Part]:
    """Read generated images and sound in an assistant message; of sound only an id and a transcript come back."""
    parts: list[Part] = []
    for number, image in enumerate(fields.sequence(message.get("images"), f"{path}.images") or ()):
        entry = fields.required_mapping(image, f"{path}.images[{number}]")
        image_part = {key: item for key, item in entry.items() if key != "index"}
        parts.append(decode_part({"type": "image_url", **image_part}, f"{path}.images[{number}]"))
    audio = fields.mapping(message.get("audio"), f"{path}.audio")
    if audio is not None:
        known = frozenset({"id", "data", "transcript"})
        parts.append(
            Media(
                "audio",
                data=fields.text(audio.get("data"), f"{path}.audio.data"),
                file_id=fields.text(audio.get("id"), f"{path}.audio.id"),
                text=fields.text(audio.get("transcript"), f"{path}.audio.transcript"),
                extras=fields.unknown(audio, known, "audio.") or None,
            )
        )
    return parts
