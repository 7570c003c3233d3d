"""The door to the management API: whatever is not open by name needs an admin session, before anything of the request
is looked at. What no route knows is behind it as well."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from codenex.control.administration import Administration, Refusal, before_setup
from codenex.control.answers import refused
from codenex.control.hosts import host_is_allowed

COOKIE = "codenex_session"

#: Where the web pages are. They hold nothing of this server: what they show, they ask the management API for.
PAGES = "/ui"
#: What needs no session, besides the web pages.
OPEN = frozenset({("GET", "/"), ("HEAD", "/"), ("GET", "/api/setup"), ("POST", "/api/setup"), ("POST", "/api/login")})


class Guard:
    """ASGI middleware. It leaves the session's token in ``request.state.session``."""

    def __init__(self, app: ASGIApp, administration: Administration) -> None:
        self._app = app
        self._administration = administration

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer 401 or 403."""
        if scope["type"] != "http":
            raise RuntimeError(f"the management API has no {scope['type']}")
        try:
            # Open or not: what nobody may call by this name isn't called.
            _check_host(Request(scope), self._administration)
            if not is_open(scope["method"], scope["path"]):
                scope.setdefault("state", {})["session"] = session_of(Request(scope), self._administration)
        except Refusal as refusal:
            await refused(refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _check_host(request: Request, administration: Administration) -> None:
    """Refuse a request for another host's name: the page that sent it may be anybody's (DNS rebinding). Raises
    :class:`Refusal`: 403."""
    # The relay puts it there; without one, it is no client's request.
    host = request.headers.get("x-forwarded-host")
    if host is None:
        return
    settings = administration.settings
    if not host_is_allowed(host, (*settings.allowed_hosts, settings.host.lower())):
        raise Refusal(403, f"this server does not know itself as {host[:100]!r}: name that in ALLOWED_HOSTS")


def is_open(method: str, path: str) -> bool:
    """Whether a request needs no session."""
    if (method, path) in OPEN:
        return True
    return method in ("GET", "HEAD") and (path == PAGES or path.startswith(f"{PAGES}/"))


def session_of(request: Request, administration: Administration) -> str:
    """Return the token of the admin session that a request belongs to. Raises :class:`Refusal`: 401, 403."""
    if administration.setup_required:
        raise before_setup()
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer" and administration.sessions.holds(token.strip()):
        return token.strip()
    cookie = request.cookies.get(COOKIE)
    if cookie is not None and administration.sessions.holds(cookie):
        if request.method not in ("GET", "HEAD") and _from_elsewhere(request):
            raise Refusal(403, "a page of another origin may not do this")
        return cookie
    raise Refusal(401, "log in first: POST /api/login")


def _from_elsewhere(request: Request) -> bool:
    """Whether a page of another origin sent this; a browser adds the cookie to that too.

    Browsers say so in ``sec-fetch-site``, but only to hosts that they trust (https, localhost); the others get
    ``origin``. What is no browser sends neither.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    host = request.headers.get("x-forwarded-host") or request.headers.get("host", "")
    return origin is not None and urlsplit(origin).netloc.lower() != host.lower()
