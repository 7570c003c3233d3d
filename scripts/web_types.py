"""Writes the types of the management API for the web pages, from the OpenAPI document that the server itself tells.

``python -m scripts.web_types`` writes ``web/src/api/types.ts``; a test compares it with the document.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

TARGET: Final = Path(__file__).parents[1] / "web" / "src" / "api" / "types.ts"
_HEAD: Final = """// Written by `make web-types` from the server's OpenAPI document. Don't edit.

"""
_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][\w$]*")
_PRIMITIVES: Final = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def document() -> dict[str, Any]:
    """Return the OpenAPI document of the management API."""
    from codenex.control.administration import Administration
    from codenex.control.application import build_application
    from codenex.store.settings import Settings

    return build_application(Administration(Settings())).openapi()


def types_of(described: dict[str, Any]) -> str:
    """Return TypeScript: an interface for every schema, and ``Operations``, which has for every ``METHOD /path`` its
    parameters, body and answer."""
    answers = _in_answers(described)
    parts = [
        _interface(name, schema, optional_defaults=name not in answers)
        for name, schema in sorted(described["components"]["schemas"].items())
    ]
    rows = [
        _operation(f"{method.upper()} {path}", operation)
        for path, ways in sorted(described["paths"].items())
        for method, operation in sorted(ways.items())
    ]
    return _HEAD + "\n".join(parts) + "\nexport interface Operations {\n" + "".join(rows) + "}\n"


def _in_answers(described: dict[str, Any]) -> set[str]:
    """The schemas that answers are made of: what has a default there is always there."""
    schemas = described["components"]["schemas"]
    waiting = [
        reference
        for ways in described["paths"].values()
        for operation in ways.values()
        for reference in _references(operation["responses"])
    ]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(schemas[name])
    return found


def _references(value: Any) -> list[str]:
    return re.findall(r"#/components/schemas/([\w.-]+)", json.dumps(value))


def _interface(name: str, schema: dict[str, Any], *, optional_defaults: bool) -> str:
    comment = _comment(schema.get("description"), "")
    if "properties" not in schema:
        return f"{comment}export type {name} = {_type(schema)};\n"
    required = set(schema.get("required", ()))
    lines = []
    for field, value in schema["properties"].items():
        always = field in required or ("default" in value and not optional_defaults)
        mark = "" if always else "?"
        lines.append(f"{_comment(value.get('description'), '  ')}  {_key(field)}{mark}: {_type(value)};\n")
    if schema.get("additionalProperties") is True:
        lines.append("  [name: string]: unknown;\n")
    return f"{comment}export interface {name} {{\n{''.join(lines)}}}\n"


def _operation(name: str, operation: dict[str, Any]) -> str:
    parameters = operation.get("parameters", [])
    path = _parameters([one for one in parameters if one["in"] == "path"])
    query = _parameters([one for one in parameters if one["in"] == "query"])
    content = operation.get("requestBody", {}).get("content", {})
    body = "FormData" if "multipart/form-data" in content else _content(content, "undefined")
    success = next((value for status, value in operation["responses"].items() if status.startswith("2")), {})
    answer = _content(success.get("content", {}), "unknown")
    comment = _comment(operation.get("description"), "  ")
    return f'{comment}  "{name}": {{ path: {path}; query: {query}; body: {body}; answer: {answer} }};\n'


def _parameters(parameters: list[dict[str, Any]]) -> str:
    if not parameters:
        return "Record<string, never>"
    fields = (f"{_key(one['name'])}{'' if one.get('required') else '?'}: {_type(one['schema'])}" for one in parameters)
    return "{ " + "; ".join(fields) + " }"


def _content(content: dict[str, Any], otherwise: str) -> str:
    schema = content.get("application/json", {}).get("schema")
    return otherwise if schema is None else _type(schema)


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " | ".join(dict.fromkeys(_type(one) for one in schema[word]))
    if "allOf" in schema:
        return " & ".join(_type(one) for one in schema["allOf"])
    kind = schema.get("type")
    if kind == "array":
        inner = _type(schema.get("items", {}))
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if kind == "object":
        return _object(schema)
    return _PRIMITIVES.get(kind, "unknown") if isinstance(kind, str) else "unknown"


def _object(schema: dict[str, Any]) -> str:
    if "properties" in schema:
        required = set(schema.get("required", ()))
        fields = (
            f"{_key(name)}{'' if name in required else '?'}: {_type(value)}"
            for name, value in schema["properties"].items()
        )
        return "{ " + "; ".join(fields) + " }"
    values = schema.get("additionalProperties")
    return f"Record<string, {_type(values) if isinstance(values, dict) else 'unknown'}>"


def _key(name: str) -> str:
    return name if _IDENTIFIER.fullmatch(name) else json.dumps(name)


def _comment(text: str | None, indent: str) -> str:
    if not text:
        return ""
    words = " ".join(text.replace("``", "`").replace("*/", "* /").split())
    return f"{indent}/** {words} */\n"


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(types_of(document()))
