"""Writes ``docs/configuration.md`` from the typed configuration: ``python -m scripts.configuration_reference``.

A test compares the page with what this writes, so that no setting is missing there, and none has another default.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from codenex.control.configuration import configuration_type
from codenex.control.setting_help import configuration_schema

TARGET: Final = Path(__file__).parents[1] / "docs" / "configuration.md"
_HEAD: Final = """<!-- Written by `make configuration-reference` from the typed configuration. Don't edit. -->
# Configuration

Every setting, as this version knows it. A setting has one name everywhere, and one value, from the first place that
has one:

1. a flag of `codenex serve` (`--host`, `--port`, `--workers`, `--config-dir`, `--data-dir`),
2. the environment,
3. the file `.env` in the folder in which the server is started,
4. `config.json` in `CONFIG_DIR`,
5. the default.

An empty value counts as not set. In the environment and in `.env`, tables and lists are JSON; lists of names may have
commas or spaces between their entries instead. Sizes are in bytes, times in seconds, unless the text says otherwise.

What can't be used ends the start, with one line that names setting, value and place. A server that runs takes changed
files within seconds; a change that can't be used is reported and changes nothing. What the settings amount to, and
where each comes from:

```sh check
codenex check --all
```

The same settings in `configs/config.json`:

```json file
{
  "SERVER_PORT": 3001,
  "TRUSTED_PROXIES": ["10.0.0.0/8"],
  "MODEL_PROVIDER": "claude-custom",
  "modelAliases": {"gpt-5.5": "claude-custom/claude-opus-4-8"},
  "providerFallbackChain": {"claude-custom": ["gemini-custom"]}
}
```

and in `.env`:

```ini dotenv
SERVER_PORT=3001
TRUSTED_PROXIES=10.0.0.0/8
MODEL_PROVIDER=claude-custom
modelAliases={"gpt-5.5": "claude-custom/claude-opus-4-8"}
providerFallbackChain={"claude-custom": ["gemini-custom"]}
```

**At start**: in use only after a new start. **Secret**: masked wherever it is shown.
"""
_WORDS: Final = {"string": "text", "boolean": "true, false", "integer": "whole number", "number": "number"}


def document() -> str:
    """Return the page's text."""
    groups: dict[str, list[str]] = {}
    properties = configuration_schema()["properties"]
    for name, content in properties.items():
        groups.setdefault(content["x-group"], []).append(_row(name, content))
    sections = (
        f"\n## {group}\n\n| setting | value | default | |\n|---|---|---|---|\n" + "".join(rows)
        for group, rows in groups.items()
    )
    return _HEAD + "".join(sections)


def _row(name: str, content: dict[str, Any]) -> str:
    notes = [
        note
        for note, holds in (
            ("**Secret.**", content["x-secret"]),
            ("**At start.**", content["x-at-start"]),
            ("Not in `config.json`.", content["x-read-only"]),
        )
        if holds
    ]
    text = " ".join([content["description"].replace("|", "\\|"), *notes])
    return f"| `{name}` | {_value(content)} | {_default(name)} | {text} |\n"


def _value(content: dict[str, Any]) -> str:
    """What a value may be, in words."""
    (kind,) = (kind for kind in content.get("anyOf", [content]) if kind.get("type") != "null")
    if "$ref" in kind:
        kind = configuration_schema()["$defs"][kind["$ref"].rpartition("/")[2]]
    if "enum" in kind:
        return ", ".join(f"`{choice}`" for choice in kind["enum"])
    if kind.get("format") in ("path", "file-path"):
        return "path"
    match kind["type"]:
        case "object":
            return "table"
        case "array":
            return "list of names" if kind["items"].get("type") == "string" else "list"
        case plain:
            return _WORDS[plain] + _range(kind)


def _range(kind: dict[str, Any]) -> str:
    least = kind.get("minimum")
    more = kind.get("exclusiveMinimum")
    most = kind.get("maximum")
    parts = [
        ""
        if least is None
        else f"{_amount(least)} or more"
        if most is None
        else f"{_amount(least)} to {_amount(most)}",
        "" if more is None else f"more than {_amount(more)}" + ("" if most is None else f", up to {_amount(most)}"),
    ]
    found = "".join(parts)
    return f", {found}" if found else ""


def _default(name: str) -> str:
    value = configuration_type().model_fields[name].default
    match value:
        case None | () | {}:
            return ""
        case bool():
            return f"`{str(value).lower()}`"
        case int() | float():
            return _amount(value)
        case _:
            return f"`{getattr(value, 'value', value)}`"


def _amount(value: float) -> str:
    """A number as people write it: whole ones without a fraction, thousands apart, sizes with their unit."""
    if value >= 1024 and value % 1024 == 0:
        return f"{value / 1024 / 1024:g} MiB" if value % (1024 * 1024) == 0 else f"{value / 1024:g} KiB"
    return f"{value:g}" if value < 100_000 else f"{value:,.0f}"


if __name__ == "__main__":
    TARGET.write_text(document(), "utf-8")
