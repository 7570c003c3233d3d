"""What is said of an upstream whose answer is none, is late, or breaks off."""

from __future__ import annotations

import httptools

from codenex.core.errors import Fault, FaultKind


class ConnectionStale(Exception):
    """A kept connection ended before it brought a single byte: the request may be sent again."""


def nonsense(authority: str, reason: str, code: str = "upstream_protocol") -> Fault:
    """Build the fault of an upstream that gives no valid answer."""
    return Fault(FaultKind.UPSTREAM, f"No valid answer from {authority}: {reason}.", code=code)


def truncated(authority: str) -> Fault:
    """Build the fault of an answer that breaks off."""
    return Fault(
        FaultKind.UPSTREAM_TRUNCATED, f"The answer of {authority} ended before it was whole.", code="upstream_truncated"
    )


def unparsable(authority: str, error: Exception, *, in_body: bool) -> Fault:
    """Build the fault of what the parser has refused."""
    if isinstance(error, httptools.HttpParserCallbackError):
        return nonsense(authority, "its response head is too large")
    if isinstance(error, httptools.HttpParserUpgrade):
        return nonsense(authority, "it switched protocols")
    if in_body:
        # The head was fine, so what is broken is the framing of the body.
        return Fault(
            FaultKind.UPSTREAM_TRUNCATED, f"The answer of {authority} is broken: {error}.", code="upstream_truncated"
        )
    return nonsense(authority, f"it does not speak HTTP/1.1 ({error})")


def late(authority: str, *, begun: bool, in_all: bool) -> Fault:
    """Build the fault of an answer that has ``begun`` or not, and takes too long ``in_all`` or for its next part."""
    if in_all:
        code, what = "total_timeout", "did not finish its answer in time"
    elif begun:
        code, what = "idle_timeout", "stopped in the middle of its answer"
    else:
        code, what = "first_byte_timeout", "did not begin its answer in time"
    return Fault(FaultKind.UPSTREAM_TIMEOUT, f"{authority} {what}.", code=code)
