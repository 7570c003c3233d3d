"""What an example printed: whether it shows what it has to, and the text of the answer in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

from tests.examples.documents import Block

#: Every text of an answer in OpenAI's, Anthropic's and Google's JSON, whole or a piece of it.
_SPOKEN: Final = re.compile(r'"(?:content|text)": ?("(?:[^"\\]|\\.)*")')


def spoken(block: Block, output: str) -> str:
    """The text of the answer: what an SDK's example prints, or what stands in the JSON that cURL shows."""
    if block.language != "sh":
        return output
    return "".join(json.loads(text) for text in _SPOKEN.findall(output))


def check_patterns(output: str, patterns: Iterable[str]) -> None:
    """Assert that every pattern is somewhere in the output."""
    for pattern in patterns:
        assert re.search(pattern, output, re.MULTILINE), f"{pattern!r} is not in {output[:3000]!r}"
