"""Tools that only their vendor runs: left out where a request keeps its sense, refused where it is about them."""

import pytest

from codenex.core.errors import Fault, FaultKind
from codenex.core.losses import Loss, Losses
from codenex.core.request import CustomTool, FunctionTool, HostedTool, Request, ToolChoice
from codenex.core.server_tools import DISPENSABLE, leave_out

SEARCH = HostedTool("openai-responses", "web_search", {"type": "web_search"}, "web_search")
FILES = HostedTool("openai-responses", "file_search", {"type": "file_search"}, "file_search")
FUNCTION = FunctionTool("f")


def left_out(tool: HostedTool, *tools: FunctionTool | CustomTool, choice: ToolChoice | None = None) -> tuple[Loss, ...]:
    losses = Losses()
    request = Request("openai-responses", "m", (), (*tools, tool), choice)
    leave_out(tool, request, "tools[9]", "nobody runs it", losses)
    return losses.values()


@pytest.mark.pitfall("TOOL-22")
@pytest.mark.parametrize("capability", sorted(DISPENSABLE))
def test_a_helper_beside_the_clients_own_tools_is_left_out_and_told(capability: str) -> None:
    tool = HostedTool("anthropic", "x", {}, capability)
    assert left_out(tool, FUNCTION) == (Loss("tools[9]", "dropped", "nobody runs it"),)
    assert left_out(tool, CustomTool("c"), choice=ToolChoice("required"))
    assert left_out(tool, FUNCTION, choice=ToolChoice("one", ("f",)))


@pytest.mark.pitfall("TOOL-22")
@pytest.mark.parametrize(
    ("tool", "tools", "choice"),
    [
        (SEARCH, (), None),
        (SEARCH, (FUNCTION,), ToolChoice("one", ("web_search",))),
        (SEARCH, (FUNCTION,), ToolChoice("one", raw={"type": "web_search"})),
        (FILES, (FUNCTION,), None),
        (HostedTool("anthropic", "new_20300101", {}), (FUNCTION,), None),
    ],
)
def test_a_request_that_is_about_the_tool_is_refused(
    tool: HostedTool, tools: tuple[FunctionTool, ...], choice: ToolChoice | None
) -> None:
    with pytest.raises(Fault) as caught:
        left_out(tool, *tools, choice=choice)
    assert caught.value.kind is FaultKind.UNSUPPORTED
    assert caught.value.message == "tools[9]: nobody runs it"
    assert caught.value.param == "tools[9]"
