"""The management API. Everything needs an admin session but what :mod:`codenex.control.guard` lists as open."""

from __future__ import annotations

from functools import cache
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from pydantic import BaseModel, Field

from codenex import __version__
from codenex.control import passwords
from codenex.control.account_usage_api import account_usage_router
from codenex.control.administration import Administration
from codenex.control.answers import add_error_handlers
from codenex.control.bodies_api import bodies_router
from codenex.control.bulk_api import bulk_router
from codenex.control.client_keys_api import client_keys_router
from codenex.control.config_api import config_router
from codenex.control.dashboard_api import dashboard_router
from codenex.control.description import describe
from codenex.control.files_api import files_router
from codenex.control.google_api import google_router
from codenex.control.guard import COOKIE, Guard
from codenex.control.health_api import health_router
from codenex.control.linking_api import linking_router
from codenex.control.models_api import models_router
from codenex.control.part import ControlPart
from codenex.control.pool_health_api import pool_health_router
from codenex.control.providers_api import providers_router
from codenex.control.requests_api import requests_router
from codenex.control.restoring_api import restoring_router
from codenex.control.sessions import AGE_LIMIT
from codenex.control.sessions_api import sessions_router
from codenex.control.supervision import Supervision
from codenex.control.system_api import system_router
from codenex.control.translate_api import translate_router
from codenex.control.undo_api import undo_router
from codenex.control.usage_api import usage_router
from codenex.control.web_pages import pages_router


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


class SetupState(BaseModel):
    """Whether a password has still to be set."""

    required: bool


class Done(BaseModel):
    """It is done."""

    success: bool = True
    message: str


class SessionAnswer(BaseModel):
    """A session's token, for ``Authorization: Bearer``; browsers get it as a cookie besides. ``expiresIn`` is in
    seconds."""

    success: bool = True
    token: str
    expiresIn: int = int(AGE_LIMIT)  # noqa: N815 - existing clients read this name


def build_application(administration: Administration, part: ControlPart | None = None) -> FastAPI:
    """Build the API around the state of one process."""
    application = FastAPI(
        title="CODENEX management API",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    application.state.administration = administration
    application.state.part = part if part is not None else ControlPart(administration.settings, [], Supervision())
    application.add_middleware(Guard, administration=administration)
    add_error_handlers(application)
    application.router.routes.extend(_stateless().routes)
    application.include_router(pages_router())
    describe(application)
    return application


@cache
def _stateless() -> APIRouter:
    """Return all endpoints but the pages: they get at the state through the request's application, and the framework
    takes a tenth of a second to make them."""
    router = APIRouter()
    router.include_router(_open_router())
    router.include_router(_guarded_router())
    # Before the routes of single accounts: those would take a fixed word for a uuid.
    router.include_router(google_router())
    router.include_router(health_router())
    router.include_router(bulk_router())
    router.include_router(providers_router())
    router.include_router(config_router())
    router.include_router(restoring_router())
    router.include_router(undo_router())
    router.include_router(linking_router())
    router.include_router(pool_health_router())
    router.include_router(models_router())
    router.include_router(account_usage_router())
    router.include_router(sessions_router())
    router.include_router(files_router())
    router.include_router(system_router())
    router.include_router(client_keys_router())
    router.include_router(usage_router())
    router.include_router(requests_router())
    router.include_router(bodies_router())
    router.include_router(dashboard_router())
    router.include_router(translate_router())
    return router


def _administration(request: Request) -> Administration:
    administration: Administration = request.app.state.administration
    return administration


def _session(request: Request) -> str:
    session: str = request.state.session
    return session


State = Annotated[Administration, Depends(_administration)]
Session = Annotated[str, Depends(_session)]


def _open_router() -> APIRouter:
    router = APIRouter()

    @router.get("/api/setup")
    async def setup_state(state: State) -> SetupState:
        """Whether a password has still to be set."""
        return SetupState(required=state.setup_required)

    @router.post("/api/setup")
    async def run_setup(body: SetupRequest, response: Response, request: Request, state: State) -> SessionAnswer:
        """Exchange the setup token for the admin password."""
        return _begun(await state.set_up(body.token, body.password), request, response)

    @router.post("/api/login")
    async def log_in(body: LoginRequest, response: Response, request: Request, state: State) -> SessionAnswer:
        """Log in with the admin password."""
        return _begun(await state.log_in(body.password), request, response)

    return router


def _guarded_router() -> APIRouter:
    router = APIRouter(prefix="/api")

    @router.post("/logout")
    async def log_out(session: Session, response: Response, state: State) -> Done:
        """End this session."""
        await state.log_out(session)
        response.delete_cookie(COOKIE)
        return Done(message="logged out")

    @router.post("/admin-password")
    async def change_password(body: PasswordChange, state: State) -> Done:
        """Change the admin password; every session ends."""
        await state.change_password(body.current, body.password)
        return Done(message="the password was changed; every session has ended")

    return router


def _begun(session: str, request: Request, response: Response) -> SessionAnswer:
    secure = request.headers.get("x-forwarded-proto") == "https"
    response.set_cookie(COOKIE, session, max_age=int(AGE_LIMIT), httponly=True, samesite="strict", secure=secure)
    response.headers["cache-control"] = "no-store"
    return SessionAnswer(token=session)
