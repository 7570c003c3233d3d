"""The official SDKs as judges of what the encoders write for their clients: their types accept every event, and their
own readers find in the stream what the events said."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, get_args

import anthropic
import httpx2
import openai
from anthropic.types.beta import BetaMessage, BetaRawMessageStreamEvent
from google import genai
from google.genai import errors as genai_errors
from google.genai.types import GenerateContentResponse, HttpOptions
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel

from codenex.core import events as e
from codenex.core.answer import Answer
from codenex.core.parts import Part, Refusal, Text, ToolCall
from codenex.core.render import RenderContext
from codenex.core.reversal import CUSTOM_INPUT, argument_object
from codenex.gateway.spokes import SPOKES

Object = dict[str, Any]
#: A call as its client sees it: name and arguments.
Call = tuple[str, Object]
#: Visible text and refusals, and the calls whose arguments can be read.
Said = tuple[str, list[Call]]


def _by_type(union: Any) -> dict[str, type[BaseModel]]:
    """The members of a union of events by the word in their ``type``."""
    models = [model for model in get_args(get_args(union)[0]) if issubclass(model, BaseModel)]
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in models}


RESPONSE_EVENTS = _by_type(ResponseStreamEvent)
MESSAGE_EVENTS = _by_type(BetaRawMessageStreamEvent)

#: What every SDK raises for an error in the middle of a stream.
FAILURES = (openai.APIError, anthropic.APIError, genai_errors.APIError)


class Server:
    """Gives whatever stands in ``stream`` to the SDKs that are pointed at it."""

    def __init__(self) -> None:
        self.stream = b""
        http = httpx2.Client(transport=httpx2.MockTransport(self._answer))
        url, key = "http://gateway.test/v1", "test"
        self.openai = openai.OpenAI(api_key=key, base_url=url, http_client=http, max_retries=0)
        self.anthropic = anthropic.Anthropic(api_key=key, base_url=url, http_client=http, max_retries=0)
        self.google = genai.Client(api_key=key, http_options=HttpOptions(base_url=url, httpx_client=http))

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=self.stream)


@cache
def server() -> Server:
    """The one server: making its clients takes longer than asking them."""
    return Server()


def context(**fields: Any) -> RenderContext:
    """Circumstances of an answer."""
    return RenderContext("k" * 24, 1_700_000_000, "asked-model", include_usage=True, **fields)


def encoded(client: str, events: list[e.StreamEvent]) -> bytes:
    """The stream for a client, with its end."""
    encoder = SPOKES[client].stream_encoder(context())
    return b"".join([*(encoder.send(event) for event in events), encoder.end()])


def data_of(stream: bytes) -> list[Object]:
    """The objects of an event stream."""
    frames = [frame for frame in stream.decode().split("\n\n") if not frame.startswith(":")]
    assert frames.pop() == ""
    lines = [frame.rpartition("\n")[2] for frame in frames]
    assert all(line.startswith("data: ") for line in lines)
    return [json.loads(line[6:]) for line in lines if line != "data: [DONE]"]


# --- what was said ---


def said(answer: Answer) -> Said:
    """What the first choice says to any client."""
    parts = answer.choices[0].parts if answer.choices else ()
    return "".join(map(_spoken, parts)), [call for part in parts if (call := _called(part)) is not None]


def _spoken(part: Part) -> str:
    return part.text if isinstance(part, Text | Refusal) else ""


def _called(part: Part) -> Call | None:
    if not isinstance(part, ToolCall):
        return None
    arguments = {CUSTOM_INPUT: part.arguments} if part.kind == "custom" else argument_object(part.arguments)
    return (part.name, arguments) if arguments is not None else None


def _readable(name: str, arguments: str) -> list[Call]:
    found = argument_object(arguments)
    return [(name, found)] if found is not None else []


# --- the four clients ---


def read_chat(stream: bytes, *, typed: bool) -> Said:
    """OpenAI's reader of Chat streams."""
    chunks = data_of(stream)
    for chunk in chunks:
        # The SDK's types of streams have no calls with free text.
        if typed and "error" not in chunk and '"custom"' not in json.dumps(chunk):
            ChatCompletionChunk.model_validate(chunk)
    assert stream.endswith(b"data: [DONE]\n\n") is ("error" not in chunks[-1])
    server().stream = stream
    with server().openai.chat.completions.stream(model="m", messages=[{"role": "user", "content": "hi"}]) as opened:
        opened.until_done()
        message = opened.current_completion_snapshot.choices[0].message
    calls: list[Call] = []
    for call in message.tool_calls or ():
        if call.type == "custom":
            calls.append((call.custom["name"], {CUSTOM_INPUT: call.custom["input"]}))
        else:
            calls += _readable(call.function.name, call.function.arguments)
    return (message.content or "") + (message.refusal or ""), calls


def read_responses(stream: bytes, *, typed: bool) -> Said:
    """OpenAI's reader of Responses streams."""
    for number, event in enumerate(data_of(stream)):
        assert event["sequence_number"] == number
        if event["type"] == "response.failed":
            # The vendor itself sends codes that its SDK does not list.
            assert isinstance(event["response"]["error"].pop("code"), str)
            event["response"]["error"]["code"] = "server_error"
        if typed:
            RESPONSE_EVENTS[event["type"]].model_validate(event)
    server().stream = stream
    with warnings.catch_warnings(), server().openai.responses.stream(model="m", input="hi") as opened:
        warnings.simplefilter("error" if typed else "ignore")
        last = list(opened)[-1]
    assert last.type in ("response.completed", "response.incomplete", "response.failed")
    if last.type == "response.failed":
        assert last.response.error is not None
        raise openai.APIError(last.response.error.message, httpx2.Request("POST", "http://t"), body=None)
    text, calls = "", []
    for item in last.response.output:
        if item.type == "message":
            text += "".join(part.text if part.type == "output_text" else part.refusal for part in item.content)
        elif item.type == "function_call":
            calls += _readable(item.name, item.arguments)
        elif item.type == "custom_tool_call":
            calls.append((item.name, {CUSTOM_INPUT: item.input}))
    return text, calls


def read_messages(stream: bytes, *, typed: bool) -> Said:
    """Anthropic's reader."""
    for event in data_of(stream):
        if typed and event["type"] not in ("error", "ping"):
            MESSAGE_EVENTS[event["type"]].model_validate(event)
    server().stream = stream
    messages: list[Any] = [{"role": "user", "content": "hi"}]
    with server().anthropic.beta.messages.stream(model="m", max_tokens=9, messages=messages) as opened:
        message = opened.get_final_message()
    text = "".join(block.text for block in message.content if block.type == "text")
    if not text and message.stop_details is not None and message.stop_details.type == "refusal":
        text = message.stop_details.explanation or ""
    # Arguments that were cut off are no object.
    calls = [(block.name, block.input) for block in message.content if block.type == "tool_use"]
    return text, [(name, given) for name, given in calls if isinstance(given, dict)]


def read_contents(stream: bytes, *, typed: bool) -> Said:
    """Google's reader."""
    for chunk in data_of(stream):
        if typed and "error" not in chunk:
            GenerateContentResponse.model_validate(chunk)
    server().stream = stream
    chunks = list(server().google.models.generate_content_stream(model="m", contents="hi"))
    candidates = [chunk.candidates[0] for chunk in chunks if chunk.candidates and not chunk.candidates[0].index]
    parts = [part for each in candidates if each.content is not None for part in each.content.parts or ()]
    text = "".join(part.text for part in parts if part.text and not part.thought)
    calls = [one for part in parts if (one := part.function_call) is not None]
    assert all(call.name is not None for call in calls)
    return text, [(call.name or "", call.args or {}) for call in calls]


#: ``typed`` says that the SDK's types know all that the stream holds.
READERS: dict[str, Callable[..., Said]] = {
    "openai-chat": read_chat,
    "openai-responses": read_responses,
    "anthropic": read_messages,
    "gemini": read_contents,
}


# --- whole answers ---


def read_whole(client: str, body: bytes) -> Said:
    """What a client finds in a whole answer that its types accept."""
    value = json.loads(body)
    calls: list[Call] = []
    match client:
        case "openai-chat":
            ChatCompletion.model_validate(value)
            message = value["choices"][0]["message"]
            for call in message.get("tool_calls") or ():
                if call["type"] == "custom":
                    calls.append((call["custom"]["name"], {CUSTOM_INPUT: call["custom"]["input"]}))
                else:
                    calls += _readable(call["function"]["name"], call["function"]["arguments"])
            return (message["content"] or "") + (message["refusal"] or ""), calls
        case "openai-responses":
            Response.model_validate(value)
            text = ""
            for item in value["output"]:
                if item["type"] == "message":
                    text += "".join(part.get("text", part.get("refusal")) for part in item["content"])
                elif item["type"] == "function_call":
                    calls += _readable(item["name"], item["arguments"])
                elif item["type"] == "custom_tool_call":
                    calls.append((item["name"], {CUSTOM_INPUT: item["input"]}))
            return text, calls
        case "anthropic":
            BetaMessage.model_validate(value)
            text = "".join(block["text"] for block in value["content"] if block["type"] == "text")
            if not text:
                text = (value.get("stop_details") or {}).get("explanation") or ""
            return text, [(block["name"], block["input"]) for block in value["content"] if block["type"] == "tool_use"]
        case _:
            GenerateContentResponse.model_validate(value)
            parts = [part for each in value.get("candidates", ())[:1] for part in each["content"]["parts"]]
            for part in parts:
                if "functionCall" in part:
                    calls.append((part["functionCall"]["name"], part["functionCall"]["args"]))
            return "".join(part.get("text", "") for part in parts if not part.get("thought")), calls
