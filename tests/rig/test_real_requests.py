"""Requests of real clients, where somebody has recorded some, are taken by the vendors they were made for.

``CODENEX_CAPTURES`` names a gzip'ed file of JSON lines with ``method``, ``path``, ``headers`` (pairs) and ``body``.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.vendors.dialects import DIALECTS, Dialect

CAPTURES = os.environ.get("CODENEX_CAPTURES")

LENIENT = {"anthropic": {"system_turns": True}, "gemini": {"snake_case": True, "call_ids": True}}
"""Real clients believe more of a model than its vendor's documentation says."""


def dialect_of(path: str) -> Dialect | None:
    endings = {"/chat/completions": "openai_chat", "/responses": "openai_responses"}
    if "/v1/messages" in path:
        return DIALECTS["anthropic"]
    if path.endswith(("GenerateContent", "generateContent", ":countTokens")) and "v1internal" not in path:
        return DIALECTS["gemini"]
    return next((DIALECTS[name] for end, name in endings.items() if path.endswith(end)), None)  # type: ignore[index]


def captured() -> Iterator[tuple[Dialect, dict[str, Any]]]:
    assert CAPTURES is not None
    with gzip.open(Path(CAPTURES), "rt") as lines:
        for record in map(json.loads, lines):
            dialect = dialect_of(record["path"].partition("?")[0])
            if dialect is not None and record["method"] == "POST":
                yield dialect, record


@pytest.mark.skipif(CAPTURES is None, reason="CODENEX_CAPTURES names no file of recorded requests")
def test_every_recorded_request_is_taken() -> None:
    taken = 0
    refused: list[tuple[str, list[str]]] = []
    for dialect, record in captured():
        path = record["path"].partition("?")[0]
        options = LENIENT.get(dialect.name, {})
        problems = dialect.check_request(record["body"], dict(record["headers"]), path, **options)
        # One client of the new version sends what the new version has taken away; the vendor would say so, too.
        problems = [problem for problem in problems if "in version 2026-10-21" not in problem]
        if problems:
            refused.append((f"{record['client']} {path}", problems))
        taken += 1
    assert taken > 0
    assert refused == []
