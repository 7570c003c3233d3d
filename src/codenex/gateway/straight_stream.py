"""What the straight way asks of an upstream for a stream that passes through."""

from __future__ import annotations

from typing import Any

from codenex.core import json
from codenex.core.spoke import Spoke
from codenex.gateway.edits import Head, edited
from codenex.gateway.plans import Leg

#: Protocol → the end of a request that asks for the usage of its stream, where nothing like that stands in it.
_options: dict[str, bytes] = {}


def asked(head: Head, body: bytes, spoke: Spoke, leg: Leg) -> tuple[bytes, bool]:
    """Return a request for a stream as it goes up, and whether it asks for usage that the client didn't ask for."""
    renamed = leg.renames_from != head.model
    option = spoke.usage_option if leg.behind.capabilities.include_usage_option else None
    if option is None:
        return edited(head, {"model": leg.model}) if renamed else body, False
    if head.optionless and not renamed:
        # What nearly all clients send: nothing needs to be read.
        name = spoke.name
        members = _options[name] if name in _options else _options.setdefault(name, _members(spoke))
        if body[-1:] == b"}":
            # As appended does.
            return body[:-1] + members, True
    added = option(head.fields)
    changes = {"model": leg.model, **added} if renamed else added
    return edited(head, changes) if changes else body, bool(added)


def _members(spoke: Spoke) -> bytes:
    added: dict[str, Any] = {} if spoke.usage_option is None else spoke.usage_option({})
    return b"," + json.encode(added)[1:]
