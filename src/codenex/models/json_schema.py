"""JSON Schema in the two dialects that Gemini takes, and back: pure, order-preserving, idempotent.

:func:`to_json_schema_slot` for ``parametersJsonSchema`` and ``responseJsonSchema``, :func:`to_openapi_subset` for
``parameters`` and ``responseSchema``, :func:`from_openapi` for what clients put into the latter. What a dialect can't
say goes into ``description``, where the model reads it, and into a list of notes. Keywords after google-genai 3.4.0.
"""

from __future__ import annotations

from codenex.models.openapi_subset import from_openapi, to_openapi_subset
from codenex.models.schema_nodes import Schema, mapped, with_lower_types
from codenex.models.schema_slot import to_json_schema_slot

__all__ = ["Schema", "from_openapi", "mapped", "to_json_schema_slot", "to_openapi_subset", "with_lower_types"]
