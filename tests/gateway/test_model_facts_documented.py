"""The table of model facts names all of them, and its example is one that a server takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

from codenex.control.entries import model_facts
from codenex.gateway.facts import capabilities_of
from codenex.models.capabilities import Capabilities
from codenex.providers.registry import PROVIDER_TYPES
from codenex.store.settings import Account

TEXT = (Path(__file__).parents[2] / "docs/models.md").read_text()


def test_the_table_names_every_fact() -> None:
    rows = re.findall(r"^\| (`.*?`) \|", TEXT, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}

    assert named == set(Capabilities.__struct_fields__)


def test_the_example_has_the_effect_that_it_promises() -> None:
    (block,) = re.findall(r"^```json facts\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    corrections = model_facts(json.loads(block)["modelFacts"])
    kind = PROVIDER_TYPES["openai-custom"]
    found = capabilities_of(kind, Account("one", kind.name), "Qwen3-coder", corrections)

    assert (found.max_output_tokens, found.efforts) == (32768, ("low", "high"))
