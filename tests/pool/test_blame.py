"""The table of blame, in both directions: every fault has one class, every class is somebody's, and each class has its
consequences."""

from __future__ import annotations

import pytest

from codenex.core.errors import DEFAULT_STATUS, Fault, FaultKind
from codenex.pool import blame as table
from codenex.pool import health
from codenex.pool.blame import Blame, blame, may_try_another
from codenex.pool.health import AccountState

#: Written a second time, after the failure classes of the architecture, so that no row changes by accident.
CLASSES: dict[Blame, set[FaultKind]] = {
    Blame.CALLER: {
        FaultKind.INVALID_REQUEST,
        FaultKind.UNSUPPORTED,
        FaultKind.CONTEXT_LENGTH,
        FaultKind.CONTENT_POLICY,
        FaultKind.NOT_FOUND,
        FaultKind.MODEL_NOT_FOUND,
        FaultKind.METHOD_NOT_ALLOWED,
        FaultKind.CONFLICT,
        FaultKind.TOO_LARGE,
        FaultKind.URI_TOO_LONG,
        FaultKind.UNSUPPORTED_MEDIA_TYPE,
        FaultKind.UNPROCESSABLE,
        FaultKind.HEADERS_TOO_LARGE,
    },
    Blame.ACCOUNT: {FaultKind.AUTHENTICATION, FaultKind.BILLING},
    Blame.ACCOUNT_MODEL: {FaultKind.RATE_LIMIT, FaultKind.PERMISSION},
    Blame.UPSTREAM: {
        FaultKind.REQUEST_TIMEOUT,
        FaultKind.OVERLOADED,
        FaultKind.INTERNAL,
        FaultKind.UPSTREAM,
        FaultKind.UPSTREAM_CONNECT,
        FaultKind.UPSTREAM_TRUNCATED,
        FaultKind.UPSTREAM_TIMEOUT,
        FaultKind.UNAVAILABLE,
    },
    Blame.GATEWAY: {FaultKind.CANCELLED},
}
#: What becomes of the account, and whether another one is tried.
CONSEQUENCES: dict[Blame, tuple[str, bool]] = {
    Blame.CALLER: ("nothing", False),
    Blame.ACCOUNT: ("retired", True),
    Blame.ACCOUNT_MODEL: ("rests for the model", True),
    Blame.UPSTREAM: ("counted", True),
    Blame.GATEWAY: ("nothing", False),
}


def test_the_table_is_total_and_has_no_row_too_many() -> None:
    assert set(table._BLAME) == set(FaultKind) == set(DEFAULT_STATUS)
    assert set(table._BLAME.values()) == set(Blame) == set(CLASSES) == set(CONSEQUENCES)
    assert sum(map(len, CLASSES.values())) == len(FaultKind)


@pytest.mark.parametrize("kind", FaultKind)
def test_every_kind_is_in_its_class(kind: FaultKind) -> None:
    (expected,) = (name for name, kinds in CLASSES.items() if kind in kinds)
    assert blame(Fault(kind, "x")) is expected


@pytest.mark.parametrize("kind", FaultKind)
def test_every_class_has_its_consequences(kind: FaultKind) -> None:
    fault = Fault(kind, "x")
    consequence, another = CONSEQUENCES[blame(fault)]
    after = health.failed(AccountState(), fault, "m", 100.0, 3)

    assert may_try_another(fault) is another
    assert after.available("m", 100.0) is not (consequence in ("retired", "rests for the model"))
    assert after.available("other", 100.0) is not (consequence == "retired")
    assert after.consecutive_errors == (1 if consequence == "counted" else 0)
    assert (after == AccountState()) is (consequence == "nothing")


@pytest.mark.parametrize("status", [None, 400, 401, 418, 429, 500, 529])
@pytest.mark.parametrize("kind", FaultKind)
def test_the_class_depends_on_the_kind_alone(kind: FaultKind, status: int | None) -> None:
    fault = Fault(kind, "x", status=status, code="anything", from_upstream=True, retry_after=1)
    assert blame(fault) is blame(Fault(kind, "x"))


@pytest.mark.parametrize("code", ["body_budget", "upstream_connections"])
def test_a_limit_of_our_own_is_nobodys_fault_upstream(code: str) -> None:
    assert blame(Fault(FaultKind.OVERLOADED, "no room", code=code)) is Blame.GATEWAY
    # Another gateway behind this one may say the same of itself.
    assert blame(Fault(FaultKind.OVERLOADED, "no room", code=code, from_upstream=True)) is Blame.UPSTREAM


def test_only_the_silence_after_a_whole_request_is_not_repeated() -> None:
    for kind in FaultKind:
        fault = Fault(kind, "x", code="first_byte_timeout")
        expected = CONSEQUENCES[blame(fault)][1] and kind is not FaultKind.UPSTREAM_TIMEOUT
        assert may_try_another(fault) is expected
