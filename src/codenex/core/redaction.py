"""Keeps secrets out of messages, logs and errors."""

from __future__ import annotations

import re

MASK = "***"

#: Whatever is in a header that an operator gave for an upstream may be a key, but for these.
PLAIN_HEADERS = frozenset(
    ["accept", "accept-language", "content-type", "user-agent", "anthropic-version", "anthropic-beta", "openai-beta"]
)

_PATTERNS = (
    # Keys by the prefixes that vendors give them.
    re.compile(r"\b(?:sk|rk|pk|xai|gsk|cdx|AIza|ya29|GOCSPX|hf|ghp|gho)[-_.]?[A-Za-z0-9_\-.]{12,}"),
    re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(?i)([?&](?:key|api_key|apikey|access_token|token)=)[^&\s\"']+"),
    # Fields of JSON, of JSON in a string, of Python and of headers.
    re.compile(
        r"(?i)((?:api[_-]?key|x-goog-api-key|authorization|access_token|refresh_token|client_secret|password)"
        r"[\\\"']*\s*[:=]\s*[\\\"']*)[^\s\"'\\,}]{6,}"
    ),
    # User and password of a URL, such as a proxy's.
    re.compile(r"(?i)(\b[a-z][a-z0-9+.-]{0,20}://)[^/\s@\"']+@"),
    # A database's password may have been written with characters that should have been encoded.
    re.compile(r"(?i)(\b(?:postgres|postgresql)(?:\+[a-z]{1,20})?://)[^\s\"']{1,512}@"),
)
_REPLACEMENTS = (MASK, rf"\1 {MASK}", rf"\g<1>{MASK}", rf"\g<1>{MASK}", rf"\g<1>{MASK}@", rf"\g<1>{MASK}@")


def redacted(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Return ``text`` without the given secrets and without anything that looks like a credential."""
    text = without(text, secrets)
    for pattern, replacement in zip(_PATTERNS, _REPLACEMENTS, strict=True):
        text = pattern.sub(replacement, text)
    return text


def without(text: str, secrets: tuple[str, ...]) -> str:
    """Return ``text`` without these secrets. Very short ones stay: they would be found in ordinary words."""
    # The longest first: a secret may be the beginning of another.
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= 6:
            text = text.replace(secret, MASK)
    return text


def hinted(secret: str) -> str:
    """Return a form of a secret that its owner recognises: the last four characters of a long one."""
    return f"{MASK}{secret[-4:]}" if len(secret) >= 16 else MASK
