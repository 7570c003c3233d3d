"""Numbers and strings that keep the bounds, patterns and formats of a JSON Schema."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from codenex.providers.demo.pattern_sample import pattern_sample
from codenex.providers.demo.schema_check import accepts, is_number
from codenex.providers.demo.schema_merge import Schema

_LENGTH_LIMIT = 10_000
_SAMPLES = 24
_HALF = Fraction(1, 2)

#: An example for each format of JSON Schema and OpenAPI, by the number of the variant.
FORMATS: dict[str, Callable[[int], str]] = {
    "date-time": lambda n: f"2025-01-{1 + n % 28:02}T12:00:00Z",
    "date": lambda n: f"2025-01-{1 + n % 28:02}",
    "time": lambda n: f"12:00:{n % 60:02}Z",
    "duration": lambda n: f"PT{n + 1}H",
    "email": lambda n: f"demo{n or ''}@example.com",
    "idn-email": lambda n: f"demo{n or ''}@example.com",
    "hostname": lambda n: f"demo{n or ''}.example.com",
    "idn-hostname": lambda n: f"demo{n or ''}.example.com",
    "ipv4": lambda n: f"192.0.2.{1 + n % 254}",
    "ipv6": lambda n: f"2001:db8::{1 + n:x}",
    "uri": lambda n: f"https://example.com/demo{n or ''}",
    "uri-reference": lambda n: f"https://example.com/demo{n or ''}",
    "iri": lambda n: f"https://example.com/demo{n or ''}",
    "iri-reference": lambda n: f"https://example.com/demo{n or ''}",
    "url": lambda n: f"https://example.com/demo{n or ''}",
    "uri-template": lambda n: f"https://example.com/{{demo{n or ''}}}",
    "uuid": lambda n: f"00000000-0000-4000-8000-{n + 1:012x}",
    "json-pointer": lambda n: f"/demo{n or ''}",
    "relative-json-pointer": lambda n: f"{n}/demo",
    "regex": lambda n: f"demo{n or ''}",
    "byte": lambda n: "ZGVtbw==" if n == 0 else "ZGVtbzI=",
    "binary": lambda n: f"demo{n or ''}",
    "password": lambda n: f"demo{n or ''}",
}


def number(schema: Schema, offered: float | None, variant: int, *, whole: bool) -> float:
    """Return a number within the schema's bounds: the offered one where it fits, else the one nearest to 1."""
    demands = {**_bounds(schema), "type": "integer" if whole else "number"}
    if offered is not None and variant == 0 and accepts(demands, offered, {}):
        return int(offered) if whole else offered
    low, low_open = _edge(schema, "minimum", "exclusiveMinimum", max)
    high, high_open = _edge(schema, "maximum", "exclusiveMaximum", min)
    step = _fraction(schema.get("multipleOf"))
    if step is None or step <= 0:
        step = Fraction(1)
    elif whole and step.denominator != 1:
        step = Fraction(step.numerator)
    found = _on_grid(low, low_open, high, high_open, step, variant)
    if found is None and not whole and "multipleOf" not in schema and low is not None and high is not None:
        found = low + (high - low) / (2 + variant)
    if found is None:
        found = low if low is not None else high if high is not None else Fraction(1)
    elif not whole and variant % 2 and "multipleOf" not in schema and (high is None or found + _HALF < high):
        # A number that is no integer, for alternatives that tell the two apart.
        found += _HALF
    if whole or found.denominator == 1:
        return int(found)
    return float(found)


def _on_grid(
    low: Fraction | None, low_open: bool, high: Fraction | None, high_open: bool, step: Fraction, variant: int
) -> Fraction | None:
    least = None if low is None else math.floor(low / step) + 1 if low_open else math.ceil(low / step)
    most = None if high is None else math.ceil(high / step) - 1 if high_open else math.floor(high / step)
    if least is not None and most is not None and least > most:
        return None
    position = max(1, math.ceil(1 / step)) if step < 1 else 1
    if least is not None:
        position = max(position, least)
    if most is not None:
        position = min(position, most)
    moved = position + variant
    if most is not None and moved > most:
        moved = position - variant
        if least is not None and moved < least:
            moved = least + variant % (most - least + 1)
    return moved * step


def _bounds(schema: Schema) -> Schema:
    names = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
    return {name: schema[name] for name in names if name in schema}


def _edge(schema: Schema, inclusive: str, exclusive: str, pick: Any) -> tuple[Fraction | None, bool]:
    edge, strict = _fraction(schema.get(inclusive)), _fraction(schema.get(exclusive))
    if strict is None:
        return edge, edge is not None and schema.get(exclusive) is True
    if edge is None or pick(edge, strict) == strict:
        return strict, True
    return edge, False


def _fraction(value: Any) -> Fraction | None:
    return Fraction(str(value)) if is_number(value) and math.isfinite(value) else None


def string(schema: Schema, offered: str | None, variant: int) -> str:
    """Return a string of the schema's pattern, format and length: the offered one where it fits."""
    least = min(_length(schema, "minLength", 0), _LENGTH_LIMIT)
    most = min(_length(schema, "maxLength", _LENGTH_LIMIT), _LENGTH_LIMIT)
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        sample = _sample(pattern, least, most, variant)
        if sample is not None:
            return sample
    named = schema.get("format")
    example = FORMATS.get(named) if isinstance(named, str) else None
    if offered is not None and least <= len(offered) <= most:
        return offered
    if example is not None:
        return example(variant)
    if schema.get("contentEncoding") == "base64":
        return FORMATS["byte"](variant)
    text = f"demo {variant + 1}" if variant else "demo"
    if len(text) < least:
        text = (text + " ") * (least // (len(text) + 1) + 1)
        return text[:least] if text[least - 1] != " " else text[: least - 1] + "o"
    return text if len(text) <= most else _short(variant, most)


def _short(variant: int, most: int) -> str:
    """Tell variants apart in few characters."""
    letters = "demoabcfghijklnpqrstuvwxyz"
    return (letters[variant % len(letters)] + "demo")[:most] if variant else "demo"[:most]


def _sample(pattern: str, least: int, most: int, variant: int) -> str | None:
    fitting: list[str] = []
    for attempt in [*range(max(_SAMPLES, variant + 1)), *range(max(0, least - 2), least + 1)]:
        sample = pattern_sample(pattern, attempt)
        if sample is not None and least <= len(sample) <= most and sample not in fitting:
            fitting.append(sample)
            if len(fitting) > variant:
                return sample
    return fitting[variant % len(fitting)] if fitting else None


def _length(schema: Schema, key: str, absent: int) -> int:
    value = schema.get(key)
    return max(0, int(value)) if is_number(value) else absent
