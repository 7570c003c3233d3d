"""The protocols by name. A new protocol is a folder under ``protocols`` and a line here."""

from __future__ import annotations

from codenex.core.spoke import EmbeddingSpoke, Spoke
from codenex.protocols import anthropic, gemini, openai_chat, openai_responses
from codenex.protocols.gemini.embeddings import EMBEDDINGS as GEMINI_EMBEDDINGS
from codenex.protocols.openai_chat.embeddings import EMBEDDINGS as OPENAI_EMBEDDINGS

SPOKES: dict[str, Spoke] = {
    spoke.name: spoke for spoke in (openai_chat.SPOKE, openai_responses.SPOKE, anthropic.SPOKE, gemini.SPOKE)
}

#: Protocol of a client or an upstream → the form of its embeddings. Anthropic has none.
EMBEDDINGS: dict[str, EmbeddingSpoke] = {
    openai_chat.SPOKE.name: OPENAI_EMBEDDINGS,
    openai_responses.SPOKE.name: OPENAI_EMBEDDINGS,
    gemini.SPOKE.name: GEMINI_EMBEDDINGS,
}
