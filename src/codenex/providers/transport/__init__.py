"""The only HTTP client: connections to providers, kept alive, bounded by deadlines."""

from codenex.providers.transport.origin import Deadlines, Origin, UpstreamRequest
from codenex.providers.transport.pool import OriginCounts, Transport
from codenex.providers.transport.response import UpstreamResponse

__all__ = ["Deadlines", "Origin", "OriginCounts", "Transport", "UpstreamRequest", "UpstreamResponse"]
