"""What an OpenTelemetry collector gets: what the documentation promises, and nothing of the contents."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.support.collector import Collector, attributes

from codenex.control import network
from codenex.control.errors import ConfigurationError
from codenex.control.network import checked_collector
from codenex.control.otel import Exporter
from codenex.telemetry.rows import UsageRow

DOCUMENT = (Path(__file__).parents[2] / "docs" / "observability.md").read_text().partition("## Traces")[2]
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

FULL = UsageRow(
    1,
    1_790_000_000.5,
    "request-1",
    200,
    1500.0,
    first_output_ms=250.0,
    key="default",
    protocol="openai-chat",
    provider="claude-custom",
    account="account-1",
    model="claude-sonnet-4-5",
    finish="stop",
    losses=2,
    input_uncached=10,
    input_cache_read=20,
    input_cache_write=30,
    output_text=5,
    output_reasoning=7,
    traceparent=PARENT,
)
FAILED = UsageRow(
    2, 1_790_000_001.0, "request-2", 429, 10.0, protocol="gemini", provider="gemini-custom", error="quota"
)
LEFT = UsageRow(3, 1_790_000_002.0, "request-3", 499, 10.0, complete=False, provider="demo", protocol="anthropic")
EMBEDDING = UsageRow(
    4, 1_790_000_003.0, "request-4", 200, 10.0, provider="openai-custom", model="e", operation="embeddings"
)


def sent(*rows: tuple[UsageRow, float | None]) -> Collector:
    with Collector() as collector:
        exporter = Exporter(collector.url + "/")
        exporter.keep(rows)
        exporter.close()
    return collector


def documented(heading: str) -> set[str]:
    table = DOCUMENT.partition(f"| {heading} | |\n")[2].partition("\n\n")[0]
    return {name for line in table.splitlines() for name in re.findall(r"`([a-z_.]+\.[a-z_.]+)`", line.split(" | ")[0])}


def test_a_request_is_a_span_with_everything_that_is_documented() -> None:
    collector = sent((FULL, 0.25), (FAILED, None))
    span, failed = collector.spans
    assert span.name == "chat claude-sonnet-4-5"
    assert span.kind == Span.SPAN_KIND_CLIENT
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == tuple(PARENT.split("-")[1:3])
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (
        1_789_999_999_000_000_000,
        1_790_000_000_500_000_000,
    )
    assert attributes(span.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.usage.input_tokens": 60,
        "gen_ai.usage.output_tokens": 12,
        "gen_ai.usage.cache_read.input_tokens": 20,
        "gen_ai.usage.cache_creation.input_tokens": 30,
        "gen_ai.usage.reasoning.output_tokens": 7,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 0.25,
        "http.response.status_code": 200,
        "codenex.request_id": "request-1",
        "codenex.provider": "claude-custom",
        "codenex.account": "account-1",
        "codenex.client.key": "default",
        "codenex.client.protocol": "openai-chat",
        "codenex.losses": 2,
        "codenex.cost": 0.25,
    }
    assert span.status.code == Status.STATUS_CODE_UNSET
    assert documented("attribute") == {*attributes(span.attributes), *attributes(failed.attributes)}


def test_failures_departures_and_embeddings_are_told() -> None:
    failed, left, embedding = sent((FAILED, None), (LEFT, None), (EMBEDDING, None)).spans
    assert failed.status.code == left.status.code == Status.STATUS_CODE_ERROR
    assert attributes(failed.attributes)["error.type"] == "quota"
    assert (failed.name, attributes(failed.attributes)["gen_ai.provider.name"]) == ("generate_content", "gcp.gemini")
    assert attributes(left.attributes)["error.type"] == "cancelled"
    assert embedding.name == "embeddings e"


def test_metrics_are_those_that_are_documented() -> None:
    collector = sent((FULL, 0.25), (FULL, 0.25), (FAILED, None))
    assert documented("metric") == collector.metrics.keys()
    (duration, failed) = collector.metrics["gen_ai.client.operation.duration"].histogram.data_points
    assert (duration.count, duration.sum) == (2, 3.0)
    assert list(duration.explicit_bounds)[:3] == [0.01, 0.02, 0.04]
    assert attributes(failed.attributes)["error.type"] == "quota"
    tokens = collector.metrics["gen_ai.client.token.usage"].histogram.data_points
    assert {attributes(point.attributes)["gen_ai.token.type"]: point.sum for point in tokens} == {
        "input": 120,
        "output": 24,
    }


def test_the_service_has_a_name_that_operators_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sent((FULL, None)).resources[0]["service.name"] == "codenex"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "gateway of the north")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=seven")
    collector = sent((FULL, None))
    assert collector.resources[0]["service.name"] == "gateway of the north"
    assert collector.headers[0]["x-tenant"] == "seven"


@pytest.mark.parametrize(
    "url",
    ["collector:4318", "grpc://a:4317", "http://", "http://user:word@a", "http://a/?key=1", "http://[", "http://a:0"],
)
def test_an_address_that_is_none_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="OTEL_EXPORTER_OTLP_ENDPOINT") as caught:
        checked_collector(url)
    assert url not in str(caught.value).replace("http://host:4318", "")


def test_without_the_extra_the_start_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        network, "find_spec", lambda name: None if name == "opentelemetry.exporter" else find_spec(name)
    )
    with pytest.raises(ConfigurationError, match=r"pip install 'codenex-ai-proxy-api\[otel\]'"):
        checked_collector("http://a:4318")
    assert checked_collector(None) is None
