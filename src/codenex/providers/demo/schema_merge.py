"""JSON Schema made flat: references resolved, ``allOf`` merged, alternatives listed.

Drafts 4 to 2020-12, as far as tools use them.
"""

from __future__ import annotations

from typing import Any, TypeGuard
from urllib.parse import unquote

Schema = dict[str, Any]

_DEPTH = 40
_DEFINITIONS = ("$defs", "definitions")
_SCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas")
_NESTED = ("items", "additionalProperties", "contains", "propertyNames", "unevaluatedProperties", "additionalItems")
_HIGHEST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
_LOWEST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")


def is_schema(value: object) -> TypeGuard[Schema]:
    """Whether a value is an object schema; boolean schemas are handled where they stand."""
    return isinstance(value, dict)


def types_of(schema: Schema) -> list[str]:
    """Return the types that a schema names, in lower case (Gemini writes upper case); ``nullable`` adds ``null``."""
    named = schema.get("type")
    types = [str(item).lower() for item in (named if isinstance(named, list) else [named])] if named else []
    if types and schema.get("nullable") is True and "null" not in types:
        types.append("null")
    return types


def resolved(reference: object, root: Schema) -> Any:
    """Return what a reference inside the document points to; an unknown one accepts anything."""
    if not isinstance(reference, str):
        return {}
    base, _, fragment = reference.partition("#")
    document: Any = root if base in ("", root.get("$id")) else _identified(root, "$id", base)
    if document is None:
        return {}
    if fragment and not fragment.startswith("/"):
        found = _identified(document, "$anchor", fragment)
        return {} if found is None else found
    for step in fragment.split("/")[1:]:
        key = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(key, {})
        elif isinstance(document, list) and key.isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            return {}
    return document


def _identified(root: Schema, keyword: str, value: str) -> Any:
    for definitions in _DEFINITIONS:
        held = root.get(definitions)
        if isinstance(held, dict):
            for schema in held.values():
                if isinstance(schema, dict) and schema.get(keyword) == value:
                    return schema
    return None


class Flat:
    """A schema without references and ``allOf``.

    ``schema`` holds what is certain; of each list in ``choices`` one must hold.
    """

    __slots__ = ("choices", "exclusive", "impossible", "schema")

    def __init__(self) -> None:
        self.schema: Schema = {}
        self.choices: list[list[Any]] = []
        #: whether there is something that only a check of the finished value can decide
        self.exclusive = False
        self.impossible = False

    def add(self, schema: Any, root: Schema, depth: int = 0) -> None:
        """Merge one more schema into this one."""
        if schema is False:
            self.impossible = True
        if not is_schema(schema) or depth > _DEPTH:
            return
        own = dict(schema)
        reference = own.pop("$ref", own.pop("$dynamicRef", own.pop("$recursiveRef", None)))
        if reference is not None:
            self.add(resolved(reference, root), root, depth + 1)
        for inner in _list(own.pop("allOf", None)):
            self.add(inner, root, depth + 1)
        for keyword in ("anyOf", "oneOf"):
            options = _list(own.pop(keyword, None))
            if options:
                self.choices.append(options)
                self.exclusive = self.exclusive or keyword == "oneOf" or len(options) > 1
        if "if" in own:
            condition = own.pop("if")
            positive = {"allOf": [condition, own.pop("then", {})]}
            self.choices.append([positive, own.pop("else", {})])
            self.exclusive = True
        if "not" in own or "dependentSchemas" in own or "contains" in own or "propertyNames" in own:
            self.exclusive = True
        self._merge(own)

    def _merge(self, other: Schema) -> None:
        mine = self.schema
        for key, value in other.items():
            if key not in mine:
                mine[key] = value
            elif key == "type":
                mine[key] = _common_types(mine, other)
            elif key in _SCHEMA_MAPS:
                mine[key] = _joined_maps(mine[key], value)
            elif key in _NESTED:
                mine[key] = _both(mine[key], value)
            elif key == "not":
                mine[key] = {"anyOf": [mine[key], value]}
            elif key == "required":
                mine[key] = list(dict.fromkeys([*_list(mine[key]), *_list(value)]))
            elif key == "enum":
                mine[key] = [item for item in _list(mine[key]) if item in _list(value)]
            elif key in _HIGHEST:
                mine[key] = _bound(max, mine[key], value)
            elif key in _LOWEST:
                mine[key] = _bound(min, mine[key], value)
            elif key not in ("description", "title", "default", "examples"):
                mine[key] = value


def flat(schema: Any, root: Schema) -> Flat:
    """Flatten one schema of a document."""
    flattened = Flat()
    flattened.add(schema, root)
    return flattened


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _common_types(mine: Schema, other: Schema) -> list[str]:
    own, others = types_of(mine), types_of(other)
    common = [kind for kind in own if kind in others or (kind == "integer" and "number" in others)]
    common.extend(kind for kind in others if kind == "integer" and "number" in own and kind not in common)
    return common or own


def _joined_maps(mine: Any, other: Any) -> Any:
    if not isinstance(mine, dict) or not isinstance(other, dict):
        return mine
    return {**mine, **{key: _both(mine[key], value) if key in mine else value for key, value in other.items()}}


def _both(mine: Any, other: Any) -> Any:
    if mine is False or other is False:
        return False
    if mine is True or mine == {} or mine == other:
        return other
    return mine if other is True or other == {} else {"allOf": [mine, other]}


def _bound(pick: Any, mine: Any, other: Any) -> Any:
    numbers = [value for value in (mine, other) if isinstance(value, int | float) and not isinstance(value, bool)]
    return pick(numbers) if numbers else other
