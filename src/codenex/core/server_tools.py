"""Tools that a vendor runs itself, at a target that has nothing like them: left out where the request keeps its sense,
refused where it does not."""

from __future__ import annotations

from codenex.core.errors import unsupported
from codenex.core.losses import Losses
from codenex.core.request import CustomTool, FunctionTool, HostedTool, Request

#: Shared meanings of tools that help a model along. Agents offer them beside their own tools in every request, and a
#: model without them uses those; a search among deferred tools is not needed where all tools are sent.
DISPENSABLE = frozenset({"web_search", "web_fetch", "code_execution", "tool_search", "advisor"})


def leave_out(tool: HostedTool, request: Request, path: str, reason: str, losses: Losses) -> None:
    """Note that ``tool`` is not sent. Raises ``unsupported`` where the request is about it: nothing else is offered, it
    is the forced choice, or it is of a kind that no model does without (its own data, a screen)."""
    if not _does_without(tool, request):
        raise unsupported(f"{path}: {reason}", param=path)
    losses.drop(path, reason)


def _does_without(tool: HostedTool, request: Request) -> bool:
    if tool.capability not in DISPENSABLE:
        return False
    if not any(isinstance(other, FunctionTool | CustomTool) for other in request.tools):
        return False
    choice = request.tool_choice
    if choice is None or choice.mode != "one":
        return True
    functions = [other.name for other in request.tools if isinstance(other, FunctionTool | CustomTool)]
    return bool(choice.names) and choice.names[0] in functions
