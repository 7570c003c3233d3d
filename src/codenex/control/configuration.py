"""The typed configuration: flags over environment (``.env`` included) over ``config.json`` over defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    JsonConfigSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

Names = Annotated[tuple[str, ...], NoDecode]

#: Values that documentation uses as examples. A server that takes one of them is open to everyone who reads.
SAMPLE_KEYS = frozenset(
    {
        "your-secure-api-key",
        "your-api-key",
        "your-api-key-1",
        "your-api-key-2",
        "your_api_key",
        "api-key",
        "apikey",
        "changeme",
        "change-me",
        "secret",
        "password",
        "admin",
        "admin123",
        "test",
        "123456",
        "12345678",
        "sk-your-api-key",
        "sk-123456",
    }
)


class ConfigurationError(Exception):
    """The configuration can't be used; the message says which value, from where, and what to do."""


class Configuration(BaseSettings):
    """Every setting under the name that it has in the environment and in ``config.json``."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", case_sensitive=True)

    HOST: str = "127.0.0.1"
    SERVER_PORT: int = Field(3000, ge=0, le=65535)
    CONFIG_DIR: Path = Path("configs")
    DATA_DIR: Path = Path("data")
    LOG_DIR: Path = Path("logs")
    REQUIRED_API_KEY: str | None = None
    MODEL_PROVIDER: str | None = None
    OPENAI_API_KEY: str | None = None
    OPENAI_BASE_URL: str | None = None
    CLAUDE_API_KEY: str | None = None
    CLAUDE_BASE_URL: str | None = None
    GEMINI_API_KEY: str | None = None
    GEMINI_API_BASE_URL: str | None = None
    CLAUDE_CODE_PATH: str | None = None
    MAX_BODY_BYTES: int = Field(64 * 1024 * 1024, ge=1024)
    CORS_ORIGINS: Names = ()
    TRUSTED_PROXIES: Names = ()
    DEMO_FAULTS: bool = False
    STRICT: bool = False
    MAX_ERROR_COUNT: int = Field(3, ge=1)
    CREDENTIAL_SWITCH_MAX_RETRIES: int = Field(5, ge=1)
    PROVIDER_POOLS_FILE_PATH: Path | None = None
    providerFallbackChain: dict[str, tuple[str, ...]] = {}  # noqa: N815 - the file's own spelling
    modelAliases: dict[str, str] = {}  # noqa: N815

    @field_validator("CORS_ORIGINS", "TRUSTED_PROXIES", mode="before")
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
        file = JsonConfigSettingsSource(settings_cls, folder / "config.json", "utf-8-sig")
        return init_settings, env_settings, dotenv_settings, file


def _config_folder(*sources: PydanticBaseSettingsSource) -> Path:
    for source in sources:
        value = source().get("CONFIG_DIR")
        if value:
            return Path(value)
    return Path("configs")


def load_configuration(flags: dict[str, Any]) -> Configuration:
    """Read all sources. ``flags`` holds what was given on the command line. Raises :class:`ConfigurationError`."""
    try:
        return Configuration(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        reasons = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_input=False)
        )
        raise ConfigurationError(f"the configuration is not valid: {reasons}") from None
    except (ValueError, OSError) as error:
        folder = flags.get("CONFIG_DIR") or "configs"
        raise ConfigurationError(f"{folder}/config.json can't be read: {error}") from None


def checked_client_key(key: str) -> str:
    """Return a client key that an operator chose. Raises :class:`ConfigurationError` for samples and very short
    ones."""
    if key.strip().lower() in SAMPLE_KEYS:
        raise ConfigurationError(
            "REQUIRED_API_KEY is a sample from documentation, which everybody knows: choose another, "
            "or leave it out and one is generated"
        )
    if len(key.strip()) < 8:
        raise ConfigurationError("REQUIRED_API_KEY is shorter than 8 characters: choose a longer one")
    return key.strip()
