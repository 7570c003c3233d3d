"""Every stream of the corpus with the spoke that reads it."""

from __future__ import annotations

from tests.protocols.corpus import anthropic, gemini, openai_chat, openai_responses

from codenex.gateway.spokes import SPOKES

STREAMS: dict[str, dict[str, bytes]] = {
    "openai-chat": openai_chat.STREAMS,
    "openai-responses": openai_responses.STREAMS,
    "anthropic": anthropic.STREAMS,
    "gemini": gemini.STREAMS,
}
assert STREAMS.keys() == SPOKES.keys()

#: (protocol, name) of every stream
NAMES = [(protocol, name) for protocol, streams in STREAMS.items() for name in streams]
