"""What rests on something that its vendor keeps is refused elsewhere, and never left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codenex.core.errors import Fault
from codenex.core.losses import Losses
from codenex.gateway.spokes import SPOKES
from codenex.models.capabilities import Capabilities

CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    "prompt template": ("openai-responses", {"model": "m", "prompt": {"id": "p"}, "input": "hi"}, "prompt"),
    "background": ("openai-responses", {"model": "m", "background": True, "input": "hi"}, "background"),
    "cached content": (
        "gemini",
        {"cachedContent": "cachedContents/1", "contents": [{"parts": [{"text": "hi"}]}]},
        "cachedContent",
    ),
}


@pytest.mark.pitfall("SYS-9", "RSP-5", "CACHE-6")
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("target", SPOKES)
def test_it_is_a_400_that_names_the_field(name: str, target: str) -> None:
    source, body, field = CASES[name]
    request = SPOKES[source].decode_request(json.dumps(body).encode(), "m")
    if target == source:
        assert field in json.loads(SPOKES[target].encode_request(request, Capabilities(), Losses()).body)
        return
    with pytest.raises(Fault, match=field) as raised:
        SPOKES[target].encode_request(request, Capabilities(), Losses())
    assert (raised.value.status, raised.value.param) == (400, field)
