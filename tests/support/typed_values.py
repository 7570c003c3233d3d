"""Values of the types that vendors' SDKs document, and values that are nearly so, by a seeded generator."""

from __future__ import annotations

import datetime
import enum
import sys
import types
import typing
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from random import Random
from typing import Any, Final, NotRequired, Required

import pydantic
from typing_extensions import ReadOnly, get_type_hints, is_typeddict

#: Beyond this nesting only what must be there is given, and lists are empty.
DEPTH: Final = 7
TEXTS: Final = ("", "x", "demo", "hi there", "嗨\n", "{}", '{"a":1}', "https://example.com/a.png", "call_1", "user")
NUMBERS: Final = (0, 1, -1, 2, 0.5, 7, 1e9, -0.0, 2**53, 2**70)
WRONG: Final[tuple[Any, ...]] = (None, True, 0, -1, 1.5, "", "x", [], {}, [None], [[]], {"type": "x"}, {"": {}}, 2**70)
IMAGE: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@cache
def _fields(kind: type) -> dict[str, Any]:
    module = vars(sys.modules[kind.__module__])
    return get_type_hints(kind, localns=module, include_extras=True)


class Values:
    """Draws values. ``wrongness`` is the share of places that hold anything at all instead."""

    def __init__(self, seed: int, wrongness: float = 0.0) -> None:
        self._random = Random(seed)
        self._wrongness = wrongness

    def of(self, kind: Any, depth: int = 0) -> Any:
        """A value of a type: a TypedDict, a pydantic model, a union, a literal, a container or something plain."""
        draw = self._random
        if self._wrongness and draw.random() < self._wrongness:
            return draw.choice(WRONG)
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin in (typing.Annotated, Required, NotRequired, ReadOnly, typing.Required, typing.NotRequired):
            return self.of(arguments[0], depth)
        if origin in (typing.Union, types.UnionType):
            choices = [choice for choice in arguments if typing.get_origin(choice) is not typing.Callable]
            return self.of(draw.choice(choices), depth)
        if origin is typing.Literal:
            return draw.choice(arguments)
        if is_typeddict(kind):
            return self._dictionary(_fields(kind), kind.__required_keys__, depth)
        if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
            fields = {name: field.annotation for name, field in kind.model_fields.items()}
            required = frozenset(name for name, field in kind.model_fields.items() if field.is_required())
            return self._dictionary(fields, required, depth)
        if origin is not None:
            return self._container(origin, arguments, depth)
        return self._plain(kind)

    def _dictionary(self, fields: Mapping[str, Any], required: frozenset[str], depth: int) -> dict[str, Any]:
        draw = self._random
        share = 0.35 if depth < DEPTH else 0.0
        given = {}
        for name, kind in fields.items():
            # What "from __future__ import annotations" hides from TypedDict is told by the annotation itself.
            must = name in required or typing.get_origin(kind) in (Required, typing.Required)
            if must and self._wrongness and draw.random() < self._wrongness:
                continue
            if must or draw.random() < share:
                given[name] = self.of(kind, depth + 1)
        return given

    def _container(self, origin: Any, arguments: tuple[Any, ...], depth: int) -> Any:
        draw = self._random
        number = draw.choice((0, 1, 1, 2, 3)) if depth < DEPTH else 0
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return {draw.choice(TEXTS): self.of(arguments[1], depth + 1) for _ in range(number)}
        return [self.of(arguments[0], depth + 1) for _ in range(number)]

    def _plain(self, kind: Any) -> Any:
        draw = self._random
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return draw.choice(list(kind)).value
        if kind is bool:
            return draw.random() < 0.5
        if kind in (int, float):
            return draw.choice(NUMBERS)
        if kind is bytes:
            return b64encode(draw.randbytes(draw.randrange(12))).decode()
        if kind is str:
            return draw.choice((*TEXTS, IMAGE, f"data:image/png;base64,{IMAGE}"))
        if kind is type(None):
            return None
        if kind is datetime.datetime:
            return "2026-01-02T03:04:05Z"
        return draw.choice(WRONG)
