"""Makes a valid instance of a JSON Schema, deterministically, preferring values that a :class:`Values` source offers.

Depth and size are bounded: recursive schemas end at the first level that allows it. A schema that has no instance, or
none within the bounds (a million required items), gets the nearest value.
"""

from __future__ import annotations

from typing import Any, Protocol

from codenex.providers.demo.schema_check import accepts, is_number, same
from codenex.providers.demo.schema_leaves import number, string
from codenex.providers.demo.schema_merge import Flat, Schema, flat, is_schema, types_of

#: From this depth on only what is required is made.
_FULL_DEPTH = 4
_DEPTH = 30
_NODES = 5000
_ITEMS = 1000
_ATTEMPTS = 12
_SIMPLICITY = ("null", "boolean", "integer", "number", "string", "array", "object")
_IMPLIED = (
    (
        "object",
        ("properties", "required", "additionalProperties", "patternProperties", "minProperties", "propertyNames"),
    ),
    ("array", ("items", "prefixItems", "minItems", "contains", "uniqueItems")),
    ("string", ("minLength", "maxLength", "pattern", "format")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)


class Values(Protocol):
    """Where plausible values come from. ``None`` means that there is none for this property."""

    def string(self, name: str, schema: Schema) -> str | None:
        """Return a text for a property."""
        ...

    def number(self, name: str, schema: Schema) -> float | None:
        """Return a number for a property."""
        ...

    def mentioned(self, options: list[Any]) -> Any:
        """Return the option that the source speaks of."""
        ...


class NoValues:
    """Knows nothing."""

    def string(self, name: str, schema: Schema) -> str | None:
        """Return nothing."""
        return None

    def number(self, name: str, schema: Schema) -> float | None:
        """Return nothing."""
        return None

    def mentioned(self, options: list[Any]) -> Any:
        """Return nothing."""
        return None


def instance(schema: Schema, values: Values | None = None, *, full: bool = True) -> Any:
    """Return an instance of ``schema``, with all optional properties (``full``) or those that ``values`` knows."""
    return _Maker(schema, values if values is not None else NoValues(), full).make(schema, "", 0, 0)


class _Maker:
    def __init__(self, root: Schema, values: Values, full: bool) -> None:
        self._root = root
        self._values = values
        self._full = full
        self._nodes = _NODES

    def make(self, schema: Any, name: str, depth: int, variant: int) -> Any:
        """Make a value; where only the whole can be judged, try the alternatives in turn."""
        self._nodes -= 1
        if depth > _DEPTH or self._nodes < 0:
            return None
        base = flat(schema, self._root)
        if not base.exclusive and not base.choices:
            return self._built(base.schema, name, depth, variant)
        value: Any = None
        for attempt in range(_ATTEMPTS):
            value = self._built(self._chosen(base, depth, attempt), name, depth, variant + attempt // 2)
            if self._nodes < 0 or accepts(schema, value, self._root):
                return value
        return value

    def _chosen(self, base: Flat, depth: int, attempt: int) -> Schema:
        """Take one option of every choice; each attempt takes other ones. Options may bring choices of their own."""
        merged = Flat()
        merged.schema = dict(base.schema)
        pending = list(base.choices)
        rounds = 0
        while pending and rounds < 20:
            rounds += 1
            options = self._ordered(pending.pop(0), depth)
            option = options[attempt % len(options)]
            attempt = attempt // len(options) + (attempt % len(options) if len(options) == 1 else 0)
            merged.choices = []
            merged.add(option, self._root)
            pending.extend(merged.choices)
        return merged.schema

    def _ordered(self, options: list[Any], depth: int) -> list[Any]:
        """Put null last, and far down the simplest first."""

        def rank(option: Any) -> int:
            kind = self._kind(flat(option, self._root).schema)
            return _SIMPLICITY.index(kind) if depth >= _FULL_DEPTH else int(kind == "null")

        return sorted(options, key=rank)

    def _kind(self, schema: Schema) -> str:
        if "const" in schema:
            return "null" if schema["const"] is None else "string"
        types = [kind for kind in types_of(schema) if kind in _SIMPLICITY]
        if types:
            return next((kind for kind in types if kind != "null"), "null")
        return next((kind for kind, keywords in _IMPLIED if any(word in schema for word in keywords)), "string")

    def _built(self, schema: Schema, name: str, depth: int, variant: int) -> Any:
        if "const" in schema:
            return schema["const"]
        options = schema.get("enum")
        if isinstance(options, list) and options:
            return self._option(schema, options, variant)
        match self._kind(schema):
            case "null":
                return None
            case "boolean":
                return variant % 2 == 0
            case "integer" | "number" as kind:
                return number(schema, self._values.number(name, schema), variant, whole=kind == "integer")
            case "array":
                return self._array(schema, name, depth, variant)
            case "object":
                return self._object(schema, depth, variant)
            case _:
                return self._string(schema, name, variant)

    def _option(self, schema: Schema, options: list[Any], variant: int) -> Any:
        rest = {key: value for key, value in schema.items() if key != "enum"}
        fitting = [option for option in options if accepts(rest, option, self._root)] or options
        mentioned = self._values.mentioned(fitting) if variant == 0 else None
        if mentioned is not None:
            return mentioned
        present = [option for option in fitting if option is not None] or fitting
        return present[variant % len(present)]

    def _string(self, schema: Schema, name: str, variant: int) -> str:
        """Prefer the values' word, then the schema's own examples and default, which also know its pattern."""
        if variant:
            return string(schema, None, variant)
        offered = None if "pattern" in schema else self._values.string(name, schema)
        if offered is not None:
            return string(schema, offered, 0)
        examples = schema.get("examples")
        for own in [*(examples if isinstance(examples, list) else []), schema.get("example"), schema.get("default")]:
            if isinstance(own, str) and own and accepts(schema, own, self._root):
                return own
        return string(schema, None, 0)

    def _array(self, schema: Schema, name: str, depth: int, variant: int) -> list[Any]:
        items = schema.get("items")
        prefix = schema.get("prefixItems") or (items if isinstance(items, list) else [])
        rest = schema.get("additionalItems", True) if isinstance(items, list) else items
        least = _count(schema, "minItems", 0)
        most = min(_count(schema, "maxItems", _ITEMS), _ITEMS)
        wanted = len(prefix)
        if not prefix and is_schema(rest) and depth < _FULL_DEPTH:
            wanted = 1
        demanded = _count(schema, "minContains", 1) if is_schema(schema.get("contains")) else 0
        made: list[Any] = []
        for position in range(min(most, max(least, wanted, demanded))):
            item = prefix[position] if position < len(prefix) else rest
            if item is False:
                break
            if position < demanded:
                item = {"allOf": [item if item is not None else {}, schema["contains"]]}
            others = made if schema.get("uniqueItems") is True else []
            made.append(self._distinct(item, name, depth, variant + position, others))
        return made

    def _distinct(self, schema: Any, name: str, depth: int, variant: int, others: list[Any]) -> Any:
        value = self.make(schema, name, depth + 1, variant)
        for more in range(1, _ATTEMPTS):
            if not any(same(value, other) for other in others):
                break
            value = self.make(schema, name, depth + 1, variant + more)
        return value

    def _object(self, schema: Schema, depth: int, variant: int) -> dict[str, Any]:
        properties: dict[str, Any] = schema["properties"] if isinstance(schema.get("properties"), dict) else {}
        required = self._required(schema, properties)
        chosen = [key for key in properties if key in required or self._wanted(key, properties[key], depth, schema)]
        most, least = _count(schema, "maxProperties", _ITEMS), min(_count(schema, "minProperties", 0), _ITEMS)
        if len(chosen) > most:
            optional = [key for key in chosen if key not in required][: max(0, most - len(required))]
            chosen = [key for key in chosen if key in required or key in optional]
        chosen.extend(key for key in required if key not in properties)
        for key, inner in properties.items():
            if len(chosen) < least and key not in chosen and inner is not False:
                chosen.append(key)
        made = {key: self.make(self._property(schema, properties, key), key, depth + 1, variant) for key in chosen}
        number_of = 0
        while len(made) < least and number_of < 2 * least:
            key = self._spare_key(schema, number_of)
            made.setdefault(key, self.make(self._spare(schema), "", depth + 1, number_of))
            number_of += 1
        return made

    def _required(self, schema: Schema, properties: dict[str, Any]) -> list[str]:
        """Return the required names, together with those that they or the optional ones bring along."""
        required = [key for key in schema.get("required") or [] if isinstance(key, str)]
        demands: dict[str, Any] = {**_mapping(schema, "dependencies"), **_mapping(schema, "dependentRequired")}
        for _ in range(len(demands)):
            for key, names in demands.items():
                if isinstance(names, list) and (key in required or (self._full and key in properties)):
                    required.extend(name for name in names if name not in required)
        return required

    def _wanted(self, name: str, schema: Any, depth: int, parent: Schema) -> bool:
        if schema is False or depth >= _FULL_DEPTH or name in _mapping(parent, "dependentSchemas"):
            return False
        inner = flat(schema, self._root)
        if inner.impossible:
            return False
        if self._full:
            return True
        single = self._chosen(inner, depth, 0)
        if isinstance(single.get("enum"), list):
            return self._values.mentioned(single["enum"]) is not None
        kind = self._kind(single)
        if kind == "string" and name:
            return self._values.string(name, {**single, "optional": True}) is not None
        return False

    def _property(self, schema: Schema, properties: dict[str, Any], name: str) -> Any:
        return properties[name] if name in properties else self._spare(schema)

    def _spare(self, schema: Schema) -> Any:
        patterns = _mapping(schema, "patternProperties")
        if patterns:
            return next(iter(patterns.values()))
        return schema.get("additionalProperties", {})

    def _spare_key(self, schema: Schema, position: int) -> str:
        names = schema.get("propertyNames")
        if not is_schema(names):
            pattern = next(iter(_mapping(schema, "patternProperties")), None)
            names = {"pattern": pattern} if pattern is not None else None
        if names is None:
            return f"key{position + 1}"
        return str(self.make({"type": "string", **names}, "", _FULL_DEPTH, position))


def _mapping(schema: Schema, key: str) -> dict[str, Any]:
    value = schema.get(key)
    return value if isinstance(value, dict) else {}


def _count(schema: Schema, key: str, absent: int) -> int:
    value = schema.get(key)
    return int(value) if is_number(value) else absent
