"""The law of answers: what an upstream said is in what the client gets, or a loss says that it isn't. Never neither.

Each feature of an answer holds a mark that nothing else does. It is sent whole and as a stream to every client's
protocol, and looked for.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest

from codenex.core.answer import Answer, Choice, unfold
from codenex.core.answer_losses import AnswerLosses
from codenex.core.events import Raw
from codenex.core.finish import FinishDetail, FinishReason
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
)
from codenex.core.render import RenderContext
from codenex.core.usage import Usage
from codenex.gateway.spokes import SPOKES

MARK = "Zmarke47"
#: A count that occurs nowhere else.
COUNT = 765_431
DATA = b64encode(MARK.encode()).decode()
STOP = FinishDetail(FinishReason.STOP, "stop")
TOKENS: tuple[dict[str, Any], ...] = ({"token": MARK, "logprob": -0.5, "bytes": None, "top_logprobs": []},)

Feature = Callable[[str], Answer]


def parts(*found: Part) -> Feature:
    """An answer of a protocol with these parts after a text."""
    return lambda protocol: Answer(protocol, "id", "m", 1, (Choice(0, (Text("Hello."), *found), STOP),))


def vendors(part: Callable[[str], Part]) -> Feature:
    """An answer with a part that only the protocol's own vendor knows."""
    return lambda protocol: parts(part(protocol))(protocol)


def ended(finish: FinishDetail, **fields: Any) -> Feature:
    """An answer that ends so."""
    return lambda protocol: Answer(protocol, "id", "m", 1, (Choice(0, (Text("Hello."),), finish, **fields),))


def counted(usage: Usage) -> Feature:
    """An answer with this usage."""
    return lambda protocol: Answer(protocol, "id", "m", 1, (Choice(0, (Text("Hello."),), STOP),), usage)


def second_choice(protocol: str) -> Answer:
    return Answer(protocol, "id", "m", 1, (Choice(0, (Text("Hello."),), STOP), Choice(1, (Text(MARK),), STOP)))


def fields(protocol: str) -> Answer:
    return Answer(protocol, "id", "m", 1, (Choice(0, (Text("Hello."),), STOP),), None, {"novelty": MARK})


def event(protocol: str) -> Answer:
    raw = (Raw(protocol, "novelty", {"type": "novelty", "text": MARK}),)
    return Answer(protocol, "id", "m", 1, (Choice(0, (Text("Hello."),), STOP),), None, None, raw)


FEATURES: dict[str, Feature] = {
    "text": parts(Text(MARK)),
    "text with a signature": parts(Text("x", signature=Signature("gemini", MARK))),
    "text with a field": parts(Text("x", extras={"phase": MARK})),
    "citation of an address": parts(Text("x", (Citation(f"https://example.com/{MARK}", "t"),))),
    "citation with its words": parts(Text("x", (Citation("https://example.com/", "t", MARK),))),
    "citation of a document": parts(Text("x", (Citation(None, MARK, "words"),))),
    "citation of a file": parts(Text("x", (Citation(raw={"type": "file", "file_id": MARK}),))),
    "refusal": parts(Refusal(MARK)),
    "reasoning": parts(Reasoning((MARK,))),
    "signed reasoning": parts(Reasoning(("x",), signature=Signature("openai", MARK))),
    "redacted reasoning": parts(Reasoning((), redacted=True, signature=Signature("anthropic", MARK))),
    "reasoning with a field": parts(Reasoning(("x",), extras={"novelty": MARK})),
    "call": parts(ToolCall("c", "f", f'{{"a":"{MARK}"}}')),
    "call with a signature": parts(ToolCall("c", "f", "{}", signature=Signature("gemini", MARK))),
    "call with a field": parts(ToolCall("c", "f", "{}", extras={"novelty": MARK})),
    "call that was cut off": parts(ToolCall("c", "f", f'{{"a":"{MARK}', complete=False)),
    "image": parts(Media("image", "image/png", DATA)),
    "image elsewhere": parts(Media("image", url=f"https://example.com/{MARK}.png")),
    "image in a vendor's store": parts(Media("image", file_id=MARK)),
    "image with a field": parts(Media("image", "image/png", "QUJD", extras={"revised_prompt": MARK})),
    "sound": parts(Media("audio", "audio/wav", DATA)),
    "transcript of a sound": parts(Media("audio", "audio/wav", "QUJD", text=MARK)),
    "two sounds": parts(Media("audio", "audio/wav", "QUJD"), Media("audio", "audio/wav", DATA)),
    "film": parts(Media("video", "video/mp4", DATA)),
    "document": parts(Media("document", "application/pdf", DATA)),
    "vendor's tool": vendors(lambda protocol: ServerTool(protocol, "search_call", {"type": "search_call", "q": MARK})),
    "compaction": vendors(lambda protocol: Compaction(protocol, {"type": "compaction", "content": MARK})),
    "unknown part": vendors(lambda protocol: Opaque(protocol, "novelty", {"type": "novelty", "x": MARK})),
    "second choice": second_choice,
    "log-probabilities": ended(STOP, logprobs=TOKENS),
    "log-probabilities of a refusal": ended(STOP, refusal_logprobs=TOKENS),
    "safety ratings": ended(STOP, extras={"safetyRatings": [{"category": MARK}]}),
    "grounding": ended(STOP, extras={"groundingMetadata": {"webSearchQueries": [MARK]}}),
    "stop sequence": ended(FinishDetail(FinishReason.STOP_SEQUENCE, "stop_sequence", MARK)),
    "explanation of a refusal": ended(FinishDetail(FinishReason.REFUSAL, "refusal", message=MARK)),
    "message of an end": ended(FinishDetail(FinishReason.LENGTH, "MAX_TOKENS", message=MARK)),
    "unknown reason": ended(FinishDetail(FinishReason.OTHER, MARK)),
    "unknown field": fields,
    "unknown event": event,
    "service tier": counted(Usage(1, output_text=1, service_tier=MARK)),
    "counts of tools": counted(Usage(1, output_text=1, server_tools={"web_search_requests": COUNT})),
    "counts of other tools": counted(Usage(1, output_text=1, server_tools={"novel_requests": COUNT})),
    "unknown count": counted(Usage(1, output_text=1, raw={"novel_tokens": COUNT})),
    "tokens": counted(Usage(COUNT, output_text=1)),
    "tokens of reasoning": counted(Usage(1, output_text=1, output_reasoning=COUNT)),
    "tokens from a cache": counted(Usage(1, COUNT, output_text=1)),
    "tokens into a cache": counted(Usage(1, None, COUNT, output_text=1)),
}


def told(client: str, answer: Answer, *, stream: bool) -> tuple[bytes, tuple[str, ...]]:
    """What the client gets, and the paths of the losses."""
    context = RenderContext("0" * 32, 1, "m", include_usage=True)
    reader = AnswerLosses(client, context.losses)
    for one in unfold(answer):
        reader.see(one)
    if stream:
        encoder = SPOKES[client].stream_encoder(context)
        body = b"".join(encoder.send(one) for one in unfold(answer)) + encoder.end()
    else:
        body = SPOKES[client].encode_response(answer, context)
    return body, tuple(loss.path for loss in context.losses.values())


def is_kept(body: bytes) -> bool:
    """Whether the mark is there, as it is or in a signature that carries other vendors' signatures."""
    carried = b"".join(b64decode(found) for found in re.findall(rb'"thoughtSignature":"([^"]*)"', body))
    return any(mark in body + carried for mark in (MARK.encode(), DATA.encode(), str(COUNT).encode()))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("client", SPOKES)
@pytest.mark.parametrize("name", FEATURES)
def test_what_was_said_is_told_or_noted(name: str, client: str, stream: bool) -> None:
    for upstream in SPOKES:
        body, losses = told(client, FEATURES[name](upstream), stream=stream)
        if upstream != client:
            assert is_kept(body) or losses, upstream
        assert not (is_kept(body) and "output.novelty" in losses), "told and noted"


@pytest.mark.parametrize("client", SPOKES)
def test_an_ordinary_answer_loses_nothing(client: str) -> None:
    tokens = Usage(7, 3, output_text=5, output_reasoning=2, service_tier="default")
    said = (Reasoning(("Hm.",)), Text("Hello."), ToolCall("c", "f", "{}"))
    finish = FinishDetail(FinishReason.TOOL_CALLS, "tool_use")
    service = {"system_fingerprint": "fp", "service_tier": "default", "object": "x"}
    for upstream in SPOKES:
        answer = Answer(upstream, "id", "m", 1, (Choice(0, said, finish),), tokens, service)
        for stream in (False, True):
            assert told(client, answer, stream=stream)[1] == (), upstream
