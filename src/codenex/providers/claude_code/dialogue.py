"""What is written to the CLI, and when: its greeting, the tools that it asks about, the history line by line. Pure.

The history goes in one user turn at a time, each waiting for the empty result of the one before: written in one go, the
CLI would mix them up.
"""

from __future__ import annotations

from typing import Any

from codenex.core import json
from codenex.providers.claude_code.answer import Answer
from codenex.providers.claude_code.invocation import PREFIX, SERVER, Invocation, Line

Message = dict[str, Any]

_HOOK = "tool"
_GREETING = "greeting"


class Dialogue:
    """One conversation with one process. ``limits`` is the last word on the quota of a subscription."""

    def __init__(self, invocation: Invocation) -> None:
        self.answer = Answer(invocation)
        self.limits: dict[str, Any] | None = None
        self._invocation = invocation
        self._next = 0
        self._greeted = False
        self._waiting = False
        self._listed = not invocation.tools
        #: the model as the API knows it: reasoning in the history is kept for the model that it is from
        self._model: str | None = None

    def opening(self) -> bytes:
        """Return what is written first."""
        request: Message = {"subtype": "initialize", "systemPrompt": list(self._invocation.system)}
        if self._invocation.tools:
            request["sdkMcpServers"] = [SERVER]
            # Asked before each call, we put it off: it is the client's to run.
            request["hooks"] = {"PreToolUse": [{"matcher": None, "hookCallbackIds": [_HOOK]}]}
        if self._invocation.schema is not None:
            request["jsonSchema"] = self._invocation.schema
        return _line({"type": "control_request", "request_id": _GREETING, "request": request})

    def take(self, line: bytes) -> tuple[bytes, bytes]:
        """Take a line of output; return what is written to the program, and what goes to the client."""
        message = json.try_object(line) or {}
        match message:
            case {"type": "stream_event", "event": dict(event)} if not message.get("parent_tool_use_id"):
                return b"", self.answer.event(event)
            case {"type": "control_response", "response": dict(response)}:
                return self._greeting(response)
            case {"type": "control_request", "request": dict(request)}:
                reply = _line(_reply(message.get("request_id"), self._replied(request)))
                return reply + self._more(), b""
            case {"type": "system", "subtype": "init"}:
                self._model = message.get("model")
            case {"type": "rate_limit_event", "rate_limit_info": dict(info)}:
                self.limits = info
            case {"type": "result"}:
                return self._result(message)
            case _:
                pass
        return b"", b""

    def _greeting(self, response: Message) -> tuple[bytes, bytes]:
        if response.get("request_id") != _GREETING:
            return b"", b""
        if response.get("subtype") == "error":
            return b"", self.answer.fail(502, f"the Claude Code CLI didn't start: {response.get('error')}")
        self._greeted = True
        return self._more(), b""

    def _result(self, result: Message) -> tuple[bytes, bytes]:
        self._waiting = False
        if self._next == len(self._invocation.lines) or result.get("is_error"):
            return b"", self.answer.result(result)
        return self._more(), b""

    def _more(self) -> bytes:
        """Return the next lines of the conversation, up to one that a result answers."""
        out = b""
        while self._greeted and self._listed and not self._waiting and self._next < len(self._invocation.lines):
            line = self._invocation.lines[self._next]
            out += _line(self._worded(line))
            self._next += 1
            self._waiting = line.role != "assistant"
        return out

    def _worded(self, line: Line) -> Message:
        if line.role == "assistant":
            # Lines with the same id would become one turn.
            message: Message = {"id": f"msg_history_{self._next}", "type": "message", "role": "assistant"}
            if self._model is not None:
                message["model"] = self._model
            return {"type": "assistant", "message": {**message, "content": line.content}}
        # Neither a name of a file nor of a command means anything in it.
        user: Message = {"type": "user", "client_composed": True, "message": {"role": "user", "content": line.content}}
        return user if line.role == "asking" else {**user, "shouldQuery": False}

    def _replied(self, request: Message) -> Message:
        """Answer what the program asks."""
        match request:
            case {"subtype": "mcp_message", "message": dict(message)}:
                return {"mcp_response": {"jsonrpc": "2.0", "id": message.get("id", 0), "result": self._served(message)}}
            case {"subtype": "hook_callback", "input": {"tool_name": str(name)}} if name.startswith(PREFIX):
                return {"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "defer"}}
            case {"subtype": "can_use_tool"}:
                return {"behavior": "deny", "message": "this tool is not run here", "interrupt": True}
            case _:
                return {}

    def _served(self, message: Message) -> Message:
        """Answer as the server of tools. It is greeted more than once."""
        match message.get("method"):
            case "initialize":
                version = (message.get("params") or {}).get("protocolVersion")
                server = {"name": SERVER, "version": "1"}
                return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}
            case "tools/list":
                self._listed = True
                return {"tools": list(self._invocation.tools)}
            case _:
                return {}


def _reply(request_id: Any, response: Message) -> Message:
    inner = {"subtype": "success", "request_id": request_id, "response": response}
    return {"type": "control_response", "response": inner}


def _line(message: Message) -> bytes:
    return json.encode(message) + b"\n"
