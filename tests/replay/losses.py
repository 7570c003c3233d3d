"""What the gateway says that a request loses on its way to a target, worked out without a socket."""

from __future__ import annotations

import msgspec
from tests.replay.captures import Capture
from tests.replay.lanes import Lane
from tests.replay.spokes import spoke_of

from codenex.core.losses import Loss, Losses, header_value
from codenex.providers.registry import PROVIDER_TYPES


def told_losses(capture: Capture, lane: Lane) -> tuple[tuple[Loss, ...], str]:
    """The losses, and how the header tells them (empty for none)."""
    request = spoke_of(capture.protocol).decode_request(capture.content, capture.model)
    request = msgspec.structs.replace(request, stream=capture.stream, model=lane.model or capture.model)
    losses = Losses()
    losses.extend(request.losses)
    kind = PROVIDER_TYPES[lane.provider]
    capabilities = kind.capabilities(request.model, lane.account.base_url or kind.base_url, lane.account.capabilities)
    spoke_of(lane.protocol).encode_request(request, capabilities, losses)
    return losses.values(), header_value(losses.values()) if len(losses) else ""
