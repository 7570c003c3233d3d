"""Endpoints for logins at Google: begin one, and end it with the address that a browser was sent to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from codenex.control.administration import Refusal
from codenex.control.changing import changed
from codenex.control.files import POOLS
from codenex.control.google_import import imported
from codenex.control.google_keeping import Done, Link, kept
from codenex.control.google_login import Login, NoClient, client_of
from codenex.control.health_api import trust
from codenex.control.part import ControlPart
from codenex.control.pool_entries import Pools
from codenex.control.providers_api import TypeName
from codenex.control.state import Part
from codenex.core import json
from codenex.providers.google.authorization import Authorization, Refused
from codenex.providers.google.credentials import Credential
from codenex.providers.google.service import CODE_ASSIST, SERVICES, Service
from codenex.store.settings import Settings

#: What the schema of a stream describes is one event of it.
_EVENT = {"type": "object", "additionalProperties": {"type": "string"}}


class LoginOptions(BaseModel):
    """What older clients send; a login is always kept below the configuration's folder, at the port of its type."""

    model_config = ConfigDict(extra="ignore")

    port: int | None = None
    saveToConfigs: bool = True  # noqa: N815 - existing clients send this name
    providerDir: Annotated[str | None, Field(max_length=64)] = None  # noqa: N815


class AuthInfo(BaseModel):
    """Where the answer is waited for. ``warning`` is to be shown before the page is opened."""

    provider: str
    redirectUri: str  # noqa: N815
    port: int
    saveToConfigs: bool = True  # noqa: N815
    providerDir: str  # noqa: N815
    warning: str | None


class LoginBegun(BaseModel):
    """The page to open."""

    success: bool = True
    authUrl: str  # noqa: N815
    authInfo: AuthInfo  # noqa: N815


class Callback(BaseModel):
    """The address that the browser was sent to and could not open. It is read, never fetched."""

    provider: str = Field(max_length=64)
    callbackUrl: str = Field(max_length=10_000)  # noqa: N815


class LoginEnded(BaseModel):
    """What became of it."""

    success: bool = True
    message: str


class Tokens(BaseModel):
    """Credentials in any shape in which programs keep them, or refresh tokens alone."""

    providerType: Annotated[str, Field(max_length=64)] = CODE_ASSIST.name  # noqa: N815
    tokens: Annotated[list[dict[str, Any] | str], Field(min_length=1, max_length=1000)]
    #: take those too that are here already
    skipDuplicateCheck: bool = False  # noqa: N815


def google_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api")

    @router.post("/providers/{provider_type}/generate-auth-url")
    async def begin(provider_type: TypeName, part: Part, body: LoginOptions | None = None) -> LoginBegun:
        """Begin a login. Its answer is waited for during ten minutes; another login of the type takes its place."""
        service = _service(provider_type)
        if body is not None and body.port not in (None, service.port):
            raise Refusal(400, f"the port of {service.name} is {service.port}, which its redirect URI names")
        login = await _begun(part, service)
        return LoginBegun(
            authUrl=login.authorization.url,
            authInfo=AuthInfo(
                provider=service.name,
                redirectUri=service.redirect_uri,
                port=service.port,
                providerDir=service.folder,
                warning=service.warning,
            ),
        )

    @router.post("/oauth/manual-callback")
    async def finish(body: Callback, part: Part) -> LoginEnded:
        """End a login with a pasted address, where the browser runs on another machine than the server."""
        service = _service(body.provider)
        login = part.google_logins.get(service.name)
        if login is None or login.done.done():
            raise Refusal(409, f"no login of {service.name} is under way: begin one")
        try:
            return LoginEnded(message=await login.take_address(body.callbackUrl))
        except Refused as error:
            raise Refusal(400, str(error)) from None

    @router.post(
        "/gemini/batch-import-tokens",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"schema": _EVENT}}, "description": "Events."}},
    )
    async def bring(body: Tokens, part: Part) -> StreamingResponse:
        """Make accounts of many credentials; how far it is comes as events."""
        service = _service(body.providerType)
        return StreamingResponse(_brought(part, service, body), media_type="text/event-stream")

    return router


async def _brought(part: ControlPart, service: Service, body: Tokens) -> AsyncIterator[bytes]:
    link = _link(part, service)
    async for name, data in imported(service, body.tokens, part.settings, link, again=body.skipDuplicateCheck):
        yield b"event: " + name.encode() + b"\ndata: " + json.encode(data) + b"\n\n"
        if name == "complete" and data["successCount"]:
            part.events.publish("oauth_batch_success", {"provider": service.name, "count": data["successCount"]})


def _service(name: str) -> Service:
    service = SERVICES.get(name)
    if service is None:
        raise Refusal(400, f"Unsupported provider type: {name[:64]}")
    return service


async def _begun(part: ControlPart, service: Service) -> Login:
    try:
        client = client_of(part.settings, service)
    except NoClient as error:
        raise Refusal(409, str(error)) from None
    older = part.google_logins.pop(service.name, None)
    if older is not None:
        older.give_up("another login was begun")
        # The port is free when the loop has closed it.
        await asyncio.sleep(0)

    transport = await part.outward.transport()

    async def keep(service: Service, credential: Credential) -> Done:
        done = await kept(service, credential, part.settings, _link(part, service), transport)
        if done.account is not None:
            trust(part, done.account)
        return done

    login = Login(Authorization(service, client), part.settings.oauth_bind, transport, keep)
    try:
        await login.start()
    except OSError as error:
        raise Refusal(409, f"port {service.port} can't be listened on: {error.strerror or error}") from None
    part.google_logins[service.name] = login
    login.done.add_done_callback(lambda done: _told(part, service, done))
    return login


def _link(part: ControlPart, service: Service) -> Link:
    """Return what makes accounts of kept files; it raises :class:`Refused` where that can't be done."""

    async def link(change: Callable[[Pools], Pools]) -> Settings:
        try:
            await changed(part, POOLS, lambda pools: (change(pools), None), None)
        except Refusal as refusal:
            raise Refused(f"what is new is kept in {service.folder}, but: {refusal.message}") from None
        return part.settings

    return link


def _told(part: ControlPart, service: Service, done: asyncio.Future[Done]) -> None:
    error = done.exception()
    if error is not None:
        part.events.publish("oauth_error", {"provider": service.name, "error": str(error)})
        return
    path = f"{service.folder}/{done.result().path.name}"
    part.events.publish("oauth_success", {"provider": service.name, "credPath": path, "relativePath": path})
