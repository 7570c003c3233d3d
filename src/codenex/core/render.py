"""What every encoder of answers is handed: core has no clock and no randomness of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from codenex.core.losses import Losses
from codenex.core.request import Request


class RenderContext(msgspec.Struct):
    """Circumstances of one answer.

    ``id`` is 24 or more characters of [A-Za-z0-9] without prefix (encoders put ``chatcmpl-``, ``resp_`` or
    ``msg_`` before it) and also the
    seed of item ids; ``created`` is in seconds since 1970; ``requested_model`` is the client's name of the model,
    which the answer repeats;
    ``request`` is the decoded request for protocols that echo it; ``echo`` holds the top-level fields as the
    client sent them;
    ``estimate`` makes up a count of input tokens for protocols that want one even where the upstream tells none: made
    when it is asked for, since it costs time on large requests, which it holds; ``losses`` collects what the answer
    lost.
    """

    id: str
    created: int
    requested_model: str
    request: Request | None = None
    echo: dict[str, Any] | None = None
    include_usage: bool = False
    stored: bool = False
    estimate: Callable[[], int] | None = None
    #: answer of a Gemini stream: server-sent events, or one JSON array
    array_stream: bool = False
    losses: Losses = msgspec.field(default_factory=Losses)
