"""The only HTTP client: connections to providers, kept alive, bounded by deadlines."""

from codenex.providers.transport.origin import OWN_HEADERS, Deadlines, Origin, UpstreamRequest
from codenex.providers.transport.pool import OriginCounts, Transport
from codenex.providers.transport.response import UpstreamResponse

__all__ = ["OWN_HEADERS", "Deadlines", "Origin", "OriginCounts", "Transport", "UpstreamRequest", "UpstreamResponse"]
