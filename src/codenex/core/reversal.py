"""Undoes in the answer what encoding the request did to names and forms of tools: renamed, flattened, wrapped."""

from __future__ import annotations

import re

import msgspec

from codenex.core import events as e
from codenex.core import json
from codenex.core.names import flattened
from codenex.core.parts import ToolCall

#: The property that holds the free text of a custom tool where the target only knows JSON arguments.
CUSTOM_INPUT = "input"

_INPUT_OPENING = re.compile(r'\s*\{\s*"input"\s*:\s*"')
_LONGEST_OPENING = 1000
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "/": "/"}


class ToolOrigin(msgspec.Struct, frozen=True, omit_defaults=True):
    """The client's own name for a tool; ``custom`` says that its free text was wrapped as ``{"input": …}``."""

    name: str
    namespace: str | None = None
    custom: bool = False


#: By the client's name of a tool (its namespace in front): names of parameters, the client's by the target's.
PropertyNames = dict[str, dict[str, str]]


class Reversal(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to undo: tools by the name the target knows, for those that differ, and names of their parameters."""

    tools: dict[str, ToolOrigin] = {}
    properties: PropertyNames = {}

    def __bool__(self) -> bool:
        return bool(self.tools or self.properties)


#: Nothing to undo.
NO_REVERSAL = Reversal()


class Reverser:
    """Maps the events of an answer back to the client's tools."""

    __slots__ = ("_held", "_reversal", "_unwrapping")

    def __init__(self, reversal: Reversal) -> None:
        self._reversal = reversal
        self._unwrapping: dict[int, JsonStringUnescaper] = {}
        #: Calls whose arguments wait for their end, because names in them are put back.
        self._held: set[int] = set()

    def push(self, event: e.StreamEvent) -> list[e.StreamEvent]:
        """Return the event as the client shall see it."""
        events = self._with_tools(event)
        if not self._reversal.properties:
            return events
        return [back for one in events for back in self._with_properties(one)]

    def _with_properties(self, event: e.StreamEvent) -> list[e.StreamEvent]:
        match event:
            case e.PartStart(kind="tool_call", name=str(name)):
                if flattened(event.namespace, name) in self._reversal.properties:
                    self._held.add(event.index)
                return [event]
            case e.ToolArgumentsDelta(index=index) if index in self._held:
                return []
            case e.PartStop(part=ToolCall() as call) if event.index in self._held:
                self._held.discard(event.index)
                names = self._reversal.properties[flattened(call.namespace, call.name)]
                arguments = replaced_keys(call.arguments, names)
                final = e.PartStop(event.index, msgspec.structs.replace(call, arguments=arguments), event.choice)
                return [e.ToolArgumentsDelta(event.index, arguments), final] if arguments else [final]
            case _:
                return [event]

    def _with_tools(self, event: e.StreamEvent) -> list[e.StreamEvent]:
        match event:
            case e.PartStart(kind="tool_call", name=str(name)) if origin := self._reversal.tools.get(name):
                if origin.custom:
                    self._unwrapping[event.index] = JsonStringUnescaper()
                return [
                    msgspec.structs.replace(
                        event,
                        name=origin.name,
                        namespace=origin.namespace,
                        tool_kind="custom" if origin.custom else event.tool_kind,
                    )
                ]
            case e.ToolArgumentsDelta(index=index) if index in self._unwrapping:
                text = self._unwrapping[index].feed(event.text)
                return [e.ToolArgumentsDelta(index, text)] if text else []
            case e.PartStop(part=ToolCall() as call) if origin := self._reversal.tools.get(call.name):
                unwrapping = self._unwrapping.pop(event.index, None)
                arguments = call.arguments
                out: list[e.StreamEvent] = []
                if origin.custom:
                    sent = unwrapping.sent if unwrapping is not None else ""
                    # Of a call that was cut off only the text so far is the input, never the wrapping around it.
                    arguments = _unwrapped(call.arguments) if call.complete or unwrapping is None else sent
                    if arguments.startswith(sent):
                        if len(arguments) > len(sent):
                            out.append(e.ToolArgumentsDelta(event.index, arguments[len(sent) :]))
                    else:
                        arguments = sent
                final = msgspec.structs.replace(
                    call,
                    name=origin.name,
                    namespace=origin.namespace,
                    kind="custom" if origin.custom else call.kind,
                    arguments=arguments,
                )
                out.append(e.PartStop(event.index, final, event.choice))
                return out
            case _:
                return [event]


def replaced_keys(arguments: str, names: dict[str, str]) -> str:
    """Return JSON text with keys replaced, every other character as it was: within a string a quote is escaped, so that
    a quoted name before a colon is a key."""
    written = {json.encode_text(name): json.encode_text(replacement) for name, replacement in names.items()}
    keys = "|".join(map(re.escape, written))
    return re.sub(rf"(?<!\\)({keys})(?=\s*:)", lambda found: written[found[1]], arguments)


class JsonStringUnescaper:
    """Turns a streamed ``{"input": "…"}`` into the text of its string, piece by piece.

    Anything that does not have this form yields nothing here; the whole is then judged at the end of the call.
    """

    __slots__ = ("_buffer", "_done", "_inside", "_sent")

    def __init__(self) -> None:
        self._buffer = ""
        self._inside = False
        self._done = False
        self._sent: list[str] = []

    @property
    def sent(self) -> str:
        """All of the text so far."""
        return "".join(self._sent)

    def feed(self, text: str) -> str:
        """Take more of the JSON; return more of the text."""
        if self._done:
            return ""
        self._buffer += text
        if not self._inside:
            match = _INPUT_OPENING.match(self._buffer)
            if match is None:
                # The opening is short; what does not have it by now is of another form and not worth keeping.
                self._done = len(self._buffer) > _LONGEST_OPENING
                return ""
            self._inside = True
            self._buffer = self._buffer[match.end() :]
        out: list[str] = []
        buffer, position = self._buffer, 0
        while position < len(buffer):
            character = buffer[position]
            if character == '"':
                self._done = True
                break
            if character != "\\":
                out.append(character)
                position += 1
                continue
            step, decoded = _escape(buffer, position)
            if step == 0:
                break
            out.append(decoded)
            position += step
        self._buffer = buffer[position:]
        piece = "".join(out)
        if piece:
            self._sent.append(piece)
        return piece


def _escape(buffer: str, position: int) -> tuple[int, str]:
    """Decode the escape at ``position``: its length and character, or length 0 while it is incomplete."""
    if position + 1 >= len(buffer):
        return 0, ""
    kind = buffer[position + 1]
    if kind != "u":
        return 2, _ESCAPES.get(kind, kind)
    if position + 6 > len(buffer):
        return 0, ""
    unit = _code_unit(buffer[position + 2 : position + 6])
    if unit is None:
        return 2, ""
    if not 0xD800 <= unit < 0xDC00:
        return 6, chr(unit) if not 0xDC00 <= unit < 0xE000 else "\ufffd"
    if not "\\u".startswith(buffer[position + 6 : position + 8]):
        return 6, "\ufffd"
    if position + 12 > len(buffer):
        return 0, ""
    low = _code_unit(buffer[position + 8 : position + 12])
    if low is None or not 0xDC00 <= low < 0xE000:
        return 6, "\ufffd"
    return 12, chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))


def _code_unit(digits: str) -> int | None:
    try:
        return int(digits, 16)
    except ValueError:
        return None


def _unwrapped(arguments: str) -> str:
    parsed = json.try_object(arguments)
    if parsed is not None and isinstance(parsed.get(CUSTOM_INPUT), str):
        return str(parsed[CUSTOM_INPUT])
    return arguments


def wrapped(text: str) -> str:
    """Wrap the free text of a custom call as JSON arguments."""
    return json.encode_text({CUSTOM_INPUT: text})


def argument_object(arguments: str) -> dict[str, object] | None:
    """Return a call's arguments as an object, as targets without raw strings want them; ``None`` where they are
    cut off.

    Empty means ``{}``; a doubly encoded object is unwrapped; another JSON value becomes ``{"value": …}``.
    """
    if not arguments.strip():
        return {}
    try:
        value = json.decode(arguments)
        if isinstance(value, str) and (inner := json.try_object(value)) is not None:
            return inner
    except json.MalformedJson:
        return None
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"value": value}
