"""Whether a value fits a JSON Schema: as much of the check as making an instance needs to choose between alternatives.

Patterns and formats are not looked at: no client's regular expression is ever run here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

from codenex.providers.demo.schema_merge import Schema, is_schema, resolved, types_of

_DEPTH = 60
_TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: is_number(value) and float(value).is_integer(),
    "number": lambda value: is_number(value),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a JSON number; booleans are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def same(left: Any, right: Any) -> bool:
    """Compare as JSON does: 1 is 1.0 but not true."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def accepts(schema: Any, value: Any, root: Schema, depth: int = 0) -> bool:
    """Whether ``value`` fits ``schema``, apart from patterns and formats. Beyond a sane depth everything fits."""
    if isinstance(schema, bool):
        return schema
    if not is_schema(schema) or depth > _DEPTH:
        return True
    types = types_of(schema)
    if types and not any(_TYPES[kind](value) for kind in types if kind in _TYPES):
        return False
    if "const" in schema and not same(schema["const"], value):
        return False
    if isinstance(schema.get("enum"), list) and not any(same(option, value) for option in schema["enum"]):
        return False
    if not _combined(schema, value, root, depth):
        return False
    if isinstance(value, str):
        return _within(schema, "Length", len(value))
    if is_number(value):
        return _number_fits(schema, value)
    if isinstance(value, list):
        return _array_fits(schema, value, root, depth)
    if isinstance(value, dict):
        return _object_fits(schema, value, root, depth)
    return True


def _combined(schema: Schema, value: Any, root: Schema, depth: int) -> bool:
    def fits(inner: Any) -> bool:
        return accepts(inner, value, root, depth + 1)

    reference = schema.get("$ref")
    if reference is not None and not fits(resolved(reference, root)):
        return False
    if not all(fits(inner) for inner in _list(schema, "allOf")):
        return False
    if "anyOf" in schema and not any(fits(inner) for inner in _list(schema, "anyOf")):
        return False
    if "oneOf" in schema and sum(fits(inner) for inner in _list(schema, "oneOf")) != 1:
        return False
    if "not" in schema and fits(schema["not"]):
        return False
    if "if" in schema:
        return fits(schema.get("then", True) if fits(schema["if"]) else schema.get("else", True))
    return True


def _number_fits(schema: Schema, value: float) -> bool:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if is_number(low) and (value < low or (above is True and value == low)):
        return False
    if is_number(high) and (value > high or (below is True and value == high)):
        return False
    if (is_number(above) and value <= above) or (is_number(below) and value >= below):
        return False
    step = schema.get("multipleOf")
    return not is_number(step) or step <= 0 or abs(value / step - round(value / step)) < 1e-9


def _array_fits(schema: Schema, value: list[Any], root: Schema, depth: int) -> bool:
    if not _within(schema, "Items", len(value)):
        return False
    items = schema.get("items", True)
    prefix = _list(schema, "prefixItems") or (items if isinstance(items, list) else [])
    rest = schema.get("additionalItems", True) if isinstance(items, list) else items
    for position, item in enumerate(value):
        if not accepts(prefix[position] if position < len(prefix) else rest, item, root, depth + 1):
            return False
    if "contains" in schema:
        found = sum(accepts(schema["contains"], item, root, depth + 1) for item in value)
        if found < schema.get("minContains", 1) or found > schema.get("maxContains", found):
            return False
    if schema.get("uniqueItems") is True:
        return not any(same(one, other) for index, one in enumerate(value) for other in value[:index])
    return True


def _object_fits(schema: Schema, value: dict[str, Any], root: Schema, depth: int) -> bool:
    if not _within(schema, "Properties", len(value)) or any(key not in value for key in _list(schema, "required")):
        return False
    properties = schema.get("properties")
    known: dict[str, Any] = properties if isinstance(properties, dict) else {}
    rest = True if schema.get("patternProperties") else schema.get("additionalProperties", True)
    for key, item in value.items():
        if not accepts(known.get(key, rest), item, root, depth + 1):
            return False
    if "propertyNames" in schema and not all(accepts(schema["propertyNames"], key, root, depth + 1) for key in value):
        return False
    for keyword in ("dependentRequired", "dependentSchemas", "dependencies"):
        for key, demand in (schema.get(keyword) or {}).items():
            if key not in value:
                continue
            if isinstance(demand, list):
                if any(name not in value for name in demand):
                    return False
            elif not accepts(demand, value, root, depth + 1):
                return False
    return True


def _within(schema: Schema, noun: str, count: int) -> bool:
    low, high = schema.get(f"min{noun}"), schema.get(f"max{noun}")
    return not ((is_number(low) and count < low) or (is_number(high) and count > high))


def _list(schema: Schema, key: str) -> list[Any]:
    value = schema.get(key)
    return value if isinstance(value, list) else []
