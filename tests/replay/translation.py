"""A request on its way through the hub without a socket, and what can be said of it when it comes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from tests.replay.report import expect
from tests.replay.sdk_requests import type_problems
from tests.replay.spokes import spoke_of
from tests.replay.survival import missing
from tests.support.gateway import PROVIDERS
from tests.support.vendors.dialects import DIALECTS, ProtocolName

from codenex.core.losses import Loss, Losses
from codenex.models.capabilities import Capabilities
from codenex.providers.registry import PROVIDER_TYPES


@dataclass(frozen=True)
class Asked:
    """A request of a client. ``content`` is its body; ``model`` is the one it names, ``stream`` what it wants."""

    protocol: ProtocolName
    content: bytes
    model: str
    stream: bool

    @property
    def body(self) -> Any:
        return json.loads(self.content)


def capabilities_of(protocol: ProtocolName, model: str, host: str, overrides: Mapping[str, Any]) -> Capabilities:
    """What the gateway takes a model for."""
    return PROVIDER_TYPES[PROVIDERS[protocol][0]].capabilities(model, host, dict(overrides))


def own_host(protocol: ProtocolName) -> str:
    """The address of the vendor that invented the protocol."""
    return PROVIDER_TYPES[PROVIDERS[protocol][0]].base_url


def translated(
    asked: Asked, target: ProtocolName, model: str, capabilities: Capabilities
) -> tuple[bytes, tuple[Loss, ...]]:
    """The body for the target and what it loses. Raises :class:`~codenex.core.errors.Fault` for a refusal."""
    request = spoke_of(asked.protocol).decode_request(asked.content, asked.model)
    request = msgspec.structs.replace(request, stream=asked.stream, model=model)
    losses = Losses()
    losses.extend(request.losses)
    body = spoke_of(target).encode_request(request, capabilities, losses).body
    return body, losses.values()


def check_rules(asked: Asked, target: ProtocolName, model: str, sent: Any, *, own: bool) -> None:
    """The vendor takes what was sent; of a request of its own that was rebuilt, if it took the client's.

    ``own`` says that it is the vendor, and no compatible server: those take films where OpenAI doesn't.
    """
    path = f"/v1beta/models/{model}:{'streamGenerateContent' if asked.stream else 'generateContent'}"
    headers = {"anthropic-version": "2023-06-01", **({"anthropic-beta": "x"} if asked.protocol == target else {})}
    check = DIALECTS[target].check_request
    if asked.protocol != target or not check(asked.body, headers, path):
        problems = [told for told in check(sent, headers, path) if own or "'video_url' is none of" not in told]
        expect(not problems, f"the vendor refuses: {problems[:4]}")


def check_types(asked: Asked, target: ProtocolName, sent: Any, *, counting: bool = False) -> None:
    """The SDK's types take what was sent; of a request that was only rebuilt, if they took the client's own."""
    if asked.protocol != target or not type_problems(target, asked.body, counting=counting):
        problems = type_problems(target, sent, counting=counting)
        expect(not problems, f"the SDK's types refuse: {problems}")


def check_survival(asked: Asked, target: ProtocolName, sent: Mapping[str, Any], losses: tuple[Loss, ...]) -> None:
    """What the client said has arrived, or is told as a loss."""
    lost = missing(asked.protocol, asked.body, target, sent, losses)
    told = sorted({loss.path for loss in losses})
    expect(not lost, f"lost without a word: {lost[:4]}; told are {told}")
