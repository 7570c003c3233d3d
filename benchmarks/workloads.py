"""The requests of the benchmark. Shapes follow what clients of the two protocols send."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from benchmarks.servers import KEY

CHAT_END = "[DONE]"
ANTHROPIC_END = "message_stop"


@dataclass(frozen=True)
class Workload:
    """``translated`` requests are Claude Messages for this gateway and Chat for the floors, whose job never changes.

    ``requests`` are made at most per run, for at most ``seconds``; ``events`` are those of one stream.
    """

    name: str
    model: str = "burst-100"
    stream: bool = False
    translated: bool = False
    connections: int = 1
    requests: int = 20_000
    seconds: float = 4.0
    events: int = 0
    tls: bool = False
    prompt: int = 200
    tools: int = 0
    unit: str = "request"
    extra: dict[str, Any] = field(default_factory=dict)

    def request(self, gateway: bool) -> bytes:
        """The bytes of the request, as sent to this gateway or to a floor."""
        anthropic = self.translated and gateway
        body = json.dumps(self._body(anthropic), separators=(",", ":")).encode()
        path = "/v1/messages" if anthropic else "/v1/chat/completions"
        lines = [
            f"POST {path} HTTP/1.1",
            "Host: localhost",
            "Content-Type: application/json",
            "Accept: application/json",
            "Accept-Encoding: gzip, deflate",
            "User-Agent: bench/1.0",
            f"x-api-key: {KEY}" if anthropic else f"Authorization: Bearer {KEY}",
            *(["anthropic-version: 2023-06-01"] if anthropic else []),
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def end(self, gateway: bool) -> str:
        """What the last bytes of a whole stream have in them."""
        if not self.stream:
            return "}"
        return ANTHROPIC_END if self.translated and gateway else CHAT_END

    def _body(self, anthropic: bool) -> dict[str, Any]:
        words = "Explain how a reverse proxy keeps its connections to the servers behind it. "
        text = (words * (self.prompt // len(words) + 1))[: self.prompt]
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "user", "content": text}],
            "max_tokens": 1000,
            "temperature": 0.5,
        }
        if self.tools:
            body["tools"] = [_tool(number, anthropic) for number in range(self.tools)]
        if self.stream:
            body["stream"] = True
        return body


def _tool(number: int, anthropic: bool) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {
            f"argument_{index}": {
                "type": "string",
                "description": "A value that the tool needs, in the words that the user has chosen for it. " * 2,
            }
            for index in range(8)
        },
        "required": ["argument_0", "argument_1"],
    }
    name, description = f"tool_{number}", "Does one thing well, and says in its answer what it has done. " * 10
    if anthropic:
        return {"name": name, "description": description, "input_schema": schema}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


def _both(name: str, **fields: Any) -> list[Workload]:
    return [
        Workload(f"{name}, passed through", **fields),
        Workload(f"{name}, translated", translated=True, **fields),
    ]


STREAM: dict[str, Any] = {"stream": True, "events": 100, "requests": 2_000}
WORKLOADS: list[Workload] = [
    *_both("unary, 1 connection"),
    *_both("unary, 16 connections", connections=16),
    *_both("burst of 100 events, 1 connection", **STREAM),
    *_both("burst of 100 events, 16 connections", connections=16, **STREAM),
    *_both(
        "400 paced streams",
        model="paced-100-40",
        stream=True,
        events=100,
        connections=400,
        requests=100_000,
        seconds=6.0,
        unit="event",
    ),
    *_both("request of 140 kB with 60 tools", prompt=7_000, tools=60, requests=2_000),
    *_both("request of 1 MB", prompt=1_000_000, requests=400),
    *_both("TLS upstream, unary, 16 connections", connections=16, tls=True),
    *_both("TLS upstream, burst of 100 events, 16 connections", connections=16, tls=True, **STREAM),
]
