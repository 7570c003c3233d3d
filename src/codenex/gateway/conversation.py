"""The conversation that a request of the Responses API goes on with, and that its answer is kept in.

Who makes a response's id keeps the response: an upstream of the same protocol whose bytes pass through keeps its own,
and this gateway remembers which account that was; whatever the gateway renders itself it keeps itself.
"""

from __future__ import annotations

import logging

import msgspec

from codenex.core import json
from codenex.core.errors import Fault, FaultKind, invalid_request, unsupported
from codenex.gateway.edits import Head
from codenex.gateway.keeper import Keeper
from codenex.protocols.openai_responses import continuation as wire
from codenex.store.responses import Kept, Place, StoreUnavailable
from codenex.store.settings import Settings

_PREVIOUS = frozenset({"previous_response_id"})

_logger = logging.getLogger(__name__)


class Conversation(msgspec.Struct):
    """What one request has to do with responses that are kept."""

    keeper: Keeper
    client: str
    #: whether the answer shall be kept, for how many seconds, and within how many bytes
    keeps: bool
    lifetime: float
    limit: int
    #: the response that this one goes on from, where this gateway keeps it
    previous: str | None = None
    #: the account that keeps what this request goes on from
    place: Place | None = None
    #: the request's body holds what was kept here
    expanded: bool = False
    #: whether this gateway renders the answer, and so has to keep it itself
    renders: bool = False
    #: the items that this turn adds, as JSON; they stay until the answer is complete
    input: bytes | None = None

    def capture(self, head: Head) -> int:
        """Take a copy of the input where it will be needed, before the request itself is let go of; return its size."""
        if not (self.keeps and self.renders):
            return 0
        if self.input is None:
            self.input = json.encode(wire.items_of(head.fields.get("input")))
        return len(self.input)

    async def kept(self, answer: bytes) -> bytes:
        """Keep a whole answer; return it as the client may have it."""
        if not self.keeps:
            return answer
        try:
            told = wire.answered(answer)
            if told.failed:
                return answer
            items = wire.kept_items(wire.items_of(self.input), told.id)
            ids = (*wire.ids_of(items), *told.items)
            turn = Kept(told.id, self.previous, bytes(wire.array(items)), answer, ids)
            await self.keeper.keep(self.client, turn, self.lifetime, self.limit)
        except (StoreUnavailable, json.MalformedJson) as error:
            # The answer itself is worth more than its being kept; it says of itself that nobody can go on from it.
            _logger.error("a response can't be kept: %s", error)
            return wire.not_kept(answer)
        return answer

    async def kept_stream(self, last: bytes) -> bytes:
        """Keep the answer whose last events these are; return them as the client may have them."""
        answer = wire.final_object(last) if self.keeps else None
        if answer is None:
            return last
        told = await self.kept(answer)
        return last if told is answer else last.replace(answer, told)

    def refused(self, answer: bytes) -> bytes:
        """Return an answer that nobody keeps under the id that it has."""
        return wire.not_kept(answer) if self.keeps else answer

    async def noted(self, place: Place, answer: bytes) -> None:
        """Remember which account keeps a whole answer that passed through."""
        if not self.keeps:
            return
        try:
            told = wire.answered(answer)
            await self.keeper.place(self.client, (told.id, *told.items), place)
        except (StoreUnavailable, json.MalformedJson) as error:
            _logger.error("where a response is kept can't be remembered: %s", error)

    async def noted_stream(self, place: Place, last: bytes) -> bytes:
        """Remember which account keeps the answer whose last events these are."""
        answer = wire.final_object(last) if self.keeps else None
        if answer is not None:
            await self.noted(place, answer)
        return last


class Opened(msgspec.Struct, frozen=True):
    """A conversation, and the request that it makes of the client's."""

    conversation: Conversation
    head: Head
    body: bytes


async def opened(keeper: Keeper, settings: Settings, client: str, head: Head, body: bytes) -> Opened:
    """Find what a request goes on from. Raises :class:`Fault`: 400 for what isn't there, 503 where nobody can tell."""
    keeps = head.store is not False and head.conversation is None
    conversation = Conversation(
        keeper, client, keeps, settings.stored_responses_hours * 3600.0, settings.stored_responses_bytes
    )
    previous = head.previous_response_id
    if not isinstance(previous, str):
        previous = None
    if body.count(b'"previous_response_id"') > 1 and json.duplicate_keys(body, _PREVIOUS) is not None:
        # Gateway and upstream could read different ones.
        raise invalid_request("the body has two fields named 'previous_response_id'", param="previous_response_id")
    if previous is None and not wire.may_refer(body):
        return Opened(conversation, head, body)
    try:
        return await _continued(conversation, previous, head, body)
    except StoreUnavailable as error:
        raise unavailable(error) from None


def unavailable(error: StoreUnavailable) -> Fault:
    """Build the fault of a file that can't be read; why is the operator's business."""
    _logger.error("kept responses can't be read: %s", error)
    return Fault(FaultKind.UNAVAILABLE, "kept responses can't be read at the moment", code="store_unavailable")


async def _continued(conversation: Conversation, previous: str | None, head: Head, body: bytes) -> Opened:
    items = wire.items_of(head.fields.get("input"))
    own = await _resolved(conversation, items)
    before: list[msgspec.Raw] = []
    if previous is not None:
        found = await conversation.keeper.find(conversation.client, previous)
        match found:
            case Place():
                _settle(conversation, found)
            case ():
                raise wire.previous_not_found(previous)
            case _:
                conversation.previous = previous
                before = [item for turn in found for item in wire.turns_of(turn.input, turn.answer)]
    kept_here = conversation.previous is not None or own is not items
    if conversation.place is not None:
        if kept_here:
            raise unsupported(
                "the request goes on from what this server keeps and from what an upstream keeps", param="input"
            )
        return Opened(conversation, head, body)
    if not kept_here:
        return Opened(conversation, head, body)
    conversation.expanded = True
    if conversation.keeps:
        conversation.input = json.encode(own)
    fields = {name: value for name, value in head.fields.items() if name != "previous_response_id"}
    fields["input"] = wire.array(wire.continued(before, own))
    body = json.encode(fields)
    return Opened(conversation, Head(head.model, head.stream, body), body)


async def _resolved(conversation: Conversation, items: list[msgspec.Raw]) -> list[msgspec.Raw]:
    """Return the items with those in place of references that are kept here; the same list where there are none."""
    resolved = list(items)
    changed = False
    for place, item_id in wire.references(items).items():
        found = await conversation.keeper.holder(conversation.client, item_id)
        match found:
            case Place():
                _settle(conversation, found)
                continue
            case ():
                raise wire.item_not_found(item_id)
            case _:
                (turn,) = found
        item = wire.item_in(wire.turns_of(turn.input, turn.answer), item_id)
        if item is None:
            raise wire.item_not_found(item_id)
        resolved[place], changed = item, True
    return resolved if changed else items


def _settle(conversation: Conversation, place: Place) -> None:
    if conversation.place not in (None, place):
        raise unsupported("the request goes on from what several upstream accounts keep", param="input")
    conversation.place = place
