"""Endpoints for logins at Google: begin one, and end it with the address that a browser was sent to."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from codenex.control.administration import Refusal
from codenex.control.changing import changed
from codenex.control.files import POOLS
from codenex.control.google_login import (
    Done,
    Login,
    NoClient,
    account_of_file,
    client_of,
    file_for,
    keep_file,
    linked,
    looked_at,
)
from codenex.control.health_api import trust
from codenex.control.part import ControlPart
from codenex.control.providers_api import TypeName
from codenex.control.state import Part
from codenex.providers.google.authorization import Authorization, Refused
from codenex.providers.google.credentials import Credential
from codenex.providers.google.service import SERVICES, Service


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

    return router


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

    async def keep(service: Service, credential: Credential) -> Done:
        return await _kept(part, service, credential)

    transport = await part.outward.transport()
    login = Login(Authorization(service, client), part.settings.oauth_bind, transport, keep)
    try:
        await login.start()
    except OSError as error:
        raise Refusal(409, f"port {service.port} can't be listened on: {error.strerror or error}") from None
    part.google_logins[service.name] = login
    login.done.add_done_callback(lambda done: _told(part, service, done))
    return login


async def _kept(part: ControlPart, service: Service, credential: Credential) -> Done:
    path = await asyncio.to_thread(file_for, part.settings, service, credential)
    await asyncio.to_thread(keep_file, path, credential)

    def change(pools: dict[str, Any]) -> tuple[dict[str, Any], None]:
        return linked(pools, service, path, credential, str(uuid4())), None

    try:
        await changed(part, POOLS, change, None)
    except Refusal as refusal:
        raise Refused(f"the login is kept in {service.folder}/{path.name}, but: {refusal.message}") from None
    account = account_of_file(part.settings, service, path)
    words = await looked_at(await part.outward.transport(), service, account, credential.email)
    if account is not None:
        trust(part, account)
    return Done(path, credential.email, words)


def _told(part: ControlPart, service: Service, done: asyncio.Future[Done]) -> None:
    error = done.exception()
    if error is not None:
        part.events.publish("oauth_error", {"provider": service.name, "error": str(error)})
        return
    path = f"{service.folder}/{done.result().path.name}"
    part.events.publish("oauth_success", {"provider": service.name, "credPath": path, "relativePath": path})
