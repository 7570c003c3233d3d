"""Where each protocol's methods live under an account's base URL, and how the account's key is sent."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote, urlsplit

import msgspec

from codenex.providers.registry import ProviderType
from codenex.store.settings import Account

Method = Literal["generate", "stream", "count", "models", "embed", "embed_many", "response"]

_PATHS: dict[str, dict[Method, str]] = {
    "openai-chat": {
        "generate": "/chat/completions",
        "stream": "/chat/completions",
        "models": "/models",
        "embed": "/embeddings",
        "embed_many": "/embeddings",
    },
    "openai-responses": {
        "generate": "/responses",
        "stream": "/responses",
        "count": "/responses/input_tokens",
        "response": "/responses/{model}",
        "models": "/models",
        "embed": "/embeddings",
        "embed_many": "/embeddings",
    },
    "anthropic": {
        "generate": "/messages",
        "stream": "/messages",
        "count": "/messages/count_tokens",
        "models": "/models?limit=1000",
    },
    "gemini": {
        "generate": "/models/{model}:generateContent",
        "stream": "/models/{model}:streamGenerateContent?alt=sse",
        "count": "/models/{model}:countTokens",
        "models": "/models?pageSize=1000",
        "embed": "/models/{model}:embedContent",
        "embed_many": "/models/{model}:batchEmbedContents",
    },
}


class Endpoint(msgspec.Struct, frozen=True):
    """One address of an upstream. ``target`` is path and query."""

    scheme: str
    host: str
    port: int
    target: str


def endpoint(provider: ProviderType, account: Account, method: Method, model: str = "") -> Endpoint:
    """Return the address of a method for an account. Raises ``KeyError`` where the protocol has no such method."""
    base = base_url(provider, account)
    parts = urlsplit(base)
    path = _PATHS[provider.protocol][method].replace("{model}", quoted_model(model))
    secure = parts.scheme == "https"
    host = parts.hostname or ""
    port = parts.port if parts.port is not None else (443 if secure else 80)
    return Endpoint(parts.scheme, host, port, parts.path + path)


def quoted_model(model: str) -> str:
    """Return a model's name as it stands in a path."""
    return quote(model, safe="/@:-._~")


def base_url(provider: ProviderType, account: Account) -> str:
    """Return the base URL with its version path, without a slash at the end."""
    base = (account.base_url or provider.base_url).strip().rstrip("/")
    if provider.version_path and not base.endswith((provider.version_path, "/v1", "/v1beta", "/v1alpha")):
        base += provider.version_path
    return base


def credential_headers(provider: ProviderType, account: Account) -> list[tuple[str, str]]:
    """Return the headers that carry the account's key."""
    key = account.api_key
    if not key:
        return []
    style = account.auth_style if account.auth_style is not None else provider.credential
    bearer = ("authorization", f"Bearer {key}")
    match style:
        case "bearer":
            return [bearer]
        case "both":
            return [("x-api-key", key), bearer]
        case _:
            return [(style, key)]
