"""A captured request: what it asks, in which protocol, and how it is sent to a gateway under test."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import brotli
import zstandard
from tests.replay.records import Record
from tests.support.client import RawClient, RawResponse
from tests.support.gateway import KEY
from tests.support.vendors.dialects import ProtocolName

Kind = Literal["generate", "count", "models", "model", "probe", "code assist", "embed", "other"]

_FIXED: Final[tuple[tuple[str, ProtocolName, Kind], ...]] = (
    ("/chat/completions", "openai_chat", "generate"),
    ("/embeddings", "openai_chat", "embed"),
    ("/responses", "openai_responses", "generate"),
    ("/responses/input_tokens", "openai_responses", "count"),
    ("/messages", "anthropic", "generate"),
    ("/messages/count_tokens", "anthropic", "count"),
)
_GEMINI: Final = re.compile(r"/models/(?P<model>[^:]+):(?P<method>\w+)$")
_METHODS: Final[Mapping[str, Kind]] = {
    "generateContent": "generate",
    "streamGenerateContent": "generate",
    "countTokens": "count",
    "embedContent": "embed",
    "batchEmbedContents": "embed",
}
_MODEL: Final = re.compile(r"/v1(?:beta|alpha|beta1)?/models(?:/(?P<model>[^:]+))?$")
_SET_ANEW: Final = frozenset({"host", "content-length", "transfer-encoding", "connection"})
_CODINGS: Final = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


@dataclass(frozen=True)
class Capture:
    """One request. ``body`` is parsed JSON, text that is no JSON, or None; ``model`` is the one it names, anywhere."""

    name: str
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: Any
    protocol: ProtocolName
    kind: Kind
    model: str
    stream: bool

    @property
    def content(self) -> bytes:
        """The body as bytes, not compressed."""
        if self.body is None or isinstance(self.body, str):
            return (self.body or "").encode()
        return json.dumps(self.body, ensure_ascii=False).encode()

    @property
    def array(self) -> bool:
        """Whether the answer is a Gemini stream in one JSON array."""
        return self.protocol == "gemini" and self.stream and "alt=sse" not in self.query

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


def capture_of(name: str, record: Record) -> Capture:
    """Read a record of a capture file."""
    path, _, inline = str(record["path"]).partition("?")
    query = record.get("query") or inline
    headers = tuple((str(key), str(value)) for key, value in record.get("headers") or ())
    body = record.get("body")
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            body = body or None
    given = {key.lower() for key, _ in headers}
    protocol, kind, model, stream = _task(record["method"], path, given, body)
    label = f"{name} {record.get('client', '')} {record.get('scenario') or ''} {record['method']} {path}"
    return Capture(" ".join(label.split()), record["method"], path, query, headers, body, protocol, kind, model, stream)


def _task(method: str, path: str, headers: set[str], body: Any) -> tuple[ProtocolName, Kind, str, bool]:
    fields = body if isinstance(body, dict) else {}
    named, streams = str(fields.get("model") or ""), fields.get("stream") is True
    if method in ("HEAD", "OPTIONS") or path == "/":
        return "openai_chat", "probe", "", False
    if "/v1internal" in path:
        return "gemini", "code assist", named, False
    if method == "POST":
        for end, protocol, kind in _FIXED:
            if path.endswith(end):
                return protocol, kind, named, streams and kind == "generate"
        found = _GEMINI.search(path)
        if found is not None and found["method"] in _METHODS:
            return "gemini", _METHODS[found["method"]], found["model"], found["method"].startswith("stream")
    listed = _MODEL.search(path)
    if method == "GET" and listed is not None:
        return _listing(path, headers), "models" if listed["model"] is None else "model", listed["model"] or "", False
    return _listing(path, headers), "other", named, False


def _listing(path: str, headers: set[str]) -> ProtocolName:
    """Whose form an answer has on a path that several vendors share."""
    if "x-goog-api-key" in headers or "x-goog-api-client" in headers or not path.startswith("/v1/"):
        return "gemini"
    return "anthropic" if "anthropic-version" in headers else "openai_chat"


async def send(capture: Capture, port: int, timeout: float = 30.0) -> RawResponse:
    """Send a request as it was recorded, with the tests' key, to a gateway on this port; read the whole answer."""
    coding = (capture.header("content-encoding") or "identity").lower()
    body = _CODINGS[coding](capture.content) if coding in _CODINGS else capture.content
    query = re.sub(r"(^|&)key=[^&]*", rf"\1key={KEY}", capture.query)
    target = f"{capture.path}?{query}" if query else capture.path
    async with await RawClient.connect(port) as client:
        return await client.ask(capture.method, target, body or None, _with_key(capture), timeout)


def _with_key(capture: Capture) -> list[tuple[str, str]]:
    headers = []
    for name, value in capture.headers:
        match name.lower():
            case "authorization":
                headers.append((name, f"Bearer {KEY}"))
            case "x-api-key" | "x-goog-api-key":
                headers.append((name, KEY))
            case other if other not in _SET_ANEW:
                headers.append((name, value))
    return headers
