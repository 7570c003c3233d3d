"""Parameters of tools in the manner of coding agents and servers of the Model Context Protocol."""

from __future__ import annotations

from tests.models.schema_corpus.case import Case

_DRAFT = "http://json-schema.org/draft-07/schema#"

TOOLS: tuple[Case, ...] = (
    Case(
        "run a command",
        {
            "$schema": _DRAFT,
            "type": "object",
            "properties": {
                "command": {"type": "string", "description": "The command to run"},
                "timeout": {"type": "number", "description": "Milliseconds (max 600000)"},
                "description": {"type": "string", "description": "What the command does, in 5-10 words"},
                "run_in_background": {"type": "boolean"},
            },
            "required": ["command"],
            "additionalProperties": False,
        },
        ({"command": "ls", "timeout": 1000, "description": "Lists files"}, {"command": "ls"}),
        ({"timeout": 3}, {"command": ["ls"]}),
    ),
    Case(
        "argument vector",
        {
            "type": "object",
            "properties": {
                "command": {"type": "array", "items": {"type": "string"}, "description": "The command"},
                "workdir": {"type": "string"},
                "timeout_ms": {"type": "number"},
                "sandbox_permissions": {"type": "string", "enum": ["use_default", "require_escalated"]},
            },
            "required": ["command"],
            "additionalProperties": False,
        },
        ({"command": ["ls", "-l"], "workdir": "/tmp"},),
        ({"command": "ls"}, {"command": ["ls"], "sandbox_permissions": "all"}),
    ),
    Case(
        "plan",
        {
            "type": "object",
            "properties": {
                "explanation": {"type": "string"},
                "plan": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "properties": {
                            "step": {"type": "string", "minLength": 1},
                            "status": {"type": "string", "enum": ["pending", "in_progress", "completed"]},
                        },
                        "required": ["step", "status"],
                        "additionalProperties": False,
                    },
                },
            },
            "required": ["plan"],
            "additionalProperties": False,
        },
        ({"plan": [{"step": "read", "status": "pending"}]},),
        ({"plan": [{"step": "read"}]}, {"plan": [{"step": "read", "status": "done"}]}),
    ),
    Case(
        "several edits",
        {
            "$schema": _DRAFT,
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "edits": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "oldText": {"type": "string", "description": "Text to search for, exactly"},
                            "newText": {"type": "string", "description": "Text to put in its place"},
                        },
                        "required": ["oldText", "newText"],
                        "additionalProperties": False,
                    },
                },
                "dryRun": {"type": "boolean", "default": False, "description": "Only show the difference"},
            },
            "required": ["path", "edits"],
            "additionalProperties": False,
        },
        ({"path": "a", "edits": [{"oldText": "a", "newText": "b"}], "dryRun": True}, {"path": "a", "edits": []}),
        ({"path": "a"}, {"path": "a", "edits": [{"oldText": "a"}]}),
    ),
    Case(
        "create an issue",
        {
            "type": "object",
            "properties": {
                "owner": {"type": "string", "description": "Repository owner"},
                "repo": {"type": "string", "description": "Repository name"},
                "title": {"type": "string"},
                "body": {"type": "string"},
                "labels": {"type": "array", "items": {"type": "string"}},
                "milestone": {"type": ["integer", "null"]},
                "state": {"type": "string", "enum": ["open", "closed", "all"], "default": "open"},
                "perPage": {"type": "number", "minimum": 1, "maximum": 100},
            },
            "required": ["owner", "repo", "title"],
        },
        ({"owner": "a", "repo": "b", "title": "c", "labels": ["x"], "milestone": None, "perPage": 5},),
        ({"owner": "a", "repo": "b"}, {"owner": "a", "repo": "b", "title": "c", "state": "lost"}),
    ),
    Case(
        "fill a form in a browser",
        {
            "type": "object",
            "properties": {
                "fields": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "name": {"type": "string"},
                            "type": {"type": "string", "enum": ["textbox", "checkbox", "radio", "combobox", "slider"]},
                            "ref": {"type": "string", "description": "Exact target element reference"},
                            "value": {"type": "string", "description": "For a checkbox: `true` or `false`"},
                        },
                        "required": ["name", "type", "ref", "value"],
                        "additionalProperties": False,
                    },
                    "description": "Fields to fill in",
                }
            },
            "required": ["fields"],
            "additionalProperties": False,
            "$schema": _DRAFT,
        },
        ({"fields": [{"name": "a", "type": "textbox", "ref": "e1", "value": "x"}]},),
        ({"fields": [{"name": "a"}]}, {"fields": "a"}),
    ),
    Case(
        "query with parameters of any type",
        {
            "type": "object",
            "properties": {
                "sql": {"type": "string"},
                "params": {"type": "array", "items": {"type": ["string", "number", "boolean", "null"]}},
                "options": {"type": "object", "additionalProperties": True},
            },
            "required": ["sql"],
        },
        ({"sql": "select ?", "params": [1, "a", None, True], "options": {"timeout": 3}}, {"sql": "select 1"}),
        ({"params": []}, {"sql": "x", "params": [{}]}),
    ),
    Case(
        "questions to the user",
        {
            "type": "object",
            "properties": {
                "questions": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 4,
                    "items": {
                        "type": "object",
                        "properties": {
                            "question": {"type": "string"},
                            "header": {"type": "string"},
                            "options": {
                                "type": "array",
                                "minItems": 2,
                                "maxItems": 4,
                                "items": {
                                    "type": "object",
                                    "properties": {"label": {"type": "string"}, "description": {"type": "string"}},
                                    "required": ["label", "description"],
                                    "additionalProperties": False,
                                },
                            },
                            "multiSelect": {"type": "boolean", "default": False},
                        },
                        "required": ["question", "header", "options"],
                        "additionalProperties": False,
                    },
                },
                "answers": {"type": "object", "additionalProperties": {"type": "string"}},
                "metadata": {
                    "type": "object",
                    "properties": {"source": {"type": "string"}},
                    "additionalProperties": False,
                },
            },
            "required": ["questions"],
            "additionalProperties": False,
        },
        (
            {
                "questions": [
                    {
                        "question": "Which?",
                        "header": "Choice",
                        "options": [{"label": "a", "description": "A"}, {"label": "b", "description": "B"}],
                    }
                ],
                "answers": {"Which?": "a"},
            },
        ),
        ({"questions": []}, {"questions": [{"question": "Which?"}]}),
    ),
    Case(
        "notebook cell, one of several commands",
        {
            "anyOf": [
                {
                    "type": "object",
                    "properties": {
                        "mode": {"const": "insert"},
                        "cell": {"type": "integer"},
                        "text": {"type": "string"},
                    },
                    "required": ["mode", "cell", "text"],
                },
                {
                    "type": "object",
                    "properties": {"mode": {"const": "delete"}, "cell": {"type": "integer"}},
                    "required": ["mode", "cell"],
                },
            ]
        },
        ({"mode": "insert", "cell": 1, "text": "a"}, {"mode": "delete", "cell": 1}),
        ({"mode": "move", "cell": 1}, {"mode": "delete"}),
    ),
    Case(
        "search with many options",
        {
            "type": "object",
            "properties": {
                "pattern": {"type": "string"},
                "path": {"type": "string"},
                "glob": {"type": "string"},
                "output_mode": {"type": "string", "enum": ["content", "files_with_matches", "count"]},
                "-A": {"type": "number"},
                "-B": {"type": "number"},
                "-C": {"type": "number"},
                "-n": {"type": "boolean"},
                "-i": {"type": "boolean"},
                "type": {"type": "string"},
                "head_limit": {"type": "number"},
                **{f"option_{number}": {"type": "string"} for number in range(20)},
            },
            "required": ["pattern"],
            "additionalProperties": False,
        },
        ({"pattern": "a", "-A": 3, "-i": True, "type": "py", "option_3": "x"},),
        ({"-A": 3}, {"pattern": "a", "output_mode": "all"}),
    ),
)
