"""The environment that the CLI gets: named variables of this process, what the account says, what keeps it safe and
quiet; nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from codenex.store.settings import Account

#: What any program needs to run here.
_SYSTEM = (
    "HOME",
    "USER",
    "LOGNAME",
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
)
#: How the CLI is set up where it isn't the account that says it: its own names.
_LOGIN = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_CUSTOM_HEADERS",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
    "AWS_REGION",
    "AWS_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_BEARER_TOKEN_BEDROCK",
    "CLOUD_ML_REGION",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "ANTHROPIC_VERTEX_PROJECT_ID",
    "ANTHROPIC_FOUNDRY_RESOURCE",
    "ANTHROPIC_FOUNDRY_API_KEY",
    "ANTHROPIC_DEFAULT_OPUS_MODEL",
    "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL",
)
_ALWAYS = ("CLAUDE_CONFIG_DIR", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR")

_FIXED = {
    # Without it, @path in a text makes the CLI send that file of this host to the model.
    "CLAUDE_CODE_DISABLE_ATTACHMENTS": "1",
    "CLAUDE_CODE_DISABLE_FILE_MENTIONS": "1",
    # Nor does it bring anything else of this host into the conversation, or read a word as a wish of its own.
    "CLAUDE_CODE_DISABLE_CLAUDE_MDS": "1",
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
    "CLAUDE_CODE_DISABLE_ULTRATHINK": "1",
    # Failures are this gateway's to retry: it has other accounts.
    "CLAUDE_CODE_MAX_RETRIES": "0",
    "CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK": "1",
    # The model that was asked answers, once, and to the conversation as it was sent.
    "CLAUDE_CODE_DISABLE_MODEL_ACCESS_FALLBACK": "1",
    "CLAUDE_CODE_DISABLE_REFUSAL_FALLBACK": "1",
    "CLAUDE_CODE_DISABLE_REFUSAL_RETRY": "1",
    "CLAUDE_CODE_NO_MODEL_FALLBACK": "1",
    "DISABLE_AUTO_COMPACT": "1",
    "DISABLE_COMPACT": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_AUTOUPDATER": "1",
    "ENABLE_TOOL_SEARCH": "false",
}
_OAUTH = "sk-ant-oat"


def environment(account: Account, own: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for one request. ``own`` is that of this process, ``variables`` are the request's.

    An account with a key, an address or a folder of its own gets nothing of this process's login.
    """
    configured = bool(account.api_key or account.base_url or account.config_dir)
    names = (*_SYSTEM, *_ALWAYS) if configured else (*_SYSTEM, *_ALWAYS, *_LOGIN)
    found = {name: own[name] for name in names if own.get(name)}
    if account.config_dir:
        found["CLAUDE_CONFIG_DIR"] = account.config_dir
    if account.base_url:
        found["ANTHROPIC_BASE_URL"] = account.base_url
    if account.api_key:
        found[_key_variable(account)] = account.api_key
    if account.headers:
        found["ANTHROPIC_CUSTOM_HEADERS"] = "\n".join(f"{name}: {value}" for name, value in account.headers.items())
    if account.proxy_url:
        found["HTTPS_PROXY"] = found["HTTP_PROXY"] = account.proxy_url
    return {**found, **_FIXED, **variables}


def _key_variable(account: Account) -> str:
    """Return by which name the CLI takes the key: a subscription's token (``claude setup-token``) tells itself."""
    if account.api_key is not None and account.api_key.startswith(_OAUTH):
        return "CLAUDE_CODE_OAUTH_TOKEN"
    return "ANTHROPIC_AUTH_TOKEN" if account.auth_style == "bearer" else "ANTHROPIC_API_KEY"
