"""Structured output, both ways: a schema that is enforced, or an instruction that stands in for it."""

from __future__ import annotations

from typing import Any

from codenex.core.errors import invalid_request
from codenex.core.losses import Losses
from codenex.core.request import OutputFormat
from codenex.models.capabilities import Capabilities
from codenex.models.strict_allowance import Allowance
from codenex.models.strict_schema import for_anthropic
from codenex.protocols.anthropic.content import instruction_text
from codenex.protocols.anthropic.types import an_object


def output_from(current: Any, legacy: Any) -> OutputFormat | None:
    """Decode ``output_config.format`` and its former name ``output_format``. Raises a fault (400)."""
    path = "output_config.format" if current is not None else "output_format"
    given = current if current is not None else legacy
    if given is None:
        return None
    form = an_object(given, path)
    match form.get("type"):
        case "json_schema":
            schema = an_object(form.get("schema"), f"{path}.schema")
            name = form.get("name")
            return OutputFormat("json_schema", name if isinstance(name, str) else None, schema=schema, strict=True)
        case "text":
            return OutputFormat("text")
        case other:
            raise invalid_request(f"{path}.type: unknown format {other!r}", param=f"{path}.type")


def output_for(
    output: OutputFormat | None, capabilities: Capabilities, losses: Losses, allowance: Allowance
) -> tuple[dict[str, Any] | None, str | None]:
    """Return the schema to enforce, or an instruction that stands in for it."""
    if output is None:
        return None, None
    if output.kind == "json_object" or output.schema is None:
        losses.adapt("response_format", "a JSON object is asked for by an instruction")
        return None, instruction_text(None)
    if not capabilities.structured_output:
        losses.approximate("response_format", "the schema is told to the model and not enforced")
        return None, instruction_text(output.schema)
    adapted = for_anthropic(output.schema)
    reason = (
        "it is recursive"
        if adapted.recursive
        else "its root is not an object"
        if adapted.wrapped
        else None
        if allowance.takes(adapted.schema)
        else "it leaves too much open"
    )
    if reason is not None:
        losses.approximate("response_format", f"the schema is told to the model and not enforced: {reason}")
        return None, instruction_text(output.schema)
    for change in adapted.changes:
        losses.adapt("response_format", change)
    if output.strict is False:
        losses.adapt("response_format.strict", "the target always enforces a schema")
    return adapted.schema, None
