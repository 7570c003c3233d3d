"""HTTP with Google, as far as it is not an answer for a client: forms and JSON there, JSON back."""

from __future__ import annotations

from typing import Any, NoReturn
from urllib.parse import urlencode, urlsplit

import msgspec

from codenex import __version__
from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.providers.transport import Deadlines, Origin, Transport, UpstreamRequest, UpstreamResponse

#: Truthful: no other program is imitated.
USER_AGENT = f"codenex-ai-proxy-api/{__version__}"
#: Path of all methods.
VERSION = "v1internal"
_DEADLINES = Deadlines(connect=10.0, first_byte=30.0, idle=15.0, total=60.0)
_ANSWER_LIMIT = 4 * 1024 * 1024


class Answer(msgspec.Struct, frozen=True):
    """Status, headers and the JSON object of an answer; an empty one where there was none."""

    status: int
    headers: list[tuple[str, str]]
    body: dict[str, Any]

    @property
    def error(self) -> dict[str, Any]:
        """The error object of a refusal."""
        error = self.body.get("error")
        return error if isinstance(error, dict) else {}


async def send(
    transport: Transport,
    url: str,
    headers: list[tuple[str, str]],
    body: bytes,
    *,
    method: str = "POST",
    proxy: str | None = None,
    deadlines: Deadlines = _DEADLINES,
) -> UpstreamResponse:
    """Send a request to a URL. Raises :class:`Fault` where no head of an answer comes."""
    parts = urlsplit(url)
    port = parts.port if parts.port is not None else (443 if parts.scheme == "https" else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    origin = Origin(parts.scheme, parts.hostname or "", port, proxy=proxy)
    common = [("user-agent", USER_AGENT), ("accept-encoding", "identity"), *headers]
    return await transport.send(UpstreamRequest(method, origin, target, common, body), deadlines)


async def asked(
    transport: Transport,
    url: str,
    headers: list[tuple[str, str]],
    body: bytes,
    *,
    method: str = "POST",
    proxy: str | None = None,
) -> Answer:
    """Send a request and read the answer. Raises :class:`Fault`."""
    response = await send(transport, url, headers, body, method=method, proxy=proxy)
    try:
        content = await response.read(_ANSWER_LIMIT)
    finally:
        response.close()
    return Answer(response.status, response.headers, object_in(content))


async def post_form(transport: Transport, url: str, fields: dict[str, str], proxy: str | None) -> Answer:
    """Post a form. Raises :class:`Fault`."""
    headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")]
    return await asked(transport, url, headers, urlencode(fields).encode(), proxy=proxy)


async def call_method(
    transport: Transport, host: str, method: str, token: str, body: dict[str, Any], proxy: str | None
) -> Answer:
    """Call one of the service's own methods with JSON. Raises :class:`Fault`."""
    headers = [("authorization", f"Bearer {token}"), ("content-type", "application/json")]
    return await asked(transport, f"{host}/{VERSION}:{method}", headers, json.encode(body), proxy=proxy)


async def poll(transport: Transport, host: str, operation: str, token: str, proxy: str | None) -> Answer:
    """Ask how far an operation is. Raises :class:`Fault`."""
    headers = [("authorization", f"Bearer {token}")]
    return await asked(transport, f"{host}/{VERSION}/{operation}", headers, b"", method="GET", proxy=proxy)


def object_in(content: bytes) -> dict[str, Any]:
    """Return the JSON object of a body, also of a list with it alone; an empty one where there is none."""
    try:
        value = json.decode(content)
    except json.MalformedJson:
        return {}
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, dict) else {}


def out_of_order(answer: Answer, what: str) -> NoReturn:
    """Raise the fault of an answer that is neither good nor about the account."""
    message = answer.error.get("message") or answer.body.get("error_description") or "no reason was given"
    kind = FaultKind.RATE_LIMIT if answer.status == 429 else FaultKind.UPSTREAM
    raise Fault(kind, f"{what} answered with status {answer.status}: {str(message)[:300]}", from_upstream=True)
