"""Asks one upstream account whether it answers: by its list of models, which costs nothing, or by the smallest request
where a model to check with is configured."""

from __future__ import annotations

import asyncio

import msgspec

from codenex.core import json
from codenex.core.errors import Fault, FaultKind, unsupported
from codenex.core.losses import Losses
from codenex.gateway.encoding import Target, upstream_model
from codenex.gateway.spokes import SPOKES
from codenex.gateway.upstream import accepted, ask_for_models, call
from codenex.pool.blame import Blame, blame
from codenex.providers.claude_code.answer import LOG_IN
from codenex.providers.claude_code.login import login_of
from codenex.providers.claude_code.program import found
from codenex.providers.google.cloud import cloud_of
from codenex.providers.registry import PROVIDER_TYPES
from codenex.providers.transport import Deadlines, Transport, UpstreamResponse
from codenex.store.settings import Account, Settings

#: Seconds for a whole check.
PATIENCE = 15.0
_DEADLINES = Deadlines(connect=5.0, first_byte=PATIENCE, idle=PATIENCE)
_LIMIT = 8 * 1024 * 1024
_OUTPUT_TOKENS = 16
#: How servers without a list of models answer.
_NO_LIST = frozenset({404, 405, 501})


class Checked(msgspec.Struct, frozen=True):
    """What a check has found; ``healthy`` is ``None`` where the upstream was not to be asked."""

    healthy: bool | None
    message: str
    model: str | None = None
    #: the key is wrong, or may not do this
    refused: bool = False


async def checked(
    transport: Transport, account: Account, settings: Settings, model: str | None, *, wanted: bool = True
) -> Checked:
    """Check an account with a request for ``model``, without one by its list of models. Never raises. ``wanted`` says
    that an operator asks for it: only then is an account tried that needs somebody to act."""
    program = PROVIDER_TYPES[account.provider].program
    if program is not None:
        return await _program(account, account.program or settings.claude_code_path or program)
    try:
        async with asyncio.timeout(PATIENCE):
            count = None
            if (service := PROVIDER_TYPES[account.provider].google) is not None:
                _, quotas = await cloud_of(transport).check(account, service, wanted=wanted)
                count = len(quotas)
            if model is None:
                count = len(await listed_models(transport, account)) if count is None else count
                return Checked(True, f"the upstream listed {count} model{'' if count == 1 else 's'}")
            await _generate(transport, account, settings, model)
            return Checked(True, f"{model} answered", model)
    except TimeoutError:
        return Checked(False, f"no answer within {PATIENCE:.0f} s", model)
    except Fault as fault:
        return _failed(fault, model)
    except (json.MalformedJson, KeyError):
        return Checked(False, "the upstream answered nonsense", model)


async def _program(account: Account, name: str) -> Checked:
    """Check a program of this server. A request would cost what its owner pays for; to ask it for its login costs
    nothing."""
    path = await asyncio.to_thread(found, name)
    if path is None:
        return Checked(False, f"{name!r} is no program on this server")
    login = await login_of(path, account)
    if login.logged_in is False:
        return Checked(False, f"the program is not logged in: {LOG_IN}", refused=True)
    how = f", logged in by {login.method}" if login.logged_in and login.method else ""
    return Checked(True, f"the program is there{how}")


async def listed_models(transport: Transport, account: Account) -> list[str]:
    """Return the ids of the models that an account's upstream lists. Raises :class:`Fault`, and
    :class:`~codenex.core.json.MalformedJson` for nonsense."""
    kind = PROVIDER_TYPES[account.provider]
    response = await ask_for_models(transport, kind, account, _DEADLINES)
    if response.status in _NO_LIST:
        response.close()
        raise unsupported("it has no list of models")
    body = await _answer(response, account)
    return [model.id for model in SPOKES[kind.protocol].decode_models(body)]


async def _generate(transport: Transport, account: Account, settings: Settings, model: str) -> None:
    kind = PROVIDER_TYPES[account.provider]
    name = upstream_model(account, model)
    asked = {"model": name, "messages": [{"role": "user", "content": "Hi"}], "max_completion_tokens": _OUTPUT_TOKENS}
    request = SPOKES["openai-chat"].decode_request(json.encode(asked), name)
    key = bytes.fromhex(settings.envelope_key)
    encoded = Target(kind, account, name, settings.model_facts).encoded(request, key, Losses())
    response = await call(
        transport,
        kind,
        account,
        "generate",
        name,
        encoded.body,
        headers=[],
        request_id="health",
        deadlines=_DEADLINES,
        stream=False,
    )
    SPOKES[kind.protocol].decode_response(await _answer(response, account))


async def _answer(response: UpstreamResponse, account: Account) -> bytes:
    await accepted(response, SPOKES[PROVIDER_TYPES[account.provider].protocol], account)
    try:
        return await response.read(_LIMIT)
    finally:
        response.close()


def _failed(fault: Fault, model: str | None) -> Checked:
    if fault.kind is FaultKind.UNSUPPORTED:
        return Checked(None, "the upstream has no list of models: set checkModelName to check with a request", model)
    kind = blame(fault)
    if kind is Blame.CALLER and model is not None:
        return Checked(None, f"{model} could not be asked: {fault.message[:300]}", model)
    return Checked(False, (fault.notice or fault.message)[:300], model, refused=kind is Blame.ACCOUNT)
