"""What the CLI prints about an answer, turned back into the events of an Anthropic stream. Pure.

The CLI passes on the events of the API nearly as they are. What it does beside that is undone here: names of tools, the
tool that stands for structured output, a second call of the API; and stop sequences are looked for.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from codenex.core import json
from codenex.models.tokens import estimated_text_tokens
from codenex.providers.claude_code.invocation import PREFIX, STRUCTURED, Invocation
from codenex.providers.claude_code.stops import StopFinder

Event = dict[str, Any]

#: HTTP status → the vendor's type of error.
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
#: What the CLI says where it asked nobody → status.
_TEXTS = (
    (re.compile(r"(?i)not logged in|/login|invalid api key|authentica|oauth token|log in"), 401),
    (re.compile(r"(?i)credit balance"), 402),
    (re.compile(r"(?i)usage limit|rate limit|limit reached"), 429),
    (re.compile(r"(?i)prompt is too long"), 400),
)
#: What the operator can do about an account that isn't logged in.
LOG_IN = (
    "log the Claude Code CLI in (`claude auth login`, as the user and with the CLAUDE_CODE_CONFIG_DIR of this account),"
    " or give the account a CLAUDE_CODE_API_KEY"
)
_USAGE = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "output_tokens_details",
    "service_tier",
)


class Failure(msgspec.Struct, frozen=True):
    """Why there is no answer: an HTTP status and the vendor's body for it."""

    status: int
    body: bytes


class Answer:
    """Takes events and the result; gives the bytes of server-sent events."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._index = -1
        #: the API's index of an open block → the client's index and what is done with it
        self._open: dict[int, tuple[int, str]] = {}
        self._stops = StopFinder(invocation.stops)
        self._called = False
        self._formed = False
        #: prose beside an answer that shall follow a schema; only where it never comes is it the answer
        self._prose: list[str] = []
        self._said = 0
        self._stop: Event = {}
        self._usage: Event = {}
        #: the head of the answer has gone out
        self.started = False
        #: nothing more belongs to the answer
        self.done = False
        #: the program would go on where the answer is over
        self.abandoned = False
        self.failure: Failure | None = None

    def event(self, event: Event) -> bytes:
        """Take an event of the API."""
        if self.done:
            return b""
        match event.get("type"):
            case "message_start":
                return self._start(event)
            case "content_block_start":
                return self._begin(event["index"], event["content_block"])
            case "content_block_delta":
                return self._delta(event["index"], event["delta"])
            case "content_block_stop":
                return self._end(event["index"])
            case "message_delta":
                self._stop = event.get("delta") or {}
                self._usage = {**self._usage, **(event.get("usage") or {})}
                # The program would try again after a cut, or after nothing: there is no time to lose.
                cut = self._stop.get("stop_reason") not in ("end_turn", "tool_use")
                self.abandoned = cut or (self._index < 0 and self._invocation.schema is None)
                return self._settled() if self.abandoned else b""
            case "message_stop" if self._invocation.schema is None:
                return self._finish(self._stop)
            case _:
                return b""

    def result(self, result: Event) -> bytes:
        """Take the end of the run, judged by ``is_error`` and the status: its ``subtype`` may say success anyway."""
        if self.done:
            return b""
        over = result.get("subtype") == "error_max_turns"
        if self.started and (over or not result.get("is_error")):
            self._usage = {key: value for key, value in (result.get("usage") or {}).items() if key in _USAGE}
            return self._settled()
        if not result.get("is_error") and not over:
            return self.fail(502, "the Claude Code CLI ended without asking the model")
        told = result.get("result") or "; ".join(map(str, result.get("errors") or ())) or "no reason was given"
        return self.fail(_status(result, str(told)), str(told))

    def fail(self, status: int, message: str) -> bytes:
        """End with an error: in the stream where it has begun, else as :attr:`failure`."""
        self.done = True
        if status == 401:
            message = f"{message} ({LOG_IN})"
        error = {"type": _TYPES.get(status, "api_error"), "message": message}
        if self.started:
            return _sse({"type": "error", "error": error})
        self.failure = Failure(status, json.encode({"type": "error", "error": error}))
        return b""

    def _start(self, event: Event) -> bytes:
        self._open.clear()
        if self.started:
            return b""
        self.started = True
        return _sse(event)

    def _begin(self, index: int, block: Event) -> bytes:
        kind = block.get("type")
        if kind == "text" and self._invocation.schema is not None:
            self._open[index] = (-1, "prose")
            self._prose.append(block.get("text") or "")
            return b""
        if kind != "tool_use":
            return self._opened(index, str(kind), block)
        name = block.get("name")
        if name == STRUCTURED and self._invocation.schema is not None:
            if self._formed:
                # A second try; the first one has gone out already.
                return b""
            self._formed = True
            self._prose.clear()
            return self._opened(index, "form", {"type": "text", "text": ""})
        if self._called and self._invocation.one_call:
            return b""
        self._called = True
        known = self._invocation.names.get(str(name), str(name).removeprefix(PREFIX))
        return self._told_prose() + self._opened(index, "tool_use", {**block, "name": known})

    def _opened(self, index: int, kind: str, block: Event) -> bytes:
        self._index += 1
        self._open[index] = (self._index, kind)
        return _sse({"type": "content_block_start", "index": self._index, "content_block": block})

    def _delta(self, index: int, delta: Event) -> bytes:
        if index not in self._open:
            return b""
        place, kind = self._open[index]
        match kind, delta:
            case "prose", {"text": str(text)}:
                self._prose[-1] += text
                return b""
            case "prose", _:
                return b""
            case "form", {"partial_json": str(text)}:
                return self._text(place, text) if text else b""
            case "text", {"type": "text_delta", "text": str(text)}:
                return self._through(place, text)
            case _:
                return _sse({"type": "content_block_delta", "index": place, "delta": delta})

    def _through(self, place: int, text: str) -> bytes:
        """Pass text on up to a stop sequence, which ends the answer."""
        free = self._stops.feed(text)
        out = self._text(place, free) if free else b""
        if self._stops.found is None:
            return out
        out += _sse({"type": "content_block_stop", "index": place})
        self.abandoned = True
        # How much the model has written is only told at its own end.
        self._usage["output_tokens"] = estimated_text_tokens("x" * self._said)
        return out + self._finish({"stop_reason": "stop_sequence", "stop_sequence": self._stops.found})

    def _text(self, place: int, text: str) -> bytes:
        self._said += len(text)
        return _sse({"type": "content_block_delta", "index": place, "delta": {"type": "text_delta", "text": text}})

    def _end(self, index: int) -> bytes:
        if index not in self._open:
            return b""
        place, kind = self._open.pop(index)
        if kind == "prose":
            return b""
        rest = self._stops.flush() if kind == "text" else ""
        return (self._text(place, rest) if rest else b"") + _sse({"type": "content_block_stop", "index": place})

    def _told_prose(self) -> bytes:
        """Say what was held back as prose."""
        out = b""
        for text in self._prose:
            if text:
                self._index += 1
                start = {"type": "content_block_start", "index": self._index}
                out += _sse({**start, "content_block": {"type": "text", "text": ""}}) + self._text(self._index, text)
                out += _sse({"type": "content_block_stop", "index": self._index})
        self._prose.clear()
        return out

    def _settled(self) -> bytes:
        """End an answer, which may be one that should follow a schema."""
        out = b"" if self._formed else self._told_prose()
        stop = self._stop
        if stop.get("stop_reason") == "tool_use" and not self._called:
            stop = {**stop, "stop_reason": "end_turn"}
        return out + self._finish(stop)

    def _finish(self, stop: Event) -> bytes:
        self.done = True
        delta = {"stop_reason": stop.get("stop_reason") or "end_turn", "stop_sequence": stop.get("stop_sequence")}
        last = {"type": "message_delta", "delta": {**stop, **delta}, "usage": self._usage}
        return _sse(last) + _sse({"type": "message_stop"})


def _status(result: Event, told: str) -> int:
    status = result.get("api_error_status")
    if isinstance(status, int) and 400 <= status < 600:
        return status
    return next((status for pattern, status in _TEXTS if pattern.search(told)), 502)


def _sse(event: Event) -> bytes:
    return b"event: " + str(event["type"]).encode() + b"\ndata: " + json.encode(event) + b"\n\n"
