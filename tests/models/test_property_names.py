"""Names of parameters that a target refuses: replaced on the way there, put back in the answer."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codenex.core import events as e
from codenex.core.losses import Losses
from codenex.core.parts import ToolCall
from codenex.core.request import FunctionTool, Request, Turn
from codenex.core.reversal import Reversal, Reverser, ToolOrigin
from codenex.gateway.encoding import Target
from codenex.models.property_names import with_fitting_names
from codenex.providers.registry import PROVIDER_TYPES
from codenex.store.settings import Account

pytestmark = pytest.mark.pitfall("SCH-11", "TOOL-12")

SCHEMA = {
    "type": "object",
    "properties": {
        "plain": {"type": "string"},
        "a b": {"type": "string", "description": "a b"},
        "$nested": {"type": "object", "properties": {"x/y": {"type": "integer"}}, "required": ["x/y"]},
        "list": {"type": "array", "items": {"properties": {"a b": {"enum": ["a b"]}}}},
    },
    "required": ["a b", "plain"],
}


def request(schema: dict[str, Any], arguments: str = "{}", namespace: str | None = None) -> Request:
    call = ToolCall("c", "tool", arguments, namespace=namespace)
    return Request(
        "openai-chat", "m", (Turn("assistant", (call,)),), (FunctionTool("tool", schema=schema, namespace=namespace),)
    )


def returned(back: dict[str, dict[str, str]], arguments: str, cut: int = 1, *, complete: bool = True) -> str:
    """A call as the client gets it, from an answer in two pieces."""
    reverser = Reverser(Reversal(properties=back))
    events = [
        e.PartStart(0, "tool_call", id="c", name="tool"),
        *(e.ToolArgumentsDelta(0, piece) for piece in (arguments[:cut], arguments[cut:])),
        e.PartStop(0, ToolCall("c", "tool", arguments, complete=complete)),
    ]
    out = [one for event in events for one in reverser.push(event)]
    streamed = "".join(event.text for event in out if isinstance(event, e.ToolArgumentsDelta))
    stopped = out[-1]
    assert isinstance(stopped, e.PartStop)
    assert isinstance(stopped.part, ToolCall)
    assert stopped.part.arguments == streamed
    return streamed


def tool_of(changed: Request) -> dict[str, Any]:
    (tool,) = changed.tools
    assert isinstance(tool, FunctionTool)
    assert tool.schema is not None
    return tool.schema


def test_names_that_fit_stay_and_so_does_the_request() -> None:
    schema = {"type": "object", "properties": {"a.b-c_1": {"type": "string"}}}
    same = request(schema)
    assert with_fitting_names(same, "plain") == (same, {})
    assert with_fitting_names(request(SCHEMA), "any") == (request(SCHEMA), {})
    assert with_fitting_names(same, "identifier")[1] != {}


@pytest.mark.parametrize(
    ("alphabet", "pattern"), [("plain", r"[a-zA-Z0-9_.-]{1,64}"), ("identifier", r"[A-Za-z_][A-Za-z0-9_]{0,63}")]
)
def test_every_name_fits_afterwards_wherever_it_stands(alphabet: Any, pattern: str) -> None:
    changed, back = with_fitting_names(request(SCHEMA), alphabet)
    schema = tool_of(changed)
    names = [*schema["properties"], *schema["required"]]
    nested = schema["properties"][list(schema["properties"])[2]]
    names += [*nested["properties"], *nested["required"], *schema["properties"]["list"]["items"]["properties"]]

    assert all(re.fullmatch(pattern, name) for name in names)
    assert set(back["tool"].values()) == {"a b", "$nested", "x/y"}
    first = schema["properties"][names[1]]
    assert first["description"] == "a b", "data is left alone"


def test_history_and_answers_have_the_same_names() -> None:
    said = '{"a b": "the key \\"a b\\": here", "n": 1.0, "$nested" :{"x/y":1}}'
    changed, back = with_fitting_names(request(SCHEMA, said), "plain")
    part = changed.turns[0].parts[0]
    assert isinstance(part, ToolCall)

    assert "a b" not in json.loads(part.arguments)
    assert '"n": 1.0' in part.arguments, "what is not renamed stays as it was written"
    assert 'the key \\"a b\\": here' in part.arguments
    assert returned(back, part.arguments) == said


def test_a_call_that_was_cut_off_gets_its_names_back_too() -> None:
    changed, back = with_fitting_names(request(SCHEMA, '{"a b": "half'), "plain")
    part = changed.turns[0].parts[0]
    assert isinstance(part, ToolCall)
    assert returned(back, part.arguments, complete=False) == '{"a b": "half'


def test_it_goes_together_with_renamed_tools() -> None:
    _, back = with_fitting_names(request(SCHEMA, namespace="box"), "plain")
    (fitted,) = [name for name, own in back["box__tool"].items() if own == "a b"]
    reverser = Reverser(Reversal({"box__tool": ToolOrigin("tool", "box")}, back))
    arguments = json.dumps({fitted: 1})
    out = [
        *reverser.push(e.PartStart(0, "tool_call", id="c", name="box__tool")),
        *reverser.push(e.PartStop(0, ToolCall("c", "box__tool", arguments))),
    ]
    assert isinstance(out[-1], e.PartStop)
    assert out[-1].part == ToolCall("c", "tool", '{"a b": 1}', namespace="box")


@pytest.mark.parametrize(
    ("provider", "model", "changes"),
    [
        ("claude-custom", "claude-opus-4-5", True),
        ("gemini-custom", "gemini-2.0-flash", True),
        ("gemini-custom", "gemini-3-pro", False),
        ("openai-custom", "gpt-5.2", False),
    ],
)
def test_targets_get_names_that_they_take(provider: str, model: str, changes: bool) -> None:
    target = Target(PROVIDER_TYPES[provider], Account("one", provider), model)
    encoded = target.encoded(request(SCHEMA, '{"a b": 1}'), b"k" * 32, Losses())

    assert (b'"a b":' not in encoded.body) == changes
    assert bool(encoded.reversal.properties) == changes


@given(st.lists(st.text(max_size=70), max_size=6, unique=True), st.sampled_from(["plain", "identifier"]))
def test_any_names_come_back(names: list[str], alphabet: Any) -> None:
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    said = json.dumps(dict.fromkeys(names, "value"), ensure_ascii=False)
    changed, back = with_fitting_names(request(schema, said), alphabet)
    part = changed.turns[0].parts[0]
    assert isinstance(part, ToolCall)

    assert len(json.loads(part.arguments)) == len(names)
    assert json.loads(returned(back, part.arguments)) == dict.fromkeys(names, "value")


def test_a_tool_without_parameters_is_left_alone_beside_one_of_its_name() -> None:
    first = request(SCHEMA, '{"a b": 1}')
    bare = FunctionTool(first.tools[0].name)
    changed, back = with_fitting_names(msgspec.structs.replace(first, tools=(*first.tools, bare)), "plain")

    assert back
    assert changed.tools[1] == bare
