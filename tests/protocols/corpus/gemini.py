"""Streams of Google's servers, written after what they send: well-behaved, odd and broken, as events and as arrays."""

from __future__ import annotations

import json

from tests.protocols.corpus.framing import BOM, framed
from tests.protocols.gemini.frames import array, call, chunk, sse, text, thought

USAGE = {
    "promptTokenCount": 20,
    "cachedContentTokenCount": 8,
    "candidatesTokenCount": 7,
    "thoughtsTokenCount": 5,
    "totalTokenCount": 32,
}
BUSY = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
GROUNDING = {
    "webSearchQueries": ["grüße"],
    "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
    "groundingSupports": [
        {"segment": {"startIndex": 0, "endIndex": 7, "text": "Grüße"}, "groundingChunkIndices": [0]},
    ],
}
BLOCKED = {
    "promptFeedback": {"blockReason": "SAFETY"},
    "usageMetadata": {"promptTokenCount": 4},
    "responseId": "resp-1",
}
CODE = {"executableCode": {"language": "PYTHON", "code": "print('é')"}}
RESULT = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "é\n"}}


def _piece(*pieces: dict[str, object], more: bool = True, **fields: object) -> dict[str, object]:
    return {"functionCall": {"partialArgs": list(pieces), **({"willContinue": True} if more else {}), **fields}}


_HELLO = (
    chunk(*text("Hél"), usage={"promptTokenCount": 20, "totalTokenCount": 20}),
    chunk(*text("lo 👋\u2028")),
    chunk(*text("!"), finish="STOP", usage=USAGE),
)
_RICH = (
    chunk(*thought("hm")),
    chunk(*thought(" ü")),
    chunk(*text("Grüße ")),
    chunk(*text("👋\u2028")),
    chunk(
        call("weather", {"city": "Zürich"}, id="c1", thoughtSignature="QUJD"),
        call("clock", {}, id="c2"),
        finish="STOP",
        usage=USAGE,
    ),
)

STREAMS: dict[str, bytes] = {
    "text": sse(*_HELLO),
    "text (array)": array(*_HELLO),
    "calls": sse(chunk(*text("let me")), chunk(call("f", {"a": 1.0}), call("f", {"a": 1.0})), chunk(finish="STOP")),
    "calls (array)": array(chunk(call("f", {"a": '"]}\\'}), call("g")), chunk(finish="STOP", usage=USAGE)),
    "thinking": sse(chunk(*thought("a", "b"), *text("c")), chunk(*thought("d")), chunk(*text("é"), finish="STOP")),
    "signed texts": sse(
        chunk(*thought("a", thoughtSignature="QUJD")),
        chunk(*text("b", thoughtSignature="REVG")),
        chunk(*text("c")),
        chunk(*text("", thoughtSignature="R0hJ"), finish="STOP"),
    ),
    "signature on hidden thinking": sse(
        chunk({"text": "", "thought": True, "thoughtSignature": "QUJD"}), chunk(*text("x"), finish="STOP")
    ),
    "large signature": sse(chunk(call("f", {}, id="1", thoughtSignature="QUJD" * 3_000), finish="STOP")),
    "grounding": sse(chunk(*text("Grü")), chunk(*text("ße!"), finish="STOP", groundingMetadata=GROUNDING)),
    "recitation": sse(
        chunk(*text("é bcd"), finish="RECITATION",
              citationMetadata={"citations": [{"startIndex": 3, "endIndex": 5, "uri": "https://a"}]})
    ),
    "media": sse(
        chunk(*text("sée"), {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}), chunk(finish="STOP")
    ),
    "code": sse(chunk(*text("a"), CODE, RESULT), chunk(*text("b"), finish="STOP")),
    "arguments in pieces": sse(
        chunk({"functionCall": {"name": "f", "id": "1", "willContinue": True}}),
        chunk(_piece({"jsonPath": "$.city", "stringValue": "Zü", "willContinue": True})),
        chunk(_piece({"jsonPath": "$.city", "stringValue": "rich"}, {"jsonPath": "$.n[1]", "numberValue": 2.0})),
        chunk(_piece(more=False), finish="STOP"),
    ),
    "arguments that never end": sse(
        chunk({"functionCall": {"name": "f", "id": "1", "willContinue": True}}),
        chunk(_piece({"jsonPath": "$.city", "stringValue": "Zü", "willContinue": True}), finish="MAX_TOKENS"),
    ),
    "two candidates": sse(
        {"candidates": [chunk(*text("a"))["candidates"][0], {**chunk(*text("é"))["candidates"][0], "index": 1}]},
        {"candidates": [
            chunk(*text("b"), finish="STOP")["candidates"][0],
            {**chunk(*text("ÿ"), finish="MAX_TOKENS")["candidates"][0], "index": 1},
        ]},
    ),
    "log-probabilities": sse(
        chunk(*text("é"), finish="STOP",
              logprobsResult={"chosenCandidates": [{"token": "é", "logProbability": -0.5}]}, avgLogprobs=-0.5)
    ),
    "envelope": sse(*({"response": each, "traceId": "t"} for each in _HELLO)),
    "a reason on every chunk": sse(*({**each, "candidates": [{**each["candidates"][0], "finishReason": "STOP"}]}
                                     for each in _HELLO)),
    "chunks that say nothing": sse(
        {"candidates": [], "responseId": "resp-1"}, chunk(), chunk(*text("")),
        *_HELLO, chunk(), {"usageMetadata": USAGE},
    ),
    "unknown": sse({**chunk(*text("x"), {"hologram": {"é": 1}}), "novelty": 1}, chunk(finish="NOVEL", novel=[1])),
    "length": sse(chunk(*text("é")), chunk(finish="MAX_TOKENS")),
    "malformed call": sse(chunk(finish="MALFORMED_FUNCTION_CALL", finishMessage="Malformed function call: é")),
    "blocked": sse(BLOCKED),
    "blocked (array)": array(BLOCKED),
    "safety": sse(chunk(*text("é")), chunk(finish="SAFETY", safetyRatings=[{"category": "HARM_CATEGORY_HARASSMENT",
                                                                            "probability": "HIGH"}])),
    "json": json.dumps({**_RICH[-1]}).encode(),
    "json behind a bom": BOM + b"\r\n" + b" " * 100 + json.dumps(_RICH[-1], ensure_ascii=False).encode(),
    "lines": "\n".join(json.dumps(each, ensure_ascii=False) for each in _HELLO).encode(),
    "done": sse(*_HELLO, "data: [DONE]\n\n"),
    "error": sse(*_HELLO[:2], BUSY),
    "error (array)": array(*_HELLO[:2], BUSY),
    "error at once": sse(BUSY),
    "error as json": json.dumps(BUSY).encode(),
    "error as a list": json.dumps([BUSY]).encode(),
    "truncated": sse(*_HELLO[:2]),
    "truncated (array)": array(*_HELLO)[:-60],
    "broken": sse(_HELLO[0], "data: {oops\n\n"),
    "page": "<html>büsy</html>".encode(),
    "rich": sse(*_RICH, end="\n\n"),
    **framed("rich", sse(*_RICH, end="\n\n")),
    "rich (array)": array(*_RICH),
    "rich (compact array)": json.dumps(_RICH, separators=(",", ":")).encode(),
}  # fmt: skip
