"""What a refusal of the services means: a wait, another host, an account that is out, or an answer. Pure."""

from __future__ import annotations

from math import ceil
from typing import Any, Literal

import msgspec

from codenex.core import json
from codenex.core.redaction import redacted
from codenex.providers.google.limits import limit_of
from codenex.providers.google.states import Problem, problem_of

Step = Literal["answer", "wait", "host", "renew", "account"]

#: A stated wait up to this many seconds is waited for, with something added for the clocks.
_SHORT = 3.0
_SLACK = 0.8
_TYPE = "type.googleapis.com/google.rpc."


class Verdict(msgspec.Struct, frozen=True):
    """What to do next: give the answer to the client, wait ``seconds`` and ask again, try the next host, renew the
    token, or give the account up. ``status`` and ``body`` are the answer where nothing else is left."""

    step: Step
    status: int
    body: bytes
    seconds: float = 0.0
    problem: Problem | None = None
    rest: float | None = None
    #: a quota is used up, and no wait that is worth it helps
    exhausted: bool = False

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers of the answer."""
        headers = [("content-type", "application/json; charset=utf-8")]
        return headers if self.rest is None else [*headers, ("retry-after", str(max(1, ceil(self.rest))))]


def verdict(
    status: int, answer: dict[str, Any], model: str, now: float, *, attempt: int, patient: bool, more_hosts: bool
) -> Verdict:
    """Judge a refusal. ``attempt`` counts those of this host, from 0; ``patient`` lets short waits be waited for."""
    found = answer.get("error")
    error = found if isinstance(found, dict) else {"message": f"the upstream answered with status {status}"}
    if status in (400, 403) and (problem := problem_of(error)) is not None:
        return Verdict("account", status, _body(status, error, None), problem=problem)
    match status:
        case 401:
            return Verdict("renew", status, _body(status, error, None))
        case 404:
            text = f"models/{model} is not available to this account: {error.get('message') or 'not found'}"
            body = _body(404, {**error, "message": text}, None)
            return Verdict("host" if more_hosts else "answer", 404, body)
        case 429 | 499:
            limit = limit_of(error, now)
            body = _body(429, {**error, "status": "RESOURCE_EXHAUSTED"}, limit.seconds)
            rest = Verdict("answer", 429, body, rest=limit.seconds, exhausted=limit.terminal)
            if not patient or limit.terminal:
                return rest if limit.terminal or not more_hosts else _step(rest, "host")
            if limit.said and limit.seconds < _SHORT and attempt < 1:
                return _step(rest, "wait", limit.seconds + _SLACK)
            if not limit.said and attempt < 3:
                return _step(rest, "wait", min(0.5 * (attempt + 1), _SHORT))
            return _step(rest, "host") if more_hosts else rest
        case 503 if patient and "capacity" in str(error.get("message", "")).lower() and attempt < 2:
            return Verdict("wait", status, _body(status, error, None), min(0.25 * (attempt + 1), 2.0))
        case 503 if more_hosts:
            return Verdict("host", status, _body(status, error, None))
        case _:
            return Verdict("answer", status, _body(status, error, None))


def _step(found: Verdict, step: Step, seconds: float = 0.0) -> Verdict:
    return msgspec.structs.replace(found, step=step, seconds=seconds)


def _body(status: int, error: dict[str, Any], rest: float | None) -> bytes:
    """Return the error for clients: its words, and when to come back. Details may name the account or its project."""
    shown: dict[str, Any] = {"code": status, "message": redacted(str(error.get("message") or "no reason was given"))}
    if isinstance(error.get("status"), str):
        shown["status"] = error["status"]
    if rest is not None:
        delay = f"{rest:.3f}".rstrip("0").rstrip(".")
        shown["details"] = [{"@type": _TYPE + "RetryInfo", "retryDelay": f"{delay}s"}]
    return json.encode({"error": shown})
