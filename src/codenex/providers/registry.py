"""The provider types, one row each: what they speak, where they live, how a key is sent, which models they have by
default.

A provider that speaks one of the four protocols is a row here and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from codenex.core.losses import Losses
from codenex.models import anthropic as anthropic_models
from codenex.models import antigravity as antigravity_models
from codenex.models import claude_code as claude_code_models
from codenex.models import code_assist as code_assist_models
from codenex.models import gemini as gemini_models
from codenex.models import openai as openai_models
from codenex.models.capabilities import Capabilities
from codenex.providers.claude_code.fitting import fitted
from codenex.providers.google.fitting import fitted_antigravity, fitted_code_assist
from codenex.providers.google.service import ANTIGRAVITY, CODE_ASSIST, Service

CapabilitiesOf = Callable[[str, str, dict[str, Any]], Capabilities]
#: Makes of a body what the upstream takes for a model; what it can't take is a loss. Raises ``unsupported``.
Fit = Callable[[bytes, str, Losses], bytes]


class ProviderType(msgspec.Struct, frozen=True):
    """One provider type.

    ``protocol`` is the name of its spoke; ``key_field`` and ``base_url_field`` are the names in pool files and
    environment;
    ``version_path`` is appended to a base URL that lacks it (``/v1``, ``/v1beta``), where operators may leave it out;
    ``credential`` is the default way to send the key: ``bearer``, ``x-api-key`` or ``x-goog-api-key``;
    ``capabilities(model, host, overrides)`` gives the facts of a model.
    """

    name: str
    protocol: str
    base_url: str
    capabilities: CapabilitiesOf
    key_field: str | None = None
    base_url_field: str | None = None
    version_path: str = ""
    credential: str = "bearer"
    models: tuple[str, ...] = ()
    #: headers that every request to this type carries unless the client sent its own
    headers: tuple[tuple[str, str], ...] = ()
    default_model: str | None = None
    #: a program of this machine takes the requests, in place of an address
    program: str | None = None
    #: one of Google's services takes them, in an envelope and in the name of somebody who has logged in
    google: Service | None = None
    #: where it is there, every request is rebuilt for the upstream, and this has the last word
    fit: Fit | None = None


def _anthropic(model: str, host: str, overrides: dict[str, Any]) -> Capabilities:
    return anthropic_models.capabilities(model, overrides)


def _gemini(model: str, host: str, overrides: dict[str, Any]) -> Capabilities:
    return gemini_models.capabilities(model, overrides)


def _code_assist(model: str, host: str, overrides: dict[str, Any]) -> Capabilities:
    return code_assist_models.capabilities(model, overrides)


def _antigravity(model: str, host: str, overrides: dict[str, Any]) -> Capabilities:
    return antigravity_models.capabilities(model, overrides)


def _claude_code(model: str, host: str, overrides: dict[str, Any]) -> Capabilities:
    return claude_code_models.capabilities(model, overrides)


def _demo(model: str, host: str, overrides: dict[str, Any]) -> Capabilities:
    return Capabilities()


DEMO = "demo"
CLAUDE_CODE = "claudeCode-custom"
#: Names that mean the Claude Code CLI's own choice of a model.
CLAUDE_CODE_MODELS = ("opus", "sonnet", "haiku")

PROVIDER_TYPES: dict[str, ProviderType] = {
    row.name: row
    for row in (
        ProviderType(
            "openai-custom",
            "openai-chat",
            "https://api.openai.com/v1",
            openai_models.chat_capabilities,
            "OPENAI_API_KEY",
            "OPENAI_BASE_URL",
        ),
        ProviderType(
            "openaiResponses-custom",
            "openai-responses",
            "https://api.openai.com/v1",
            openai_models.responses_capabilities,
            "OPENAI_API_KEY",
            "OPENAI_BASE_URL",
        ),
        ProviderType(
            "claude-custom",
            "anthropic",
            "https://api.anthropic.com",
            _anthropic,
            "CLAUDE_API_KEY",
            "CLAUDE_BASE_URL",
            version_path="/v1",
            credential="x-api-key",
            headers=(("anthropic-version", "2023-06-01"),),
        ),
        ProviderType(
            "gemini-custom",
            "gemini",
            "https://generativelanguage.googleapis.com",
            _gemini,
            "GEMINI_API_KEY",
            "GEMINI_API_BASE_URL",
            version_path="/v1beta",
            credential="x-goog-api-key",
        ),
        ProviderType(
            CLAUDE_CODE,
            "anthropic",
            "https://api.anthropic.com",
            _claude_code,
            "CLAUDE_CODE_API_KEY",
            "CLAUDE_CODE_BASE_URL",
            models=CLAUDE_CODE_MODELS,
            default_model="sonnet",
            program="claude",
            fit=fitted,
        ),
        ProviderType(
            CODE_ASSIST.name,
            "gemini",
            CODE_ASSIST.hosts[0],
            _code_assist,
            base_url_field="GEMINI_BASE_URL",
            models=code_assist_models.MODELS,
            google=CODE_ASSIST,
            fit=fitted_code_assist,
        ),
        ProviderType(
            ANTIGRAVITY.name,
            "gemini",
            ANTIGRAVITY.hosts[0],
            _antigravity,
            base_url_field="ANTIGRAVITY_BASE_URL",
            models=antigravity_models.MODELS,
            default_model="gemini-3-flash-preview",
            google=ANTIGRAVITY,
            fit=fitted_antigravity,
        ),
        ProviderType(DEMO, DEMO, "", _demo, models=(DEMO,), default_model=DEMO),
    )
}


def is_known(name: str) -> bool:
    """Whether ``name`` is a provider type, so that it can be a path prefix, a header value or a model prefix."""
    return name in PROVIDER_TYPES
