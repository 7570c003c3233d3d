"""Traces from a gateway of several processes, and a collector that is slow or away."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest
from tests.processes.site import CHAT, HEADERS, Site
from tests.support.client import RawClient
from tests.support.collector import Collector, attributes
from tests.support.ports import free_port
from tests.support.vendor import ScriptedVendor

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OFTEN = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_METRIC_EXPORT_INTERVAL": "200"}


class TracedSite(Site):
    def __init__(self, folder: Path, vendor: ScriptedVendor, endpoint: str, *, standalone: bool = False) -> None:
        super().__init__(folder, vendor, standalone=standalone, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
        self._environment |= OFTEN


@pytest.mark.parametrize("standalone", [False, pytest.param(True, marks=pytest.mark.deep)])
async def test_a_request_is_traced_from_the_client_to_the_upstream(tmp_path: Path, standalone: bool) -> None:
    vendor = ScriptedVendor("openai_chat", validate=False, models=["m"])
    with Collector() as collector:
        async with vendor, TracedSite(tmp_path, vendor, collector.url, standalone=standalone) as site:
            async with await RawClient.connect(site.port) as client:
                headers = {**HEADERS, "traceparent": PARENT, "x-request-id": "id-of-the-client"}
                answer = await client.ask("POST", "/v1/chat/completions", CHAT, headers)
            assert answer.status == 200
            patience = 30 if standalone else 10
            await asyncio.to_thread(collector.until, lambda: collector.spans and collector.metrics, patience)
            sent = vendor.requests[-1].headers.get("x-request-id")
            told = vendor.requests[-1].headers.get("traceparent")
            assert answer.headers.get("x-request-id") == sent
    (span,) = collector.spans
    found = attributes(span.attributes)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == tuple(PARENT.split("-")[1:3])
    # The upstream's parent is the gateway's own span, in the client's trace.
    assert told == f"00-{PARENT.split('-')[1]}-{span.span_id.hex()}-01"
    assert found["codenex.request_id"] == sent == "id-of-the-client"
    assert found["codenex.provider"] == "openai-custom"
    assert found["gen_ai.usage.output_tokens"] > 0
    assert "hi" not in str(span).split('"')


@pytest.mark.parametrize("away", [False, pytest.param(True, marks=pytest.mark.deep)], ids=["slow", "away"])
async def test_a_collector_that_is_no_help_costs_no_request_anything(tmp_path: Path, away: bool) -> None:
    vendor = ScriptedVendor("openai_chat", validate=False, models=["m"])
    with Collector(delay=30) as collector:
        url = f"http://127.0.0.1:{free_port()}" if away else collector.url
        async with vendor, TracedSite(tmp_path, vendor, url) as site:
            slowest = 0.0
            for _ in range(100):
                begun = time.monotonic()
                assert (await site.chat()).status == 200
                slowest = max(slowest, time.monotonic() - begun)
            if not away:
                await asyncio.to_thread(collector.until, lambda: collector.headers)
            # The machine may be busy; a wait for the collector would be seconds.
            assert slowest < 1
            begun = time.monotonic()
            site.signal(signal.SIGTERM)
            assert await site.exited() == 0
            assert time.monotonic() - begun < 10
        assert "did not end in time" not in site.text
