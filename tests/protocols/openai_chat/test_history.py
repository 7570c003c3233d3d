"""Turns as messages: pairing, order, media of results, reasoning, system turns."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.protocols.openai_chat.samples import OPENAI, UNKNOWN, Object, encoded, request

from codenex.core.errors import Fault
from codenex.core.losses import Losses
from codenex.core.parts import (
    Citation,
    Compaction,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    ServerTool,
    Signature,
    Text,
    ToolCall,
    ToolResult,
)
from codenex.core.request import Request, Turn
from codenex.models.capabilities import Capabilities
from codenex.models.openai import chat_capabilities

IMAGE = Media("image", "image/png", "iVBORw0KGgo=")
OURS = Signature("openai", "ours")
THEIRS = Signature("anthropic", "theirs")


def sent(
    *turns: Turn, capabilities: Capabilities = OPENAI, protocol: str = "anthropic", losses: Losses | None = None
) -> list[Object]:
    return list(encoded(Request(protocol, "m", turns), capabilities, losses)["messages"])


def user(*parts: Part) -> Turn:
    return Turn("user", parts)


def model(*parts: Part) -> Turn:
    return Turn("assistant", parts)


def call(id: str, name: str = "f", arguments: str = "{}", **fields: Any) -> ToolCall:
    return ToolCall(id, name, arguments, **fields)


def entry(id: str, name: str = "f", arguments: str = "{}") -> Object:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


@pytest.mark.pitfall("ROL-5", "ROL-10")
def test_a_tool_loop():
    assert sent(
        user(Text("q")),
        model(Text("let me see"), call("a"), call("b", arguments='{"x":1}')),
        user(Text("also"), ToolResult("b", (Text("2"),)), ToolResult("a", (Text("1"),))),
    ) == [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "let me see", "tool_calls": [entry("a"), entry("b", arguments='{"x":1}')]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        {"role": "user", "content": "also"},
    ]


@pytest.mark.pitfall("ROL-11")
def test_adjacent_assistant_turns_are_one_message():
    got = sent(
        user(Text("q")),
        model(call("a")),
        model(call("b")),
        user(ToolResult("a", (Text("1"),)), ToolResult("b", (Text("2"),))),
    )
    assert [message["role"] for message in got] == ["user", "assistant", "tool", "tool"]
    assert len(got[1]["tool_calls"]) == 2


@pytest.mark.pitfall("ROL-6", "ROL-7")
def test_orphans_and_duplicates():
    got = sent(
        user(ToolResult("ghost", (Text("lost"),))),
        model(call("a"), call("b")),
        user(ToolResult("a", (Text("1"),)), ToolResult("a", (Text("2"),))),
    )
    assert got[0] == {"role": "user", "content": "lost"}
    assert got[2]["content"] == "2"
    assert got[3]["content"].startswith("[tool error] ")


@pytest.mark.pitfall("ROL-8", "TOOL-9")
def test_emptiness():
    got = sent(user(Text("q")), model(Text("")), user(Text(" "), Text("x")), model(call("a", arguments="")))
    assert got[0] == {"role": "user", "content": "q"}
    assert got[1] == {"role": "user", "content": "x"}
    assert got[2] == {"role": "assistant", "content": None, "tool_calls": [entry("a")]}
    assert got[3]["role"] == "tool"


def test_an_empty_result_is_an_empty_string():
    assert sent(user(Text("q")), model(call("a")), user(ToolResult("a")))[2]["content"] == ""


@pytest.mark.pitfall("TOOL-8")
def test_arguments_that_were_cut_off_go_as_they_are():
    got = sent(user(Text("q")), model(call("a", arguments='{"x":', complete=False)))
    assert got[1]["tool_calls"][0]["function"]["arguments"] == '{"x":'


@pytest.mark.pitfall("TOOL-20")
def test_media_of_results_follow_after_all_results():
    losses = Losses()
    got = sent(
        user(Text("q")),
        model(call("a"), call("b")),
        user(ToolResult("a", (Text("seen"), IMAGE)), ToolResult("b", (IMAGE,)), Text("and?")),
        losses=losses,
    )
    assert [message["role"] for message in got] == ["user", "assistant", "tool", "tool", "user"]
    assert got[2]["content"] == "seen"
    assert got[3]["content"]
    kinds = [part["type"] for part in got[4]["content"]]
    assert kinds == ["text", "image_url", "text", "image_url", "text"]
    assert "a" in got[4]["content"][0]["text"]
    assert "b" in got[4]["content"][2]["text"]
    assert got[4]["content"][-1]["text"] == "and?"
    assert [loss.action for loss in losses.values()] == ["adapted"]


def test_media_of_the_last_result_before_an_assistant_turn():
    got = sent(user(Text("q")), model(call("a")), user(ToolResult("a", (IMAGE,))), model(Text("ok")))
    assert [message["role"] for message in got] == ["user", "assistant", "tool", "user", "assistant"]


@pytest.mark.pitfall("TOOL-21")
def test_failures_are_marked_and_read_again():
    got = sent(user(Text("q")), model(call("a")), user(ToolResult("a", (Text("boom"),), is_error=True)))
    assert got[2]["content"] == "[tool error] boom"
    back = request({}, messages=got).turns[2].parts[0]
    assert isinstance(back, ToolResult)
    assert (back.is_error, back.parts) == (True, (Text("boom"),))
    got = sent(user(Text("q")), model(call("a")), user(ToolResult("a", (), is_error=True)))
    assert got[2]["content"] == "[tool error] "


@pytest.mark.pitfall("TOOL-1", "TOOL-5")
def test_ids_fit_call_and_result_alike():
    long = "functions.Bash:0" + "x" * 80
    got = sent(user(Text("q")), model(call(long)), user(ToolResult(long, (Text("1"),))))
    (only,) = got[1]["tool_calls"]
    assert only["id"] == got[2]["tool_call_id"] != long
    assert len(only["id"]) <= 64
    mistral = chat_capabilities("mistral-small", "api.mistral.ai")
    got = sent(user(Text("q")), model(call("call_1")), user(ToolResult("call_1", (Text("1"),))), capabilities=mistral)
    assert got[1]["tool_calls"][0]["id"] == got[2]["tool_call_id"]
    assert len(got[2]["tool_call_id"]) == 9
    assert got[2]["tool_call_id"].isalnum()


@pytest.mark.pitfall("TOOL-32")
def test_custom_calls():
    turns = (user(Text("q")), model(call("a", "patch", "*** go", kind="custom")), user(ToolResult("a", (Text("1"),))))
    got = sent(*turns)
    assert got[1]["tool_calls"] == [entry("a", "patch", '{"input":"*** go"}')]
    got = sent(*turns, capabilities=chat_capabilities("gpt-5", "api.openai.com"))
    assert got[1]["tool_calls"] == [{"id": "a", "type": "custom", "custom": {"name": "patch", "input": "*** go"}}]


# --- system turns ---------------------------------------------------------------------------------------------------


@pytest.mark.pitfall("SYS-3", "SYS-4", "SYS-5")
def test_system_turns():
    turns = (
        Turn("system", (Text("a"), Text("b")), "instructions"),
        Turn("system", (Text("c"),), "developer"),
        user(Text("q")),
        Turn("system", (Text("d"),), "system"),
    )
    got = sent(*turns)
    assert got[0] == {"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    assert got[1] == {"role": "developer", "content": "c"}
    assert got[3] == {"role": "system", "content": "d"}
    got = sent(*turns, capabilities=UNKNOWN)
    assert [message["role"] for message in got] == ["system", "system", "user", "system"]
    assert got[0]["content"] == "a\n\nb"
    losses = Losses()
    strict = msgspec.structs.replace(UNKNOWN, system_in_middle=False)
    got = sent(*turns, capabilities=strict, losses=losses)
    assert got[0] == {"role": "system", "content": "a\n\nb\n\nc"}
    assert got[-1] == {"role": "user", "content": "<system-reminder>\nd\n</system-reminder>"}
    assert len(losses) == 1


def test_a_system_turn_does_not_part_calls_from_results():
    got = sent(
        user(Text("q")), model(call("a")), Turn("system", (Text("s"),), "system"), user(ToolResult("a", (Text("1"),)))
    )
    assert [message["role"] for message in got] == ["user", "assistant", "tool", "system"]


@pytest.mark.pitfall("SYS-2")
def test_nothing_but_system_text():
    assert [message["role"] for message in sent(Turn("system", (Text("a"),), "system"))] == ["system", "user"]
    assert sent() != []


# --- reasoning ------------------------------------------------------------------------------------------------------


@pytest.mark.pitfall("RSN-13", "RSN-21", "SIG-1")
def test_reasoning_goes_only_where_it_is_wanted():
    turns = (user(Text("q")), model(Reasoning(("hm",), signature=THEIRS)), user(Text("r")), model(Text("a")))
    losses = Losses()
    got = sent(*turns, losses=losses)
    assert "hm" not in str(got)
    assert [message["role"] for message in got] == ["user", "user", "assistant"]
    assert [(loss.path, loss.action) for loss in losses.values()] == [("messages[].reasoning", "dropped")]
    got = sent(*turns, capabilities=chat_capabilities("deepseek-reasoner", "api.deepseek.com"))
    assert got[1] == {"role": "assistant", "content": "", "reasoning_content": "hm"}
    assert "theirs" not in str(got)
    losses = Losses()
    got = sent(*turns, capabilities=chat_capabilities("x/y", "openrouter.ai"), losses=losses)
    assert "reasoning_details" not in str(got)
    assert len(losses) == 1


def test_reasoning_that_the_vendor_signed_goes_back():
    openrouter = chat_capabilities("x/y", "openrouter.ai")
    details = [
        {"type": "reasoning.text", "text": "hm", "format": "anthropic-claude-v1", "index": 0, "signature": "s"},
        {"type": "reasoning.encrypted", "data": "d", "index": 1},
    ]
    asked = request(
        {},
        messages=[
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": "a", "reasoning_details": details},
        ],
    )
    (_, message) = encoded(asked, openrouter)["messages"]
    assert message["reasoning_details"] == [
        {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "d", "index": 1},
    ]
    refusing = encoded(asked, OPENAI)["messages"][1]
    assert set(refusing) == {"role", "content"}


def test_signatures_of_calls():
    turns = (user(Text("q")), model(call("a", signature=OURS), call("b", signature=THEIRS)))
    losses = Losses()
    google = chat_capabilities("gemini-3-pro", "generativelanguage.googleapis.com")
    first, second = sent(*turns, capabilities=google, losses=losses)[1]["tool_calls"]
    assert first["extra_content"] == {"google": {"thought_signature": "ours"}}
    assert "extra_content" not in second
    assert "messages[].tool_calls[].signature" in {loss.path for loss in losses.values()}
    assert "extra_content" not in str(sent(*turns))


# --- other parts ----------------------------------------------------------------------------------------------------


@pytest.mark.pitfall("TOOL-23")
def test_what_only_other_vendors_know():
    losses = Losses()
    got = sent(
        user(Text("q")),
        model(
            ServerTool("anthropic", "server_tool_use", {}, text="searched: x"),
            ServerTool("anthropic", "mystery", {}),
            Compaction("anthropic", {}, "earlier: y"),
            Opaque("anthropic", "odd", {}),
            Text("a", citations=(Citation("https://x.example"),), signature=THEIRS),
        ),
        losses=losses,
    )
    assert got[1]["content"] == "searched: x\n\nearlier: y\n\na"
    assert {loss.action for loss in losses.values()} == {"adapted", "dropped"}
    assert len(losses) == 6
    with pytest.raises(Fault, match="condensed"):
        sent(user(Text("q")), model(Compaction("openai-responses", {})))


def test_refusals():
    turns = (user(Text("q")), model(Refusal("no")))
    assert sent(*turns)[1] == {"role": "assistant", "content": None, "refusal": "no"}
    assert sent(*turns, capabilities=UNKNOWN)[1] == {"role": "assistant", "content": "no"}


def test_neighbouring_texts_are_one_and_others_are_paragraphs():
    got = sent(user(Text("q")), model(Text("a"), Text("b"), call("x"), Text("c")))
    assert got[1]["content"] == "ab\n\nc"


@pytest.mark.pitfall("MED-12")
def test_images_of_the_assistant_move_on():
    got = sent(user(Text("q")), model(Text("here"), IMAGE), user(Text("thanks")))
    assert [message["role"] for message in got] == ["user", "assistant", "user"]
    assert [part["type"] for part in got[2]["content"]] == ["image_url", "text"]


def test_sound_of_the_assistant():
    told = {"role": "assistant", "content": None, "audio": {"id": "audio_1"}}
    asked = request({}, messages=[{"role": "user", "content": "q"}, told])
    assert encoded(asked)["messages"][1] == told
    sound = Media("audio", "audio/wav", "AAAA", text="hello")
    assert sent(user(Text("q")), model(sound))[1] == {"role": "assistant", "content": "hello"}


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        (IMAGE, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}),
        (
            Media("image", url="https://x.example/a", detail="low"),
            {"type": "image_url", "image_url": {"url": "https://x.example/a", "detail": "low"}},
        ),
        (
            Media("document", "application/pdf", "JVBERi0="),
            {"type": "file", "file": {"filename": "file.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
        ),
        (
            Media("document", "application/pdf", "JVBERi0=", title="T"),
            {"type": "file", "file": {"filename": "T", "file_data": "data:application/pdf;base64,JVBERi0="}},
        ),
        (
            Media("audio", "audio/mpeg", "AAAA"),
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
        ),
        (Media("document", "text/csv", "YSxi", filename="t.csv"), {"type": "text", "text": "t.csv:\n\na,b"}),
        (Media("document", text="plain", title="T"), {"type": "text", "text": "T:\n\nplain"}),
    ],
)
@pytest.mark.pitfall("MED-1", "MED-4", "MED-5")
def test_media(media: Media, expected: Object):
    assert sent(user(Text("q"), media))[0]["content"][1] == expected


@pytest.mark.pitfall("MED-11")
@pytest.mark.parametrize(
    "media",
    [
        Media("image", file_id="file_1"),
        Media("document", file_id="file_1"),
        Media("document", url="https://x.example/a.pdf"),
        Media("audio", "audio/ogg", "AAAA"),
        Media("audio", url="https://x.example/a.mp3"),
        Media("video", "video/mp4", "AAAA"),
    ],
)
def test_media_that_the_target_can_not_read(media: Media):
    with pytest.raises(Fault) as caught:
        sent(user(media))
    assert caught.value.code == "unsupported_parameter"


def test_file_ids_between_protocols_of_one_vendor():
    got = sent(user(Media("document", file_id="file-1")), protocol="openai-responses")
    assert got[0]["content"] == [{"type": "file", "file": {"file_id": "file-1"}}]


def test_hosts_that_take_strings_only():
    deepseek = chat_capabilities("deepseek-chat", "api.deepseek.com")
    got = sent(user(Text("a"), Text("b")), capabilities=deepseek)
    assert got == [{"role": "user", "content": "a\n\nb"}]


@pytest.mark.pitfall("CACHE-1")
def test_earlier_messages_stay_what_they_were():
    turns = [
        Turn("system", (Text("s"),), "system"),
        user(Text("q"), IMAGE),
        model(Text("a"), call("a/b")),
        user(ToolResult("a/b", (Text("1"),))),
        model(Text("c")),
        user(Text("d")),
    ]
    whole = sent(*turns)
    for length in (2, 4, 5):
        assert sent(*turns[:length]) == whole[: len(sent(*turns[:length]))]
