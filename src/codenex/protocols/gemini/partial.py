"""A function call whose arguments arrive in pieces (``streamFunctionCallArguments``), each at a JSON path."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from codenex.core import json
from codenex.core.parts import Signature
from codenex.protocols.gemini.fields import camel
from codenex.protocols.gemini.types import Object

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[['\"]([^'\"]*)['\"]\]")
#: Places of a list that may be skipped: a leap must not fill the memory.
_LEAP = 100


class PartialCall:
    """Collects pieces until the call is complete. Pieces of a string that ``willContinue`` are joined."""

    __slots__ = ("_arguments", "extras", "id", "name", "signature")

    def __init__(self, name: str, identifier: str | None) -> None:
        self.name = name
        self.id = identifier
        self.signature: Signature | None = None
        self.extras: Object = {}
        self._arguments: Object = {}

    def add(self, arguments: Any, pieces: list[Any]) -> None:
        """Take whole arguments, pieces, or both."""
        if isinstance(arguments, dict):
            self._arguments.update(arguments)
        for item in pieces:
            if isinstance(item, dict):
                piece = {camel(name): value for name, value in item.items()}
                path = piece.get("jsonPath")
                if isinstance(path, str):
                    self._put(path, piece)

    def _put(self, path: str, piece: Object) -> None:
        steps: list[str | int] = []
        for key, index, quoted in _STEP.findall("." + path.removeprefix("$").removeprefix(".")):
            steps.append(int(index) if index else key or quoted)
        steps = steps if steps else [path]
        holder: Any = self._arguments
        for step, after in pairwise(steps):
            holder = _member(holder, step, [] if isinstance(after, int) else {})
            if holder is None:
                return
        _assign(holder, steps[-1], piece)

    def text(self) -> str:
        """Return the arguments as JSON text."""
        return json.encode_text(self._arguments)


def _member(holder: Any, step: str | int, empty: Any) -> Any:
    if isinstance(holder, dict) and isinstance(step, str):
        found = holder.setdefault(step, empty)
    elif isinstance(holder, list) and isinstance(step, int) and step < len(holder) + _LEAP:
        while len(holder) <= step:
            holder.append(None)
        if holder[step] is None:
            holder[step] = empty
        found = holder[step]
    else:
        return None
    return found if isinstance(found, dict | list) else None


def _assign(holder: Any, step: str | int, piece: Object) -> None:
    value = _value(piece)
    if isinstance(holder, dict) and isinstance(step, str):
        before = holder.get(step)
        holder[step] = before + value if isinstance(before, str) and isinstance(value, str) else value
    elif isinstance(holder, list) and isinstance(step, int) and step < len(holder) + _LEAP:
        while len(holder) <= step:
            holder.append(None)
        before = holder[step]
        holder[step] = before + value if isinstance(before, str) and isinstance(value, str) else value


def _value(piece: Object) -> Any:
    for name in ("stringValue", "numberValue", "boolValue"):
        if name in piece:
            value = piece[name]
            # Numbers are doubles on this way; whole ones are integers to everybody else.
            return int(value) if isinstance(value, float) and value.is_integer() else value
    return None if "nullValue" in piece else ""
