"""What the management API may ask of whoever runs the processes."""

from __future__ import annotations

from typing import Any

import msgspec


class Reloaded(msgspec.Struct, frozen=True):
    """The generation in use after a reload, and what is wrong with the files."""

    revision: int
    problems: list[str]


class Supervision:
    """The seam between the management API and the processes. ``report`` is the master's last word about them:
    ``processes``, ``master`` (its id) and ``settled`` (whether nothing is being replaced)."""

    mode = "standalone"

    def __init__(self) -> None:
        self.report: dict[str, Any] = {}

    def current(self) -> dict[str, Any]:
        """Return the report as it is now."""
        return self.report

    async def reload(self) -> Reloaded:
        """Read the configuration again; requests from now on are served by the new generation.

        Raises ``TimeoutError``.
        """
        raise NotImplementedError

    async def restart(self) -> None:
        """Replace every process without dropping a request."""
        raise NotImplementedError
