"""Every pitfall that breaks clients or degrades silently has a test that names it, or a reason."""

from __future__ import annotations

from tests.pitfalls.document import DOCUMENT, catalogue, document, proofs


def test_every_pitfall_has_a_test_or_a_reason() -> None:
    tests = proofs()
    without = [one.id for one in catalogue() if one.severity in "BS" and one.reason is None and one.id not in tests]
    both = [one.id for one in catalogue() if one.reason is not None and one.id in tests]

    assert not without
    assert not both


def test_tests_name_pitfalls_that_there_are() -> None:
    assert not proofs().keys() - {one.id for one in catalogue()}


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text() == document(), "run: python -m tests.pitfalls.document"
