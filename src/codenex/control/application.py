"""The management API. Everything under ``/api`` needs an admin session, but for setup and login."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Cookie, Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from codenex import __version__
from codenex.control import passwords, setup
from codenex.control.lockout import Lockout
from codenex.control.sessions import AGE_LIMIT, Sessions
from codenex.core.redaction import hinted
from codenex.store.settings import Account, Settings

COOKIE = "codenex_session"


class SetupRequest(BaseModel):
    """The one-time token and the password to begin with."""

    token: str = Field(max_length=200)
    password: str = Field(min_length=passwords.SHORTEST, max_length=passwords.LONGEST)


class LoginRequest(BaseModel):
    """The admin password."""

    password: str = Field(max_length=passwords.LONGEST)


class PasswordChange(BaseModel):
    """The old password and the new one."""

    current: str = Field(max_length=passwords.LONGEST)
    password: str = Field(min_length=passwords.SHORTEST, max_length=passwords.LONGEST)


class SessionAnswer(BaseModel):
    """A session's token, for ``Authorization: Bearer``; browsers get it as a cookie besides. ``expiresIn`` is in
    seconds."""

    success: bool = True
    token: str
    expiresIn: int = int(AGE_LIMIT)  # noqa: N815 - existing clients read this name


class Administration:
    """The state behind the API of one process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sessions = Sessions()
        self.lockout = Lockout()


def build_application(settings: Settings) -> FastAPI:
    """Build the API for a generation of settings."""
    application = FastAPI(
        title="CODENEX management API",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    application.state.administration = Administration(settings)
    application.add_exception_handler(HTTPException, _refused)
    application.add_exception_handler(RequestValidationError, _invalid)
    application.include_router(_open_router())
    application.include_router(_guarded_router())
    application.add_api_route(
        "/api/{path:path}",
        _unknown,
        include_in_schema=False,
        methods=["GET", "POST", "PUT", "DELETE"],
        dependencies=[Depends(admin)],
    )
    return application


def _administration(request: Request) -> Administration:
    administration: Administration = request.app.state.administration
    return administration


State = Annotated[Administration, Depends(_administration)]


async def admin(
    request: Request,
    state: State,
    authorization: Annotated[str | None, Header()] = None,
    session: Annotated[str | None, Cookie(alias=COOKIE)] = None,
) -> str:
    """Let an admin through and return the session's token. A cookie alone changes nothing from another site's page."""
    if setup.stored_hash(state.settings) is None:
        raise HTTPException(403, "no admin password exists yet: use POST /api/setup with the setup token")
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() == "bearer" and state.sessions.holds(token.strip()):
        return token.strip()
    if session is not None and state.sessions.holds(session):
        if request.method not in ("GET", "HEAD") and request.headers.get("sec-fetch-site", "same-origin") not in (
            "same-origin",
            "none",
        ):
            raise HTTPException(403, "a page of another origin may not do this")
        return session
    raise HTTPException(401, "log in first: POST /api/login")


Admin = Annotated[str, Depends(admin)]


def _open_router() -> APIRouter:
    router = APIRouter(prefix="/api")

    @router.get("/setup")
    async def setup_state(state: State) -> dict[str, bool]:
        """Whether a password has still to be set."""
        return {"required": setup.stored_hash(state.settings) is None}

    @router.post("/setup")
    async def run_setup(body: SetupRequest, response: Response, request: Request, state: State) -> SessionAnswer:
        """Exchange the setup token for the admin password."""
        _unlocked(state)
        if setup.stored_hash(state.settings) is not None:
            raise HTTPException(409, "the admin password is set already: log in")
        if not setup.token_matches(state.settings, body.token):
            state.lockout.failed()
            raise HTTPException(401, "the setup token is wrong or too old; restart the server for a new one")
        if not setup.finish_setup(state.settings, await passwords.hashed(body.password)):
            raise HTTPException(409, "the admin password is set already: log in")
        state.lockout.succeeded()
        return _session(state, request, response)

    @router.post("/login")
    async def log_in(body: LoginRequest, response: Response, request: Request, state: State) -> SessionAnswer:
        """Log in with the admin password."""
        stored = setup.stored_hash(state.settings)
        if stored is None:
            raise HTTPException(403, "no admin password exists yet: use POST /api/setup with the setup token")
        await _verify(state, stored, body.password)
        return _session(state, request, response)

    return router


def _guarded_router() -> APIRouter:
    router = APIRouter(prefix="/api", dependencies=[Depends(admin)])

    @router.post("/logout")
    async def log_out(token: Admin, response: Response, state: State) -> dict[str, bool]:
        """End this session."""
        state.sessions.end(token)
        response.delete_cookie(COOKIE)
        return {"success": True}

    @router.post("/admin-password")
    async def change_password(body: PasswordChange, state: State) -> dict[str, bool]:
        """Change the admin password; every session ends."""
        await _verify(state, setup.stored_hash(state.settings) or "", body.current)
        setup.change_password(state.settings, await passwords.hashed(body.password))
        state.sessions.end_all()
        return {"success": True}

    @router.get("/service-mode")
    async def service_mode() -> dict[str, str]:
        """How this server runs."""
        return {"mode": "standalone"}

    @router.get("/providers")
    async def providers(state: State) -> dict[str, list[dict[str, Any]]]:
        """The configured accounts by provider type; keys are masked."""
        return {name: [_shown(account) for account in group] for name, group in state.settings.accounts.items()}

    return router


async def _unknown(path: str) -> None:
    raise HTTPException(404, f"there is no endpoint /api/{path[:100]}")


async def _verify(state: Administration, stored: str, password: str) -> None:
    _unlocked(state)
    if not await passwords.verified(stored, password):
        state.lockout.failed()
        raise HTTPException(401, "the password is wrong")
    state.lockout.succeeded()


def _unlocked(state: Administration) -> None:
    wait = state.lockout.wait()
    if wait > 0:
        raise HTTPException(
            429, "too many wrong attempts: wait before the next one", {"retry-after": str(int(wait) + 1)}
        )


def _session(state: Administration, request: Request, response: Response) -> SessionAnswer:
    token = state.sessions.begin()
    secure = request.headers.get("x-forwarded-proto") == "https"
    response.set_cookie(COOKIE, token, max_age=int(AGE_LIMIT), httponly=True, samesite="strict", secure=secure)
    return SessionAnswer(token=token)


def _shown(account: Account) -> dict[str, Any]:
    return {
        "uuid": account.uuid,
        "customName": account.name,
        "baseUrl": account.base_url,
        "apiKey": hinted(account.api_key) if account.api_key else None,
        "isDisabled": account.disabled,
        "supportedModels": list(account.supported_models),
        "notSupportedModels": list(account.not_supported_models),
    }


async def _refused(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    return _error(error.status_code, str(error.detail), dict(error.headers or {}))


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    reasons = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
    return _error(422, reasons)


_TYPES = {
    401: "authentication_error",
    403: "permission_denied",
    404: "not_found",
    429: "rate_limit_exceeded",
    500: "internal_error",
}


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    kind = _TYPES.get(status, "invalid_request_error")
    body = {"error": {"message": message, "type": kind, "code": None, "status": status}}
    return JSONResponse(body, status, headers)
