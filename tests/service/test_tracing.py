"""The trace of a request at its upstream, where traces are sent and where they aren't, and the request's id."""

from __future__ import annotations

import re

import pytest
from tests.service.test_lanes import BODIES, PATHS, PROTOCOLS
from tests.support.client import RawClient
from tests.support.gateway import account_for, running_gateway, settings_for
from tests.support.vendor import ScriptedVendor

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SENT = {
    "traceparent": f"00-{TRACE}-{SPAN}-00",
    "tracestate": "a=1,b=2",
    "baggage": "user=somebody",
    "x-request-id": "id-of-the-client",
}


async def nobody(exchange):
    """The management API, which no request here is for."""
    raise AssertionError


async def told(client_protocol: str, vendor_protocol: str, headers: dict[str, str], **settings):
    """What an upstream is told of a request, and the notes that the gateway makes of it."""

    async with ScriptedVendor(vendor_protocol, validate=False) as vendor:
        settings = settings_for(account_for(vendor), **settings)
        async with running_gateway(settings, control=lambda _: nobody) as gateway:
            async with await RawClient.connect(gateway.port) as client:
                path, body = PATHS[client_protocol], BODIES[client_protocol]
                answer = await client.ask("POST", path, body, {**gateway.headers, **headers})
                assert answer.status == 200
            return vendor.requests[-1].headers, gateway.records[-1].notes.more


@pytest.mark.parametrize("upstream", PROTOCOLS)
@pytest.mark.parametrize("client", ["openai_chat", "anthropic"])
async def test_the_context_of_the_client_goes_on_where_no_traces_are_sent(client, upstream):
    headers, _ = await told(client, upstream, SENT)
    for name in ("traceparent", "tracestate", "x-request-id"):
        assert headers.get(name) == SENT[name]
    assert headers.get("baggage") is None
    headers, _ = await told(client, upstream, {})
    assert headers.get("traceparent") is None


@pytest.mark.parametrize("upstream", PROTOCOLS)
async def test_the_gateway_is_the_parent_where_traces_are_sent(upstream):
    headers, notes = await told("openai_chat", upstream, SENT, otlp_endpoint="http://127.0.0.1:9")
    found = re.fullmatch(rf"00-{TRACE}-([0-9a-f]{{16}})-00", headers.get("traceparent"))
    assert found
    assert found[1] != SPAN
    assert headers.get("tracestate") == SENT["tracestate"]
    assert (notes["traceparent"], notes["trace"]) == (SENT["traceparent"], headers.get("traceparent"))
    assert len([name for name, _ in headers.pairs if name.lower() == "traceparent"]) == 1


@pytest.mark.parametrize(
    "context",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-011",
    ],
)
async def test_a_context_that_is_none_begins_a_new_trace(context):
    sent = {"tracestate": "a=1", **({"traceparent": context} if context else {})}
    headers, notes = await told("openai_chat", "openai_chat", sent, otlp_endpoint="http://127.0.0.1:9")
    found = re.fullmatch(r"00-([0-9a-f]{32})-[0-9a-f]{16}-01", headers.get("traceparent"))
    assert found
    assert found[1] != TRACE
    assert headers.get("tracestate") is None, "it belongs to the trace that is not gone on with"
    assert "traceparent" not in notes


async def test_a_context_of_a_later_version_is_read_as_far_as_it_is_known():
    sent = {"traceparent": f"01-{TRACE}-{SPAN}-01-more"}
    headers, _ = await told("openai_chat", "openai_chat", sent, otlp_endpoint="http://127.0.0.1:9")
    assert headers.get("traceparent").startswith(f"00-{TRACE}-")
