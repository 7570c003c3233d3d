"""The effective settings as the data plane holds them: one immutable generation, built elsewhere from files and
environment."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from codenex.core.redaction import PLAIN_HEADERS


class GoogleLogin(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an account of Google's services proves who it is: by a file with a credential, or one that stands here
    (base64); and the operator's own OAuth client. ``state_dir`` holds what is learned of it."""

    state_dir: str
    token_url: str
    credentials_file: str | None = None
    credentials: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    project: str | None = None
    #: base URLs in the order in which they are tried; none of them means the service's own
    hosts: tuple[str, ...] = ()
    #: what may be spent where a quota is used up (Antigravity)
    credit_types: tuple[str, ...] = ()
    #: a file with the keys that files are encrypted with
    key_file: str | None = None


class Account(msgspec.Struct, frozen=True, omit_defaults=True):
    """One account of a provider type. ``aliases`` maps client model names to the upstream's."""

    uuid: str
    provider: str
    name: str | None = None
    base_url: str | None = None
    api_key: str | None = None
    #: headers that are added to every request of this account
    headers: dict[str, str] = {}
    #: how a key is sent where the upstream takes several forms: ``x-api-key``, ``bearer``, ``both``
    auth_style: str | None = None
    proxy_url: str | None = None
    supported_models: tuple[str, ...] = ()
    not_supported_models: tuple[str, ...] = ()
    aliases: dict[str, str] = {}
    weight: int = 1
    #: 0 means no limit
    concurrency_limit: int = 0
    queue_limit: int = 0
    disabled: bool = False
    #: rebuild requests and answers of the upstream's own protocol as well, for servers that speak it imperfectly
    normalise: bool = False
    #: overrides of model facts, by field name of :class:`~codenex.models.capabilities.Capabilities`
    capabilities: dict[str, Any] = {}
    #: seconds, where they differ from those of :class:`Settings`
    connect_timeout: float | None = None
    first_byte_timeout: float | None = None
    idle_timeout: float | None = None
    #: where it comes from if it does not stand in the file of pools
    source: str | None = None
    #: of a provider type that is a program: its path or name, and the folder with its configuration and login
    program: str | None = None
    config_dir: str | None = None
    #: nobody has configured it: what it needs was found on this machine
    automatic: bool = False
    google: GoogleLogin | None = None
    #: the proxy on the way to where its tokens are renewed, which is another host
    login_proxy_url: str | None = None
    #: whether it is checked on schedule, and the model that it is checked with in place of its list of models
    check_health: bool = True
    check_model: str | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What an upstream may be told of this account and nobody else."""
        named = (value for name, value in self.headers.items() if name.lower() not in PLAIN_HEADERS)
        proxies = [urlsplit(url).password for url in (self.proxy_url, self.login_proxy_url) if url]
        client = self.google.client_secret if self.google is not None else None
        return tuple(dict.fromkeys(secret for secret in (self.api_key, *named, *proxies, client) if secret))


class Rest(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an account was when the gateway ended. Times are in seconds since 1970."""

    #: until when it isn't called, and whether it then is tried by one request first
    until: float = 0.0
    ejected: bool = False
    models: dict[str, float] = {}
    reason: str | None = None


class ModelFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Corrections to what is known of models whose name (the upstream's) fits ``model``, where ``*`` stands for
    anything; only of one provider type, if one is named."""

    model: str
    #: by field name of :class:`~codenex.models.capabilities.Capabilities`
    facts: dict[str, Any]
    provider: str | None = None


class ClientKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """One key of the client APIs: who may use it for what, and how much. Of numbers, 0 means any."""

    #: SHA-256 (hex) of the key
    digest: str
    id: str
    name: str | None = None
    disabled: bool = False
    #: in seconds since 1970
    expires: float | None = None
    #: names, or beginnings that end in ``*``; none of them means all
    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    #: in US dollars, in each UTC day or month
    budget: float = 0.0
    budget_period: str = "month"


class Settings(msgspec.Struct, frozen=True, omit_defaults=True):
    """One generation of settings. Times are in seconds, sizes in bytes."""

    host: str = "127.0.0.1"
    port: int = 3000
    config_dir: str = "configs"
    data_dir: str = "data"
    #: what lines of the log look like: of requests, and of what else a process says
    log_format: Literal["json", "console"] = "json"
    #: where conversations are logged: ``none``, ``console`` or ``file``; bytes of all its files together
    prompt_log: Literal["none", "console", "file"] = "none"
    prompt_log_file: str = "logs/conversation.log"
    prompt_log_bytes: int = 50 * 1024 * 1024
    #: where the accounts of providers stand
    pools_file: str = "configs/provider_pools.json"
    client_keys: tuple[ClientKey, ...] = ()
    model_provider: str | None = None
    accounts: dict[str, tuple[Account, ...]] = {}
    #: by uuid, what a start takes up again; nobody looks at it later
    rests: dict[str, Rest] = {}
    #: client model name → ``provider-type/model`` or another model name
    model_aliases: dict[str, str] = {}
    model_facts: tuple[ModelFacts, ...] = ()
    fallback_chain: dict[str, tuple[str, ...]] = {}
    #: model → the provider type and model that stand in for it, after the chain
    model_fallback: dict[str, tuple[str, str]] = {}
    #: whether others may stand in for a provider that the client named
    explicit_fallback: bool = False
    #: how accounts are chosen, a :class:`~codenex.pool.selection.Strategy`: of all provider types, and of some
    pool_strategy: str = "least-recently-used"
    pool_strategies: dict[str, str] = {}
    #: provider type → seconds without output after which a second account is asked as well
    hedge_after: dict[str, float] = {}
    #: seconds that a conversation stays with its account after its last turn; 0 means that it doesn't
    session_affinity: float = 3600.0
    #: seconds between two looks at accounts that aren't trusted; 0 means that only requests show it
    health_check_interval: float = 600.0
    #: whether a provider was ever configured here: only before that the demo answers by default
    ever_configured: bool = False
    demo_faults: bool = False
    max_body_bytes: int = 64 * 1024 * 1024
    cors_origins: tuple[str, ...] = ()
    #: addresses and networks of reverse proxies whose word on the client's address is taken; ``unix`` for sockets
    trusted_proxies: tuple[str, ...] = ()
    #: names by which the management API may be called, beside addresses; ``*.`` in front stands for any
    allowed_hosts: tuple[str, ...] = ()
    #: PEM file with authorities that upstreams' certificates may be signed by, beside the system's
    upstream_ca_file: str | None = None
    #: PEM files of this server's certificate (with its chain) and key: with them it speaks TLS
    tls_certificate: str | None = None
    tls_key: str | None = None
    #: path of a Unix socket on which clients are served too
    unix_socket: str | None = None
    #: fetch files for targets that don't read addresses
    fetch_media: bool = True
    #: bytes that all bodies in memory may take together
    body_budget_bytes: int = 256 * 1024 * 1024
    max_error_count: int = 3
    max_attempts: int = 5
    connect_timeout: float = 10.0
    first_byte_timeout: float = 300.0
    idle_timeout: float = 120.0
    commit_after: float = 20.0
    keep_alive_interval: float = 15.0
    #: requests of one client key in 60 s, where the key has no limit of its own; 0 means any number
    requests_per_minute: int = 0
    #: what requests in progress get when their process is replaced
    drain_seconds: float = 300.0
    #: rows of the shared memory by account uuid and client key digest
    rows: dict[str, int] = {}
    #: keep answers of the Responses API, so that conversations go on by id: hours after the last turn, bytes of all
    store_responses: bool = True
    stored_responses_hours: float = 24.0
    stored_responses_bytes: int = 512 * 1024 * 1024
    #: losses of a request become a 400 before anything is sent
    strict: bool = False
    #: key (hex) that seals signatures on their way through other protocols
    envelope_key: str = ""
    #: Google's OAuth: its addresses, where callbacks are listened for, and id and secret of the operator's clients by
    #: provider type
    google_auth_url: str = ""
    google_token_url: str = ""
    google_userinfo_url: str = ""
    #: the proxies on the way to the last two of them
    google_token_proxy: str | None = None
    google_userinfo_proxy: str | None = None
    oauth_bind: str = "127.0.0.1"
    google_clients: dict[str, tuple[str, str]] = {}
    #: the Claude Code CLI: where it is, processes in each worker at once, and seconds that each may take
    claude_code_path: str | None = None
    claude_code_processes: int = 4
    claude_code_timeout: float = 900.0
    #: processes in each worker that are started before anybody asks
    claude_code_spares: int = 1
    #: address of the control process's database, with its driver; without one it is a file in the data folder
    database_url: str | None = None
    #: a file with the keys that credential files are encrypted with
    credentials_key_file: str | None = None
    #: where the control process sends traces and metrics by OTLP
    otlp_endpoint: str | None = None

    def configured_types(self) -> tuple[str, ...]:
        """Return the provider types that have at least one account that was configured, in order of configuration."""
        return tuple(
            name for name, accounts in self.accounts.items() if any(not account.automatic for account in accounts)
        )
