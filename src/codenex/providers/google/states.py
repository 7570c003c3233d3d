"""The states in which a Google account can't be used, and what its operator is told: what it means, what to do. Pure.

The words are for the operator alone: links in them belong to the account.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

NEEDS_LOGIN = "needs_login"


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why an account can't be used. A ``lasting`` one ends only by a login or a check, others are tried again."""

    code: str
    words: str
    link: str | None = None
    lasting: bool = False

    @property
    def told(self) -> str:
        """The words with their link."""
        return self.words if self.link is None else f"{self.words} {self.link}"


#: What to do about a tier that Google refuses, by its reason.
_TIERS = {
    "UNSUPPORTED_CLIENT": "Google no longer serves accounts of individuals (free, AI Pro, AI Ultra, Google One) through"
    " Code Assist, whatever the program. Use an account with Code Assist Standard or Enterprise and name its project"
    " (PROJECT_ID), or the Gemini API with a key (provider type gemini-custom).",
    "DASHER_USER": "this Google Workspace account has no free tier: its administrator has to give it a Code Assist"
    " licence, and PROJECT_ID has to name the project.",
    "INELIGIBLE_ACCOUNT": "Google does not offer Code Assist to this account: use another one.",
    "NON_USER_ACCOUNT": "this is no person's account: log in with a user's.",
    "RESTRICTED_AGE": "Google does not offer Code Assist to accounts of minors, or has not been told the age: check the"
    " account's age at myaccount.google.com.",
    "RESTRICTED_NETWORK": "Google does not serve this server's network: use another network, or a proxy (proxyUrl).",
    "UNSUPPORTED_LOCATION": "Google does not offer this where this server or the account is: use another account, or a"
    " proxy (proxyUrl).",
    "UNKNOWN_LOCATION": "Google could not tell where this server is: use another network, or a proxy (proxyUrl).",
    "UNKNOWN": "Google gives no reason: try again later, or use another account.",
}
_VERIFY = "Google wants this account verified: open the link with this account in a browser, then check the account."
_TERMS = (
    "Google has disabled this account for violation of its terms of service. It is not used any more; an appeal may be"
    " possible, then check the account."
)
_DISABLED = (
    "Google's {service} is not enabled in the project {project}, which owns the OAuth client or was named as"
    " PROJECT_ID. It is a private API that an ordinary project can't enable: an OAuth client of your own can log in"
    " and still not call it. Use a client and a project that Google has enabled for it, or the Gemini API with a key"
    " (provider type gemini-custom)."
)
_VERSION = (
    "Google's server takes only newer versions of Antigravity's own program. This gateway says truthfully what it is"
    " and poses as no other program: where Google insists, these models can't be used."
)
_NO_PROJECT = (
    "Google named no project for this account: set PROJECT_ID to a Google Cloud project with Code Assist, then check"
    " the account."
)
_NOT_SET_UP = (
    "this account has not been set up for the service yet, which makes a project for it at Google: check the account or"
    " log in (codenex login), and it is done."
)

_TERMS_TEXT = re.compile(r"violation of (?:the )?terms of service|been disabled in this account", re.IGNORECASE)
_VERSION_TEXT = re.compile(r"version of \S+ is no longer supported", re.IGNORECASE)


def needs_login(reason: str) -> Problem:
    """Build the problem of a login that has ended."""
    return Problem(NEEDS_LOGIN, f"log in again: {reason}", lasting=True)


def no_project() -> Problem:
    """Build the problem of an account without a project."""
    return Problem("no_project", _NO_PROJECT)


def not_set_up() -> Problem:
    """Build the problem of an account that would have to be set up first, which no request does."""
    return Problem("not_set_up", _NOT_SET_UP, lasting=True)


def problem_of(error: dict[str, Any]) -> Problem | None:
    """Return what an error object says about the account; ``None`` where it is about the request."""
    message = str(error.get("message") or "")
    details = [detail for detail in error.get("details") or [] if isinstance(detail, dict)]
    metadata = _metadata(details)
    reasons = {str(detail.get("reason")) for detail in details}
    if "VALIDATION_REQUIRED" in reasons:
        return Problem(
            "validation_required", _VERIFY, _link(details, metadata, "validation_link", "validation_url"), True
        )
    if "TOS_VIOLATION" in reasons or _TERMS_TEXT.search(message) is not None:
        return Problem("terms_of_service", _TERMS, _link(details, metadata, "appeal_url"), True)
    if "SERVICE_DISABLED" in reasons:
        service = str(metadata.get("service") or "service")
        project = str(metadata.get("consumer") or "").removeprefix("projects/") or "that was used"
        return Problem("service_disabled", _DISABLED.format(service=service[:80], project=project[:80]))
    if "UNSUPPORTED_CLIENT" in reasons:
        return Problem("unsupported_client", _TIERS["UNSUPPORTED_CLIENT"])
    if _VERSION_TEXT.search(message) is not None:
        return Problem("client_refused", _VERSION)
    return None


def problem_of_tiers(tiers: list[dict[str, Any]]) -> Problem:
    """Return what the tiers that an account is not eligible for say."""
    for tier in tiers:
        if tier.get("reasonCode") == "VALIDATION_REQUIRED":
            link = _safe(tier.get("validationUrl")) or _safe(tier.get("validationLearnMoreUrl"))
            return Problem("validation_required", _VERIFY, link, True)
    for tier in tiers:
        reason = str(tier.get("reasonCode") or "UNKNOWN")
        if reason in _TIERS and reason != "UNKNOWN":
            return Problem(reason.lower(), _TIERS[reason])
    texts = "; ".join(str(tier["reasonMessage"])[:300] for tier in tiers if tier.get("reasonMessage"))
    return Problem("ineligible", f"{_TIERS['UNKNOWN']} Google's words: {texts}" if texts else _TIERS["UNKNOWN"])


def _metadata(details: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for detail in details:
        if isinstance(detail.get("metadata"), dict):
            found.update(detail["metadata"])
    return found


def _link(details: list[dict[str, Any]], metadata: dict[str, Any], *names: str) -> str | None:
    for detail in details:
        for link in detail.get("links") or [] if str(detail.get("@type", "")).endswith("google.rpc.Help") else []:
            if isinstance(link, dict) and (found := _safe(link.get("url"))) is not None:
                return found
    return next((found for name in names if (found := _safe(metadata.get(name))) is not None), None)


def _safe(link: Any) -> str | None:
    """Return a link that may be shown to be opened: one of the web's."""
    if not isinstance(link, str) or len(link) > 2000:
        return None
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    return link if parts.scheme in ("http", "https") and parts.hostname else None
