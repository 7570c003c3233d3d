"""The data plane's HTTP edge: one asyncio protocol on httptools, with the limits and deadlines of a public server."""

from codenex.server.assembly import DataPlane, data_plane
from codenex.server.limits import Limits
from codenex.server.listener import listen_tcp, listen_unix
from codenex.server.responses import RenderError, render_plain_error
from codenex.server.server import AccessRecord, Server
from codenex.server.tls import server_context

__all__ = [
    "AccessRecord",
    "DataPlane",
    "Limits",
    "RenderError",
    "Server",
    "data_plane",
    "listen_tcp",
    "listen_unix",
    "render_plain_error",
    "server_context",
]
