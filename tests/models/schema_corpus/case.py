"""What one schema of the corpus is."""

from __future__ import annotations

from typing import Any, NamedTuple


class Case(NamedTuple):
    """A schema, values that fit it and values that don't, as JSON Schema 2020-12 says."""

    name: str
    schema: dict[str, Any]
    fits: tuple[Any, ...] = ()
    misfits: tuple[Any, ...] = ()
