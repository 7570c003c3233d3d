"""A response that is there already, for what was made here of Google's answers."""

from __future__ import annotations

import asyncio

from codenex.providers.transport import BodyBudget, Transport, UpstreamResponse

#: Bytes of an answer that is taken whole.
ANSWER_LIMIT = 64 * 1024 * 1024


def whole(
    transport: Transport, status: int, body: bytes, headers: list[tuple[str, str]] | None = None
) -> UpstreamResponse:
    """Return a response that has arrived."""
    response = UpstreamResponse(_Nothing(transport), ANSWER_LIMIT)
    response.status = status
    response.headers = headers if headers is not None else [("content-type", "application/json; charset=utf-8")]
    response.take_body(body)
    response.body_ended()
    return response


class _Nothing:
    """What a response comes from that is there already."""

    def __init__(self, transport: Transport) -> None:
        self.loop = asyncio.get_running_loop()
        self.budget: BodyBudget = transport.budget

    def regulate(self) -> None:
        """There is nothing to regulate."""

    def settle(self) -> None:
        """There is nothing to wait for."""

    def drop(self) -> None:
        """There is nothing to drop."""
