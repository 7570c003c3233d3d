"""A recorded exchange: what kind of answer it is, and what it says, read plainly and without the gateway.

Streams are put together here by the vendors' descriptions, so that odd vendors can be read whose own SDK stumbles.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from tests.replay.reading import parsed
from tests.replay.records import Record
from tests.support.sse import decode
from tests.support.vendors.dialects import ProtocolName

Kind = Literal["answer", "error", "broken", "count", "models", "unknown"]
"""``broken`` is an answer that nobody could read: half a JSON text, or two answers in one."""
Json = dict[str, Any]

_PROTOCOLS: Final[Mapping[str, ProtocolName]] = {
    "openai-chat": "openai_chat",
    "openai-responses": "openai_responses",
    "anthropic-messages": "anthropic",
    "anthropic": "anthropic",
    "gemini": "gemini",
}


@dataclass(frozen=True)
class Recorded:
    """One exchange. ``answer`` is the answer in its protocol's JSON (Gemini: the list of responses), ``error`` what a
    failed or failing one says; ``request`` is the body of the request, where it was recorded."""

    name: str
    protocol: ProtocolName
    kind: Kind
    status: int
    stream: bool
    raw: bytes
    request: Json | None
    path: str
    answer: Any = None
    error: Any = None

    @property
    def array(self) -> bool:
        """Whether the stream is one JSON array."""
        return self.stream and self.raw.lstrip()[:1] == b"["


def recorded(name: str, record: Record) -> Recorded:
    """Read a record of a recordings file."""
    told = str(record.get("protocol") or "")
    raw = _whole_data(str(record.get("resp_raw") or "")).encode()
    stream, status = record.get("stream") is True, int(record.get("status") or 200)
    protocol = _protocol(told, str(record.get("host")), raw)
    features = "+".join(record.get("features") or [])
    label = f"{name} {record.get('host') or ''} {record.get('file') or ''} {features}"
    request = record.get("req") if isinstance(record.get("req"), dict) else None
    kind = _kind(told, status)
    path = str(record.get("path") or "")
    answer = error = None
    if kind == "answer":
        try:
            answer, error = said(protocol, raw, stream)
            kind = "error" if answer is None else kind
        except (ValueError, LookupError, TypeError, AttributeError):
            kind = "broken"
    return Recorded(" ".join(label.split()), protocol, kind, status, stream, raw, request, path, answer, error)


def _whole_data(raw: str) -> str:
    """Close the gaps (``...``) that recorders have left in long base64 data, so that it can be decoded."""

    def closed(match: re.Match[str]) -> str:
        left, right = match[1], match[2]
        return left[: len(left) // 4 * 4] + right[len(right) % 4 :]

    return re.sub(r"(?<![A-Za-z0-9+/])([A-Za-z0-9+/]{100,})\.\.\.([A-Za-z0-9+/]{8,}=*)", closed, raw)


def _kind(told: str, status: int) -> Kind:
    if status >= 400:
        return "error"
    if told.endswith("count-tokens"):
        return "count"
    if told == "models":
        return "models"
    return "answer" if told in _PROTOCOLS else "unknown"


def _protocol(told: str, host: str, raw: bytes) -> ProtocolName:
    if re.search(rb'"object":\s*"chat\.completion', raw):
        return "openai_chat"  # one vendor's Chat answers lie among the Responses
    if told == "models":
        return "gemini" if "google" in host else "anthropic" if "anthropic" in host else "openai_chat"
    return _PROTOCOLS.get(told.removesuffix("-count-tokens"), "openai_chat")


def said(protocol: ProtocolName, raw: bytes, stream: bool) -> tuple[Any, Any]:
    """The answer and, where there is none, the error. Raises :class:`ValueError` for one that has no end."""
    if not stream:
        whole = json.loads(raw)
        if protocol == "gemini":
            return [whole], None
        failed = whole.get("error") if whole.get("status") in (None, "failed") else None
        if whole.get("status") in ("queued", "in_progress"):
            raise ValueError("the answer is still to come")
        return (None, whole) if failed else (_finished(protocol, whole), None)
    frames = _frames(raw)
    failure = next((frame for frame in frames if _is_error(frame)), None)
    if failure is not None:
        return None, failure
    if not any(_is_end(protocol, frame) for frame in frames) and b"[DONE]" not in raw:
        raise ValueError("the stream has no end")
    return _finished(protocol, _FOLDS[protocol](frames)), None


def _is_end(protocol: ProtocolName, frame: Json) -> bool:
    match protocol:
        case "openai_chat":
            return any(choice.get("finish_reason") for choice in frame.get("choices") or [])
        case "openai_responses":
            return frame.get("type") in ("response.completed", "response.incomplete")
        case "anthropic":
            return frame.get("type") == "message_stop"
        case "gemini":
            ended = any(candidate.get("finishReason") for candidate in frame.get("candidates") or [])
            return ended or bool((frame.get("promptFeedback") or {}).get("blockReason"))


def _finished(protocol: ProtocolName, answer: Any) -> Any:
    """The answer, if it isn't one that the vendor could not give."""
    words = [choice.get("finish_reason") for choice in answer.get("choices") or []] if protocol == "openai_chat" else []
    if "error" in words or "insufficient_system_resource" in words:
        raise ValueError("the vendor failed")
    return answer


def _frames(raw: bytes) -> list[Json]:
    if raw.lstrip()[:1] == b"[":
        return list(json.loads(raw))
    frames = []
    # An error in a field of its own, which the standard for events doesn't know.
    raw = re.sub(rb"(?m)^error: (?=\{)", b"event: error\ndata: ", raw)
    for event in decode(raw, keep_unfinished=True):
        if event.data.strip() == "[DONE]":
            break
        if event.data.strip():
            frame = json.loads(event.data)
            if event.type != "message":
                frame.setdefault("type", event.type)
            frames.append(frame)
    return frames


def _is_error(frame: Json) -> bool:
    return bool(frame.get("error")) or frame.get("type") in ("error", "response.failed")


# --- streams, put together ---


def _chat(frames: list[Json]) -> Json:
    choices: dict[int, Json] = {}
    usage: Any = None
    for frame in frames:
        usage = frame.get("usage") or (frame.get("x_groq") or {}).get("usage") or usage
        for piece in frame.get("choices") or []:
            index = piece.get("index") or 0
            choice = choices.setdefault(index, {"index": index, "message": {}, "finish_reason": None})
            choice["finish_reason"] = piece.get("finish_reason") or choice["finish_reason"]
            _add_delta(choice["message"], piece.get("delta") or piece.get("message") or {})
    return {"choices": [choices[index] for index in sorted(choices)], "usage": usage}


def _add_delta(message: Json, delta: Json) -> None:
    for name in ("content", "refusal", "reasoning_content", "reasoning"):
        value = delta.get(name)
        if isinstance(value, str):
            message[name] = _joined(message.get(name), value)
        elif isinstance(value, list):
            message[name] = [*_as_parts(message.get(name)), *value]
    for name in ("reasoning_details", "images", "annotations"):
        if delta.get(name):
            message.setdefault(name, []).extend(delta[name])
    for piece in delta.get("tool_calls") or []:
        _add_call(message.setdefault("tool_calls", []), piece)


def _joined(before: Any, text: str) -> Any:
    if isinstance(before, list):
        return [*before, {"type": "text", "text": text}] if text else before
    return (before or "") + text


def _as_parts(content: Any) -> list[Json]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []


def _add_call(calls: list[Json], piece: Json) -> None:
    function = piece.get("function") or {}
    known = [call for call in calls if piece.get("id") and call.get("id") == piece["id"]]
    if not known and not piece.get("id"):
        known = [call for call in calls if call.get("index") == piece.get("index")] or calls[-1:]
    if known:
        inner = known[-1]["function"]
        inner["arguments"] = (inner.get("arguments") or "") + (function.get("arguments") or "")
        inner["name"] = inner.get("name") or function.get("name")
    else:
        calls.append({**piece, "function": dict(function)})


def _responses(frames: list[Json]) -> Json:
    """The last object, with the items of the events where it has none of its own.

    A text that says something else at the end than in its pieces is taken in its pieces: clients have shown those.
    """
    final: Json = {}
    items: list[Json] = []
    told: dict[str, str] = {}
    proofs: Json = {}
    for frame in frames:
        if frame.get("type") == "response.output_text.delta":
            told[str(frame.get("item_id"))] = told.get(str(frame.get("item_id")), "") + frame["delta"]
        if frame.get("type") in ("response.completed", "response.incomplete"):
            final = frame["response"]
            break
        if frame.get("type") == "response.output_item.done":
            items.append(frame["item"])
            # Encrypted thinking is encrypted anew each time that it is told; all of them are good.
            proofs[frame["item"].get("id")] = frame["item"].get("encrypted_content")
    output = final.get("output") or items
    output = [_as_told(item, told.get(str(item.get("id")))) for item in output]
    proven = [proofs.get(item.get("id")) if item.get("type") == "reasoning" else None for item in output]
    output = [{**one, "encrypted_content": proof} if proof else one for one, proof in zip(output, proven, strict=True)]
    return {**final, "output": output}


def _as_told(item: Json, text: str | None) -> Json:
    content = item.get("content") or []
    if text is None or len(content) != 1 or str(content[0].get("text")).startswith(text):
        return item
    return {**item, "content": [{**content[0], "text": text}]}


def _messages(frames: list[Json]) -> Json:
    message: Json = {}
    content: dict[int, Json] = {}
    inputs: dict[int, str] = {}
    for frame in frames:
        match frame.get("type"):
            case "message_stop":
                break
            case "message_start":
                if message and message.get("id") != frame["message"].get("id"):
                    raise ValueError("a second message begins inside the first")
                message = {**frame["message"], "usage": dict(frame["message"].get("usage") or {})}
            case "content_block_start":
                content[frame["index"]] = dict(frame["content_block"])
            case "content_block_delta":
                delta, block = frame["delta"], content[frame["index"]]
                for name in ("text", "thinking", "signature"):
                    if name in delta:
                        block[name] = (block.get(name) or "") + delta[name]
                inputs[frame["index"]] = inputs.get(frame["index"], "") + (delta.get("partial_json") or "")
            case "message_delta":
                message |= {name: value for name, value in frame["delta"].items() if value is not None}
                told = {name: value for name, value in (frame.get("usage") or {}).items() if value is not None}
                message["usage"] |= told
    for index, text in inputs.items():
        if text.strip():
            content[index]["input"] = parsed(text)
    return {**message, "content": [content[index] for index in sorted(content)]}


_FOLDS: Final[Mapping[ProtocolName, Callable[[list[Json]], Any]]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic": _messages,
    "gemini": lambda frames: frames,
}
