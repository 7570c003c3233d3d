"""Which addresses belong to the public internet. Everything else is somebody's inside, and nothing that a client may
have looked at from here. Pure.

The lists stand here, and not in the standard library's ``is_global``: that one changes with Python's versions and knows
nothing of addresses of version 4 that are carried in addresses of version 6. After the IANA registries of special
purpose addresses (RFC 6890 and successors), November 2026.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NOT_PUBLIC_4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        # The host's own service in Microsoft's cloud, at an address that looks public.
        "168.63.129.16/32",
    )
)
#: The one block of version 6 that is given out to the public, and what of it is not theirs: tunnels (Teredo, 6to4),
#: protocols, documentation, overlays.
_PUBLIC_6 = ip_network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    ip_network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
#: The beginnings of interface ids that carry an address of version 4 (ISATAP).
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})


def is_public(address: str) -> bool:
    """Whether an address in numbers (as a resolver gives it) is one of the public internet's."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return not any(found in network for network in _NOT_PUBLIC_4)
    return _is_public_6(found)


def _is_public_6(address: IPv6Address) -> bool:
    if address.scope_id is not None or address not in _PUBLIC_6:
        # This leaves out, too, those that carry one of version 4: mapped, compatible, translated (64:ff9b::/96).
        return False
    if any(address in network for network in _NOT_PUBLIC_6):
        return False
    return (int(address) >> 32) & 0xFFFFFFFF not in _ISATAP
