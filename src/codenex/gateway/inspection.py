"""What would become of a request: its form in the hub, and for each target the body that would be sent and what would
be lost. Pure; nothing is sent."""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core import json
from codenex.core.errors import Fault, invalid_request
from codenex.core.losses import Losses
from codenex.core.request import Request
from codenex.gateway.edits import edited, head_of
from codenex.gateway.encoding import Target, upstream_model
from codenex.gateway.fetching import supposed
from codenex.gateway.spokes import SPOKES
from codenex.providers.endpoints import base_url, endpoint
from codenex.providers.google.handshake import hosts_of
from codenex.providers.google.wires import VERSION
from codenex.providers.registry import PROVIDER_TYPES
from codenex.store.settings import Account, Settings

#: Short names of the protocols, as people call them.
ALIASES = {
    "chat": "openai-chat",
    "openai": "openai-chat",
    "responses": "openai-responses",
    "claude": "anthropic",
    "messages": "anthropic",
}
_GEMINI = "gemini"


class Inspection(msgspec.Struct, frozen=True):
    """``hub`` is the decoded request in JSON's types; a translation for every target that was asked for."""

    source: str
    model: str
    hub: dict[str, Any]
    translations: tuple[Translation, ...]

    @property
    def lossy(self) -> bool:
        """Whether any target would not get all of the request."""
        return any(found.losses or found.refusal for found in self.translations)

    def document(self) -> dict[str, Any]:
        """Return the whole in JSON's types."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document


class Translation(msgspec.Struct, frozen=True):
    """One target's view. ``lane`` is ``passthrough`` where the client's own bytes go on, at most with another model's
    name, else ``translation``. ``body`` is ``None`` where the request is refused; ``refusal`` says why then."""

    provider: str
    protocol: str
    lane: str
    model: str
    url: str
    body: Any = None
    losses: tuple[dict[str, str], ...] = ()
    refusal: dict[str, Any] | None = None


def inspected(body: bytes, source: str, targets: tuple[str, ...], settings: Settings, model: str | None) -> Inspection:
    """Inspect a request in the protocol ``source`` for ``targets``: names of provider types, whose first account is
    taken, or of protocols; none of them means the four protocols. ``model`` replaces the request's.

    Raises :class:`Fault` (400) for a malformed request or an unknown name.
    """
    spoke = SPOKES.get(ALIASES.get(source, source))
    if spoke is None:
        raise invalid_request(f"{source[:64]!r} is no client protocol; known are {', '.join(SPOKES)}", param="from")
    found = [_target(settings, name) for name in targets or tuple(SPOKES)]
    name = model if model is not None else head_of(body).model
    if name is None:
        raise invalid_request("the request names no model, and none was given", param="model")
    request = spoke.decode_request(body, name)
    if spoke.name == _GEMINI:
        # By Gemini the path says it; which path that would have been is not part of the body.
        request = msgspec.structs.replace(request, stream=False)
    hub = msgspec.to_builtins(request)
    places = [Target(kind, account, upstream_model(account, name), settings.model_facts) for kind, account in found]
    translations = tuple(_translation(body, request, place, settings) for place in places)
    return Inspection(spoke.name, name, hub, translations)


def _target(settings: Settings, name: str) -> tuple[Any, Account]:
    name = ALIASES.get(name, name)
    for kind in PROVIDER_TYPES.values():
        if kind.protocol in SPOKES and name in (kind.name, kind.protocol):
            accounts = settings.accounts.get(kind.name, ())
            # A protocol means the vendor's own server, whatever is configured here.
            configured = accounts[0] if accounts and name == kind.name else None
            return kind, configured or Account("inspection", kind.name)
    known = ", ".join([*SPOKES, *(kind.name for kind in PROVIDER_TYPES.values() if kind.protocol in SPOKES)])
    raise invalid_request(f"{name[:64]!r} is no target; known are {known}", param="to")


def _translation(body: bytes, request: Request, target: Target, settings: Settings) -> Translation:
    kind, model = target.provider, target.model
    same = target.takes(SPOKES[request.protocol], body)
    lane = "passthrough" if same else "translation"
    shape = Translation(kind.name, kind.protocol, lane, model, _url(request, target))
    if same:
        head = head_of(body)
        renamed = head.model is not None and head.model != model and kind.protocol != _GEMINI
        sent = edited(head, {"model": model}) if renamed else body
        return msgspec.structs.replace(shape, body=json.decode(sent))
    losses = Losses()
    try:
        if settings.fetch_media:
            request = supposed(request, SPOKES[kind.protocol], target.capabilities, losses)
        encoded = target.encoded(request, bytes.fromhex(settings.envelope_key), losses)
    except Fault as fault:
        refusal = {"status": 400, "message": fault.message, "param": fault.param, "code": fault.code}
        return msgspec.structs.replace(shape, refusal=refusal)
    told: tuple[dict[str, str], ...] = tuple(msgspec.to_builtins(loss) for loss in losses.values())
    return msgspec.structs.replace(shape, body=json.decode(encoded.body), losses=told)


def _url(request: Request, target: Target) -> str:
    kind, account = target.provider, target.account
    if kind.program is not None:
        return f"program:{account.program or kind.program}"
    if kind.google is not None:
        method = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
        return f"{hosts_of(target.account, kind.google)[0]}/{VERSION}:{method}"
    address = endpoint(kind, account, "stream" if request.stream else "generate", target.model)
    scheme = base_url(kind, account).partition("://")[0]
    return f"{scheme}://{address.host}{_port(address.scheme, address.port)}{address.target}"


def _port(scheme: str, port: int) -> str:
    return "" if port == (443 if scheme == "https" else 80) else f":{port}"
