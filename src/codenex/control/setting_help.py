"""What each setting is for, in the words that forms show; and which settings belong together."""

from __future__ import annotations

import re
from typing import Any

from codenex.control import setting_help_zh
from codenex.control.masking import is_secret
from codenex.control.pool_entries import supported_types
from codenex.providers.registry import PROVIDER_TYPES

#: Group → setting → help.
HELP: dict[str, dict[str, str]] = {
    "Server": {
        "HOST": "The address to listen on.",
        "SERVER_PORT": "The port to listen on.",
        "UNIX_SOCKET": "The path of a socket on which clients are served too.",
        "WORKERS": "Data worker processes; without a number, one for each processor.",
        "DRAIN_SECONDS": "What requests in progress get when their process is replaced, in seconds.",
        "TLS_CERTIFICATE": "A PEM file with certificate and chain; with it and the key, clients are served by TLS.",
        "TLS_KEY": "The PEM file with the certificate's key.",
        "CORS_ORIGINS": "Origins whose pages may call the client APIs.",
        "TRUSTED_PROXIES": "Addresses and networks of reverse proxies whose word on the client's address is taken.",
        "ALLOWED_HOSTS": "Names by which browsers reach these pages; addresses and names without a dot always do.",
    },
    "Access": {
        "REQUIRED_API_KEY": "The key of all clients; without one, it is generated into a file.",
        "REQUESTS_PER_MINUTE": "Requests of one client key in a minute, over all workers; 0 is any number.",
    },
    "Limits": {
        "MAX_BODY_BYTES": "The largest body of a request, in bytes.",
        "FETCH_MEDIA": "Fetch pictures and other files for targets that can't read them by address themselves.",
        "BODY_BUDGET_BYTES": "Bytes that all bodies in memory may take together; a request beyond is a 503.",
    },
    "Routing": {
        "MODEL_PROVIDER": "The provider type of requests that nothing else decides.",
        "modelAliases": "A client's model name and what it stands for: type/model, or another name.",
        "providerFallbackChain": "For a provider type, the types that are tried when it has no healthy account.",
        "modelFallbackMapping": "For a model, the provider type and model that stand in for it, after the chain.",
        "EXPLICIT_FALLBACK": "Whether others may stand in for a provider that the client named itself.",
        "modelFacts": "Corrections to what is known of models.",
        "STRICT": "Refuse every request whose translation would lose something.",
    },
    "Pools": {
        "PROVIDER_POOLS_FILE_PATH": "The file of accounts; without one, provider_pools.json in the same folder.",
        "MAX_ERROR_COUNT": "Errors in a row until an account rests.",
        "CREDENTIAL_SWITCH_MAX_RETRIES": "Accounts tried in one request.",
        "POOL_STRATEGY": "How one of several accounts is chosen.",
        "poolStrategies": "For a provider type, its own way to choose an account.",
        "SESSION_AFFINITY_SECONDS": "How long a conversation stays with its account; 0: it doesn't.",
        "HEALTH_CHECK_INTERVAL": "Seconds between two looks at accounts that failed; 0: only requests show it.",
        "hedgeAfter": "For a provider type, the seconds without output after which a second account is asked too.",
    },
    "Upstreams": {
        "USE_SYSTEM_PROXY_GEMINI": "Send requests to Google through the proxy that the environment names.",
        "USE_SYSTEM_PROXY_OPENAI": "Send requests of the OpenAI types through the proxy that the environment names.",
        "USE_SYSTEM_PROXY_CLAUDE": "Send requests of the Claude types through the proxy that the environment names.",
        "UPSTREAM_CA_FILE": "A PEM file with certificate authorities of upstreams, beside the system's.",
        "GEMINI_CLI_OAUTH_CLIENT_ID": "Your OAuth client for Code Assist; its redirect URI is http://localhost:8085.",
        "GEMINI_CLI_OAUTH_CLIENT_SECRET": "The secret of that client.",
        "GEMINI_ANTIGRAVITY_OAUTH_CLIENT_ID": "Your client for Antigravity; its redirect URI is http://localhost:8086.",
        "GEMINI_ANTIGRAVITY_OAUTH_CLIENT_SECRET": "The secret of that client.",
        "GEMINI_OAUTH_CREDS_FILE_PATH": "A file with a login at Google, for one account of gemini-cli-oauth.",
        "GEMINI_OAUTH_CREDS_BASE64": "The content of such a file, as base64.",
        "ANTIGRAVITY_OAUTH_CREDS_FILE_PATH": "A file with a login at Google, for one account of gemini-antigravity.",
        "ANTIGRAVITY_OAUTH_CREDS_BASE64": "The content of such a file, as base64.",
        "PROJECT_ID": "The Google Cloud project of accounts of Google that name none of their own.",
        "OAUTH_BIND": "The address on which callbacks of a pending login are listened for.",
        "GOOGLE_OAUTH_AUTH_URL": "The page on which people log in at Google.",
        "GOOGLE_OAUTH_TOKEN_URL": "Where Google gives access tokens.",
        "GOOGLE_USERINFO_URL": "Where Google tells whose a login is.",
        "CLAUDE_CODE_PATH": "The Claude Code program; without one, claude on PATH.",
        "CLAUDE_CODE_PROCESSES": "Claude Code programs that may run at once in each worker; further requests wait.",
        "CLAUDE_CODE_SPARES": "Claude Code programs in each worker that are started ahead, for requests like the last.",
        "CLAUDE_CODE_TIMEOUT": "Seconds that one request to Claude Code may take from its start to its end.",
    },
    "Stored responses": {
        "STORE_RESPONSES": "Keep answers of the Responses API, so that conversations go on by id.",
        "STORED_RESPONSES_HOURS": "How long a conversation is kept after its last turn, in hours.",
        "STORED_RESPONSES_BYTES": "What all kept responses may take on the disk, in bytes.",
    },
    "Files": {
        "CONFIG_DIR": "The folder of config.json and the other files.",
        "DATA_DIR": "The folder for what the server itself keeps.",
        "LOG_DIR": "The folder of log files.",
        "CREDENTIALS_KEY_FILE": "A file with keys; the first one encrypts credential files of Google accounts.",
        "DATABASE_URL": "Where usage and sessions are kept; without one, in a SQLite file.",
    },
    "Observability": {
        "LOG_FORMAT": "What lines of the log look like: json, or console for people.",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "The OpenTelemetry collector (HTTP) that traces and metrics are sent to.",
    },
    "Prompt log": {
        "PROMPT_LOG_MODE": "Where conversations are logged: none, console or file. Secrets and media are left out.",
        "PROMPT_LOG_FILENAME": "The file of conversations; without one, conversation.log in the folder of log files.",
        "PROMPT_LOG_BYTES": "What all files of conversations may take on the disk, in bytes.",
    },
    "Demo": {"DEMO_FAULTS": "Let the demo play faults."},
}

#: What a running server keeps until it is started anew.
AT_START = frozenset(
    {
        "CONFIG_DIR",
        "DATABASE_URL",
        "DATA_DIR",
        "LOG_DIR",
        "LOG_FORMAT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "PROMPT_LOG_MODE",
        "PROMPT_LOG_FILENAME",
        "PROMPT_LOG_BYTES",
        "UNIX_SOCKET",
    }
)
#: What is for whoever starts the server: in the file that lies there it would have come too late.
NOT_IN_FILE = frozenset({"CONFIG_DIR"})
#: Words that are written in a way of their own.
WRITTEN = {
    word.lower(): word
    for word in ("API", "CA", "CLI", "CORS", "ID", "OAuth", "OTEL", "OTLP", "TLS", "URL", "Unix", "OpenAI", "Google")
} | {"claude": "Claude", "gemini": "Gemini", "antigravity": "Antigravity", "base64": "base64"}
_CHOICES = {"MODEL_PROVIDER": tuple(PROVIDER_TYPES)}


def configuration_schema() -> dict[str, Any]:
    """Return the JSON schema of ``config.json``. Beside the standard's words, each property has ``x-group``, ``x-zh``
    (title, description and group in Simplified Chinese), ``x-secret``, ``x-at-start`` (whether it is in use only after
    a new start) and ``x-read-only`` (not by the file)."""
    # Large, and loaded only where somebody asks.
    from codenex.control.configuration import configuration_type

    schema = configuration_type().model_json_schema()
    properties = schema["properties"]
    ordered = {name: properties[name] for group in _groups().values() for name in group if name in properties}
    schema["properties"] = {name: _property(name, content) for name, content in {**ordered, **properties}.items()}
    schema["title"] = "config.json"
    schema["description"] = "Every setting under its name in the environment and the file."
    # What this version does not know stays in the file.
    schema["additionalProperties"] = True
    return schema


def help_of(name: str) -> tuple[str, str]:
    """Return group and help of a setting. Raises ``KeyError`` where nobody has written one."""
    for group, settings in _groups().items():
        if name in settings:
            return group, settings[name]
    raise KeyError(name)


def help_in_chinese(name: str) -> dict[str, str]:
    """Return ``title``, ``description`` and ``group`` of a setting in Simplified Chinese. Raises ``KeyError`` where
    nobody has written them."""
    group, _ = help_of(name)
    accounts = _accounts().get(name)
    title, text = setting_help_zh.HELP[name] if accounts is None else setting_help_zh.of_account(*accounts)
    return {"title": title, "description": text, "group": setting_help_zh.GROUPS[group]}


def _groups() -> dict[str, dict[str, str]]:
    accounts = {
        field: f"The {what} of one account: {', '.join(types)}." for field, (what, types) in _accounts().items()
    }
    return {**HELP, "Accounts": accounts}


def _accounts() -> dict[str, tuple[str, list[str]]]:
    """Return, for each setting that is a part of one account, which part of which provider types."""
    found: dict[str, tuple[str, list[str]]] = {}
    for type_name in supported_types():
        kind = PROVIDER_TYPES[type_name]
        for field, what in ((kind.key_field, "key"), (kind.base_url_field, "base URL")):
            if field is not None:
                found.setdefault(field, (what, []))[1].append(type_name)
    return found


def _property(name: str, content: dict[str, Any]) -> dict[str, Any]:
    try:
        group, text = help_of(name)
        chinese = help_in_chinese(name)
    except KeyError:
        group, text, chinese = "Other", "", {}
    own = {key: value for key, value in content.items() if key != "title"}
    if name in _CHOICES:
        own["examples"] = list(_CHOICES[name])
    return {
        "title": _title(name),
        "description": text,
        **own,
        "x-group": group,
        "x-zh": chinese,
        "x-secret": is_secret(name),
        "x-at-start": name in AT_START,
        "x-read-only": name in NOT_IN_FILE,
    }


def _title(name: str) -> str:
    """Return a name as people write it: ``MAX_BODY_BYTES`` and ``modelAliases`` in words."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)
    first, *others = (WRITTEN.get(word.lower(), word.lower()) for word in words)
    return " ".join((first[:1].upper() + first[1:], *others))
