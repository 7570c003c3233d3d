"""The data plane's HTTP edge: one asyncio protocol on httptools, with the limits and deadlines of a public server."""

from codenex.server.assembly import Assembly, assembled
from codenex.server.limits import Limits
from codenex.server.responses import RenderError, render_plain_error
from codenex.server.server import AccessRecord, Server
from codenex.server.tls import server_context

__all__ = [
    "AccessRecord",
    "Assembly",
    "Limits",
    "RenderError",
    "Server",
    "assembled",
    "render_plain_error",
    "server_context",
]
