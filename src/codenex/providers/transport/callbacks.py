"""What httptools' parser of answers calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codenex.providers.transport.connection import UpstreamConnection


class ParserCallbacks:
    """What the parser calls. Pieces of a body go straight into a list: the parser calls once for every chunk."""

    def __init__(self, connection: UpstreamConnection, body: list[bytes]) -> None:
        self.on_message_begin = connection.on_message_begin
        self.on_header = connection.on_header
        self.on_headers_complete = connection.on_headers_complete
        self.on_message_complete = connection.on_message_complete
        self.on_body = body.append


class ChunkCallbacks:
    """What the parser calls that sees chunks alone."""

    def __init__(self, connection: UpstreamConnection, body: list[bytes]) -> None:
        self.on_message_begin = connection.on_message_begin
        self.on_message_complete = connection.on_message_complete
        self.on_body = body.append
