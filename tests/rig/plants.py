"""Errors planted in a good request: what the tests of the vendors' rules share."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
STRICT = {**SCHEMA, "additionalProperties": False}
IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

Change = Callable[[Any], object]


def planted(good: dict[str, Any], change: Change) -> dict[str, Any]:
    body = copy.deepcopy(good)
    change(body)
    return body


def put(*path: Any) -> Change:
    """Set the value at a path: keys and indexes, the value last."""

    def change(body: Any) -> None:
        for step in path[:-2]:
            body = body[step]
        body[path[-2]] = path[-1]

    return change


def drop(*path: Any) -> Change:
    """Remove what stands at a path."""

    def change(body: Any) -> None:
        for step in path[:-1]:
            body = body[step]
        del body[path[-1]]

    return change


def insert(*path: Any) -> Change:
    """Insert a value into the list at a path: keys and indexes, the place, the value."""

    def change(body: Any) -> None:
        for step in path[:-2]:
            body = body[step]
        body.insert(path[-2], path[-1])

    return change


def both(*changes: Change) -> Change:
    return lambda body: [change(body) for change in changes]


Plant = tuple[str, Change, str]
"""Name, the change that breaks the request, a pattern that the complaint matches."""

JUNK: tuple[Any, ...] = (None, 5, "x", [[]], {"type": []}, True)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside of a body."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield (*path, key)
        yield from places(member, (*path, key))


def assert_found(check: Callable[[Any], list[str]], good: Any, plant: Plant) -> None:
    """The good request is taken; the broken one is refused for the reason given."""
    _, change, complaint = plant
    assert check(good) == []
    problems = check(planted(good, change))
    assert any(re.search(complaint, problem) for problem in problems), problems


def assert_survives_junk(check: Callable[[Any], list[str]], good: Any) -> None:
    """Whatever stands in the place of any value, the rules complain or not, but never fail."""
    assert all(check(body) != [] for body in JUNK)
    for path in places(good):
        for junk in JUNK:
            assert isinstance(check(planted(good, put(*path, junk))), list)
