"""Google's OAuth as a scripted server: it refuses what the real one refuses."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from tests.support.replies import Reply, Unary
from tests.support.upstream import Request
from tests.support.vendors.checks import words
from tests.support.vendors.framing import body

CLIENT_ID: Final = "client-of-the-tests.apps.example"
CLIENT_SECRET: Final = "secret-of-the-tests"
REFRESH_TOKEN: Final = "1//refresh-token-of-the-tests"
REDIRECTS: Final = ("http://localhost:8085", "http://localhost:8086")
EMAIL: Final = "somebody@example.com"
_AUTH: Final = frozenset(
    words(
        """
        client_id redirect_uri response_type access_type scope state prompt code_challenge code_challenge_method
        """
    )
)


def json_reply(value: Any, status: int = 200) -> Unary:
    return Unary(body(value), status, {"content-type": "application/json; charset=UTF-8"})


@dataclass
class Grant:
    """One authorisation code that was given out."""

    redirect_uri: str
    challenge: str
    scope: str
    used: bool = False


@dataclass
class OAuth:
    """Clients, codes and tokens. ``lifetime`` is that of an access token, in seconds."""

    clients: dict[str, str] = field(default_factory=lambda: {CLIENT_ID: CLIENT_SECRET})
    redirects: tuple[str, ...] = REDIRECTS
    refresh_tokens: dict[str, str] = field(default_factory=lambda: {REFRESH_TOKEN: CLIENT_ID})
    access_tokens: set[str] = field(default_factory=set)
    lifetime: int = 3599
    rotates: bool = False
    """Give a new refresh token with every renewal, and end the old one."""
    refusal: tuple[int, dict[str, str]] | None = None
    """What the token endpoint answers instead."""
    grants: dict[str, Grant] = field(default_factory=dict)
    renewals: int = 0
    exchanges: int = 0
    problems: list[str] = field(default_factory=list)

    def issue(self) -> str:
        token = f"ya29.{secrets.token_urlsafe(24)}"
        self.access_tokens.add(token)
        return token

    def holds(self, request: Request) -> bool:
        scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
        return scheme == "Bearer" and token in self.access_tokens

    # pages

    def page(self, request: Request) -> Reply:
        """The page that asks whether the program may do what it asks for."""
        query = request.query
        problems = [f"{name} is missing" for name in _AUTH - query.keys()]
        problems += [f"{name} is unknown" for name in query.keys() - _AUTH]
        expected = {"response_type": "code", "access_type": "offline", "prompt": "consent"}
        expected["code_challenge_method"] = "S256"
        problems += [f"{name} is {query.get(name)}" for name, value in expected.items() if query.get(name) != value]
        if query.get("client_id") not in self.clients:
            problems.append("invalid_client")
        if query.get("redirect_uri") not in self.redirects:
            problems.append("redirect_uri_mismatch")
        if len(query.get("state", "")) < 32 or not re.fullmatch(r"[\w-]{43}", query.get("code_challenge", "")):
            problems.append("state or code_challenge is too weak")
        if "https://www.googleapis.com/auth/cloud-platform" not in query.get("scope", "").split():
            problems.append("scope")
        if problems:
            self.problems += problems
            return _html("Error 400: " + html.escape("; ".join(problems)), 400)
        allow, deny = (f"/consent?{urlencode({**query, 'answer': answer})}" for answer in ("allow", "deny"))
        return _html(
            f'<h1>Sign in with Google</h1><p>{EMAIL}</p><a id="allow" href="{html.escape(allow)}">Allow</a>'
            f' <a id="deny" href="{html.escape(deny)}">Cancel</a>'
        )

    def consent(self, request: Request) -> Reply:
        query = request.query
        answer: dict[str, str] = {"state": query["state"]}
        if query["answer"] == "allow":
            code = f"4/{secrets.token_urlsafe(24)}"
            self.grants[code] = Grant(query["redirect_uri"], query["code_challenge"], query["scope"])
            answer |= {"code": code, "scope": query["scope"]}
        else:
            answer["error"] = "access_denied"
        return Unary(b"", 302, {"location": f"{query['redirect_uri']}/?{urlencode(answer)}"})

    # tokens

    def token(self, request: Request) -> Reply:
        if request.headers.get("content-type") != "application/x-www-form-urlencoded":
            return _refused("invalid_request", "Content-Type")
        form = dict(parse_qsl(request.body.decode(), strict_parsing=True))
        match form.get("grant_type"):
            case "authorization_code":
                self.exchanges += 1
                return self._exchanged(form)
            case "refresh_token":
                self.renewals += 1
                return self._renewed(form)
            case other:
                return _refused("unsupported_grant_type", str(other))

    def _exchanged(self, form: dict[str, str]) -> Reply:
        if (refusal := self._client(form)) is not None:
            return refusal
        grant = self.grants.get(form.get("code", ""))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if grant is None or grant.used or grant.redirect_uri != form.get("redirect_uri"):
            return _refused("invalid_grant", "Malformed auth code.")
        grant.used = True
        if challenge != grant.challenge:
            return _refused("invalid_grant", "Invalid code verifier.")
        refresh_token = f"1//{secrets.token_urlsafe(24)}"
        self.refresh_tokens[refresh_token] = form["client_id"]
        return json_reply({**self._tokens(grant.scope), "refresh_token": refresh_token, "id_token": "e30.e30.c2ln"})

    def _renewed(self, form: dict[str, str]) -> Reply:
        if self.refusal is not None:
            return json_reply(self.refusal[1], self.refusal[0])
        if (refusal := self._client(form)) is not None:
            return refusal
        owner = self.refresh_tokens.get(form.get("refresh_token", ""))
        if owner is None:
            return _refused("invalid_grant", "Token has been expired or revoked.")
        if owner != form["client_id"]:
            return _refused("unauthorized_client", "Unauthorized")
        answer = self._tokens("https://www.googleapis.com/auth/cloud-platform")
        if self.rotates:
            del self.refresh_tokens[form["refresh_token"]]
            answer["refresh_token"] = f"1//{secrets.token_urlsafe(24)}"
            self.refresh_tokens[answer["refresh_token"]] = owner
        return json_reply(answer)

    def _client(self, form: dict[str, str]) -> Reply | None:
        if self.clients.get(form.get("client_id", "")) != form.get("client_secret"):
            return _refused("invalid_client", "The OAuth client was not found.", 401)
        return None

    def _tokens(self, scope: str) -> dict[str, Any]:
        return {"access_token": self.issue(), "expires_in": self.lifetime, "scope": scope, "token_type": "Bearer"}

    def userinfo(self, request: Request) -> Reply:
        if not self.holds(request):
            return json_reply(
                {"error": {"code": 401, "message": "Invalid Credentials", "status": "UNAUTHENTICATED"}}, 401
            )
        return json_reply({"id": "1", "email": EMAIL, "name": "Somebody", "picture": "https://example.com/p.png"})


def _refused(error: str, description: str, status: int = 400) -> Unary:
    return json_reply({"error": error, "error_description": description}, status)


def _html(text: str, status: int = 200) -> Unary:
    return Unary(f"<!doctype html><title>Google</title>{text}".encode(), status, {"content-type": "text/html"})
