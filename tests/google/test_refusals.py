"""What Google's refusals mean: every form of 429, every state of an account, and what is done next."""

from __future__ import annotations

from typing import Any

import pytest

from codenex.core import json
from codenex.providers.google.limits import duration, limit_of
from codenex.providers.google.refusals import verdict
from codenex.providers.google.states import problem_of, problem_of_tiers

RPC = "type.googleapis.com/google.rpc."
NOW = 1_767_225_600.0


def error(message: str = "Resource has been exhausted", **details: Any) -> dict[str, Any]:
    return {
        "code": 429,
        "message": message,
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": RPC + name, **detail} for name, detail in details.items()],
    }


def info(reason: str, **metadata: str) -> dict[str, Any]:
    return {"reason": reason, "domain": "cloudcode-pa.googleapis.com", "metadata": metadata}


LIMITS = [
    (error(RetryInfo={"retryDelay": "0.847655010s"}), 0.84765501, False),
    (error(ErrorInfo=info("RATE_LIMIT_EXCEEDED", quotaResetDelay="373.801628ms")), 0.373801628, False),
    (error(ErrorInfo=info("QUOTA_EXHAUSTED", quotaResetDelay="1h16m0.667s")), 4560.667, True),
    (error(ErrorInfo=info("QUOTA_EXHAUSTED", quotaResetTimeStamp="2026-01-01T00:10:00Z")), 600.0, True),
    (error(ErrorInfo=info("QUOTA_EXHAUSTED")), 3600.0, True),
    (error(ErrorInfo=info("INSUFFICIENT_G1_CREDITS_BALANCE")), 3600.0, True),
    (error(ErrorInfo=info("RATE_LIMIT_EXCEEDED")), 10.0, False),
    (error(ErrorInfo=info("RATE_LIMIT_EXCEEDED", quotaResetDelay="301s")), 301.0, True),
    (error(QuotaFailure={"violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}), 3600.0, True),
    (error(QuotaFailure={"violations": [{"quotaId": "RequestsPerMinutePerUser"}]}), 60.0, False),
    (error("You have exhausted your capacity. Your quota will reset after 1h2m3s."), 3723.0, True),
    (error("Please retry in 5.2s."), 5.2, False),
    (error("Please retry in 900ms"), 0.9, False),
    ({"code": 429, "message": "Too many"}, 5.0, False),
    ({}, 5.0, False),
    ({"details": ["x", {"@type": RPC + "RetryInfo", "retryDelay": {"seconds": "2", "nanos": 5e8}}]}, 2.5, False),
    ({"details": [{"@type": RPC + "RetryInfo", "retryDelay": "soon"}]}, 5.0, False),
]


@pytest.mark.parametrize(("said", "seconds", "terminal"), LIMITS)
def test_every_form_of_a_limit(said: dict[str, Any], seconds: float, terminal: bool) -> None:
    found = limit_of(said, NOW)
    assert (round(found.seconds, 6), found.terminal) == (round(seconds, 6), terminal)
    judged = verdict(429, {"error": said}, "m", NOW, attempt=0, patient=False, more_hosts=False)
    assert (judged.step, judged.status) == ("answer", 429)
    # What goes to clients says when to come back, and nothing of the account.
    told = json.decode(judged.body)["error"]
    assert {detail["@type"] for detail in told["details"]} == {RPC + "RetryInfo"}
    assert "metadata" not in str(told)


@pytest.mark.parametrize("text", ["", "s", "1x", "1h 2x", "-1s", "1h16m0.667"])
def test_what_is_no_duration(text: str) -> None:
    assert duration(text) is None


@pytest.mark.parametrize(("text", "seconds"), [("1.5h", 5400.0), ("2m", 120.0), ("5µs", 5e-6), ("7ns", 7e-9)])
def test_units(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


HELP = {"links": [{"description": "Verify", "url": "https://accounts.google.com/verify?x=1"}]}
STATES = [
    (
        error(
            "Cloud Code Private API has not been used in project 12 before or it is disabled.",
            ErrorInfo=info("SERVICE_DISABLED", service="cloudcode-pa.googleapis.com", consumer="projects/12"),
        ),
        "service_disabled",
        "cloudcode-pa.googleapis.com is not enabled in the project 12",
        False,
    ),
    (
        error("Verify", ErrorInfo=info("VALIDATION_REQUIRED"), Help=HELP),
        "validation_required",
        "https://accounts.google.com/verify?x=1",
        True,
    ),
    (
        error("Verify", ErrorInfo=info("VALIDATION_REQUIRED", validation_link="https://v.example/")),
        "validation_required",
        "https://v.example/",
        True,
    ),
    (
        error(
            "Gemini service has been disabled in this account for violation of Terms of Service",
            ErrorInfo=info("TOS", appeal_url="https://appeal.example/"),
        ),
        "terms_of_service",
        "https://appeal.example/",
        True,
    ),
    (
        error("This client is no longer supported", ErrorInfo=info("UNSUPPORTED_CLIENT")),
        "unsupported_client",
        "gemini-custom",
        False,
    ),
    (error("This version of Antigravity is no longer supported"), "client_refused", "poses as no other", False),
]


@pytest.mark.parametrize(("said", "code", "words", "lasting"), STATES)
def test_every_state_of_an_account_is_told_in_words(said: Any, code: str, words: str, lasting: bool) -> None:
    found = problem_of(said)
    assert found is not None
    assert (found.code, found.lasting) == (code, lasting)
    assert words in found.told
    assert verdict(403, {"error": said}, "m", NOW, attempt=0, patient=True, more_hosts=True).step == "account"


def test_a_link_that_is_none_of_the_webs_is_not_shown() -> None:
    said = error("Verify", ErrorInfo=info("VALIDATION_REQUIRED", validation_link="javascript:alert(1)"))
    found = problem_of(said)
    assert found is not None
    assert found.link is None


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("UNSUPPORTED_CLIENT", "individuals"),
        ("DASHER_USER", "Workspace"),
        ("INELIGIBLE_ACCOUNT", "another"),
        ("NON_USER_ACCOUNT", "person"),
        ("RESTRICTED_AGE", "age"),
        ("RESTRICTED_NETWORK", "network"),
        ("UNSUPPORTED_LOCATION", "proxyUrl"),
        ("UNKNOWN_LOCATION", "where this server is"),
        ("UNKNOWN", "Their text"),
        ("SOMETHING_NEW", "Their text"),
    ],
)
def test_every_reason_of_a_tier(reason: str, words: str) -> None:
    assert words in problem_of_tiers([{"reasonCode": reason, "reasonMessage": "Their text"}]).told


def test_a_tier_that_wants_verification_goes_first() -> None:
    tiers = [
        {"reasonCode": "UNSUPPORTED_CLIENT"},
        {"reasonCode": "VALIDATION_REQUIRED", "validationUrl": "https://v.example/"},
    ]
    found = problem_of_tiers(tiers)
    assert (found.code, found.link) == ("validation_required", "https://v.example/")


SOON = error(RetryInfo={"retryDelay": "2s"})
LATER = error(RetryInfo={"retryDelay": "200s"})
BARE: dict[str, Any] = {"code": 429, "message": "no"}
FULL = {"code": 503, "message": "No capacity available"}


@pytest.mark.parametrize(
    ("status", "said", "attempt", "more", "step", "seconds"),
    [
        (429, SOON, 0, True, "wait", 2.8),
        (429, SOON, 1, True, "host", 0.0),
        (429, SOON, 1, False, "answer", 0.0),
        (429, LATER, 0, True, "host", 0.0),
        (429, LATER, 0, False, "answer", 0.0),
        (429, BARE, 0, True, "wait", 0.5),
        (429, BARE, 2, True, "wait", 1.5),
        (429, BARE, 3, True, "host", 0.0),
        (429, error(ErrorInfo=info("QUOTA_EXHAUSTED")), 0, True, "answer", 0.0),
        (499, BARE, 3, False, "answer", 0.0),
        (503, FULL, 0, True, "wait", 0.25),
        (503, FULL, 2, True, "host", 0.0),
        (503, FULL, 2, False, "answer", 0.0),
        (404, {"message": "gone"}, 0, True, "host", 0.0),
        (404, {"message": "gone"}, 0, False, "answer", 0.0),
        (400, {"message": "bad"}, 0, True, "answer", 0.0),
        (403, {"message": "no"}, 0, True, "answer", 0.0),
        (401, {"message": "no"}, 0, True, "renew", 0.0),
        (500, {"message": "no"}, 0, True, "answer", 0.0),
    ],
)
def test_what_antigravity_does_next(
    status: int, said: Any, attempt: int, more: bool, step: str, seconds: float
) -> None:
    found = verdict(status, {"error": said}, "m", NOW, attempt=attempt, patient=True, more_hosts=more)
    assert (found.step, found.seconds) == (step, pytest.approx(seconds))
