"""Hypothesis strategies for the hub: JSON values, parts, turns, requests, answers and streams of events."""

from __future__ import annotations

from base64 import b64encode
from itertools import pairwise

import msgspec
from hypothesis import strategies as st

from codenex.core import events as e
from codenex.core.answer import Answer, Choice, part_events
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.parts import (
    CacheHint,
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
from codenex.core.request import (
    CustomTool,
    FunctionTool,
    HostedTool,
    OutputFormat,
    ReasoningOptions,
    Request,
    Sampling,
    Tool,
    ToolChoice,
    Turn,
)
from codenex.core.usage import Usage

PROTOCOLS = ("openai_chat", "openai_responses", "anthropic", "gemini")

short_texts = st.text(max_size=12)
json_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | short_texts
)
json_values = st.recursive(
    json_scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(short_texts, inner, max_size=3),
    max_leaves=5,
)
#: Small on purpose: parts and answers hold several of them.
json_objects = st.dictionaries(short_texts, json_scalars | st.lists(json_scalars, max_size=2), max_size=2)
protocols = st.sampled_from(PROTOCOLS)
identifiers = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True)
tool_names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_-]{0,20}", fullmatch=True)
base64_texts = st.binary(max_size=30).map(lambda data: b64encode(data).decode())
tool_kinds = st.sampled_from(("function", "custom"))
cache_hints = st.builds(CacheHint, st.none() | st.sampled_from(("5m", "1h")))
extras = st.none() | json_objects

citations = st.builds(
    Citation,
    url=st.none() | st.just("https://example.com/"),
    title=st.none() | st.text(max_size=20),
    start=st.none() | st.integers(0, 9),
    raw=st.none() | json_objects,
)
signatures = st.builds(
    Signature,
    vendor=st.sampled_from(("openai", "anthropic", "gemini")),
    payload=st.text(min_size=1, max_size=20),
    item_id=st.none() | identifiers,
)
maybe_signatures = st.none() | signatures
maybe_identifiers = st.none() | identifiers

texts = st.builds(
    Text,
    short_texts,
    st.lists(citations, max_size=2).map(tuple),
    signature=maybe_signatures,
    extras=extras,
    item_id=maybe_identifiers,
)
refusals = st.builds(Refusal, short_texts, extras, maybe_identifiers)
reasonings = st.builds(
    Reasoning,
    segments=st.lists(short_texts, max_size=3).map(tuple),
    raw=st.booleans(),
    item_id=maybe_identifiers,
    signature=maybe_signatures,
)
tool_calls = st.builds(
    ToolCall,
    id=identifiers,
    name=tool_names,
    arguments=json_objects.map(lambda value: msgspec.json.encode(value).decode()),
    kind=st.just("function"),
    item_id=maybe_identifiers,
    namespace=st.none() | tool_names,
    signature=maybe_signatures,
)
custom_calls = st.builds(ToolCall, id=identifiers, name=tool_names, arguments=short_texts, kind=st.just("custom"))
media = st.one_of(
    st.builds(
        Media,
        kind=st.sampled_from(("image", "audio", "video", "document")),
        media_type=st.none() | st.sampled_from(("image/png", "application/pdf", "audio/wav")),
        data=base64_texts,
        filename=st.none() | st.text(max_size=8),
        signature=maybe_signatures,
    ),
    st.builds(Media, kind=st.sampled_from(("image", "document")), url=st.just("https://example.com/a.png")),
    st.builds(Media, kind=st.just("document"), media_type=st.just("text/plain"), text=short_texts),
)
server_tools = st.builds(ServerTool, protocols, tool_names, json_objects, maybe_identifiers, st.none() | short_texts)
compactions = st.builds(Compaction, protocols, json_objects, st.none() | short_texts)
opaques = st.builds(Opaque, protocols, tool_names, json_objects)
tool_results = st.builds(
    ToolResult,
    call_id=identifiers,
    parts=st.lists(texts | media, max_size=2).map(tuple),
    name=st.none() | tool_names,
    is_error=st.booleans(),
    kind=tool_kinds,
)

#: Parts that a model produces.
answer_parts: st.SearchStrategy[Part] = st.one_of(
    texts, reasonings, tool_calls, custom_calls, refusals, media, server_tools, compactions, opaques
)
user_parts: st.SearchStrategy[Part] = st.one_of(texts, media, tool_results)

finish_details = st.builds(
    FinishDetail,
    st.sampled_from(FinishReason),
    raw=st.none() | st.sampled_from(("stop", "end_turn", "STOP")),
    stop_sequence=st.none() | st.text(max_size=4),
)
counts = st.none() | st.integers(0, 10**6)
usages = st.builds(
    Usage,
    counts,
    counts,
    counts,
    counts,
    counts,
    counts,
    counts,
    server_tools=st.none() | st.dictionaries(tool_names, st.integers(0, 9), max_size=2),
    service_tier=st.none() | st.just("default"),
)
logprobs = st.lists(st.fixed_dictionaries({"token": st.text(max_size=4), "logprob": st.just(-0.5)}), max_size=2).map(
    tuple
)


_choices = st.builds(
    Choice,
    st.just(0),
    st.lists(answer_parts, max_size=3).map(tuple),
    finish_details,
    logprobs,
    logprobs,
    extras,
)
_raws = st.builds(e.Raw, protocols, tool_names, json_objects)


def _numbered(choices: list[Choice]) -> tuple[Choice, ...]:
    return tuple(msgspec.structs.replace(choice, index=index) for index, choice in enumerate(choices))


#: Whole answers: every choice has a finish, as those of real vendors have.
answers = st.builds(
    Answer,
    protocols,
    maybe_identifiers,
    st.none() | st.just("a-model"),
    st.none() | st.integers(0, 2**31).map(float),
    st.lists(_choices, min_size=1, max_size=2).map(_numbered),
    st.none() | usages,
    extras,
    st.lists(_raws, max_size=1).map(tuple),
)


def _cut(text: str, places: list[int]) -> list[str]:
    edges = sorted({0, len(text), *(place % max(1, len(text)) for place in places)})
    return [text[low:high] for low, high in pairwise(edges)]


@st.composite
def interleaved_streams(draw: st.DrawFn) -> list[e.StreamEvent]:
    """Legal streams in which parts of all choices run at the same time and deltas are cut anywhere."""
    answer = draw(answers)
    places = draw(st.lists(st.integers(0, 11), max_size=3))
    threads: list[tuple[int, list[e.StreamEvent]]] = []
    for choice in answer.choices:
        for part in choice.parts:
            own: list[e.StreamEvent] = []
            for event in part_events(0, part, choice.index):
                if isinstance(event, e.TextDelta | e.ReasoningDelta | e.ToolArgumentsDelta):
                    own.extend(msgspec.structs.replace(event, text=piece) for piece in _cut(event.text, places))
                else:
                    own.append(event)
            threads.append((choice.index, own))
    order = draw(st.permutations([number for number, (_, own) in enumerate(threads) for _ in own]))
    finishes = {choice.index: choice.finish for choice in answer.choices if choice.finish is not None}
    events: list[e.StreamEvent] = [e.Start(answer.protocol, answer.id, answer.model, answer.created), e.Ping()]
    numbers: dict[int, int] = {}
    for step in range(len(order) + 1):
        running = {threads[number][0] for number in order[step:]}
        for ended in [index for index in finishes if index not in running]:
            events.append(e.Finish(finishes.pop(ended), ended))
        if step < len(order):
            index = numbers.setdefault(order[step], len(numbers))
            events.append(msgspec.structs.replace(threads[order[step]][1].pop(0), index=index))
    if answer.usage is not None:
        events.append(e.UsageSnapshot(answer.usage))
    return events


tools: st.SearchStrategy[Tool] = st.one_of(
    st.builds(
        FunctionTool,
        name=tool_names,
        description=st.none() | st.text(max_size=30),
        schema=st.none()
        | st.just({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
        strict=st.none() | st.booleans(),
    ),
    st.builds(CustomTool, name=tool_names, description=st.none() | st.text(max_size=30)),
    st.builds(HostedTool, protocols, st.just("web_search"), st.just({"type": "web_search"}), st.just("web_search")),
)
tool_choices = st.one_of(
    st.builds(ToolChoice, st.sampled_from(("auto", "none", "required"))),
    st.builds(ToolChoice, st.just("one"), tool_names.map(lambda name: (name,))),
    st.builds(ToolChoice, st.just("allowed"), tool_names.map(lambda name: (name,)), st.booleans()),
)
samplings = st.builds(
    Sampling,
    temperature=st.none() | st.sampled_from((0.0, 0.7, 2.0)),
    top_p=st.none() | st.just(0.5),
    stop=st.none() | st.lists(st.text(min_size=1, max_size=3), max_size=2).map(tuple),
    choices=st.none() | st.integers(1, 3),
    seed=st.none() | st.integers(0, 9),
)
reasoning_options = st.builds(
    ReasoningOptions,
    effort=st.none() | st.sampled_from(("none", "minimal", "low", "medium", "high", "xhigh", "max", "auto")),
    budget=st.none() | st.sampled_from((-1, 0, 1024)),
    visible=st.none() | st.booleans(),
)
output_formats = st.one_of(
    st.builds(OutputFormat, st.sampled_from(("text", "json_object"))),
    st.builds(OutputFormat, st.just("json_schema"), st.just("out"), schema=st.just({"type": "object"})),
)

#: Any turns whatever, paired or not.
turns = st.one_of(
    st.builds(Turn, st.just("user"), st.lists(user_parts, max_size=3).map(tuple)),
    st.builds(Turn, st.just("assistant"), st.lists(answer_parts, max_size=3).map(tuple)),
    st.builds(
        Turn, st.just("system"), st.lists(texts, max_size=2).map(tuple), st.sampled_from(("system", "developer"))
    ),
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Turn, ...]:
    """Conversations as they should be: user first, roles in turn, every call answered in the turn behind it."""
    history: list[Turn] = []
    results: list[Part] = []
    for step in range(draw(st.integers(1, 3))):
        history.append(Turn("user", (*results, *draw(st.lists(texts | media, min_size=1, max_size=2)))))
        calls = [
            msgspec.structs.replace(call, id=f"call_{step}_{number}")
            for number, call in enumerate(draw(st.lists(tool_calls, max_size=2)))
        ]
        history.append(Turn("assistant", (*draw(st.lists(texts, min_size=1, max_size=1)), *calls)))
        results = [ToolResult(call.id, (draw(texts),), is_error=draw(st.booleans())) for call in calls]
    if results or draw(st.booleans()):
        history.append(Turn("user", (*results, Text("go on"))))
    return tuple(history)


def requests(history: st.SearchStrategy[tuple[Turn, ...]] | None = None) -> st.SearchStrategy[Request]:
    """Requests with well-formed conversations, or the given ones."""
    return st.builds(
        Request,
        protocol=protocols,
        model=st.just("a-model"),
        turns=history if history is not None else conversations(),
        tools=st.lists(tools, max_size=3, unique_by=lambda tool: tool.name).map(tuple),
        tool_choice=st.none() | tool_choices,
        parallel_tool_calls=st.none() | st.booleans(),
        sampling=samplings,
        max_output_tokens=st.none() | st.integers(1, 200),
        reasoning=st.none() | reasoning_options,
        output=st.none() | output_formats,
        stream=st.booleans(),
    )
