"""Plausible values for tool arguments, taken from what the user said: places, numbers, quotations, addresses, dates."""

from __future__ import annotations

import re
from typing import Any

from codenex.core import json
from codenex.core.request import CustomTool, FunctionTool
from codenex.providers.demo.pattern_sample import pattern_sample
from codenex.providers.demo.schema_instance import instance
from codenex.providers.demo.schema_merge import Schema
from codenex.providers.demo.text import shortened

_READ_LENGTH = 4000
_SENTENCE_LENGTH = 200

_NUMBER = re.compile(r"(?<![\w.])-?\d{1,15}(?:\.\d{1,10})?(?![\w])")
_QUOTED = re.compile(
    r'"([^"\n]{1,200})"|“([^”\n]{1,200})”|`([^`\n]{1,200})`|«([^»\n]{1,200})»|「([^」\n]{1,200})」'
    r"|(?<!\w)'([^'\n]{1,200})'(?!\w)"
)
_CAPITALISED = r"[A-ZÀ-ÖØ-Þ][\w\u2019'-]*"
_PLACE = re.compile(
    rf"\b(?:in|at|for|to|from|near|of|around)\s+({_CAPITALISED}(?: {_CAPITALISED})*(?:, {_CAPITALISED})?)"
    rf"(?:(?:,? (?:and|or)|,) ({_CAPITALISED}(?: {_CAPITALISED})*))?"
)
_NAME = re.compile(rf"(?<=[^.!?\s] )({_CAPITALISED}(?: {_CAPITALISED})*)")
_LEADING_NAME = re.compile(rf"^({_CAPITALISED}(?: {_CAPITALISED})*)")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_URL = re.compile(r"https?://[^\s<>\"'()]{0,300}[^\s<>\"'().,;:!?]")
_DATE = re.compile(r"\b\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])\b")
_PATH = re.compile(r"(?<![\w/.:-])(?:/|\./|~/)?[\w-]+(?:/[\w.-]+)*\.[A-Za-z]\w{0,4}\b(?!\()")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_OPERATORS = re.compile(r"[\d(][\d\s().]{0,40}[-+*/^%\u00d7\u00f7][\d\s().+*/^%\u00d7\u00f7-]{0,160}[\d)]")

#: Words in a property's name, and what of the text fits it.
_PLACE_WORDS = frozenset(
    {
        "city",
        "location",
        "place",
        "town",
        "country",
        "address",
        "destination",
        "origin",
        "region",
        "where",
        "state",
        "area",
    }
)
_SENTENCE_WORDS = frozenset(
    {
        "query",
        "question",
        "q",
        "text",
        "prompt",
        "search",
        "message",
        "content",
        "input",
        "request",
        "term",
        "keywords",
        "sentence",
    }
)
_NAME_WORDS = frozenset(
    {"name", "person", "user", "username", "title", "author", "customer", "company", "product", "ticker", "symbol"}
)
_PATH_WORDS = frozenset({"path", "file", "filename", "filepath"})
_COMMAND_WORDS = frozenset({"command", "cmd", "code", "script", "shell"})
_EXPRESSION_WORDS = frozenset({"expression", "formula", "equation", "calculation"})


class SpokenValues:
    """Values from a text. ``skip`` leaves out the first finds, so that a second call gets others if there are any."""

    def __init__(self, text: str, skip: int = 0) -> None:
        self._text = text[:_READ_LENGTH]
        self._skip = skip
        self._numbers = [float(found) for found in _NUMBER.findall(self._text)]
        self._used_numbers: dict[str, float] = {}

    def string(self, name: str, schema: Schema) -> str | None:
        """Return a text that suits a property by its format or name; ``None`` where nothing does."""
        form = schema.get("format")
        words = _words(name)
        if form is not None:
            finder = {"email": _EMAIL, "uri": _URL, "url": _URL, "date": _DATE}.get(str(form))
            return self._pick(finder.findall(self._text)) if finder is not None else None
        if "email" in words:
            return self._pick(_EMAIL.findall(self._text))
        if words & {"url", "uri", "link"}:
            return self._pick(_URL.findall(self._text))
        if "date" in words or "day" in words:
            return self._pick(_DATE.findall(self._text))
        if words & _PATH_WORDS and not words & {"name"}:
            return self._pick(_PATH.findall(self._text))
        if words & _COMMAND_WORDS:
            return None if schema.get("optional") else "echo demo"
        quoted = self._pick(["".join(groups) for groups in _QUOTED.findall(self._text)])
        if words & _EXPRESSION_WORDS:
            return quoted or self._pick([found.strip() for found in _OPERATORS.findall(self._text)])
        if words & _PLACE_WORDS:
            return self._place() or quoted
        if words & _SENTENCE_WORDS:
            return quoted or (shortened(self._text, _SENTENCE_LENGTH) or None)
        if words & _NAME_WORDS:
            return quoted or self._pick([*_NAME.findall(self._text), *_LEADING_NAME.findall(self._text)])
        return None if schema.get("optional") else quoted

    def number(self, name: str, schema: Schema) -> float | None:
        """Return the next number of the text; a property keeps the one it was given."""
        if name not in self._used_numbers:
            position = len(self._used_numbers) + self._skip
            if not self._numbers:
                return None
            self._used_numbers[name] = self._numbers[position % len(self._numbers)]
        return self._used_numbers[name]

    def mentioned(self, options: list[Any]) -> Any:
        """Return the first option that stands in the text as a word."""
        lowered = self._text.lower()
        for option in options:
            if isinstance(option, str) and option and re.search(rf"(?<!\w){re.escape(option.lower())}(?!\w)", lowered):
                return option
        return None

    def _place(self) -> str | None:
        places = [place for groups in _PLACE.findall(self._text) for place in groups if place]
        return self._pick(places or _NAME.findall(self._text))

    def _pick(self, found: list[str]) -> str | None:
        return found[self._skip % len(found)] if found else None


def function_arguments(tool: FunctionTool, text: str, skip: int = 0) -> str:
    """Return JSON arguments for a function, valid against its schema."""
    if tool.schema is None:
        return "{}"
    made = instance(tool.schema, SpokenValues(text, skip), full=False)
    return json.encode_text(made if isinstance(made, dict) else {})


def custom_input(tool: CustomTool, text: str, skip: int = 0) -> str:
    """Return free text for a custom tool; a grammar that is a regular expression is kept where it can be sampled."""
    grammar = tool.grammar or {}
    if grammar.get("syntax") == "regex" and isinstance(grammar.get("definition"), str):
        sample = pattern_sample(grammar["definition"], skip)
        if sample is not None:
            return sample
    return SpokenValues(text, skip).string("input", {}) or "demo"


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORDS.findall(name)}
