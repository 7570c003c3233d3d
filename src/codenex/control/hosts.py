"""By which names the management API may be called.

A page of anybody's can have its own name lead to this machine (DNS rebinding), and then is of the same origin for the
browser. It can't choose an address, and no name without a dot: those and names that are configured are let in.
"""

from __future__ import annotations

import ipaddress
import re

from codenex.control.errors import ConfigurationError

_NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_PORT = re.compile(r":[0-9]{0,5}$")


def checked_hosts(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of ``ALLOWED_HOSTS`` in lower case. Raises :class:`ConfigurationError`."""
    found = tuple(name.lower().rstrip(".") for name in names)
    for name in found:
        if _NAME.fullmatch(name) is None:
            raise ConfigurationError(
                f"ALLOWED_HOSTS names {name[:100]!r}, which is no name of a host (gateway.example.com, *.example.com):"
                " addresses are allowed always, and ports are left out"
            )
    return found


def host_is_allowed(header: str, allowed: tuple[str, ...]) -> bool:
    """Whether a ``Host`` header names this server: by an address, a name without a dot, or an allowed name, where
    ``*.`` stands for any names in front."""
    name = _PORT.sub("", header.strip().lower()).rstrip(".")
    if _is_address(name) or name == "localhost" or name.endswith(".localhost"):
        return True
    if _NAME.fullmatch(name) is None or name.startswith("*"):
        return False
    return "." not in name or any(_fits(name, one) for one in allowed)


def _fits(name: str, allowed: str) -> bool:
    return name.endswith(allowed[1:]) if allowed.startswith("*.") else name == allowed


def _is_address(name: str) -> bool:
    bracketed = name.startswith("[") and name.endswith("]")
    try:
        address = ipaddress.ip_address(name[1:-1] if bracketed else name)
    except ValueError:
        return False
    return bracketed == (address.version == 6)
