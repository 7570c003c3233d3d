"""Who a client is when reverse proxies stand before this server: their word is taken only where it is configured."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from codenex.gateway.exchange import Headers

#: Stands for the Unix socket among trusted proxies, and for its clients in logs.
UNIX = "unix"
_FORWARDED_FOR = re.compile(r'(?:^|;)\s*for=("(?:[^"\\]|\\.)*"|[^;,\s]*)', re.IGNORECASE)
_FORWARDED_PROTO = re.compile(r'(?:^|;)\s*proto="?(https?)"?\s*(?:;|$)', re.IGNORECASE)
#: More hops than this are nobody's network.
_HOPS = 32

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class TrustedProxies:
    """Addresses and networks of reverse proxies. ``names`` are as in the setting ``TRUSTED_PROXIES``."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        chosen = tuple(names)
        self._unix = UNIX in chosen
        self._networks = tuple(ipaddress.ip_network(name, strict=False) for name in chosen if name != UNIX)

    def __bool__(self) -> bool:
        return self._unix or bool(self._networks)

    def trusts(self, peer: str) -> bool:
        """Whether a connection's peer is such a proxy."""
        if peer == UNIX:
            return self._unix
        address = _address(peer)
        return address is not None and self._holds(address)

    def client(self, headers: Headers, peer: str) -> str:
        """Return the address of the client that a trusted proxy speaks for; ``peer`` where it says nothing usable.

        Each proxy appends the address that it saw, so the last one that is no trusted proxy's is the client. A request
        with both ``Forwarded`` and ``X-Forwarded-For`` has to say the same in both: a proxy writes one of them, and
        the other one may be the client's invention.
        """
        told: set[str | None] = set()
        for name, read in (("x-forwarded-for", _addresses), ("forwarded", _forwarded_addresses)):
            values = [value for key, value in headers if key == name]
            if values:
                told.add(self._nearest(read(",".join(values))))
        if len(told) != 1:
            return peer
        return told.pop() or peer

    def scheme(self, headers: Headers, own: str) -> str:
        """Return the scheme that the client used, as a trusted proxy tells it, or the connection's own."""
        told: set[str] = set()
        for key, value in headers:
            last = value.rpartition(",")[2].strip()
            if key == "x-forwarded-proto" and last.lower() in ("http", "https"):
                told.add(last.lower())
            elif key == "forwarded" and (found := _FORWARDED_PROTO.search(last)) is not None:
                told.add(found[1].lower())
        return told.pop() if len(told) == 1 else own

    def _nearest(self, hops: list[Address | None]) -> str | None:
        for address in reversed(hops[-_HOPS:]):
            if address is None:
                return None
            if not self._holds(address):
                return str(address)
        return None

    def _holds(self, address: Address) -> bool:
        return any(address in network for network in self._networks if network.version == address.version)


def _addresses(value: str) -> list[Address | None]:
    return [_address(piece.strip()) for piece in value.split(",")]


def _forwarded_addresses(value: str) -> list[Address | None]:
    found: list[Address | None] = []
    for hop in value.split(","):
        match = _FORWARDED_FOR.search(hop)
        found.append(None if match is None else _address(match[1].strip('"')))
    return found


def _address(text: str) -> Address | None:
    """Read an address, with or without a port, as the two headers write it."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return found if mapped is None else mapped
