"""The trace that a request belongs to (W3C Trace Context, level 1), as it goes on to the upstream.

Where traces are sent, the gateway has a span of its own for the request: a child of the client's, or the first of a new
trace. The upstream's parent is that span then. Where they aren't, the client's context goes on unchanged, to upstreams
of other protocols too; nothing is made up.
"""

from __future__ import annotations

import os
import re

from codenex.core.notes import Notes
from codenex.gateway.exchange import Exchange, Headers

_PARENT = "traceparent"
_STATE = "tracestate"
_NAMES = frozenset((_PARENT, _STATE))
#: Of later versions, of which more may follow, the same part is read. Neither id is all zeros; version ff is none.
_CONTEXT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?![^-])")
_LENGTH = 55


def begin_trace(exchange: Exchange) -> None:
    """Note the gateway's own span as ``trace``, in the form of the header, and the client's as ``traceparent`` where
    there is one."""
    sent = exchange.header(_PARENT) or ""
    found = _CONTEXT.match(sent)
    notes = exchange.notes
    if found is None:
        trace, flags = os.urandom(16).hex(), "01"
    else:
        trace, flags = found[1], found[3]
        notes.more["traceparent"] = sent[:_LENGTH]
    notes.more["trace"] = f"00-{trace}-{os.urandom(8).hex()}-{flags}"


def carried(headers: Headers) -> Headers:
    """Return what of a client's headers goes to an upstream of another protocol."""
    return [pair for pair in headers if pair[0] in _NAMES]


def within(headers: Headers, notes: Notes) -> Headers:
    """Return an upstream's headers with the gateway's own span as the parent. ``notes`` have it."""
    # What belongs to a trace that is not gone on with says nothing.
    left_out = (_PARENT,) if "traceparent" in notes.more else _NAMES
    return [*(pair for pair in headers if pair[0] not in left_out), (_PARENT, notes.more["trace"])]
