"""Faults as values."""

from __future__ import annotations

import pytest

from codenex.core.errors import DEFAULT_STATUS, Fault, FaultKind, invalid_request, unsupported


def test_every_kind_has_a_status() -> None:
    assert set(DEFAULT_STATUS) == set(FaultKind)
    assert all(400 <= status <= 504 for status in DEFAULT_STATUS.values())


@pytest.mark.parametrize("kind", FaultKind)
def test_the_status_is_the_kinds_unless_given(kind: FaultKind) -> None:
    assert Fault(kind, "x").status == DEFAULT_STATUS[kind]
    assert Fault(kind, "x", status=418).status == 418


def test_faults_are_compared_by_value() -> None:
    assert invalid_request("a", param="p") == invalid_request("a", param="p")
    assert hash(invalid_request("a")) == hash(invalid_request("a"))
    assert invalid_request("a") != invalid_request("b")
    assert invalid_request("a") != "a"
    assert str(invalid_request("a")) == "a"
    assert (unsupported("x").status, unsupported("x").code) == (400, "unsupported_parameter")
