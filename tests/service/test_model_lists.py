"""An upstream whose list of models can't be had: what it listed last serves on."""

from __future__ import annotations

import pytest
from tests.support.gateway import account_for, settings_for
from tests.support.replies import Reply, Unary
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import ProtocolName

from codenex.gateway.listing import FRESH_FOR, Listing
from codenex.providers.transport import Transport

FAILURES: dict[str, Reply] = {
    "error": Unary(b'{"error":{"message":"it broke"}}', 500),
    "limit": Unary(b"{}", 429, [("retry-after", "30")]),
    "no JSON": Unary(b"<html>Maintenance</html>", 200, [("content-type", "text/html")]),
    "another object": Unary(b"[1]"),
    "nothing": Unary(b""),
}


@pytest.mark.parametrize("protocol", ["openai_chat", "openai_responses", "anthropic", "gemini"])
async def test_the_last_known_list_serves_on(protocol: ProtocolName) -> None:
    now = 0.0
    async with Transport() as transport, ScriptedVendor(protocol, validate=False) as vendor:
        listing = Listing(settings_for(account_for(vendor)), transport, lambda: now)
        first = [model.id for model in await listing.models(None)]
        assert first
        for number, (name, failure) in enumerate(FAILURES.items()):
            now += FRESH_FOR + 1
            asked = len(vendor.requests)
            vendor.answer_next(failure)
            assert [model.id for model in await listing.models(None)] == first, name
            assert len(vendor.requests) == asked + 1, number
            # Nobody asks again at once: an upstream in trouble has enough of that.
            assert [model.id for model in await listing.models(None)] == first
            assert len(vendor.requests) == asked + 1
    now += FRESH_FOR + 1
    async with Transport() as other:
        listing = Listing(settings_for(account_for(vendor)), other, lambda: now)
        assert await listing.models(None) == []
