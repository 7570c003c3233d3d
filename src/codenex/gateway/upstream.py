"""Requests to upstreams: an account's address, headers and credentials, and what their refusals mean."""

from __future__ import annotations

from collections.abc import Awaitable

import msgspec

from codenex import __version__
from codenex.core import json
from codenex.core.errors import Fault, FaultKind, unsupported
from codenex.core.redaction import redacted, without
from codenex.core.spoke import Spoke
from codenex.gateway.exchange import Headers
from codenex.providers.endpoints import Method, credential_headers, endpoint, quoted_model
from codenex.providers.google.cloud import cloud_of
from codenex.providers.registry import ProviderType
from codenex.providers.transport import OWN_HEADERS, Deadlines, Origin, Transport, UpstreamRequest, UpstreamResponse
from codenex.store.settings import Account
from codenex.wire.head import HeaderInvalid, header_lines

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


def call(
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
    verb: str | None = None,
) -> Awaitable[UpstreamResponse]:
    """Send a request to an account; ``verb`` is its HTTP method where that doesn't follow from the method, ``model`` a
    response's id for the method ``response``. What is awaited raises :class:`Fault` where no head of an answer
    comes."""
    if provider.program is not None:
        raise unsupported(f"{provider.name} has no such method")
    if provider.google is not None:
        service = provider.google
        return cloud_of(transport).send(service, account, method, model, body, deadlines=deadlines, stream=stream)
    way = outbound(provider, account, method, stream)
    target = way.target
    if way.takes_model:
        target = target.replace("{model}", quoted_model(model))
    if query:
        target += ("&" if "?" in target else "?") + query
    own = way.with_defaults(headers)
    own.append(("x-request-id", request_id))
    if verb is None:
        verb = "GET" if method == "models" else "POST"
    return transport.send(UpstreamRequest(verb, way.origin, target, own, body, way.lines), deadlines)


def ask_for_models(
    transport: Transport, provider: ProviderType, account: Account, deadlines: Deadlines
) -> Awaitable[UpstreamResponse]:
    """Ask an account for its list of models; what is awaited raises as that of :func:`call` does."""
    return call(
        transport,
        provider,
        account,
        "models",
        "",
        b"",
        headers=[],
        request_id="models",
        deadlines=deadlines,
        stream=False,
    )


class Outbound(msgspec.Struct, frozen=True):
    """What all requests of an account to one method have in common."""

    account: Account
    origin: Origin
    target: str
    takes_model: bool
    #: credentials, the account's own headers and what a client has no say in, formatted
    lines: str
    configured: frozenset[str]
    #: headers that a request has unless the client sent its own
    defaults: tuple[tuple[str, str], ...]

    def with_missing(self, headers: Headers, sent: dict[str, str]) -> Headers:
        """Do as :meth:`with_defaults`, where ``sent`` holds all headers of the client by name, and they are not held
        back for a reason of theirs."""
        if self.configured:
            return self.with_defaults(headers)
        for name, _ in self.defaults:
            if name not in sent:
                return self.with_defaults(headers)
        return headers

    def with_defaults(self, headers: Headers) -> Headers:
        """Return a client's headers with those that are missing, and without those that the account sets."""
        if not headers:
            return list(self.defaults)
        if self.configured:
            headers = [pair for pair in headers if pair[0] not in self.configured]
        present = {name for name, _ in headers}
        return [pair for pair in self.defaults if pair[0] not in present] + headers


#: By identity of the account, which belongs to one generation of settings; an entry keeps its account alive.
_outbound: dict[tuple[int, str, Method, bool], Outbound] = {}
_OUTBOUND_LIMIT = 4096


def outbound(provider: ProviderType, account: Account, method: Method, stream: bool) -> Outbound:
    """Return what is the same for all such requests, made once. Raises ``KeyError`` where there is no such method."""
    key = (id(account), provider.name, method, stream)
    known = _outbound.get(key)
    if known is not None:
        return known
    if len(_outbound) >= _OUTBOUND_LIMIT:
        _outbound.clear()
    made = _outbound[key] = _made(provider, account, method, stream)
    return made


def _made(provider: ProviderType, account: Account, method: Method, stream: bool) -> Outbound:
    address = endpoint(provider, account, method, "{model}")
    configured = {name.lower(): value for name, value in account.headers.items()}
    fixed = [*credential_headers(provider, account), ("accept-encoding", "identity")]
    fixed = [pair for pair in fixed if pair[0] not in configured] + list(configured.items())
    defaults = (
        ("content-type", "application/json"),
        ("accept", "text/event-stream" if stream else "application/json"),
        ("user-agent", USER_AGENT),
        *provider.headers,
    )
    try:
        lines = header_lines(fixed, OWN_HEADERS)
    except HeaderInvalid as error:
        raise Fault(FaultKind.INTERNAL, f"The upstream request can't be sent: {error}.") from None
    target = address.target.replace("%7Bmodel%7D", "{model}")
    return Outbound(
        account,
        Origin(address.scheme, address.host, address.port, proxy=account.proxy_url),
        target,
        "{model}" in target,
        lines,
        frozenset(configured),
        tuple(pair for pair in defaults if pair[0] not in configured),
    )


async def accepted(response: UpstreamResponse, spoke: Spoke, account: Account) -> UpstreamResponse:
    """Return an answer of status 200. Raises :class:`Fault` for any other."""
    if response.status == 200:
        return response
    if 200 <= response.status < 400:
        response.close()
        raise Fault(FaultKind.UPSTREAM, f"the upstream answered with status {response.status}", from_upstream=True)
    raise await refusal(response, spoke, account)


async def refusal(response: UpstreamResponse, spoke: Spoke, account: Account) -> UpstreamRefusal:
    """Read an upstream's error answer and say what it means, without keys."""
    try:
        body = await response.read(_ERROR_LIMIT)
    except Fault:
        body = b""
    finally:
        response.close()
    # Before anything is read: some vendors repeat the key that they refuse, and what is cut out later is cut in pieces.
    body = without(body.decode("latin-1"), account.secrets).encode("latin-1")
    fault = spoke.decode_error(response.status, response.headers, body)
    fault.message = redacted(fault.message)
    if account.disabled is False and fault.kind is FaultKind.NOT_FOUND and "model" in fault.message.lower():
        fault.kind = FaultKind.MODEL_NOT_FOUND
    return UpstreamRefusal(fault, spoke.name, response.status, _clean(body), response.headers)


def _clean(body: bytes) -> bytes:
    """Return an error body fit to be shown, or nothing where it isn't a JSON object."""
    if json.try_object(body) is None:
        return b""
    return redacted(body.decode("utf-8", "replace")).encode()
