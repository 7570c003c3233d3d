"""The smallest good requests of each protocol: where to send them, with what key, with a tool and with its result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.support.vendors.dialects import ProtocolName

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}

GENERATE: Final[Mapping[ProtocolName, str]] = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/gemini-3-flash-preview:generateContent",
}
STREAM: Final[Mapping[ProtocolName, str]] = {
    **GENERATE,
    "gemini": "/v1beta/models/gemini-3-flash-preview:streamGenerateContent?alt=sse",
}
BODIES: Final[Mapping[ProtocolName, dict[str, Any]]] = {
    "openai_chat": {"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
    "openai_responses": {"model": "m", "input": "Hi"},
    "anthropic": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
}

TOOLS: Final[Mapping[ProtocolName, dict[str, Any]]] = {
    "openai_chat": {"tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}]},
    "openai_responses": {"tools": [{"type": "function", "name": "f", "parameters": SCHEMA}]},
    "anthropic": {"tools": [{"name": "f", "input_schema": SCHEMA}]},
    "gemini": {"tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}]}]},
}
"""One tool, ``f``, as a part of the body."""

RESULTS: Final[Mapping[ProtocolName, dict[str, Any]]] = {
    "openai_chat": {
        "messages": [
            {"role": "user", "content": "Hi"},
            {
                "role": "assistant",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "x"},
        ],
    },
    "openai_responses": {
        "input": [
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "x"},
        ],
    },
    "anthropic": {
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "x"}]},
        ],
    },
    "gemini": {
        "contents": [
            {"role": "user", "parts": [{"text": "Hi"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2ln"}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "x"}}}]},
        ],
    },
}
"""A conversation in which the tool has been called and has answered, as a part of the body."""


def credentials(protocol: ProtocolName, key: str) -> dict[str, str]:
    """The key as the vendor's own clients send it, and what else they must send."""
    match protocol:
        case "anthropic":
            return {"x-api-key": key, "anthropic-version": "2023-06-01"}
        case "gemini":
            return {"x-goog-api-key": key}
        case _:
            return {"authorization": f"Bearer {key}"}


def streaming(protocol: ProtocolName, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body that asks for a stream; in one protocol the path does (``STREAM``)."""
    return dict(body) if protocol == "gemini" else {**body, "stream": True}
