"""The paths under ``/v1/responses/{id}``: what is kept here is shown and deleted here, what an upstream's account keeps
is asked of it."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

from codenex.core.errors import Fault, FaultKind, invalid_request, unsupported
from codenex.core.json import Raw
from codenex.core.losses import Losses
from codenex.gateway.attempts import Attempts
from codenex.gateway.conversation import unavailable
from codenex.gateway.exchange import Exchange, Headers
from codenex.gateway.headers import passed_down
from codenex.gateway.job import settled_losses
from codenex.gateway.keeper import Keeper
from codenex.gateway.queries import forwarded_query
from codenex.gateway.spokes import SPOKES
from codenex.gateway.tracing import carried, within
from codenex.gateway.upstream import ANSWER_LIMIT, accepted, call
from codenex.protocols.openai_responses import continuation as wire
from codenex.providers.registry import PROVIDER_TYPES
from codenex.store.responses import Kept, Place, StoreUnavailable

_JSON: Headers = [("content-type", "application/json")]


class StoredResponses:
    """Serves one client's responses. Every method raises :class:`Fault`."""

    def __init__(self, keeper: Keeper, attempts: Attempts, client: str) -> None:
        self._keeper = keeper
        self._attempts = attempts
        self._client = client

    async def serve(self, exchange: Exchange, common: Headers) -> None:
        """Answer a request."""
        tail = unquote(exchange.path).rstrip("/").rpartition("/responses/")[2]
        response_id, _, part = tail.partition("/")
        try:
            headers, body = await self._answer(exchange, response_id, part)
        except StoreUnavailable as error:
            raise unavailable(error) from None
        exchange.respond(200, [*_JSON, *headers, *common], body)

    async def _answer(self, exchange: Exchange, response_id: str, part: str) -> tuple[Headers, bytes]:
        method = exchange.method
        if (method == "POST") != (part == "cancel") or (method == "DELETE" and part):
            raise Fault(
                FaultKind.NOT_FOUND, f"there is no endpoint {method} {exchange.path[:200]}", code="unknown_endpoint"
            )
        found = await self._keeper.find(self._client, response_id) if part else await self._one(response_id)
        if isinstance(found, Place):
            return await self._asked(exchange, found, response_id, part)
        if not found:
            raise wire.response_not_found(response_id)
        query = dict(parse_qsl(exchange.query))
        match method, part:
            case "DELETE", _:
                await self._keeper.delete(self._client, response_id)
                return [], wire.deleted(response_id)
            case "POST", _:
                raise invalid_request("Cannot cancel a synchronous response.")
            case _, "input_items":
                return [], wire.listed(_input_of(found), wire.page_of(query))
            case _:
                if query.get("stream") == "true":
                    raise unsupported("this server keeps answers and not their streams", param="stream")
                return [], found[-1].answer

    async def _one(self, response_id: str) -> Place | tuple[Kept, ...]:
        return await self._keeper.one(self._client, response_id)

    async def _asked(self, exchange: Exchange, place: Place, response_id: str, part: str) -> tuple[Headers, bytes]:
        """Ask the account that keeps a response."""
        accounts = self._attempts.settings.accounts.get(place.provider, ())
        account = next((one for one in accounts if one.uuid == place.account), None)
        kind = PROVIDER_TYPES.get(place.provider)
        if account is None or kind is None:
            raise wire.response_not_found(response_id)
        exchange.notes.provider, exchange.notes.account = kind.name, account.uuid
        losses = Losses()
        query = wire.readable_query(forwarded_query(exchange.query), losses)
        response = await call(
            self._attempts.transport,
            kind,
            account,
            "response",
            f"{response_id}/{part}" if part else response_id,
            b"",
            headers=within([], exchange.notes) if "trace" in exchange.notes.more else carried(exchange.headers),
            request_id=exchange.request_id,
            deadlines=self._attempts.deadlines_of(account),
            stream=False,
            query=query,
            verb=exchange.method,
        )
        response = await accepted(response, SPOKES[kind.protocol], account)
        try:
            body = await response.read(ANSWER_LIMIT)
        finally:
            response.close()
        if exchange.method == "DELETE":
            await self._keeper.delete(self._client, response_id)
        passed = passed_down([pair for pair in response.headers if pair[0] != "content-type"])
        return [*passed, ("x-codenex-provider", kind.name), *settled_losses(exchange, losses, strict=False)], body


def _input_of(chain: tuple[Kept, ...]) -> list[Raw]:
    earlier = [item for turn in chain[:-1] for item in wire.turns_of(turn.input, turn.answer)]
    return earlier + wire.items_of(chain[-1].input)
