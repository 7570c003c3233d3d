"""The schema dialect of ``output_config.format`` and of strict tools, which the vendor compiles to a grammar."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote

from tests.support.vendors.checks import Problems, words

KEYWORDS: Final = words(
    """
    $ref $defs type properties required additionalProperties items anyOf allOf enum const title description default
    format pattern minItems
    """
)
FORMATS: Final = words("date-time time date duration email hostname uri ipv4 ipv6 uuid")
HARD_PATTERN: Final = re.compile(r"\(\?[=!<P]|\\[1-9bBkpP]")
OPTIONAL_LIMIT: Final = 24
UNION_LIMIT: Final = 16
"""So many optional properties, and properties of several types, all enforced schemas of a request may have."""


class Tally:
    """What is counted over all enforced schemas of a request."""

    def __init__(self) -> None:
        self.optional = 0
        self.unions = 0

    def check(self, problems: Problems) -> None:
        """Complain of schemas that are too complex together."""
        problems.require(
            self.optional <= OPTIONAL_LIMIT, f"Schemas contain too many optional parameters: {self.optional}"
        )
        problems.require(
            self.unions <= UNION_LIMIT, f"Schemas contain too many parameters with union types: {self.unions}"
        )


def check_enforced_schema(problems: Problems, where: str, schema: object, tally: Tally) -> None:
    """Complain of everything in a whole schema that can't be enforced."""
    root = problems.record(where, schema)
    problems.require(root.get("type") == "object", f"{where}.type: must be 'object'")
    _check(problems, where, root, root, (), tally)
    for name, definition in problems.record(f"{where}.$defs", root.get("$defs") or {}).items():
        _check(problems, f"{where}.$defs.{name}", definition, root, (f"#/$defs/{name}",), tally)


def _check(
    problems: Problems, where: str, value: object, root: dict[str, Any], inside: tuple[str, ...], tally: Tally
) -> None:
    schema = problems.record(where, value)
    problems.unknown(where, schema, KEYWORDS)
    reference = schema.get("$ref")
    if reference is not None:
        prefix, _, name = str(reference).rpartition("/")
        name = unquote(name).replace("~1", "/").replace("~0", "~")
        found = prefix == "#/$defs" and name in (root.get("$defs") or {})
        problems.require(reference not in inside, f"{where}.$ref: Circular reference {reference!r}")
        if problems.require(found, f"{where}.$ref: {reference!r} is not a definition") and reference not in inside:
            _check(problems, f"{where}→{name}", root["$defs"][name], root, (*inside, str(reference)), Tally())
        return
    kinds = schema.get("type") if isinstance(schema.get("type"), list) else [schema.get("type")]
    for kind in kinds:
        known = ("object", "array", "string", "number", "integer", "boolean", "null", None)
        problems.one_of(f"{where}.type", kind, known)
    typed = any(name in schema for name in ("type", "enum", "const", "anyOf", "allOf"))
    problems.require(typed, f"{where}: schema type not set")
    if "object" in kinds:
        properties = problems.record(f"{where}.properties", schema.get("properties") or {})
        closed = schema.get("additionalProperties") is False
        problems.require(closed, f"{where}: For 'object' type, 'additionalProperties' must be explicitly set to false")
        required = problems.optional(f"{where}.required", schema.get("required"))
        unknown = [name for name in required if name not in list(properties)]
        problems.require(not unknown, f"{where}.required: {unknown} are not properties")
        tally.optional += sum(name not in required for name in properties)
        for name, member in properties.items():
            several = isinstance(member, dict) and (
                len(problems.optional(f"{where}.anyOf", member.get("anyOf"))) > 1
                or isinstance(member.get("type"), list)
            )
            tally.unions += several
            _check(problems, f"{where}.properties.{name}", member, root, inside, tally)
    if "array" in kinds:
        problems.require("items" in schema, f"{where}.items: missing")
    if "items" in schema:
        _check(problems, f"{where}.items", schema["items"], root, inside, tally)
    problems.one_of(f"{where}.minItems", schema.get("minItems"), (None, 0, 1))
    for keyword in ("anyOf", "allOf"):
        members = problems.listing(f"{where}.{keyword}", schema[keyword]) if keyword in schema else []
        for number, member in enumerate(members):
            within = isinstance(member, dict) and "$ref" in member and keyword == "allOf"
            problems.require(not within, f"{where}.allOf[{number}]: $ref is not supported here")
            _check(problems, f"{where}.{keyword}[{number}]", member, root, inside, tally)
    for member in [*problems.optional(f"{where}.enum", schema.get("enum")), schema.get("const")]:
        problems.require(not isinstance(member, dict | list), f"{where}.enum: complex values are not supported")
    if schema.get("format") is not None:
        problems.one_of(f"{where}.format", schema["format"], FORMATS)
    if "pattern" in schema:
        simple = isinstance(schema["pattern"], str) and HARD_PATTERN.search(schema["pattern"]) is None
        problems.require(simple, f"{where}.pattern: unsupported regular expression")
