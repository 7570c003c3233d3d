"""A memory of tool declarations of a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from codenex.core.declarations import Declarations

USES = [
    "codenex.gateway.edits.DECLARATIONS",
    *(
        f"codenex.protocols.{folder}.request.DECLARATIONS"
        for folder in ("anthropic", "openai_chat", "openai_responses", "gemini")
    ),
]


@contextmanager
def memory(limit: int = 1 << 20) -> Iterator[Declarations]:
    """A fresh memory in place of the process's own."""
    fresh = Declarations(limit)
    with ExitStack() as stack:
        for place in USES:
            stack.enter_context(patch(place, fresh))
        yield fresh
