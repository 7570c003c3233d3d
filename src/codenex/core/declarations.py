"""Tool declarations that come again: an agent sends the same ones with every turn, so what was made of their bytes is
remembered.

Pure but for speed: equal bytes give equal tools whether they are remembered or not, and nobody can tell the difference.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import islice
from typing import Any

import msgspec

from codenex.core import json
from codenex.core.losses import Loss, Losses
from codenex.core.names import PLAIN_NAME
from codenex.core.request import FunctionTool, HostedTool, Tool
from codenex.core.server_tools import DISPENSABLE

#: Bytes of memory that are held at most, with everything that is made of a declaration.
LIMIT = 8 << 20
#: Declarations of which only a hash is known: those seen once.
_SEEN = 1024
#: Bytes that a tool takes in the hub, beside its JSON, and a loss beside its texts.
_TOOL, _LOSS = 160, 160
#: Of a longer declaration at most twice as many bytes are hashed.
_HASHED = 512
#: Where a declaration stands in a body, what stands there in its place while the rest is read, and how many of the
#: declarations that were used last are looked for.
_FIELD, _INSTEAD, _TRIED = b'"tools":', b"-20261127.5e7", 16
#: Bytes before a declaration, or around it, in which it is looked for.
_NEAR = 4096
#: Renderings of one declaration that are kept, each with at most this many times its bytes.
_RENDERINGS, _GROWTH = 2, 2


_VALUE_INSTEAD = json.Raw(_INSTEAD)


class Rendering(msgspec.Struct, frozen=True):
    """What an encoder made of a declaration: its JSON, and what was lost."""

    content: json.Raw
    losses: tuple[Loss, ...]


class Declared(tuple[Tool, ...]):
    """Tools that are remembered, and what encoders made of them. Their values must never be changed in place.

    ``plain`` holds their names where all are functions without namespace whose names differ and that every target
    takes, so that no other part of a request has a say in how they are called there; else it is empty. ``strict`` and
    ``cached`` say whether any function has a schema to be enforced, or a cache breakpoint.
    """

    plain: dict[str, str]
    strict: bool
    cached: bool
    #: alphabets that the names of all parameters are known to fit
    fitting: frozenset[str]
    #: what they count in an estimate, once one was made
    tokens: int | None
    _renderings: list[tuple[str, Any, Rendering]]
    _room: int

    def __new__(cls, tools: tuple[Tool, ...], room: int = 0) -> Declared:
        """``room`` is the size in bytes that a rendering may have to be kept."""
        self = super().__new__(cls, tools)
        names = {
            tool.name: tool.name
            for tool in tools
            if isinstance(tool, FunctionTool) and tool.namespace is None and PLAIN_NAME.fullmatch(tool.name)
        }
        self.plain = names if len(names) == len(tools) else {}
        self.strict = any(isinstance(tool, FunctionTool) and tool.strict is True for tool in tools)
        self.cached = any(isinstance(tool, FunctionTool) and tool.cache is not None for tool in tools)
        self.fitting = frozenset()
        self.tokens = None
        self._renderings = []
        self._room = room
        return self

    def rendering(self, protocol: str, capabilities: Any, render: Callable[[Losses], Any]) -> Rendering:
        """Return what ``render`` makes of these tools for a target. It may look at nothing but the tools, the protocol
        that they came from, and ``capabilities``, which are known by identity."""
        for name, facts, known in self._renderings:
            if facts is capabilities and name == protocol:
                return known
        losses = Losses()
        rendering = Rendering(json.Raw(json.encode(render(losses))), losses.values())
        size = len(rendering.content) + sum(len(loss.path) + len(loss.reason) + _LOSS for loss in rendering.losses)
        if size <= self._room:
            self._renderings = [*self._renderings[1 - _RENDERINGS :], (protocol, capabilities, rendering)]
        return rendering


class _Declaration:
    """The bytes of a declaration, and the protocol that they are of. Those of a long one are hashed in part, which is
    enough to find one that is known; equal is what is equal in each byte. They are not copied."""

    __slots__ = ("_hash", "protocol", "raw")

    def __init__(self, protocol: str, raw: json.Raw) -> None:
        self.protocol = protocol
        self.raw = raw
        step = len(raw) // _HASHED
        self._hash = hash((protocol, len(raw), bytes(memoryview(raw)[:: step if step > 0 else 1])))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Declaration) and self.protocol == other.protocol and self.raw == other.raw


class Reading(msgspec.Struct):
    """A request's JSON whose ``tools`` may be known. Those that are known are missing in ``body``."""

    body: Any
    _memory: Declarations
    _key: _Declaration | None = None
    _known: Declared | None = None

    @property
    def declares(self) -> bool:
        """Whether the field is there, and not null."""
        return self._known is not None or self.body.get("tools") is not None

    def tools(self, decode: Callable[[Any], tuple[Tool, ...]]) -> tuple[Tool, ...]:
        """Return the tools: the known ones, or what ``decode`` makes of the field, which is all that it may look at;
        none where the field is null or absent."""
        if self._known is not None:
            return self._known
        value = self.body.get("tools")
        if value is None:
            return ()
        tools = decode(value)
        return tools if self._key is None or not tools else self._memory.keep(self._key, value, tools)


class Declarations:
    """A memory of declarations by protocol and bytes; the longest unused ones go first. One that is seen for the first
    time leaves a hash only, so that requests which never come again cost neither time nor memory."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        #: bytes of memory taken
        self.size = 0
        self._kept: dict[_Declaration, tuple[Declared, int]] = {}
        self._seen: dict[int, None] = {}
        #: the one that a body was split around last
        self._last: _Declaration | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def split(self, body: bytes) -> dict[str, json.Raw] | None:
        """Return the top level of a JSON object whose declaration is known, without reading that again: it is found by
        its bytes, and the rest is read with something else in its place. Every other byte is looked at. ``None`` where
        nothing is known, or the rest is malformed."""
        if not self._kept:
            return None
        # At the beginning or at the end, as clients write it: to look for it in all of a large body without it takes as
        # long as to read that.
        start = body.find(_FIELD, 0, _NEAR)
        if start < 0:
            longest = max(len(declaration.raw) for declaration in islice(reversed(self._kept), _TRIED))
            start = body.find(_FIELD, max(0, len(body) - longest - _NEAR))
        if start < 0:
            return None
        start += len(_FIELD)
        if body.startswith(b" ", start):
            start += 1
        for declaration in islice(reversed(self._kept), _TRIED):
            if body.startswith(declaration.raw, start):
                break
        else:
            return None
        rest = b"".join((body[:start], _INSTEAD, body[start + len(declaration.raw) :]))
        try:
            if not rest.isascii():
                rest.decode()
            fields = json.decode_raw_object(rest)
        except (UnicodeError, json.MalformedJson):
            return None
        # Where it is the field's value, and stands nowhere else, the declaration stood there.
        if "tools" not in fields or fields["tools"] != _VALUE_INSTEAD or rest.count(_INSTEAD) != 1:
            return None
        fields["tools"], self._last = declaration.raw, declaration
        return fields

    def read(
        self,
        protocol: str,
        data: bytes,
        split: json.Split | None = None,
        decode: Callable[[bytes], Any] = json.decode_object,
    ) -> Reading:
        """Decode a request, by ``decode`` where nothing can be known. ``split`` is its top level, where that is
        known. Raises what ``decode`` raises, which is :class:`~codenex.core.json.MalformedJson`."""
        if split is None and b'"tools"' not in data:
            return Reading(decode(data), self)
        try:
            if split is None:
                split = json.decode_raw_object(data)
            body = json.decode_values(split, but="tools")
            raw = split.get("tools")
            if raw is None:
                return Reading(body, self)
            key = self._last
            if key is None or key.raw is not raw or key.protocol != protocol:
                key = _Declaration(protocol, raw)
            kept = self._kept.pop(key, None)
            if kept is not None:
                self._kept[key] = kept
                return Reading(body, self, key, kept[0])
            body["tools"] = json.decode(raw)
        except json.MalformedJson:
            # What is wrong is told by its place in the whole.
            return Reading(decode(data), self)
        return Reading(body, self, key)

    def keep(self, key: _Declaration, value: Any, tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
        """Remember what was decoded, from its second sight on; return it in the form in which it is remembered."""
        if not all(map(_is_open, tools)):
            return tools
        sight = hash((key.protocol, bytes(key.raw)))
        if sight not in self._seen:
            self._seen[sight] = None
            if len(self._seen) > _SEEN:
                del self._seen[next(iter(self._seen))]
            return tools
        del self._seen[sight]
        length = len(key.raw)
        size = length * (1 + _RENDERINGS * _GROWTH) + _memory_of(value) + len(tools) * _TOOL
        if size > self._limit // 4:
            return tools
        declared = Declared(tools, length * _GROWTH)
        # Not the body that it is a part of.
        key.raw = key.raw.copy()
        replaced = self._kept.pop(key, None)
        self._kept[key] = declared, size
        self.size += size - (replaced[1] if replaced is not None else 0)
        while self.size > self._limit:
            self.size -= self._kept.pop(next(iter(self._kept)))[1]
        return declared


def _is_open(tool: Tool) -> bool:
    """Whether a declaration holds no secrets: those of tools that others run may bring a token for them."""
    return not isinstance(tool, HostedTool) or tool.capability in DISPENSABLE


def _memory_of(value: Any) -> int:
    """Return how many bytes of memory a JSON value takes, shared strings counted each time."""
    size, todo = 0, [value]
    while todo:
        here = todo.pop()
        size += sys.getsizeof(here)
        if isinstance(here, dict):
            size += sum(map(sys.getsizeof, here))
            todo.extend(here.values())
        elif isinstance(here, list):
            todo.extend(here)
    return size


#: The memory of this process.
DECLARATIONS = Declarations()
