"""A hundred schemas in every dialect: taken by the vendor's written rules, stable, and never silently another schema.

Whether an adapted schema means the same is asked of values: those of the corpus, and those made from them by leaving
out, replacing and adding. Where the answers of original and adapted schema differ, a note must say so.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jsonschema
import pytest
from tests.models.schema_corpus import CORPUS, Case
from tests.support.vendors.anthropic.schemas import Tally, check_enforced_schema
from tests.support.vendors.checks import Problems, check_strict_root
from tests.support.vendors.gemini.schemas import check_json_schema, check_schema

from codenex.models.json_schema import from_openapi, mapped, to_json_schema_slot, to_openapi_subset
from codenex.models.strict_allowance import Allowance
from codenex.models.strict_schema import Adapted, for_anthropic, for_openai
from codenex.models.tool_schema import tool_input_schema

Schema = dict[str, Any]


class Written(NamedTuple):
    """A schema in a dialect: as it is sent, as JSON Schema, what is told, and whether values stand under ``value``."""

    sent: Schema
    meant: Schema
    notes: tuple[str, ...]
    wrapped: bool = False
    #: the dialect can't enforce it, so that it is not sent
    refused: bool = False


def _strict(adapted: Adapted) -> Written:
    return Written(adapted.schema, adapted.schema, adapted.changes, adapted.wrapped, adapted.recursive)


def _enforced(schema: Schema, *, tool: bool = False) -> Written:
    adapted = for_anthropic(schema, root_object=tool)
    room = Allowance().takes(adapted.schema)
    return Written(adapted.schema, adapted.schema, adapted.changes, adapted.wrapped, adapted.recursive or not room)


def _slot(schema: Schema) -> Written:
    written, notes = to_json_schema_slot(schema)
    # An enumeration holds no null there; beside a type that may be null it is meant.
    meant = mapped(written, lambda node: {**node, "enum": [*node["enum"], None]} if _may_be_null(node) else node)
    return Written(written, meant, tuple(notes))


def _may_be_null(node: Schema) -> bool:
    return "enum" in node and isinstance(node.get("type"), list) and "null" in node["type"]


def _subset(schema: Schema) -> Written:
    written, notes = to_openapi_subset(schema)
    return Written(written, from_openapi(written), tuple(notes))


def _rooted(schema: Schema) -> Written:
    written, change = tool_input_schema(schema)
    return Written(written, written, () if change is None else (change,))


def _check_enforced(problems: Problems, where: str, schema: Schema) -> None:
    tally = Tally()
    check_enforced_schema(problems, where, schema, tally)
    tally.check(problems)


def _check_subset(problems: Problems, where: str, schema: Schema) -> None:
    found = Problems()
    check_schema(found, where, schema)
    # Names are the business of models.property_names, which comes before.
    problems.extend(problem for problem in found if "invalid property name" not in problem)


def _check_rooted(problems: Problems, where: str, schema: Schema) -> None:
    problems.require(schema.get("type") == "object", f"{where}: no object at the root")
    beside = [keyword for keyword in ("anyOf", "oneOf", "allOf") if keyword in schema]
    problems.require(not beside, f"{where}: {beside} at the root")


DIALECTS: dict[str, tuple[Callable[[Schema], Written], Callable[[Problems, str, Schema], None]]] = {
    "Gemini, JSON Schema": (_slot, check_json_schema),
    "Gemini, OpenAPI": (_subset, _check_subset),
    "OpenAI, strict": (lambda schema: _strict(for_openai(schema)), check_strict_root),
    "OpenAI, strict tool": (lambda schema: _strict(for_openai(schema, root_object=True)), check_strict_root),
    "Anthropic, output": (_enforced, _check_enforced),
    "Anthropic, strict tool": (lambda schema: _enforced(schema, tool=True), _check_enforced),
    "any tool": (_rooted, _check_rooted),
}

#: Schemas that Anthropic can't enforce, as they hold themselves or leave too much open.
REFUSED = [
    "tree",
    "list linked by null",
    "two that hold each other",
    "root that holds itself",
    "search with many options",
    "interface that holds itself",
]

everywhere = pytest.mark.parametrize("dialect", DIALECTS)


def test_the_corpus_is_what_it_says() -> None:
    assert len({case.name for case in CORPUS}) == len(CORPUS) == 100
    for case in CORPUS:
        validator = jsonschema.Draft202012Validator(case.schema)
        assert all(validator.is_valid(value) for value in case.fits), case.name
        assert not any(validator.is_valid(value) for value in case.misfits), case.name


@everywhere
@pytest.mark.pitfall("SCH-1", "SCH-2", "SCH-3", "SCH-4", "SCH-7")
def test_the_vendor_takes_what_is_written(dialect: str) -> None:
    write, check = DIALECTS[dialect]
    problems = Problems()
    refused = []
    for case in CORPUS:
        written = write(case.schema)
        if written.refused:
            refused.append(case.name)
        else:
            check(problems, case.name, written.sent)
    assert not problems
    assert refused == (REFUSED if dialect.startswith("Anthropic") else [])


@everywhere
@pytest.mark.pitfall("SCH-9")
def test_writing_is_pure_repeatable_and_settled(dialect: str) -> None:
    write, _ = DIALECTS[dialect]
    for case in CORPUS:
        before = json.dumps(case.schema)
        once = write(case.schema)
        assert json.dumps(case.schema) == before, case.name
        assert json.dumps(write(copy.deepcopy(case.schema))) == json.dumps(once), case.name
        assert write(once.meant).sent == once.sent, case.name


@everywhere
@pytest.mark.pitfall("SCH-8")
def test_no_schema_silently_becomes_another(dialect: str) -> None:
    write, _ = DIALECTS[dialect]
    silent: dict[str, Any] = {}
    for case in CORPUS:
        written = write(case.schema)
        if written.notes:
            continue
        original, meant = _validator(case.schema), _validator(written.meant)
        # Elsewhere objects are closed, whether the schema says so or not.
        for value in _values(case, adding=dialect == "Gemini, JSON Schema"):
            if dialect.endswith("tool") and not isinstance(value, dict):
                # A call's arguments are an object.
                continue
            if original.is_valid(value) != meant.is_valid({"value": value} if written.wrapped else value):
                silent.setdefault(case.name, (value, written.sent))
    assert not silent


@everywhere
def test_no_description_is_lost(dialect: str) -> None:
    write, _ = DIALECTS[dialect]
    lost: list[str] = []
    for case in CORPUS:
        sent = json.dumps(write(case.schema).sent, ensure_ascii=False)
        lost += [f"{case.name}: {text}" for text in _descriptions(case.schema) if text not in sent]
    assert not lost


def _validator(schema: Schema) -> jsonschema.Draft202012Validator:
    """Of OpenAPI's own words, which JSON Schema ignores, the meaning is kept."""
    return jsonschema.Draft202012Validator(from_openapi(schema) if _spoken(schema) else schema)


def _spoken(schema: Schema) -> bool:
    text = json.dumps(schema)
    return '"nullable": true' in text or '"OBJECT"' in text


def _values(case: Case, *, adding: bool) -> Iterator[Any]:
    yield from case.misfits
    for value in case.fits:
        yield value
        yield from _changed(value, adding=adding)


def _changed(value: Any, *, adding: bool) -> Iterator[Any]:
    """Values that differ in one place: something of another type, something left out, something more."""
    yield from (other for other in ("text", 7, True, None, [], {}) if type(other) is not type(value))
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {name: each for name, each in value.items() if name != key}
            yield from ({**value, key: each} for each in _changed(inner, adding=adding))
        if adding:
            yield {**value, "something more": 1}
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from ([*value[:number], each, *value[number + 1 :]] for each in _changed(inner, adding=adding))


def _descriptions(schema: Any) -> Iterator[str]:
    """The descriptions of schemas, without those of definitions that nothing refers to."""
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        if key == "description" and isinstance(value, str):
            yield value
        elif key in ("properties", "$defs", "definitions", "patternProperties"):
            for inner in value.values():
                yield from _descriptions(inner)
        elif key in ("items", "additionalProperties"):
            yield from _descriptions(value)
        elif key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            for inner in value:
                yield from _descriptions(inner)
