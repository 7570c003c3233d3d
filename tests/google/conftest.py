"""The folder of an operator, as the tests of the management API have it."""

from __future__ import annotations

from tests.control.conftest import home

__all__ = ["home"]
