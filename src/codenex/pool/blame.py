"""Who is to blame for a fault: decides whether another account is tried, and what happens to the one that failed."""

from __future__ import annotations

from enum import StrEnum

from codenex.core.errors import Fault, FaultKind


class Blame(StrEnum):
    """The failure classes."""

    #: the request itself is wrong; every account would say so, and none is counted
    CALLER = "caller"
    #: the account as a whole can't be used (key, billing, permission)
    ACCOUNT = "account"
    #: the account can't be used for this model for a while (rate limit, quota)
    ACCOUNT_MODEL = "account_model"
    #: the upstream is down, slow or broken
    UPSTREAM = "upstream"
    #: the gateway itself or the client's departure; nobody upstream is counted
    GATEWAY = "gateway"


_BLAME: dict[FaultKind, Blame] = {
    FaultKind.INVALID_REQUEST: Blame.CALLER,
    FaultKind.UNSUPPORTED: Blame.CALLER,
    FaultKind.CONTEXT_LENGTH: Blame.CALLER,
    FaultKind.CONTENT_POLICY: Blame.CALLER,
    FaultKind.NOT_FOUND: Blame.CALLER,
    FaultKind.MODEL_NOT_FOUND: Blame.CALLER,
    FaultKind.METHOD_NOT_ALLOWED: Blame.CALLER,
    FaultKind.REQUEST_TIMEOUT: Blame.UPSTREAM,
    FaultKind.CONFLICT: Blame.CALLER,
    FaultKind.TOO_LARGE: Blame.CALLER,
    FaultKind.URI_TOO_LONG: Blame.CALLER,
    FaultKind.UNSUPPORTED_MEDIA_TYPE: Blame.CALLER,
    FaultKind.UNPROCESSABLE: Blame.CALLER,
    FaultKind.HEADERS_TOO_LARGE: Blame.CALLER,
    FaultKind.AUTHENTICATION: Blame.ACCOUNT,
    FaultKind.BILLING: Blame.ACCOUNT,
    FaultKind.PERMISSION: Blame.ACCOUNT_MODEL,
    FaultKind.RATE_LIMIT: Blame.ACCOUNT_MODEL,
    FaultKind.OVERLOADED: Blame.UPSTREAM,
    FaultKind.INTERNAL: Blame.UPSTREAM,
    FaultKind.UPSTREAM: Blame.UPSTREAM,
    FaultKind.UPSTREAM_CONNECT: Blame.UPSTREAM,
    FaultKind.UPSTREAM_TRUNCATED: Blame.UPSTREAM,
    FaultKind.UPSTREAM_TIMEOUT: Blame.UPSTREAM,
    FaultKind.UNAVAILABLE: Blame.UPSTREAM,
    FaultKind.CANCELLED: Blame.GATEWAY,
}

#: Finer reasons that say more than their kind.
_BLAME_BY_CODE = {"account_unusable": Blame.ACCOUNT}

#: Limits of our own, unless an upstream says so: no account is any the worse for them, and none would do better.
_OWN_LIMITS = frozenset(("body_budget", "upstream_connections"))


def blame(fault: Fault) -> Blame:
    """Return the failure class of a fault that an attempt ended with."""
    if fault.code in _OWN_LIMITS and not fault.from_upstream:
        return Blame.GATEWAY
    return _BLAME_BY_CODE.get(fault.code or "") or _BLAME[fault.kind]


def may_try_another(fault: Fault) -> bool:
    """Whether another account could do better. A timeout after the whole request was sent is not repeated: it
    costs money."""
    if fault.kind is FaultKind.UPSTREAM_TIMEOUT and fault.code == "first_byte_timeout":
        return False
    return blame(fault) in (Blame.ACCOUNT, Blame.ACCOUNT_MODEL, Blame.UPSTREAM)
