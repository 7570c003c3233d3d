"""Requests to upstreams: an account's address, headers and credentials, and what their refusals mean."""

from __future__ import annotations

from codenex import __version__
from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.core.redaction import redacted
from codenex.core.spoke import Spoke
from codenex.gateway.exchange import Headers
from codenex.providers.endpoints import Method, credential_headers, endpoint
from codenex.providers.registry import ProviderType
from codenex.providers.transport import Deadlines, Origin, Transport, UpstreamRequest, UpstreamResponse
from codenex.store.settings import Account

USER_AGENT = f"codenex-ai-proxy-api/{__version__}"
#: Largest answer that is taken whole, in bytes.
ANSWER_LIMIT = 64 * 1024 * 1024
_ERROR_LIMIT = 1024 * 1024


class UpstreamRefusal(Fault):
    """A fault that an upstream answered, with its body for clients of the same protocol."""

    def __init__(self, fault: Fault, protocol: str, status: int, body: bytes, headers: Headers) -> None:
        super().__init__(
            fault.kind,
            fault.message,
            status=fault.status,
            code=fault.code,
            param=fault.param,
            retry_after=fault.retry_after,
            details=fault.details,
            from_upstream=True,
        )
        self.protocol = protocol
        #: as the upstream gave it; a wrong key is a 400 at some, and a 401 to everybody else's clients
        self.upstream_status = status
        self.body = body
        self.upstream_headers = headers


async def call(
    transport: Transport,
    provider: ProviderType,
    account: Account,
    method: Method,
    model: str,
    body: bytes,
    *,
    headers: Headers,
    request_id: str,
    deadlines: Deadlines,
    stream: bool,
    query: str = "",
) -> UpstreamResponse:
    """Send a request to an account. Raises :class:`Fault` where no head of an answer comes."""
    address = endpoint(provider, account, method, model)
    target = address.target
    if query:
        target += ("&" if "?" in target else "?") + query
    own = request_headers(provider, account, headers, stream=stream, request_id=request_id)
    verb = "GET" if method == "models" else "POST"
    return await transport.send(
        UpstreamRequest(verb, Origin(address.scheme, address.host, address.port), target, own, body), deadlines
    )


def request_headers(
    provider: ProviderType, account: Account, headers: Headers, *, stream: bool, request_id: str
) -> Headers:
    """Return the head of an upstream request: the client's headers that may go on, overlaid with the account's."""
    out: Headers = credential_headers(provider, account)
    out.append(("accept-encoding", "identity"))
    present = {name for name, _ in headers}
    for name, value in (
        ("content-type", "application/json"),
        ("accept", "text/event-stream" if stream else "application/json"),
        ("user-agent", USER_AGENT),
        *provider.headers,
    ):
        if name not in present:
            out.append((name, value))
    out.append(("x-request-id", request_id))
    configured = {name.lower(): value for name, value in account.headers.items()}
    out = [(name, value) for name, value in out if name not in configured]
    out.extend((name, value) for name, value in headers if name not in configured)
    out.extend(configured.items())
    return out


async def refusal(response: UpstreamResponse, spoke: Spoke, account: Account) -> UpstreamRefusal:
    """Read an upstream's error answer and say what it means, without keys."""
    try:
        body = await response.read(_ERROR_LIMIT)
    except Fault:
        body = b""
    finally:
        response.close()
    fault = spoke.decode_error(response.status, response.headers, body)
    secrets = (account.api_key,) if account.api_key else ()
    fault.message = redacted(fault.message, secrets)
    if account.disabled is False and fault.kind is FaultKind.NOT_FOUND and "model" in fault.message.lower():
        fault.kind = FaultKind.MODEL_NOT_FOUND
    return UpstreamRefusal(fault, spoke.name, response.status, _clean(body, secrets), response.headers)


def _clean(body: bytes, secrets: tuple[str, ...]) -> bytes:
    """Return an error body fit to be shown, or nothing where it isn't a JSON object."""
    if json.try_object(body) is None:
        return b""
    return redacted(body.decode("utf-8", "replace"), secrets).encode()
