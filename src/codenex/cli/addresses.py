"""Addresses as people and URLs write them."""

from __future__ import annotations


def shown(host: str, port: int) -> str:
    """Return host and port in one text, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
