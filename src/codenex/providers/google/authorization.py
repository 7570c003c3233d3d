"""One login by OAuth 2.0: the page to open, what comes back from there, and the credential that it is exchanged for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from codenex.core.errors import Fault
from codenex.providers.google.credentials import Credential
from codenex.providers.google.service import Service
from codenex.providers.google.wires import asked, post_form
from codenex.providers.transport import Transport

#: Seconds in which somebody has to have logged in.
PATIENCE = 600.0
#: Characters of an answer's parameters, and of a pasted address.
_LONGEST = 4096


class Refused(ValueError):
    """An answer that is none of this login's, or says no; the text is for people, and holds nothing of the answer."""


class Client(msgspec.Struct, frozen=True):
    """The operator's OAuth client, Google's addresses, and the proxies on the way to them."""

    id: str
    secret: str
    auth_url: str
    token_url: str
    userinfo_url: str
    token_proxy: str | None = None
    userinfo_proxy: str | None = None


class Authorization:
    """A login that is under way. Its answer is taken once."""

    def __init__(self, service: Service, client: Client) -> None:
        self.service = service
        self.client = client
        self.state = secrets.token_urlsafe(32)
        self._verifier = secrets.token_urlsafe(64)
        self._used = False

    @property
    def url(self) -> str:
        """The page to open."""
        digest = hashlib.sha256(self._verifier.encode()).digest()
        query = {
            "client_id": self.client.id,
            "redirect_uri": self.service.redirect_uri,
            "response_type": "code",
            "access_type": "offline",
            "prompt": "consent",
            "scope": " ".join(self.service.scopes),
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{self.client.auth_url}?{urlencode(query)}"

    def code_of_address(self, address: str) -> str:
        """Return the code in the address that the browser was sent to; it is read and never fetched. Raises
        :class:`Refused`."""
        address = address.strip()
        if len(address) > 2 * _LONGEST:
            raise Refused("the address is too long")
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError:
            raise Refused("this is no address") from None
        if parts.scheme != "http" or parts.hostname not in ("localhost", "127.0.0.1") or port != self.service.port:
            raise Refused(f"the address has to begin with {self.service.redirect_uri}")
        if parts.path not in ("", "/") or parts.username is not None:
            raise Refused(f"the address has to begin with {self.service.redirect_uri}/?")
        return self.code_of(parts.query)

    def code_of(self, query: str) -> str:
        """Return the code in an answer's query, once. Raises :class:`Refused`."""
        if len(query) > _LONGEST:
            raise Refused("the answer is too long")
        try:
            fields = parse_qs(query, keep_blank_values=True, max_num_fields=20, errors="strict")
        except (ValueError, UnicodeError):
            raise Refused("the answer can't be read") from None
        if any(len(values) > 1 for values in fields.values()):
            raise Refused("the answer says something twice")
        state = fields.get("state", [""])[0]
        if not hmac.compare_digest(state.encode("utf-8", "replace"), self.state.encode()):
            raise Refused("the answer belongs to another login, or to none: begin again with the newest link")
        if self._used:
            raise Refused("this login has been used already: begin again")
        if "error" in fields:
            self._used = True
            denied = fields["error"][0] == "access_denied"
            raise Refused("Google was told not to allow it" if denied else "Google reports an error: begin again")
        code = fields.get("code", [""])[0]
        if not code or not all("!" <= letter <= "~" for letter in code):
            raise Refused("the answer has no code")
        self._used = True
        return code

    async def credential(self, transport: Transport, code: str) -> Credential:
        """Exchange a code; whose login it is, is asked as well. Raises :class:`Fault` and :class:`Refused`."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self.client.id,
            "client_secret": self.client.secret,
            "redirect_uri": self.service.redirect_uri,
            "code_verifier": self._verifier,
        }
        answer = await post_form(transport, self.client.token_url, fields, self.client.token_proxy)
        token, refresh_token = answer.body.get("access_token"), answer.body.get("refresh_token")
        if answer.status != 200 or not isinstance(token, str):
            error = answer.body.get("error")
            reason = error if isinstance(error, str) and error.isascii() and len(error) < 64 else "no reason given"
            raise Refused(f"Google did not exchange the code: {reason}")
        if not isinstance(refresh_token, str) or not refresh_token:
            raise Refused("Google gave no refresh token, so that the login would end within the hour: begin again")
        lasts = answer.body.get("expires_in")
        seconds = float(lasts) if isinstance(lasts, int | float) and lasts > 0 else 3600.0
        scope, id_token = answer.body.get("scope"), answer.body.get("id_token")
        return Credential(
            refresh_token=refresh_token,
            access_token=token,
            expires=round(time.time() + seconds, 3),
            scope=scope if isinstance(scope, str) else None,
            id_token=id_token if isinstance(id_token, str) else None,
            email=await self._email(transport, token),
        )

    async def _email(self, transport: Transport, token: str) -> str | None:
        headers = [("authorization", f"Bearer {token}")]
        url = f"{self.client.userinfo_url}?alt=json"
        try:
            answer = await asked(transport, url, headers, b"", method="GET", proxy=self.client.userinfo_proxy)
        except Fault:
            return None
        email = answer.body.get("email")
        return email if isinstance(email, str) and "@" in email and len(email) <= 254 and email.isprintable() else None
