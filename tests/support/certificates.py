"""A certificate authority of our own, for servers that speak TLS and for those that do it badly."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from functools import cached_property

import trustme


class Authority:
    """Issues certificates; ``trust`` is a client context that believes them and nothing else."""

    @cached_property
    def _authority(self) -> trustme.CA:
        return trustme.CA()

    @property
    def pem(self) -> bytes:
        """The root certificate, for a client's list of authorities."""
        return self._authority.cert_pem.bytes()

    def server(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """A server-side context for those names and addresses (127.0.0.1 if none are given)."""
        end = datetime.now(UTC) - timedelta(days=1) if expired else None
        issued = self._authority.issue_cert(*(names or ("127.0.0.1", "localhost")), not_after=end)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued.configure_cert(context)
        return context

    def trust(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._authority.configure_trust(context)
        return context
