"""Which tools the simulation calls: by trigger, by the tool choice, or because the question speaks of their subject."""

from __future__ import annotations

import re

from codenex.core.names import flattened
from codenex.core.request import CustomTool, FunctionTool, Request, ToolChoice

CallableTool = FunctionTool | CustomTool

_READ_LENGTH = 2000
_DESCRIPTION_LENGTH = 160
_WORD = re.compile(r"[^\W\d_]+")
_NAME_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+")
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,}")
#: Words of tool names that say how, not what; alone they match no question.
_GENERIC_WORDS = (
    "get set fetch find list make create add run call use do read write edit update delete remove show give "
    "tell take put send open close search lookup look query check test task tool tools function functions api "
    "info information data file files text value item items name names result results bash web new all any the "
    "and for with from into this that these those what which who how when where why your you are can will "
    "would should could have has had not but its string number object returns return given current user users "
    "please about one two there their them then than using used note notes plan help "
)
_NAME_SCORE, _DESCRIPTION_SCORE, _THRESHOLD = 4, 1, 2


def _stem(word: str) -> str:
    """Take off the commonest endings, so that a question about temperatures finds the temperature."""
    if not word.isascii() or len(word) < 5:
        return word
    for ending in ("ing", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word[: -len(ending)]
            break
    return word.rstrip("e")


_GENERIC = frozenset(word for spelled in _GENERIC_WORDS.split() for word in (spelled, _stem(spelled)))


def callable_tools(request: Request) -> list[CallableTool]:
    """Return the tools that may be called under the request's tool choice."""
    tools = [tool for tool in request.tools if isinstance(tool, FunctionTool | CustomTool)]
    choice = request.tool_choice
    if choice is None or choice.mode in ("auto", "required"):
        return tools
    if choice.mode == "none":
        return []
    return [tool for tool in tools if tool.name in choice.names or flattened(tool.namespace, tool.name) in choice.names]


def forced(choice: ToolChoice | None) -> bool:
    """Whether a call is demanded."""
    return choice is not None and (choice.mode in ("required", "one") or (choice.mode == "allowed" and choice.required))


def selected_tools(request: Request, text: str, calls: int, *, answered: bool) -> list[CallableTool]:
    """Return the tools to call, one for each call; none where the answer is a text.

    ``calls`` is what triggers asked for. ``answered`` says that tool results have just come in: a mere question calls
    nothing then.
    """
    tools = callable_tools(request)
    if not tools:
        return []
    asked = _words_of(text[:_READ_LENGTH])
    scores = [_score(tool, asked) for tool in tools]
    ranked = sorted(range(len(tools)), key=lambda position: -scores[position])
    count = calls
    if count == 0 and (forced(request.tool_choice) or (not answered and scores[ranked[0]] >= _THRESHOLD)):
        count = 1
    if request.parallel_tool_calls is False:
        count = min(count, 1)
    return [tools[ranked[position % len(ranked)]] for position in range(count)]


def _score(tool: CallableTool, asked: set[str]) -> int:
    name_words = {_stem(word.lower()) for word in _NAME_WORD.findall(tool.name)} - _GENERIC
    described = _words_of((tool.description or "")[:_DESCRIPTION_LENGTH]) - name_words
    return (
        _NAME_SCORE * len(name_words & asked)
        + _DESCRIPTION_SCORE * len(described & asked)
        + 2 * len({word for word in described & asked if not word.isascii()})
    )


def _words_of(text: str) -> set[str]:
    words = {_stem(word) for word in _WORD.findall(text.lower()) if len(word) > 2 or not word.isascii()}
    for run in _IDEOGRAPHS.findall(text):
        words.update(run[start : start + 2] for start in range(len(run) - 1))
    return words - _GENERIC
