"""The envelope of both services: what is put around a Gemini request, and what is taken off an answer. Pure."""

from __future__ import annotations

import hashlib
from typing import Any

from codenex.core import json
from codenex.core.errors import Fault
from codenex.models.antigravity import makes_images
from codenex.wire.sse import SseDecoder

#: What Antigravity is told to be talking to.
PRODUCT = "codenex"
#: A parameter that a function without any gets where there has to be one.
PLACEHOLDER = {
    "type": "OBJECT",
    "properties": {"reason": {"type": "STRING", "description": "Why this is called, in a few words."}},
    "required": ["reason"],
}


def code_assist_envelope(project: str, model: str, request: dict[str, Any], prompt_id: str) -> dict[str, Any]:
    """Put a request into Code Assist's envelope."""
    return {"model": model, "project": project, "user_prompt_id": prompt_id, "request": request}


def antigravity_envelope(project: str, id: str, request: dict[str, Any], unique: str, now: float) -> dict[str, Any]:
    """Put a request into Antigravity's envelope. ``unique`` is a UUID, ``now`` seconds since 1970."""
    kind, request_id = "agent", f"agent-{unique}"
    if makes_images(id):
        kind, request_id = "image_gen", f"image_gen/{int(now * 1000)}/{unique}/12"
    elif any("googleSearch" in tool for tool in request.get("tools") or []):
        kind = "web_search"
    return {
        "project": project,
        "model": id,
        "userAgent": PRODUCT,
        "requestType": kind,
        "requestId": request_id,
        "request": {**request, "sessionId": session_id(request, unique)},
    }


def session_id(request: dict[str, Any], unique: str) -> str:
    """Return a number that is the same for all turns of a conversation, so that its prompt is found in the cache."""
    for content in request.get("contents") or []:
        if content.get("role") != "user":
            continue
        for part in content.get("parts") or []:
            if isinstance(part.get("text"), str) and part["text"]:
                return _session(part["text"])
    return _session(unique)


def _session(text: str) -> str:
    number = int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big")
    return f"-{number & 0x7FFF_FFFF_FFFF_FFFF}"


def counted(model: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the request for a count. Only contents are counted there: instructions and tools are put among them, as
    the text that they are."""
    inner = body.get("generateContentRequest")
    request = inner if isinstance(inner, dict) else body
    contents = list(request.get("contents") or [])
    system = request.get("systemInstruction")
    parts = list(system.get("parts") or []) if isinstance(system, dict) else []
    if request.get("tools"):
        parts.append({"text": json.encode_text(request["tools"])})
    if parts:
        contents.insert(0, {"role": "user", "parts": parts})
    return {"request": {"model": f"models/{model}", "contents": contents}}


def unwrapped(answer: dict[str, Any], placeholders: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return what is in the envelope of an answer; an error has none. ``placeholders`` are functions that were given a
    parameter which their caller knows nothing of."""
    inner = answer.get("response")
    if not isinstance(inner, dict):
        return answer
    trace = answer.get("traceId")
    if isinstance(trace, str) and trace and "responseId" not in inner:
        inner["responseId"] = trace
    if placeholders:
        _without_placeholders(inner, placeholders)
    return inner


def _without_placeholders(inner: dict[str, Any], names: frozenset[str]) -> None:
    for candidate in inner.get("candidates") or []:
        content = candidate.get("content") if isinstance(candidate, dict) else None
        for part in (content.get("parts") if isinstance(content, dict) else None) or []:
            call = part.get("functionCall", part.get("function_call")) if isinstance(part, dict) else None
            if isinstance(call, dict) and call.get("name") in names and isinstance(call.get("args"), dict):
                call["args"].pop("reason", None)


class Unwrapping:
    """Takes the envelope off every event of a stream. What is no event's JSON goes on as it is: the decoder of the
    protocol judges it, also an error that came in place of a stream."""

    def __init__(self, placeholders: frozenset[str] = frozenset()) -> None:
        self._decoder = SseDecoder()
        self._placeholders = placeholders

    def feed(self, data: bytes) -> bytes:
        """Return the events that these bytes complete."""
        try:
            frames = self._decoder.feed(data)
        except Fault as fault:
            return _event(json.encode({"error": {"code": 502, "message": fault.message, "status": "INTERNAL"}}))
        return b"".join(_event(self._opened(frame.data)) for frame in frames)

    def eof(self) -> bytes:
        """Return the last event where only its blank line is missing."""
        return b"".join(_event(self._opened(frame.data)) for frame in self._decoder.eof())

    def _opened(self, data: bytes) -> bytes:
        try:
            value = json.decode(data)
        except json.MalformedJson:
            return data
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        return json.encode(unwrapped(value, self._placeholders)) if isinstance(value, dict) else data


def _event(data: bytes) -> bytes:
    return b"".join(b"data: " + line + b"\n" for line in data.split(b"\n")) + b"\n"


def placeholders_in(request: dict[str, Any]) -> frozenset[str]:
    """Return the names of functions that were given the placeholder parameter."""
    return frozenset(
        str(function.get("name"))
        for tool in request.get("tools") or []
        for function in tool.get("functionDeclarations") or []
        if function.get("parameters") == PLACEHOLDER
    )
