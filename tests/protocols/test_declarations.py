"""Tools that come again: what is remembered of their bytes changes nothing but the time it takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.declarations import memory

from codenex.core.declarations import _INSTEAD, Declared
from codenex.core.errors import Fault
from codenex.core.json import Split, decode_raw_object
from codenex.core.losses import Loss, Losses
from codenex.core.request import FunctionTool, Request
from codenex.core.reversal import PropertyNames, Reversal
from codenex.core.spoke import Spoke
from codenex.gateway.edits import head_of
from codenex.models import anthropic as claude
from codenex.models import gemini as google
from codenex.models import openai
from codenex.models.capabilities import Capabilities
from codenex.models.property_names import with_fitting_names
from codenex.models.tokens import estimated_input_tokens
from codenex.protocols import anthropic, gemini, openai_chat, openai_responses

Object = dict[str, Any]
CLIENTS: dict[str, Spoke] = {
    spoke.name: spoke for spoke in (anthropic.SPOKE, openai_chat.SPOKE, openai_responses.SPOKE, gemini.SPOKE)
}
TARGETS: list[tuple[Spoke, Capabilities]] = [
    (anthropic.SPOKE, claude.capabilities("claude-sonnet-4-5")),
    (openai_chat.SPOKE, openai.chat_capabilities("gpt-5", "api.openai.com")),
    (openai_chat.SPOKE, openai.chat_capabilities("some-model", "llm.example")),
    (openai_responses.SPOKE, openai.responses_capabilities("gpt-5", "api.openai.com")),
    (gemini.SPOKE, google.capabilities("gemini-2.5-pro")),
    (gemini.SPOKE, google.capabilities("gemini-1.5-pro")),
]
Result = tuple[bytes, Reversal, tuple[Loss, ...], PropertyNames] | tuple[str, str]


# --- requests in the clients' words -------------------------------------------------------------------------------

NAMES = st.sampled_from(["get", "a-b", "_", "x" * 64, "x" * 70, "mcp__a__b", "two words", "1st", "é", "a.b"])
SCHEMAS = st.sampled_from(
    [
        None,
        {},
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        {"type": "OBJECT", "properties": {"$filter": {"type": "STRING"}, "é": {"type": ["string", "null"]}}},
        {"anyOf": [{"type": "object", "properties": {"a": {"enum": [1, 2.5, None]}}}, {"type": "object"}]},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "additionalProperties": False}}},
        {"type": "string"},
    ]
)
FUNCTIONS = st.fixed_dictionaries(
    {"name": NAMES, "schema": SCHEMAS},
    optional={
        "description": st.sampled_from(["", "says é", None]),
        "strict": st.sampled_from([True, False, None]),
        "cache": st.just({"type": "ephemeral"}),
        "unknown": st.just([{"a": 1}]),
    },
)
TOOLS = st.lists(
    st.tuples(st.sampled_from(["function"] * 6 + ["custom", "hosted", "namespace", "token"]), FUNCTIONS), max_size=4
)
CALLED = st.lists(st.tuples(NAMES, st.sampled_from([None, "mcp", "mcp__a"])), max_size=3)
CHOICES = st.sampled_from([None, "auto", "none", "required", "get", "x" * 70, "allowed"])


def _tool(client: str, kind: str, given: Object) -> Object:
    schema = {"input_schema" if client == "anthropic" else "parameters": given["schema"]}
    rest = {name: given[name] for name in ("description", "strict", "unknown") if name in given}
    cache = {"cache_control": given["cache"]} if "cache" in given else {}
    named = {"name": given["name"], **rest, **schema}
    match client, kind:
        case "anthropic", "hosted":
            return {"type": "web_search_20250305", "name": "web_search"}
        case "anthropic", "custom":
            return {"type": "custom", **named}
        case "anthropic", "namespace":
            return {"type": "computer_20250124", "name": "computer"}
        case "openai-chat", "hosted":
            return {"type": "web_search"}
        case "openai-chat", "custom":
            return {"type": "custom", "custom": {"name": given["name"]}}
        case "openai-chat", _:
            return {"type": "function", "function": named, **cache}
        case "openai-responses", "hosted":
            return {"type": "web_search"}
        case "openai-responses", "token":
            return {"type": "mcp", "server_label": "s", "authorization": "secret"}
        case "openai-responses", "custom":
            return {"type": "custom", "name": given["name"], "format": {"type": "text"}}
        case "openai-responses", "namespace":
            return {"type": "namespace", "name": "mcp", "tools": [{"type": "function", **named}]}
        case "openai-responses", _:
            return {"type": "function", **named}
        case "gemini", "hosted":
            return {"googleSearch": {}}
        case "gemini", _:
            return {"functionDeclarations": [named]}
        case _:
            return {**named, **cache}


def _body(client: str, tools: list[Object], called: list[tuple[str, str | None]], choice: str | None) -> Object:
    word = choice if choice != "allowed" else "auto"
    mode = word in ("auto", "none", "required")
    match client:
        case "anthropic":
            uses = [
                {"type": "tool_use", "id": f"t{n}", "name": name, "input": {}} for n, (name, _) in enumerate(called)
            ]
            turns: list[Object] = [{"role": "user", "content": "x"}, {"role": "assistant", "content": [*uses, _TEXT]}]
            kinds = {"required": "any"}
            chosen = {"type": kinds.get(word or "", word)} if mode else {"type": "tool", "name": word}
            body = {"model": "m", "max_tokens": 99, "messages": [*turns, turns[0]], "tool_choice": chosen}
        case "openai-chat":
            calls = [
                {"id": f"t{n}", "type": "function", "function": {"name": name, "arguments": "{}"}}
                for n, (name, _) in enumerate(called)
            ]
            said: Object = {"role": "assistant", "content": "y", **({"tool_calls": calls} if calls else {})}
            named = {"type": "function", "function": {"name": word}}
            members = [{"type": "function", "function": {"name": "get"}}]
            allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": members}}
            asked = {"role": "user", "content": "x"}
            body = {"model": "m", "messages": [asked, said, asked], "tool_choice": word if mode else named}
            if choice == "allowed":
                body["tool_choice"] = allowed
        case "openai-responses":
            items: list[Object] = [{"role": "user", "content": "x"}]
            for n, (name, namespace) in enumerate(called):
                spaced = {"namespace": namespace} if namespace is not None else {}
                items.append({"type": "function_call", "call_id": f"c{n}", "name": name, "arguments": "{}", **spaced})
                items.append({"type": "function_call_output", "call_id": f"c{n}", "output": "z"})
            body = {"model": "m", "input": items, "tool_choice": word if mode else {"type": "function", "name": word}}
        case _:
            parts = [{"functionCall": {"name": name, "args": {}}} for name, _ in called]
            asked = {"role": "user", "parts": [{"text": "x"}]}
            contents = [asked, {"role": "model", "parts": [*parts, {"text": "y"}]}, asked]
            calling: Object = {"mode": {"required": "ANY"}.get(word or "", (word or "").upper())}
            if not mode and word is not None:
                calling = {"mode": "VALIDATED", "allowedFunctionNames": [word]}
            body = {"model": "m", "contents": contents, "toolConfig": {"functionCallingConfig": calling}}
    if choice is None:
        for key in ("tool_choice", "toolConfig"):
            body.pop(key, None)
    return {**body, "tools": tools}


_TEXT = {"type": "text", "text": "y"}


def _told(fault: Fault) -> tuple[str, str]:
    return fault.kind.name, fault.message


def _decoded(spoke: Spoke, body: bytes, split: Split | None = None) -> Request | tuple[str, str]:
    try:
        return spoke.decode_request(body, "m", split)
    except Fault as fault:
        return _told(fault)


def _encoded(request: Request, spoke: Spoke, capabilities: Capabilities) -> Result:
    losses = Losses()
    losses.extend(request.losses)
    try:
        fitted, properties = with_fitting_names(request, capabilities.property_names)
        encoded = spoke.encode_request(fitted, capabilities, losses)
    except Fault as fault:
        return _told(fault)
    return encoded.body, encoded.reversal, losses.values(), properties


@pytest.mark.parametrize("client", sorted(CLIENTS))
@given(TOOLS, CALLED, CHOICES)
@example([("function", {"name": "get", "schema": None}), ("function", {"name": "a-b", "schema": {}})], [], None)
def test_tools_that_came_before_make_the_same_request_and_the_same_losses(
    client: str, tools: list[tuple[str, Object]], called: list[tuple[str, str | None]], choice: str | None
) -> None:
    spoke = CLIENTS[client]
    declared = [_tool(client, kind, given) for kind, given in tools]
    body = json.dumps(_body(client, declared, called, choice)).encode()
    # The tools alone decide what is remembered: what else is asked the first times must not show.
    others = [json.dumps(_body(client, declared, more, "auto")).encode() for more in ([], [("x" * 70, None)])]
    with memory():
        plain = _decoded(spoke, body)
        assert _decoded(spoke, body, decode_raw_object(body)) == plain
    results = [_encoded(plain, *target) for target in TARGETS] if isinstance(plain, Request) else []
    tokens = estimated_input_tokens(plain) if isinstance(plain, Request) else 0
    with memory():
        for other in [*others, *others]:
            request = _decoded(spoke, other)
            for target in TARGETS:
                _ = _encoded(request, *target) if isinstance(request, Request) else None
        for split in (None, decode_raw_object(body), None):
            request = _decoded(spoke, body, split)
            assert request == plain
            if isinstance(request, Request):
                assert [_encoded(request, *target) for target in TARGETS] == results
                assert estimated_input_tokens(request) == tokens


# --- what is kept -------------------------------------------------------------------------------------------------


def _asked(*names: str, **fields: Any) -> bytes:
    tools = [{"name": name, "description": "d" * 500, "input_schema": {"type": "object"}, **fields} for name in names]
    return json.dumps(_body("anthropic", tools, [], None)).encode()


def _tools(body: bytes) -> tuple[Any, ...]:
    return anthropic.SPOKE.decode_request(body, None).tools


def test_tools_are_kept_from_their_second_sight_on_and_rendered_once_for_a_target() -> None:
    spoke, capabilities = TARGETS[2]
    with memory() as kept:
        assert not isinstance(_tools(_asked("a", "b")), Declared)
        assert len(kept) == 0
        request = anthropic.SPOKE.decode_request(_asked("a", "b"), None)
        assert isinstance(request.tools, Declared)
        assert request.tools.plain == {"a": "a", "b": "b"}
        _encoded(request, spoke, capabilities)
        known = request.tools.rendering("openai-chat", capabilities, lambda losses: pytest.fail("was not kept"))
        assert [tool["function"]["name"] for tool in json.loads(bytes(known.content))] == ["a", "b"]
        assert _tools(_asked("a", "b")) is request.tools
        assert _tools(_asked("a", "c")) != request.tools


def test_of_many_declarations_the_last_used_ones_are_kept_within_the_limit() -> None:
    with memory(20_000) as kept:
        for name in "abcdefgh":
            for _ in range(2):
                _tools(_asked("first"))
                _tools(_asked(name))
            assert kept.size <= 20_000
        assert 1 < len(kept) < 8
        assert isinstance(_tools(_asked("first")), Declared)
        assert isinstance(_tools(_asked("h")), Declared)
        assert not isinstance(_tools(_asked("a")), Declared)


def test_long_declarations_are_told_apart_by_every_byte() -> None:
    long = _asked("a", unknown="." * 9000)
    middle = len(long) // 2
    other = long[:middle] + b"," + long[middle + 1 :]
    with memory():
        for body in (long, long, other, other):
            _tools(body)
        for body in (long, other):
            assert isinstance(_tools(body), Declared)
            assert _tools(body)[0].extras == {"unknown": json.loads(body)["tools"][0]["unknown"]}


_KNOWN = json.dumps([{"name": "a", "input_schema": {"type": "object"}, "description": "é" * 50}])
#: Members of a body: the known declaration and what looks like it, and what else there may be.
MEMBERS = st.sampled_from(
    [
        f'"tools":{_KNOWN}',
        f'"tools": {_KNOWN}',
        f'"tools":  {_KNOWN}',
        f'"tools":{_KNOWN}0',
        f'"tools":[{_KNOWN}]',
        f'"tools":{_KNOWN[:-1]}]',
        f'"tools":{_KNOWN[:-1]},{{}}]',
        f'"t\\u006fols":{_KNOWN}',
        f'"x":{{"tools":{_KNOWN}}}',
        f'"x":{json.dumps(chr(34) + "tools" + chr(34) + ":" + _KNOWN)}',
        f'"tools":{_INSTEAD.decode()}',
        f'"x":{_INSTEAD.decode()}',
        '"tools":null',
        '"model":"m"',
        '"messages":["é"]',
        '"messages":["\\ud800"]',
        '"messages":[',
        "",
    ]
)


@given(st.lists(MEMBERS, max_size=3), st.sampled_from(["", "\n", "}", "\udcff"]))
def test_a_body_is_split_around_what_is_known_as_it_is_split_whole(members: list[str], more: str) -> None:
    body = ("{" + ",".join(members) + "}" + more).encode(errors="surrogateescape")
    with memory() as kept:
        for _ in range(2):
            _tools(f'{{"model":"m","max_tokens":1,"messages":[],"tools":{_KNOWN}}}'.encode())
        assert len(kept) == 1
        found = kept.split(body)
        if members == [f'"tools":{_KNOWN}', '"model":"m"'] and more == "":
            assert found is not None
        if found is not None:
            body.decode()
            assert found == decode_raw_object(body)
            assert list(found) == list(decode_raw_object(body))


def test_what_is_known_is_looked_for_at_the_ends_of_a_large_body() -> None:
    """A megabyte without tools took twice as long once some were known."""
    text, other = (f'"{name}":"{"." * 20_000}"' for name in "xy")
    known = f'"tools":{_KNOWN}'
    with memory() as kept:
        for _ in range(2):
            _tools(f'{{"model":"m","max_tokens":1,"messages":[],"tools":{_KNOWN}}}'.encode())
        for members, found in ([known, text], True), ([text, known], True), ([text, known, other], False):
            body = ("{" + ",".join(members) + "}").encode()
            assert (kept.split(body) is not None) is found
            assert head_of(body).split == decode_raw_object(body)


def test_a_body_around_a_known_declaration_is_read_as_any_other() -> None:
    long = _asked("a", unknown="." * 9000)
    with memory() as kept:
        for body in (long, long, long, long.replace(b"hi", "hé".encode()), long):
            split = head_of(body).split
            assert split is not None
            assert split == decode_raw_object(body)
            tools = anthropic.SPOKE.decode_request(body, None, split).tools
            assert tools[0].extras == {"unknown": "." * 9000}
        assert isinstance(tools, Declared)
        # Of other protocols nothing is known, whatever the bytes.
        assert "tools" in kept.read("openai-chat", body, split).body


def test_what_takes_too_much_of_the_memory_is_not_kept() -> None:
    with memory(20_000) as kept:
        for _ in range(3):
            _tools(_asked(*(f"t{n}" for n in range(9))))
            # Many small objects take far more than their bytes.
            _tools(_asked("t", many=[{"a": {}}] * 100))
        assert (len(kept), kept.size) == (0, 0)


def test_nothing_is_kept_of_declarations_that_may_hold_a_token() -> None:
    servers = [{"type": "mcp", "server_label": "s", "server_url": "https://x.example", "authorization": "secret"}]
    with memory() as kept:
        for client in ("openai-responses", "openai-chat"):
            for _ in range(3):
                CLIENTS[client].decode_request(json.dumps(_body(client, servers, [], None)).encode(), "m")
        assert len(kept) == 0


def test_faults_are_told_each_time_in_the_same_words() -> None:
    lone = b'{"model":"m","messages":[],"max_tokens":1,"tools":[{"name":"\\ud800"}]}'
    large = b'{"model":"m","messages":[],"max_tokens":1,"tools":[{"name":"a","x":1e999}]}'
    for broken in (lone, large, b'["tools"]', b'{"tools":'):
        for spoke in CLIENTS.values():
            with memory() as kept:
                told = {_decoded(spoke, broken) for _ in range(3)}
                if broken is large:
                    told.add(_decoded(spoke, broken, decode_raw_object(broken)))
                assert len(told) == 1
                assert not isinstance(told.pop(), Request)
                assert len(kept) == 0


def test_a_function_keeps_its_values_whatever_is_encoded() -> None:
    with memory():
        for _ in range(2):
            request = anthropic.SPOKE.decode_request(_asked("a"), None)
        for target in TARGETS:
            _encoded(request, *target)
        assert request.tools == (FunctionTool("a", "d" * 500, {"type": "object"}),)
