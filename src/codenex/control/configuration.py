"""The typed configuration: flags over environment (``.env`` included) over ``config.json`` over defaults."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError, create_model, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    JsonConfigSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from codenex.control.errors import ConfigurationError
from codenex.control.files import CONFIG, place_of, reading
from codenex.control.sources import Source, Sources
from codenex.pool.selection import Strategy
from codenex.providers.google.service import AUTH_URL, SERVICES, TOKEN_URL, USERINFO_URL
from codenex.providers.registry import PROVIDER_TYPES
from codenex.store import sealed_files

Names = Annotated[tuple[str, ...], NoDecode]


class ModelFallback(BaseModel):
    """What stands in for a model, in the spelling of the file."""

    targetProviderType: str  # noqa: N815
    targetModel: str  # noqa: N815


class Configuration(BaseSettings):
    """Every setting under the name that it has in the environment and in ``config.json``, but for the keys and base
    URLs of providers (:func:`configuration_type`)."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8-sig", env_ignore_empty=True, extra="ignore", case_sensitive=True
    )

    HOST: str = "127.0.0.1"
    SERVER_PORT: int = Field(3000, ge=0, le=65535)
    CONFIG_DIR: Path = Path("configs")
    DATA_DIR: Path = Path("data")
    LOG_DIR: Path = Path("logs")
    LOG_FORMAT: Literal["json", "console"] = "json"
    PROMPT_LOG_MODE: Literal["none", "console", "file"] = "none"
    PROMPT_LOG_FILENAME: Path | None = None
    PROMPT_LOG_BYTES: int = Field(50 * 1024 * 1024, ge=1024 * 1024)
    REQUIRED_API_KEY: str | None = None
    MODEL_PROVIDER: str | None = None
    CLAUDE_CODE_PATH: str | None = None
    CLAUDE_CODE_PROCESSES: int = Field(4, ge=1, le=256)
    CLAUDE_CODE_TIMEOUT: float = Field(900.0, gt=0, le=86_400)
    CLAUDE_CODE_SPARES: int = Field(1, ge=0, le=64)
    PROJECT_ID: str | None = None
    GOOGLE_OAUTH_AUTH_URL: str = AUTH_URL
    GOOGLE_OAUTH_TOKEN_URL: str = TOKEN_URL
    GOOGLE_USERINFO_URL: str = USERINFO_URL
    OAUTH_BIND: str = "127.0.0.1"
    MAX_BODY_BYTES: int = Field(64 * 1024 * 1024, ge=1024)
    CORS_ORIGINS: Names = ()
    TRUSTED_PROXIES: Names = ()
    ALLOWED_HOSTS: Names = ()
    USE_SYSTEM_PROXY_GEMINI: bool = False
    USE_SYSTEM_PROXY_OPENAI: bool = False
    USE_SYSTEM_PROXY_CLAUDE: bool = False
    UPSTREAM_CA_FILE: Path | None = None
    TLS_CERTIFICATE: Path | None = None
    TLS_KEY: Path | None = None
    UNIX_SOCKET: Path | None = None
    FETCH_MEDIA: bool = True
    BODY_BUDGET_BYTES: int = Field(256 * 1024 * 1024, ge=1024 * 1024)
    DEMO_FAULTS: bool = False
    STRICT: bool = False
    WORKERS: int | None = Field(None, ge=1, le=32)
    DRAIN_SECONDS: float = Field(300.0, ge=0, le=3600)
    REQUESTS_PER_MINUTE: int = Field(0, ge=0)
    STORE_RESPONSES: bool = True
    STORED_RESPONSES_HOURS: float = Field(24, gt=0, le=24 * 366)
    STORED_RESPONSES_BYTES: int = Field(512 * 1024 * 1024, ge=1024 * 1024)
    MAX_ERROR_COUNT: int = Field(3, ge=1)
    CREDENTIAL_SWITCH_MAX_RETRIES: int = Field(5, ge=1)
    POOL_STRATEGY: Strategy = Strategy.LEAST_RECENTLY_USED
    SESSION_AFFINITY_SECONDS: float = Field(3600.0, ge=0)
    EXPLICIT_FALLBACK: bool = False
    HEALTH_CHECK_INTERVAL: float = Field(600.0, ge=0)
    PROVIDER_POOLS_FILE_PATH: Path | None = None
    DATABASE_URL: str | None = None
    CREDENTIALS_KEY_FILE: Path | None = None
    OTEL_EXPORTER_OTLP_ENDPOINT: str | None = None
    providerFallbackChain: dict[str, tuple[str, ...]] = {}  # noqa: N815 - the file's own spelling
    modelFallbackMapping: dict[str, ModelFallback] = {}  # noqa: N815
    poolStrategies: dict[str, Strategy] = {}  # noqa: N815
    hedgeAfter: dict[str, Annotated[float, Field(gt=0)]] = {}  # noqa: N815
    modelAliases: dict[str, str] = {}  # noqa: N815
    modelFacts: tuple[dict[str, Any], ...] = ()  # noqa: N815

    @field_validator("CORS_ORIGINS", "TRUSTED_PROXIES", "ALLOWED_HOSTS", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        """Take a list, or one string with commas or spaces between the entries."""
        if isinstance(value, str):
            return tuple(piece for piece in value.replace(",", " ").split() if piece)
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the sources in their order of precedence."""
        folder = _config_folder(init_settings, env_settings, dotenv_settings)
        return (
            init_settings,
            env_settings,
            dotenv_settings,
            _ConfigFile(settings_cls, place_of(CONFIG, folder / CONFIG)),
        )


class _ConfigFile(JsonConfigSettingsSource):
    """``config.json``. As in the environment, a value that is empty counts as not set."""

    def __init__(self, settings_cls: type[BaseSettings], path: Path) -> None:
        try:
            if path.is_dir():
                raise ConfigurationError(f"{path} can't be read: it is a folder")
        except OSError as error:
            raise ConfigurationError(f"{path} can't be read: {error}") from None
        super().__init__(settings_cls, path, "utf-8-sig")

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        try:
            data = sealed_files.read(Path(file_path))
            if not data.strip():
                # What a crash leaves; taken for no settings at all, it would open what they had closed.
                raise ConfigurationError(f"{file_path} is empty: mend it, or delete it")
            content = json.loads(data.decode("utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            raise ConfigurationError(f"{file_path} can't be read: {error}") from None
        if not isinstance(content, dict):
            raise ConfigurationError(f"{file_path} must hold an object with settings as keys")
        return {name: value for name, value in content.items() if value is not None and value != ""}


def _config_folder(*sources: PydanticBaseSettingsSource) -> Path:
    for source in sources:
        # Asking a source for all its values takes as long as the evaluation itself.
        said: Mapping[str, Any] = {}
        if isinstance(source, InitSettingsSource):
            said = source.init_kwargs
        elif isinstance(source, EnvSettingsSource):
            said = source.env_vars
        if value := said.get("CONFIG_DIR"):
            return Path(value)
    return Path("configs")


def configuration_type() -> type[Configuration]:
    """Return the configuration with the fields that the rows of the provider registry name."""
    names = {name for kind in PROVIDER_TYPES.values() for name in (kind.key_field, kind.base_url_field) if name}
    names |= {name for service in SERVICES.values() for name in service.fields}
    return _type_with(tuple(sorted(names)))


@lru_cache(1)
def _type_with(names: tuple[str, ...]) -> type[Configuration]:
    # Several are wanted for one evaluation, and making it takes longer than reading the files.
    fields: dict[str, Any] = dict.fromkeys(names, (str | None, None))
    return create_model("Configuration", __base__=Configuration, **fields)


def load_configuration(flags: dict[str, Any]) -> Configuration:
    """Read all sources. ``flags`` holds what was given on the command line. Raises :class:`ConfigurationError`."""
    given = {name: value for name, value in flags.items() if value is not None}
    _check_dotenv(Path(".env"))
    model = configuration_type()
    try:
        loaded = model(**given)
        faults = [(name, "is no valid text") for name, value in loaded if _is_no_text(value)]
        if not faults:
            return loaded
    except ValidationError as error:
        faults = [(".".join(map(str, item["loc"])), item["msg"]) for item in error.errors(include_input=False)]
    except ValueError as error:
        raise ConfigurationError(f"the configuration is not valid: {error}") from None
    sources = Sources(model, given)
    # Whatever can't be used has been said somewhere: by the file, if by nothing else.
    named = [(name, reason, sources.of(key, {key})) for name, reason in faults for key in [name.partition(".")[0]]]
    reasons = "; ".join(f"{name} (from {_spoken(source)}): {reason}" for name, reason, source in named)
    raise ConfigurationError(f"the configuration is not valid: {reasons}")


def _check_dotenv(path: Path) -> None:
    try:
        path.read_text("utf-8-sig")
    except (FileNotFoundError, IsADirectoryError):
        pass
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"{path} can't be read: {error}") from None


def _is_no_text(value: object) -> bool:
    """Whether a value came from bytes that are not UTF-8: it could be neither written nor passed on."""
    try:
        str(value).encode() if isinstance(value, str | Path) else b""
    except UnicodeEncodeError:
        return True
    return False


def _spoken(source: Source) -> str:
    return source.place or f"the {source.kind}"


def mistakes_in(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return place and reason of every value that its setting can't have, wherever it were said."""
    said = {name: value for name, value in values.items() if value is not None and value != ""}
    model = configuration_type()
    try:
        with reading({CONFIG: Path(os.devnull)}):
            loaded = model(**said)
    except ValidationError as error:
        items = [item for item in error.errors(include_input=False) if item["loc"] and item["loc"][0] in said]
        return [(".".join(map(str, item["loc"])), item["msg"]) for item in items]
    return [(name, "is no valid text") for name, value in loaded if name in said and _is_no_text(value)]
