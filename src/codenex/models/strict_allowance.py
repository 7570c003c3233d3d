"""How much of enforced schemas one request to Anthropic may hold: what goes beyond it is refused as too complex."""

from __future__ import annotations

from codenex.models.schema_nodes import Schema, children

#: Tools with ``strict``, optional properties, and properties of several types, over all enforced schemas of a request
#: (documentation of structured outputs, November 2026).
TOOLS, OPTIONAL, UNIONS = 20, 24, 16


class Allowance:
    """What is left for further schemas of a request."""

    __slots__ = ("_optional", "_tools", "_unions")

    def __init__(self) -> None:
        self._tools, self._optional, self._unions = TOOLS, OPTIONAL, UNIONS

    def takes_tool(self, schema: Schema) -> bool:
        """Whether one more strict tool with an adapted schema has room; if so, it is counted."""
        if self._tools == 0 or not self.takes(schema):
            return False
        self._tools -= 1
        return True

    def takes(self, schema: Schema) -> bool:
        """Whether one more adapted schema has room; if so, it is counted."""
        optional, unions = _open_properties(schema)
        if optional > self._optional or unions > self._unions:
            return False
        self._optional -= optional
        self._unions -= unions
        return True


def _open_properties(schema: Schema) -> tuple[int, int]:
    """Return how many properties are optional, and how many have several types."""
    optional = unions = 0
    todo = [schema]
    while todo:
        here = todo.pop()
        properties = here.get("properties")
        if isinstance(properties, dict):
            optional += len(properties) - len(set(here.get("required", ())) & set(properties))
            unions += sum(_has_several_types(each) for each in properties.values())
        todo.extend(children(here))
    return optional, unions


def _has_several_types(schema: Schema) -> bool:
    branches = schema.get("anyOf")
    return isinstance(schema.get("type"), list) or (isinstance(branches, list) and len(branches) > 1)
