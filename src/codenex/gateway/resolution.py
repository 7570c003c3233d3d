"""Which provider type and model a request means, in the order that the specification promises."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from codenex.core.errors import Fault, FaultKind
from codenex.providers.claude_code.program import DEFAULT_PATH, missing
from codenex.providers.registry import CLAUDE_CODE, CLAUDE_CODE_MODELS, DEMO, PROVIDER_TYPES, is_known
from codenex.store.settings import Settings

AUTO = "auto"


class Resolution(msgspec.Struct, frozen=True):
    """``model`` is the upstream's name; ``explicit`` says that the client named the provider (no cross-type
    fallback then)."""

    provider: str
    model: str
    explicit: bool = False


def resolved(
    settings: Settings,
    model: str,
    prefix: str | None,
    header: str | None,
    detected: Mapping[str, frozenset[str]] = MappingProxyType({}),
) -> Resolution:
    """Return where a request goes. ``detected`` holds the models that upstreams listed, by provider type.

    Order: path prefix, ``Model-Provider`` header, ``provider-type/model``, alias, Claude Code's short names, a
    configured provider that lists the model, the default provider. Raises :class:`Fault`: 400 for a header that
    names no provider type, 404 for an unknown model, 503 for a provider without accounts.
    """
    if prefix is not None:
        return _explicit(settings, prefix, model)
    if header is not None and header.strip():
        if not is_known(header.strip()):
            known = ", ".join(PROVIDER_TYPES)
            raise Fault(
                FaultKind.INVALID_REQUEST,
                f"the header Model-Provider names no provider type: {header.strip()[:100]!r}; known are {known}",
                param="Model-Provider",
            )
        return _explicit(settings, header.strip(), model)
    named, separator, rest = model.partition("/")
    if separator and rest and is_known(named):
        return _explicit(settings, named, rest)
    alias = settings.model_aliases.get(model)
    if alias is not None:
        named, separator, rest = alias.partition("/")
        if separator and rest and is_known(named):
            return _available(settings, named, rest)
        model = alias
    if model in CLAUDE_CODE_MODELS:
        return _available(settings, CLAUDE_CODE, model)
    for name, accounts in settings.accounts.items():
        for account in accounts:
            listed = model in account.supported_models or model in account.aliases
            if listed and not account.disabled and model not in account.not_supported_models:
                return Resolution(name, model)
    for name in settings.configured_types():
        if model in PROVIDER_TYPES[name].models or model in detected.get(name, ()):
            return Resolution(name, model)
    return _default(settings, model)


def _explicit(settings: Settings, provider: str, model: str) -> Resolution:
    return _available(settings, provider, _without_own_prefix(provider, model), explicit=True)


def _without_own_prefix(provider: str, model: str) -> str:
    named, separator, rest = model.partition("/")
    return rest if separator and rest and named == provider else model


def _default(settings: Settings, model: str) -> Resolution:
    provider = settings.model_provider
    if provider is None:
        configured = settings.configured_types()
        provider = configured[0] if configured else DEMO if not settings.ever_configured else None
    if provider is None:
        raise Fault(FaultKind.UNAVAILABLE, "no provider is configured any more: add one", code="no_provider")
    resolution = _available(settings, provider, model)
    if not _may_serve(settings, provider, resolution.model):
        raise model_not_found(model)
    return resolution


def _may_serve(settings: Settings, provider: str, model: str) -> bool:
    """Whether the default provider may know a model: its accounts list none, or one lists this one."""
    accounts = settings.accounts.get(provider, ())
    return not accounts or any(
        model not in account.not_supported_models
        and (not account.supported_models or model in account.supported_models or model in account.aliases)
        for account in accounts
    )


def _automatic(settings: Settings, provider: str, model: str) -> str:
    """Replace ``auto`` by the provider's default model."""
    if model != AUTO:
        return model
    for account in settings.accounts.get(provider, ()):
        if account.supported_models:
            return account.supported_models[0]
    kind = PROVIDER_TYPES.get(provider)
    default = None
    if kind is not None:
        default = kind.default_model or (kind.models[0] if kind.models else None)
    if default is None:
        raise Fault(
            FaultKind.MODEL_NOT_FOUND,
            f"{provider} has no default model: list its models (supportedModels), or name one",
            code="model_not_found",
            param="model",
        )
    return default


def _available(settings: Settings, provider: str, model: str, *, explicit: bool = False) -> Resolution:
    """Resolve to a provider that can be called; only for one that can does ``auto`` have a meaning."""
    if provider == CLAUDE_CODE and not settings.accounts.get(provider):
        raise missing(settings.claude_code_path or DEFAULT_PATH)
    if provider != DEMO and not settings.accounts.get(provider):
        raise Fault(
            FaultKind.UNAVAILABLE, f"no account of {provider} is configured on this server", code="no_account_available"
        )
    return Resolution(provider, _automatic(settings, provider, model), explicit)


def model_not_found(model: str) -> Fault:
    """Build the fault of a model that no provider here knows."""
    return Fault(
        FaultKind.MODEL_NOT_FOUND,
        f"the model {model[:100]!r} is not known to any configured provider",
        code="model_not_found",
        param="model",
    )
