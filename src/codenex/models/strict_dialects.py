"""What the strict modes of Anthropic and OpenAI take of JSON Schema, beside its structure."""

from __future__ import annotations

import msgspec


class Dialect(msgspec.Struct, frozen=True):
    """What a strict mode takes beside the structural keywords."""

    keywords: frozenset[str]
    formats: frozenset[str]
    all_of: bool
    recursion: bool
    all_required: bool
    hard_patterns: bool
    #: values of ``minItems`` that are taken; ``None`` means any
    least_items: frozenset[int] | None


_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})

#: Anthropic ``output_config.format`` and strict tools (documentation of structured outputs, SDK 2.12.0, November 2026).
ANTHROPIC = Dialect(
    frozenset({"title", "default", "pattern", "minItems"}),
    _FORMATS | {"uri"},
    all_of=True,
    recursion=False,
    all_required=False,
    hard_patterns=False,
    least_items=frozenset({0, 1}),
)

#: OpenAI strict functions and ``json_schema`` formats (documentation of structured outputs, November 2026).
OPENAI = Dialect(
    frozenset(
        {
            "title",
            "pattern",
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
        }
    ),
    _FORMATS,
    all_of=False,
    recursion=True,
    all_required=True,
    hard_patterns=True,
    least_items=None,
)
