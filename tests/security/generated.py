"""Requests made of the OpenAPI document, sent to a running server; what it answers is held against the document."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
#: What would end the session or the test, or answers without an end; other tests have them.
LEFT_OUT = {
    ("POST", "/api/logout"),
    ("DELETE", "/api/sessions/{session_id}"),
    ("GET", "/api/events"),
}


@dataclass
class Found:
    """What became of the requests."""

    sent: int = 0
    #: how many operations answered each status
    statuses: collections.Counter[tuple[str, int]] = field(default_factory=collections.Counter)
    mistakes: list[str] = field(default_factory=list)


def operations(document: dict[str, Any]) -> Iterator[APIOperation[Any, Any, Any, Any]]:
    """Every operation of a document but those that are left out."""
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = result.ok()
        if (operation.method.upper(), operation.path) not in LEFT_OUT:
            yield operation


def tried(document: dict[str, Any], url: str, session: str, known: dict[str, list[str]], examples: int) -> Found:
    """Send ``examples`` requests that fit the document for each operation, and as many that don't; half of the places
    in paths get one of the ``known`` values."""
    found = Found()
    for operation in operations(document):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            strategy = operation.as_strategy(generation_mode=mode)
            try:
                _try(operation, strategy, url, session, known, examples, found)
            except Unsatisfiable:
                # What takes nothing can't be given anything wrong.
                if mode == GenerationMode.POSITIVE:
                    raise
    return found


def _try(
    operation: APIOperation[Any, Any, Any, Any],
    strategy: st.SearchStrategy[Any],
    url: str,
    session: str,
    known: dict[str, list[str]],
    examples: int,
    found: Found,
) -> None:
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy, st.data())
    def send(case: Any, data: Any) -> None:
        for name in case.path_parameters or ():
            if known.get(name) and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(known[name]))
        answer = case.call(base_url=url, headers={"authorization": f"Bearer {session}"}, timeout=30)
        found.sent += 1
        found.statuses[operation.label, answer.status_code] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            found.mistakes += [_told(operation, case, answer, failure) for failure in group.exceptions]
        except Failure as failure:
            found.mistakes.append(_told(operation, case, answer, failure))

    send()


def _told(operation: Any, case: Any, answer: Any, failure: BaseException) -> str:
    sent = f"{case.path_parameters} {case.query} {case.headers} {case.body!r}"[:600]
    reason = " ".join(str(failure).split())[:600]
    return f"{operation.label} {answer.status_code} {reason}: {sent}: {answer.content[:300]!r}"
