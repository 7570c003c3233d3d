"""A scenario as Gemini's generateContent answers it: whole, as events, and as a streamed JSON array."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from tests.support.scenario import Finish, Reasoning, Scenario, ToolCall, Usage
from tests.support.vendors.framing import Json, body, event

FINISH: Final[dict[Finish, str]] = {
    "stop": "STOP",
    "stop_sequence": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
    "refusal": "SAFETY",
}

WITHOUT_CALL_IDS: Final = re.compile(r"(models/)?gemini-[12]\b")
"""Models that neither send nor take ids of function calls."""


def usage(counts: Usage, *, shown: int | None = None) -> Json:
    """The counts; ``shown`` visible tokens so far, in the middle of a stream."""
    visible = counts.output_visible if shown is None else shown
    value: Json = {"promptTokenCount": counts.input_total}
    if visible:
        # A count of zero is left out.
        value["candidatesTokenCount"] = visible
    value["totalTokenCount"] = counts.input_total + visible + counts.reasoning
    if counts.cache_read:
        value["cachedContentTokenCount"] = counts.cache_read
    value["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": counts.input_total}]
    if counts.cache_read:
        value["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": counts.cache_read}]
    if counts.reasoning:
        value["thoughtsTokenCount"] = counts.reasoning
    return {**value, "serviceTier": "standard"}


def _arguments(call: ToolCall) -> Any:
    try:
        return json.loads(call.arguments)
    except ValueError:
        return None


def parts(scenario: Scenario, *, streamed: bool) -> list[Json]:
    """The parts, each text in its pieces when streamed.

    A signature stands on what the thought led to: on the call that follows, else on the text that follows (in a
    stream on an empty text after it), else on an empty text of its own. A call cut short can't be shown at all.
    """
    with_ids = WITHOUT_CALL_IDS.match(scenario.model) is None
    made: list[Json] = []
    signature: str | None = None
    for part in scenario.parts:
        if isinstance(part, Reasoning):
            made.extend(
                {"text": piece, "thought": True} for piece in (part.pieces if streamed else (part.text,)) if piece
            )
            signature = part.signature
        elif isinstance(part, ToolCall):
            if (arguments := _arguments(part)) is not None:
                call: Json = {"name": part.name, "args": arguments, **({"id": part.id} if with_ids else {})}
                made.append({"functionCall": call, **_signed(signature)})
                signature = None
        elif streamed:
            made.extend({"text": piece} for piece in part.pieces)
        else:
            made.append({"text": part.text, **_signed(signature)})
            signature = None
    return made if signature is None else [*made, {"text": "", **_signed(signature)}]


def _signed(signature: str | None) -> Json:
    return {} if signature is None else {"thoughtSignature": signature}


def candidate(scenario: Scenario, shown: list[Json], *, last: bool) -> Json:
    content: Json = {"parts": shown, "role": "model"} if shown else {"role": "model"}
    value: Json = {"content": content}
    if last:
        value["finishReason"] = FINISH[scenario.finish]
    value["index"] = 0
    if last and any("functionCall" in part for part in shown):
        value["finishMessage"] = "Model generated function call(s)."
    if last and scenario.finish == "content_filter":
        value["safetyRatings"] = [
            {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}
        ]
    return value


def envelope(scenario: Scenario, candidates: list[Json], counts: Json) -> Json:
    return {
        "candidates": candidates,
        "usageMetadata": counts,
        "modelVersion": scenario.model,
        "responseId": scenario.id,
    }


def unary(scenario: Scenario, request: Json) -> bytes:
    shown = parts(scenario, streamed=False)
    return body(envelope(scenario, [candidate(scenario, shown, last=True)], usage(scenario.usage)))


def blocked(scenario: Scenario, reason: str = "PROHIBITED_CONTENT") -> bytes:
    """A prompt that was not let through: no candidates at all."""
    counts = {"promptTokenCount": scenario.usage.input_total, "totalTokenCount": scenario.usage.input_total}
    return body(
        {
            "promptFeedback": {"blockReason": reason},
            "usageMetadata": counts,
            "modelVersion": scenario.model,
            "responseId": scenario.id,
        }
    )


def chunks(scenario: Scenario) -> list[Json]:
    """The objects of the stream, one part in each; only the last has a finish reason."""
    shown = parts(scenario, streamed=True)
    if not shown:
        return [envelope(scenario, [candidate(scenario, [], last=True)], usage(scenario.usage))]
    return [
        envelope(
            scenario,
            [candidate(scenario, [part], last=number == len(shown))],
            usage(scenario.usage, shown=scenario.usage.output_visible * number // len(shown)),
        )
        for number, part in enumerate(shown, 1)
    ]


def stream(scenario: Scenario, request: Json) -> list[bytes]:
    """Events, as ``alt=sse`` asks for."""
    return [event(value, end="\r\n\r\n") for value in chunks(scenario)]


def array_of(values: Sequence[Json]) -> list[bytes]:
    """A JSON array as it is streamed without ``alt=sse``: the brackets go with the first and the last element."""
    pieces = [json.dumps(value, ensure_ascii=False, indent=2).encode() for value in values]
    pieces = [b"[" + pieces[0], *(b"\n,\r\n" + piece for piece in pieces[1:])]
    return [*pieces, b"\n]"]


def array(scenario: Scenario, request: Json) -> list[bytes]:
    return array_of(chunks(scenario))


def count(tokens: int) -> bytes:
    return body({"totalTokens": tokens, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}]})


def models(names: Sequence[str]) -> bytes:
    return body({"models": [_model(name) for name in names]})


def model(name: str) -> bytes:
    return body(_model(name))


def _model(name: str) -> Json:
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name.replace("-", " ").title(),
        "description": "A scripted model.",
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens", "createCachedContent"],
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": True,
    }
