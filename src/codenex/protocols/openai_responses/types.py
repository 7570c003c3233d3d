"""Words of the Responses protocol: item types, event types, ids, built-in tools (OpenAI SDK 3.54, read 2026-11)."""

from __future__ import annotations

from typing import Any, Literal

NAME = "openai-responses"
VENDOR = "openai"
#: Protocols of the same vendor: file ids, tiers and strict schemas mean the same there.
SAME_VENDOR = frozenset({NAME, "openai-chat"})

#: Largest ``call_id`` that OpenAI takes.
CALL_ID_LIMIT = 64
#: Smallest ``max_output_tokens`` that OpenAI takes.
LEAST_OUTPUT_TOKENS = 16
#: Marks the output of a failed tool, because the protocol has no flag for it.
TOOL_ERROR = "[tool error] "

#: Item types that belong to the assistant's side of a conversation.
ASSISTANT_ITEMS = frozenset(
    {
        "reasoning",
        "function_call",
        "custom_tool_call",
        "local_shell_call",
        "shell_call",
        "apply_patch_call",
        "tool_search_call",
        "computer_call",
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_list_tools",
        "mcp_call",
        "mcp_approval_request",
        "item_reference",
        "compaction",
        "program",
        "program_output",
        "x_search_call",
    }
)

#: Item types of calls that the vendor runs itself; they stay in their own form.
SERVER_TOOL_ITEMS = frozenset(
    {
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "mcp_call",
        "mcp_list_tools",
        "mcp_approval_request",
        "mcp_approval_response",
        "x_search_call",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "tool_search_output",
        "image_generation_call",
    }
)

#: Item types that hold the result of a call, and the kind of tool they answer.
RESULT_ITEMS: dict[str, Literal["function", "custom"]] = {
    "function_call_output": "function",
    "custom_tool_call_output": "custom",
    "local_shell_call_output": "function",
    "shell_call_output": "function",
    "apply_patch_call_output": "function",
    "tool_search_output": "function",
}

#: Prefix of an item's id by its type; OpenAI checks them on ids that come back.
ID_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "local_shell_call": "lsh",
    "shell_call": "sh",
    "apply_patch_call": "apc",
    "tool_search_call": "tsc",
    "image_generation_call": "ig",
    "web_search_call": "ws",
    "code_interpreter_call": "ci",
    "file_search_call": "fs",
    "mcp_call": "mcp",
    "mcp_list_tools": "mcpl",
    "mcp_approval_request": "mcpr",
    "compaction": "cmp",
}

#: Hosted tools by type → the meaning that other protocols may have as well.
CAPABILITIES = {
    "web_search": "web_search",
    "web_search_2025_08_26": "web_search",
    "web_search_preview": "web_search",
    "web_search_preview_2025_03_11": "web_search",
    "code_interpreter": "code_execution",
    "file_search": "file_search",
    "image_generation": "image_generation",
    "computer": "computer",
    "computer_use": "computer",
    "computer_use_preview": "computer",
    "mcp": "mcp",
    "shell": "shell",
    "programmatic_tool_calling": "programmatic_tool_calling",
}

#: Tiers that OpenAI's clients know; other vendors have words of their own.
SERVICE_TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast", "ultrafast"})

#: The shared meaning of a hosted tool → its definition here, where it needs no settings.
HOSTED_TOOLS: dict[str, dict[str, Any]] = {
    "web_search": {"type": "web_search"},
    "code_execution": {"type": "code_interpreter", "container": {"type": "auto"}},
    "image_generation": {"type": "image_generation"},
}

_STRING: dict[str, Any] = {"type": "string"}
_STRINGS: dict[str, Any] = {"type": "array", "items": _STRING}


class Builtin:
    """A tool that the client runs under a schema that OpenAI's models were trained on.

    ``field`` is where its call item keeps the arguments, ``description`` tells other models what it does.
    """

    __slots__ = ("call", "description", "field", "name", "output", "schema")

    def __init__(self, name: str, call: str, output: str, field: str, description: str, schema: dict[str, Any]) -> None:
        self.name = name
        self.call = call
        self.output = output
        self.field = field
        self.description = description
        self.schema = schema


LOCAL_SHELL = Builtin(
    "local_shell",
    "local_shell_call",
    "local_shell_call_output",
    "action",
    "Runs a command on the user's machine and returns its output.",
    {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["exec"]},
            "command": {**_STRINGS, "description": "The command and its arguments."},
            "env": {"type": "object", "additionalProperties": _STRING},
            "timeout_ms": {"type": "integer"},
            "user": _STRING,
            "working_directory": _STRING,
        },
        "required": ["type", "command", "env"],
    },
)
SHELL = Builtin(
    "shell",
    "shell_call",
    "shell_call_output",
    "action",
    "Runs shell commands on the user's machine and returns stdout, stderr and the outcome of each.",
    {
        "type": "object",
        "properties": {
            "commands": {**_STRINGS, "description": "The commands, each run in its own shell."},
            "timeout_ms": {"type": "integer"},
            "max_output_length": {"type": "integer"},
        },
        "required": ["commands"],
    },
)
APPLY_PATCH = Builtin(
    "apply_patch",
    "apply_patch_call",
    "apply_patch_call_output",
    "operation",
    "Creates, updates or deletes one file. The diff is in V4A form: context lines, lines with - and lines with +.",
    {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["create_file", "update_file", "delete_file"]},
            "path": _STRING,
            "diff": {**_STRING, "description": "Needed unless the file is deleted."},
        },
        "required": ["type", "path"],
    },
)
#: Its schema comes with the request; only a search that the client runs is a function.
TOOL_SEARCH = Builtin(
    "tool_search",
    "tool_search_call",
    "tool_search_output",
    "arguments",
    "Searches for further tools and makes them available.",
    {"type": "object", "properties": {"query": _STRING}, "required": ["query"]},
)

BUILTINS = {builtin.name: builtin for builtin in (LOCAL_SHELL, SHELL, APPLY_PATCH, TOOL_SEARCH)}
BUILTIN_CALLS = {builtin.call: builtin for builtin in BUILTINS.values()}
BUILTIN_OUTPUTS = {builtin.output: builtin for builtin in BUILTINS.values()}
