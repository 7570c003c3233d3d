"""Captured requests against the gateway: decoded, answered by the demo, and sent on to every vendor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.replay import reading, sdk_answers
from tests.replay.captures import Capture, capture_of, send
from tests.replay.google_checks import check_google
from tests.replay.lanes import LENIENT, Lane, lanes
from tests.replay.records import records_in
from tests.replay.refusals import settle
from tests.replay.report import Report, expect, expect_equal
from tests.replay.spokes import spoke_of
from tests.replay.translation import Asked, capabilities_of, check_survival, check_types, translated
from tests.support.client import RawResponse
from tests.support.gateway import running_gateway
from tests.support.vendors.dialects import DIALECTS

from codenex.core.errors import Fault
from codenex.core.losses import header_value
from codenex.gateway.edits import edited, head_of

_HELLO: Final = "Hello from the scripted vendor."


async def check_captures(folder: Path, report: Report) -> None:
    """Check every captured request of a folder."""
    captures: list[Capture] = []
    for name, record in records_in(folder):
        with report.check("read", name):
            captures.append(capture_of(name, record))
    for capture in captures:
        with report.check("decoded", capture.name):
            decode(capture)
        if capture.kind in ("generate", "count") and _odd(capture):
            report.note("requests that the rules of their own vendor refuse", capture.name)
    async with running_gateway() as demo:
        for capture in captures:
            if capture.kind != "code assist":
                with report.check("demo", capture.name):
                    await _check_demo(capture, demo.port)
    async with lanes(capture.model for capture in captures if capture.model) as ways:
        for capture in captures:
            for lane in ways:
                if capture.kind in ("generate", "count") and lane.takes(capture.protocol):
                    with report.check(f"{capture.kind} upstream", f"{capture.name} {lane.name()}"):
                        await _check_lane(capture, lane)
    await check_google(captures, report)


def decode(capture: Capture) -> None:
    """Decode what is a request to a model; whatever else there is, is not looked at."""
    spoke = spoke_of(capture.protocol)
    body: Any = capture.body
    if capture.kind == "code assist":
        if not isinstance(body, dict) or "request" not in body or "contents" not in body["request"]:
            return
        body = body["request"]
    elif capture.kind not in ("generate", "count"):
        return
    content = json.dumps(body).encode()
    read = spoke.decode_count_request if capture.kind == "count" else spoke.decode_request
    try:
        request = read(content, capture.model or "m" if capture.protocol == "gemini" else None)
    except Fault as fault:
        settle(fault.status, fault.message)
        return
    expect(request.model == capture.model or not capture.model, f"the model is {request.model}")
    expect(bool(request.turns), "the request has no turns")


async def _check_demo(capture: Capture, port: int) -> None:
    response = await send(capture, port)
    match capture.kind:
        case "probe":
            expect(response.status in (200, 204), f"status {response.status}")
        case "models":
            _expect_200(capture, response)
            expect(bool(sdk_answers.models(capture.protocol, response.body)), "the list has no models")
        case "model":
            if response.status == 200:
                expect_equal("model", sdk_answers.model(capture.protocol, response.body), capture.model)
                return
            # Nobody here has this model: the vendor's own 404.
            expect_equal("status", response.status, 404)
            status, message = sdk_answers.error(capture.protocol, response.status, response.body)
            expect(status == 404 and capture.model in message, f"the error says {message!r}")
        case "count":
            _expect_200(capture, response)
            tokens = sdk_answers.count(capture.protocol, response.body)
            expect(tokens is not None and tokens > 0, f"{tokens} tokens")
        case "generate":
            _expect_200(capture, response)
            got = _read(capture, response)
            expect(bool(got.text or got.calls), "the answer is empty")
        case "embed":
            _expect_200(capture, response)
            vectors = sdk_answers.vectors(capture.protocol, response.body)
            expect(bool(vectors) and all(vectors), "there are no vectors")
        case _:
            expect(response.status >= 400, f"status {response.status}")
            settle(*sdk_answers.error(capture.protocol, response.status, response.body))


def _expect_200(capture: Capture, response: RawResponse) -> None:
    if response.status != 200:
        status, message = sdk_answers.error(capture.protocol, response.status, response.body)
        expect_equal("status in the error", status, response.status)
        settle(status, message)


def _read(capture: Capture, response: RawResponse) -> reading.Reading:
    kind = response.headers.get("content-type") or ""
    wanted = "text/event-stream" if capture.stream and not capture.array else "application/json"
    expect(kind.startswith(wanted), f"the answer's content type is {kind}")
    if capture.array:
        return reading.contents(sdk_answers.array(response.body))
    answer = sdk_answers.answer(capture.protocol, response.body, stream=capture.stream)
    return reading.READ[capture.protocol](answer)


async def _check_lane(capture: Capture, lane: Lane) -> None:
    own = capture.protocol == lane.protocol and not lane.rebuilt
    lane.vendor.rules = dict(LENIENT.get(lane.protocol, {})) if own else {}
    lane.vendor.validate = not (capture.protocol == lane.protocol and _odd(capture))
    lane.vendor.problems.clear()
    lane.vendor.exchanges.clear()
    response = await send(capture, lane.gateway.port)
    problems = lane.vendor.problems
    if problems and lane.compatible and all("'video_url' is none of" in problem for problem in problems):
        return  # OpenAI takes no films, compatible servers do
    expect(not problems, f"the vendor refuses: {problems[:4]}")
    _expect_200(capture, response)
    if capture.kind == "count":
        tokens = sdk_answers.count(capture.protocol, response.body)
        expect(tokens is not None and tokens > 0, f"{tokens} tokens")
        if DIALECTS[lane.protocol].count is not None:
            expect_equal("tokens of the upstream's counter", tokens, lane.vendor.tokens)
    estimated = capture.kind == "count" and DIALECTS[lane.protocol].count is None
    expect_equal("requests at the upstream", len(lane.vendor.requests), 0 if estimated else 1)
    if estimated:
        return
    sent = lane.vendor.requests[0]
    if own:
        _check_unedited(capture, sent.body)
    else:
        check_types(_asked(capture), lane.protocol, sent.json, counting=capture.kind == "count")
        if capture.kind == "generate":
            _check_losses(capture, lane, sent.json, response)
    if capture.kind == "generate":
        _check_answer(capture, response)


def _check_unedited(capture: Capture, sent: bytes) -> None:
    """The body is the client's, byte for byte; a stream of Chat that doesn't ask for usage asks for it, and no more."""
    if sent == capture.content or capture.protocol != "openai_chat" or not capture.stream:
        expect_equal("the body", sent, capture.content)
        return
    asked = {"stream_options": {**(capture.body.get("stream_options") or {}), "include_usage": True}}
    expect_equal("the body", sent, edited(head_of(capture.content), asked))
    expect_equal("the body's values", json.loads(sent), {**capture.body, **asked})


def _odd(capture: Capture) -> bool:
    """Whether a vendor's rules refuse the request as its own client sent it: nobody's doing on the way."""
    check = DIALECTS[capture.protocol].check_request
    return bool(check(capture.body, dict(capture.headers), capture.path, **LENIENT.get(capture.protocol, {})))


def _asked(capture: Capture) -> Asked:
    return Asked(capture.protocol, capture.content, capture.model, capture.stream)


def _check_losses(capture: Capture, lane: Lane, sent: Mapping[str, Any], response: RawResponse) -> None:
    model = lane.model or capture.model
    base_url, facts = lane.account.base_url or "", lane.account.capabilities
    capabilities = capabilities_of(lane.protocol, model, base_url, facts)
    _, losses = translated(_asked(capture), lane.protocol, model, capabilities)
    told = response.headers.get("x-codenex-losses") or ""
    # The request's losses come first; a whole answer's own follow.
    expected = header_value(losses).partition("; ")[2].removesuffix(", ...") if losses else ""
    expect_equal("x-codenex-losses", told.partition("; ")[2][: len(expected)], expected)
    expect(bool(told) or not losses, "no x-codenex-losses")
    check_survival(_asked(capture), lane.protocol, sent, losses)


def _check_answer(capture: Capture, response: RawResponse) -> None:
    got = _read(capture, response)
    if got.calls:
        wrong = [name for name, _ in got.calls if name not in _names(capture.body)]
        expect(not wrong, f"calls of tools that the client doesn't have: {wrong}")
    else:
        expect_equal("text", got.text, _HELLO)


def _names(value: Any) -> set[str]:
    """All strings under a key ``name``."""
    if isinstance(value, list):
        return {name for member in value for name in _names(member)}
    if isinstance(value, dict):
        own = {value["name"]} if isinstance(value.get("name"), str) else set()
        return own | {name for member in value.values() for name in _names(member)}
    return set()
