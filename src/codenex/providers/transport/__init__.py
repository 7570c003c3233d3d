"""The only HTTP client: connections to providers, kept alive, bounded by deadlines."""

from codenex.providers.transport.budget import BodyBudget
from codenex.providers.transport.connect import trusting
from codenex.providers.transport.origin import OWN_HEADERS, Deadlines, Origin, UpstreamRequest
from codenex.providers.transport.pool import OriginCounts, Transport
from codenex.providers.transport.response import UpstreamResponse

__all__ = [
    "OWN_HEADERS",
    "BodyBudget",
    "Deadlines",
    "Origin",
    "OriginCounts",
    "Transport",
    "UpstreamRequest",
    "UpstreamResponse",
    "trusting",
]
