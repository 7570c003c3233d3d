"""The protocols by name. A new protocol is a folder under ``protocols`` and a line here."""

from __future__ import annotations

from codenex.core.spoke import Spoke
from codenex.protocols import anthropic, gemini, openai_chat, openai_responses

SPOKES: dict[str, Spoke] = {
    spoke.name: spoke for spoke in (openai_chat.SPOKE, openai_responses.SPOKE, anthropic.SPOKE, gemini.SPOKE)
}
