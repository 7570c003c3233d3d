"""The two services as rows: where they are, how to log in there, and which fields of the configuration are theirs."""

from __future__ import annotations

from typing import Literal

import msgspec

AUTH_URL = "https://accounts.google.com/o/oauth2/v2/auth"
TOKEN_URL = "https://oauth2.googleapis.com/token"
USERINFO_URL = "https://www.googleapis.com/oauth2/v2/userinfo"

_SCOPE = "https://www.googleapis.com/auth/"
#: What both ask for. Antigravity's own program asks for two more, which Google grants to its own client alone.
SCOPES = (_SCOPE + "cloud-platform", _SCOPE + "userinfo.email", _SCOPE + "userinfo.profile")


class Service(msgspec.Struct, frozen=True):
    """One service. ``hosts`` are tried in their order; ``folder`` is where below the configuration's folder its
    credentials lie; fields are names in pool files and environment."""

    name: str
    kind: Literal["code_assist", "antigravity"]
    hosts: tuple[str, ...]
    port: int
    folder: str
    file_field: str
    base64_field: str
    client_id_field: str
    client_secret_field: str
    scopes: tuple[str, ...] = SCOPES
    #: what the operator is told before anything is sent there
    warning: str | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the configuration that are this service's alone."""
        return self.file_field, self.base64_field, self.client_id_field, self.client_secret_field

    @property
    def redirect_uri(self) -> str:
        """The redirect URI that the operator has registered; it has no path."""
        return f"http://localhost:{self.port}"


CODE_ASSIST = Service(
    "gemini-cli-oauth",
    "code_assist",
    ("https://cloudcode-pa.googleapis.com",),
    8085,
    "gemini",
    "GEMINI_OAUTH_CREDS_FILE_PATH",
    "GEMINI_OAUTH_CREDS_BASE64",
    "GEMINI_CLI_OAUTH_CLIENT_ID",
    "GEMINI_CLI_OAUTH_CLIENT_SECRET",
)
ANTIGRAVITY = Service(
    "gemini-antigravity",
    "antigravity",
    ("https://daily-cloudcode-pa.googleapis.com", "https://cloudcode-pa.googleapis.com"),
    8086,
    "antigravity",
    "ANTIGRAVITY_OAUTH_CREDS_FILE_PATH",
    "ANTIGRAVITY_OAUTH_CREDS_BASE64",
    "GEMINI_ANTIGRAVITY_OAUTH_CLIENT_ID",
    "GEMINI_ANTIGRAVITY_OAUTH_CLIENT_SECRET",
    warning="Google has closed accounts that used Antigravity through other programs than its own, for violation of"
    " its terms of service: use an account that you can do without",
)
SERVICES = {service.name: service for service in (CODE_ASSIST, ANTIGRAVITY)}
