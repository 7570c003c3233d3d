"""The proxy that the system's environment variables name for an upstream, as other programs read them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping


def system_proxy(scheme: str, host: str, port: int, environment: Mapping[str, str]) -> str | None:
    """Return the value of ``HTTPS_PROXY`` or ``HTTP_PROXY``, else ``ALL_PROXY``, unless ``NO_PROXY`` names the host.

    Lower-case names go before upper-case ones.
    """
    if _excepted(host.lower(), port, _value("no_proxy", environment)):
        return None
    return _value(f"{scheme}_proxy", environment) or _value("all_proxy", environment) or None


def _value(name: str, environment: Mapping[str, str]) -> str:
    return environment.get(name, environment.get(name.upper(), "")).strip()


def _excepted(host: str, port: int, exceptions: str) -> bool:
    for entry in exceptions.lower().replace(",", " ").split():
        if entry == "*":
            return True
        name, _, own_port = entry.rpartition(":") if entry.count(":") == 1 else (entry, "", "")
        if own_port and own_port != str(port):
            continue
        if _within(host, name):
            return True
        name = name.removeprefix("*").removeprefix(".").strip("[]")
        if host == name or host.endswith(f".{name}"):
            return True
    return False


def _within(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
