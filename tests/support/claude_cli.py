"""A small stand-in for the Claude Code CLI: speaks its protocol on standard input and output, and does what a script
says.

It looks into the folder of ``CLAUDE_CONFIG_DIR``: ``script.json`` holds the steps of the answer; what it was started
with and told is written there, one file for each process.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

Json = dict[str, Any]


def main() -> None:
    folder = Path(os.environ["CLAUDE_CONFIG_DIR"])
    if sys.argv[1:] == ["auth", "status"]:
        print((folder / "login.json").read_text())
        return
    log = (folder / f"heard-{os.getpid()}.jsonl").open("w")
    started = {"argv": sys.argv, "env": dict(os.environ), "cwd": os.getcwd(), "files": os.listdir(), "pid": os.getpid()}
    print(json.dumps(started), file=log, flush=True)
    for line in sys.stdin:
        log.write(line)
        log.flush()
        heard = json.loads(line)
        match heard:
            case {"type": "control_request", "request": {"subtype": "initialize"}}:
                _greet(heard, log)
            case {"type": "user", "shouldQuery": False}:
                _say({"type": "system", "subtype": "init", "model": "claude-resolved"})
                _say({"type": "result", "subtype": "success", "is_error": False, "num_turns": 0, "result": ""})
            case {"type": "user"}:
                for step in json.loads((folder / "script.json").read_text()):
                    _play(step, log)


def _say(message: Json) -> None:
    print(json.dumps(message), flush=True)


def _ask(request: Json, log: TextIO, id: str) -> None:
    _say({"type": "control_request", "request_id": id, "request": request})
    log.write(sys.stdin.readline())
    log.flush()


def _greet(heard: Json, log: TextIO) -> None:
    request = heard["request"]
    if request.get("sdkMcpServers"):
        greeting = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}
        _ask({"subtype": "mcp_message", "server_name": "t", "message": greeting}, log, "m0")
    response = {"subtype": "success", "request_id": heard["request_id"], "response": {}}
    _say({"type": "control_response", "response": response})
    if request.get("sdkMcpServers"):
        listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        _ask({"subtype": "mcp_message", "server_name": "t", "message": listing}, log, "m1")


def _play(step: Json, log: TextIO) -> None:
    match step:
        case {"say": dict(message)}:
            _say(message)
        case {"event": dict(event)}:
            _say({"type": "stream_event", "event": event, "parent_tool_use_id": None})
        case {"ask": dict(request)}:
            _ask(request, log, "a0")
        case {"raw": str(text)}:
            print(text, flush=True)
        case {"sleep": float(seconds) | int(seconds)}:
            time.sleep(seconds)
        case {"stderr": str(text)}:
            print(text, file=sys.stderr, flush=True)
        case {"child": float(seconds) | int(seconds)}:
            # A program of its own, as the real one might start.
            os.spawnlp(os.P_NOWAIT, "sleep", "sleep", str(seconds))
        case {"exit": int(status)}:
            os._exit(status)


if __name__ == "__main__":
    main()
