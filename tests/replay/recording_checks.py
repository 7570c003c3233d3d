"""Recorded exchanges of vendors against the gateway: requests, answers, errors, lists and counts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.replay import rendering, sdk_answers
from tests.replay.answer_checks import check_answer
from tests.replay.lanes import TARGETS
from tests.replay.recorded import Recorded, recorded
from tests.replay.records import records_in
from tests.replay.refusals import settle
from tests.replay.report import Report, expect, expect_equal
from tests.replay.spokes import spoke_of
from tests.replay.translation import (
    Asked,
    capabilities_of,
    check_rules,
    check_survival,
    check_types,
    own_host,
    translated,
)
from tests.support.vendors.dialects import DIALECTS, ProtocolName
from tests.support.vendors.gemini.rules import model_of

from codenex.core.answer import fault_of
from codenex.core.errors import Fault

TWINS: Final[Mapping[tuple[str, int], int]] = {
    ("openai_chat", 529): 503,
    ("openai_responses", 529): 503,
    ("gemini", 529): 503,
    ("anthropic", 503): 529,
    ("openai_chat", 402): 429,
    ("openai_responses", 402): 429,
    ("gemini", 402): 429,
}
"""Statuses that a client's vendor knows by another number."""

PIECES = (1 << 30, 1021, 7)
"""Sizes of the pieces in which a stream is fed; all must give the same."""


def check_recordings(folder: Path, report: Report) -> None:
    """Check every recorded exchange of a folder."""
    for name, record in records_in(folder):
        one = None
        with report.check("read", name):
            one = recorded(name, record)
        if one is None:
            continue
        if one.request is not None and one.kind in ("answer", "error", "broken"):
            _check_request(one, str(record.get("host") or ""), report)
        match one.kind:
            case "answer":
                check_answer(one, report)
            case "error" | "broken":
                _check_error(one, report)
            case "count":
                _check_count(one, report)
            case "models":
                _check_models(one, report)
            case "unknown":
                report.skip(f"recordings of {record.get('protocol')!r}")


# --- requests ---


def _check_request(one: Recorded, host: str, report: Report) -> None:
    model = str((one.request or {}).get("model") or model_of(one.path) or "m")
    asked = Asked(one.protocol, json.dumps(one.request).encode(), model, one.stream)
    for target, models in TARGETS.items():
        ways = [(name, own_host(target) if own else "compatible.example") for name, own in models]
        for to, at in ways if target != one.protocol else [(model, host)]:
            with report.check("recorded request", f"{one.name} → {target} {to}"):
                capabilities = capabilities_of(target, to, at, {})
                try:
                    body, losses = translated(asked, target, to, capabilities)
                except Fault as fault:
                    settle(fault.status, fault.message)
                    return
                sent = json.loads(body)
                check_rules(asked, target, to, sent, own=at == own_host(target))
                check_types(asked, target, sent)
                check_survival(asked, target, sent, losses)


# --- errors ---


def _check_error(one: Recorded, report: Report) -> None:
    for client in DIALECTS:
        with report.check("error", f"{one.name} → {client}"):
            fault = _fault(one)
            expect(fault is not None, "the gateway takes it for an answer")
            assert fault is not None
            body = spoke_of(client).encode_error(fault, "req_1")
            status, message = sdk_answers.error(client, body.status, body.body)
            expect_equal("status in the error", status, body.status)
            _check_status(one, client, body.status)
            told = _message(one)
            _check_message(told, message)
        for begun in (False, True):
            with report.check("streamed error", f"{one.name} → {client} {'after a text' if begun else 'at once'}"):
                fault = _fault(one)
                if fault is None:
                    return
                _check_message(_message(one), sdk_answers.failure(client, rendering.failed(client, fault, begun=begun)))


def _fault(one: Recorded) -> Fault | None:
    if one.status >= 400:
        return spoke_of(one.protocol).decode_error(one.status, [("content-type", "application/json")], one.raw)
    try:
        return fault_of(rendering.events_of(one.protocol, one.raw, stream=one.stream))
    except Fault as fault:
        return fault


def _message(one: Recorded) -> str | None:
    """What the vendor says went wrong."""
    if one.kind == "broken":
        return None
    try:
        said = json.loads(one.raw) if one.status >= 400 else one.error
    except ValueError:
        return None
    said = said[0] if isinstance(said, list) else said
    response = said.get("response") or {}
    error = said.get("error") or response.get("error") or said
    text = error.get("message") if isinstance(error, dict) else error
    return text if isinstance(text, str) else None


def _check_message(told: str | None, message: str) -> None:
    kept = told is None or told in message or _same_length(told, message)
    expect(kept, f"the message is {message!r}, expected {told!r}")


def _same_length(told: str, message: str) -> bool:
    """Whether a message tells by two of the vendor's counts how long the prompt is and may be, in other words."""
    counts = set(re.findall(r"\d{3,}", message))
    known = re.search(r"too long|maximum", message) is not None
    return known and len(counts) == 2 and counts <= set(re.findall(r"\d{3,}", told.replace(",", "")))


def _check_status(one: Recorded, client: ProtocolName, status: int) -> None:
    if one.status < 400:
        expect(status >= 400, f"status {status} for an error inside a 200")
        return
    wanted = {one.status, TWINS.get((client, one.status), one.status)}
    if one.status == 400 and re.search(r"API key", _message(one) or "", re.IGNORECASE):
        wanted = {401}
    expect(status in wanted, f"status {status}, expected {sorted(wanted)}")


# --- counts and lists ---


def _check_count(one: Recorded, report: Report) -> None:
    said = json.loads(one.raw)
    wanted = said.get("input_tokens", said.get("totalTokens"))
    for client in DIALECTS:
        if DIALECTS[client].count is not None:
            with report.check("count", f"{one.name} → {client}"):
                tokens = spoke_of(one.protocol).decode_count(one.raw)
                expect_equal("tokens", tokens, wanted)
                body = spoke_of(client).encode_count(tokens)
                expect_equal("tokens by the SDK", sdk_answers.count(client, body), wanted)


def _check_models(one: Recorded, report: Report) -> None:
    said = json.loads(one.raw)
    listed = said.get("data") or said.get("models")
    for client in DIALECTS:
        with report.check("models", f"{one.name} → {client}"):
            try:
                models = spoke_of(one.protocol).decode_models(one.raw)
            except Fault:
                expect(listed is None, "the gateway can't read the list")
                return
            wanted = [model for model in listed or [] if _is_listed(model)]
            names = [str(model.get("id") or model.get("name")).removeprefix("models/") for model in wanted]
            expect_equal("models", [model.id for model in models], names)
            told = sdk_answers.models(client, spoke_of(client).encode_models(models))
            expect_equal("models by the SDK", [name.removeprefix("models/") for name in told], names)


def _is_listed(model: dict[str, object]) -> bool:
    """Whether a model is listed: one that writes or embeds text, and none that only draws."""
    methods = model.get("supportedGenerationMethods")
    return not isinstance(methods, list) or "generateContent" in methods or "embedContent" in methods


def _excused(problem: str) -> bool:
    """Complaints that are nobody's fault: the SDK has no type for a call with free text in a stream of Chat."""
    return "tool_calls.type: Input should be 'function' (custom)" in problem


def _bare(problem: str) -> str:
    """A complaint without the event that brought it: whole answers have none."""
    return re.sub(r"^(response\.[\w.]+|content\w*|message_start) ?", "", problem).lstrip(": ")
