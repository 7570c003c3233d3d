"""Traces and metrics for an OpenTelemetry collector, made from the rows that workers report and sent by threads of the
library's own: no request waits for them or is the slower for them.

Names are those of the semantic conventions for generative AI (opentelemetry.io/docs/specs/semconv/gen-ai, as in
opentelemetry-semantic-conventions 0.66b2). The library is an extra, and this module is loaded where it is used.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from codenex import __version__
from codenex.core.usage import add
from codenex.providers.registry import PROVIDER_TYPES
from codenex.telemetry.rows import UsageRow

_NAME = "codenex"
#: The conventions' names of vendors, by the protocol of a provider type.
_VENDORS = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "anthropic": "anthropic",
    "gemini": "gcp.gemini",
}
#: Bounds that the conventions recommend, in seconds and in tokens.
_SECONDS = [0.01 * 2**power for power in range(14)]
_TOKENS = [4.0**power for power in range(14)]


class _Given(RandomIdGenerator):
    """Gives the next span the ids that its upstream has been told; ids of chance where there are none."""

    def __init__(self) -> None:
        self.trace: int | None = None
        self.span: int | None = None

    def take(self, context: str | None) -> None:
        """Take the ids out of a context in the form of ``traceparent``."""
        _, trace, span, _ = context.split("-") if context is not None else ("", "", "", "")
        self.trace, self.span = (int(trace, 16), int(span, 16)) if trace else (None, None)

    def generate_trace_id(self) -> int:
        """Return the trace of a span that has no parent."""
        return super().generate_trace_id() if self.trace is None else self.trace

    def generate_span_id(self) -> int:
        """Return the span."""
        return super().generate_span_id() if self.span is None else self.span


class Exporter:
    """Sends spans and metrics to the collector at ``endpoint``, whose ``/v1/traces`` and ``/v1/metrics`` are used. What
    else the library reads from the environment (``OTEL_…``) holds: headers, certificates, sampling, intervals."""

    def __init__(self, endpoint: str) -> None:
        # A collector that is away is told by the library with each attempt; once is enough.
        logging.getLogger("opentelemetry").setLevel(logging.ERROR)
        base = endpoint.rstrip("/")
        named = OTELResourceDetector().detect()
        own = Resource({SERVICE_NAME: _NAME, SERVICE_VERSION: __version__})
        resource = Resource.get_empty().merge(own).merge(named)
        self._ids = _Given()
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False, id_generator=self._ids)
        self._traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{base}/v1/traces")))
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=f"{base}/v1/metrics"))
        self._metrics = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        self._tracer = self._traces.get_tracer(_NAME, __version__)
        meter = self._metrics.get_meter(_NAME, __version__)
        self._durations = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "How long a request takes, until the end of its answer.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._firsts = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            "s",
            "How long a stream takes until its first output.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens of a request and of its answer.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._costs = meter.create_counter("codenex.cost", "{USD}", "What answers cost by the list of prices.")
        self._parents = TraceContextTextMapPropagator()

    def keep(self, rows: Iterable[tuple[UsageRow, float | None]]) -> None:
        """Take requests with what they cost in dollars. Never blocks."""
        for row, cost in rows:
            self._trace(row, cost)
            self._measure(row, cost)

    def close(self) -> None:
        """Send what is left and stop. Takes seconds where the collector is away."""
        self._traces.shutdown()
        self._metrics.shutdown(timeout_millis=2000)

    def _trace(self, row: UsageRow, cost: float | None) -> None:
        common = _common(row)
        parent = None if row.traceparent is None else self._parents.extract({"traceparent": row.traceparent})
        ended = int(row.at * 1e9)
        self._ids.take(row.trace)
        span = self._tracer.start_span(
            f"{common['gen_ai.operation.name']} {row.model or ''}".rstrip(),
            context=parent,
            kind=SpanKind.CLIENT,
            attributes=common | _of_one(row, cost),
            start_time=ended - int(row.duration_ms * 1e6),
        )
        if "error.type" in common:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)

    def _measure(self, row: UsageRow, cost: float | None) -> None:
        common = _common(row)
        self._durations.record(row.duration_ms / 1000, common)
        if row.first_output_ms is not None:
            self._firsts.record(row.first_output_ms / 1000, common)
        for kind, count in (("input", _input(row)), ("output", _output(row))):
            if count is not None:
                self._tokens.record(count, common | {"gen_ai.token.type": kind})
        if cost:
            self._costs.add(cost, common)


def _common(row: UsageRow) -> dict[str, Any]:
    """Return the attributes that spans and metrics have."""
    provider = PROVIDER_TYPES.get(row.provider or "")
    operation = row.operation or ("generate_content" if row.protocol == "gemini" else "chat")
    values = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": _VENDORS.get(provider.protocol if provider else "", row.provider),
        "gen_ai.request.model": row.model,
        "error.type": _error(row),
    }
    return {name: value for name, value in values.items() if value is not None}


def _error(row: UsageRow) -> str | None:
    if row.error is not None:
        return row.error
    if not row.complete:
        return "cancelled"
    return str(row.status) if row.status >= 400 else None


def _of_one(row: UsageRow, cost: float | None) -> dict[str, Any]:
    """Return the attributes that only the span of a request has. None of them is content."""
    values = {
        "gen_ai.response.finish_reasons": None if row.finish is None else [row.finish],
        "gen_ai.response.time_to_first_chunk": None if row.first_output_ms is None else row.first_output_ms / 1000,
        "gen_ai.usage.input_tokens": _input(row),
        "gen_ai.usage.output_tokens": _output(row),
        "gen_ai.usage.cache_read.input_tokens": row.input_cache_read,
        "gen_ai.usage.cache_creation.input_tokens": row.input_cache_write,
        "gen_ai.usage.reasoning.output_tokens": row.output_reasoning,
        "http.response.status_code": row.status,
        "codenex.request_id": row.request_id,
        "codenex.client.protocol": row.protocol,
        "codenex.client.key": row.key,
        "codenex.provider": row.provider,
        "codenex.account": row.account,
        "codenex.losses": row.losses,
        "codenex.cost": cost,
    }
    return {name: value for name, value in values.items() if value is not None}


def _input(row: UsageRow) -> int | None:
    return add(row.input_uncached, row.input_cache_read, row.input_cache_write, row.input_tool)


def _output(row: UsageRow) -> int | None:
    return add(row.output_text, row.output_reasoning)
