"""Copies a conversation for the log of prompts: an exchange that does what another one does, and remembers what it
sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, cast

from codenex.core.errors import Fault
from codenex.gateway.exchange import Exchange, Headers
from codenex.telemetry.prompt_log import LARGEST, PromptLog


def overheard(log: PromptLog, exchange: Exchange, body: bytes, **facts: Any) -> AbstractContextManager[Exchange]:
    """Return a context whose exchange is to be used in place of the other one: prompt and answer are logged. ``facts``
    go into both lines."""
    return _overheard(log, exchange, body, facts) if log.on else nullcontext(exchange)


@contextmanager
def _overheard(log: PromptLog, exchange: Exchange, body: bytes, facts: dict[str, Any]) -> Iterator[Exchange]:
    facts = {"request_id": exchange.request_id, **facts}
    log.record({"kind": "prompt", **facts}, body)
    copy = _Copy(exchange)
    error: str | None = None
    try:
        yield cast(Exchange, copy)
    except Fault as fault:
        error = fault.message
        raise
    except BaseException:
        # Above all the client's departure.
        error = "the answer was not finished"
        raise
    finally:
        more = {"provider": exchange.notes.provider, "status": copy.status, "error": error, "cut": copy.cut}
        told = {name: value for name, value in more.items() if value}
        log.record({"kind": "answer", **facts, **told}, b"".join(copy.sent))


class _Copy:
    """Does everything as the exchange does, whose answer it keeps up to a size."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._size = 0
        self.sent: list[bytes] = []
        self.status: int | None = None
        self.cut = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._exchange, name)

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        self.status = status
        self._keep(body)
        self._exchange.respond(status, headers, body)

    def start(self, status: int, headers: Headers, *, hold: bool = False) -> None:
        self.status = status
        self._exchange.start(status, headers, hold=hold)

    def write(self, data: bytes) -> None:
        self._keep(data)
        self._exchange.write(data)

    def finish(self, last: bytes = b"") -> None:
        self._keep(last)
        self._exchange.finish(last)

    def _keep(self, data: bytes) -> None:
        room = LARGEST - self._size
        if len(data) > room:
            self.cut = True
        if data and room > 0:
            self.sent.append(data[:room])
            self._size += len(data)
