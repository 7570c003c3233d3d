"""One generation request on its way: what was asked, where it goes, and what the lanes need to serve it."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import msgspec

from codenex.core import json
from codenex.core.errors import Fault, FaultKind
from codenex.core.losses import Loss, Losses, header_value
from codenex.core.render import RenderContext
from codenex.core.request import Request, State
from codenex.core.spoke import Spoke
from codenex.gateway.answer_ids import new_id
from codenex.gateway.conversation import Conversation, Opened
from codenex.gateway.edits import Head
from codenex.gateway.exchange import Exchange, Headers
from codenex.gateway.fetching import Attachments
from codenex.gateway.resolution import Resolution
from codenex.gateway.routes import ANTHROPIC, RESPONSES
from codenex.models.tokens import estimated_input_tokens


class Job(msgspec.Struct):
    """A request that is authenticated, read and routed."""

    exchange: Exchange
    spoke: Spoke
    head: Head
    body: bytes
    model: str
    stream: bool
    resolution: Resolution
    array_stream: bool = False
    strict: bool = False
    #: the provider types that the client's key may use; none of them means all
    providers: tuple[str, ...] = ()
    #: what the request has to do with responses that are kept; ``None`` where nobody keeps any
    conversation: Conversation | None = None
    #: files that the request names by address, once any had to be fetched
    attachments: Attachments | None = None
    _request: Request | None = None
    _echo: dict[str, Any] | None = None
    _id: str = ""
    _created: int = 0

    @property
    def id(self) -> str:
        """Random, for the ids that the gateway gives to what it renders."""
        if not self._id:
            self._id = new_id()
        return self._id

    @property
    def created(self) -> int:
        """When an encoder first asked, in seconds since 1970."""
        if not self._created:
            self._created = int(time.time())
        return self._created

    @property
    def request(self) -> Request:
        """The request in the hub's form, decoded when a translation first needs it. Raises :class:`Fault` (400)."""
        if self._request is None:
            decoded = self.spoke.decode_request(self.body, self.model, self.head.split)
            self._request = msgspec.structs.replace(decoded, stream=self.stream, state=self._state(decoded))
        return self._request

    def _state(self, request: Request) -> State | None:
        """Return what is left of the state that was asked for: what is kept here isn't the target's business."""
        conversation, state = self.conversation, request.state
        if conversation is None or conversation.place is not None:
            return state
        return State(store=False, conversation=None if state is None else state.conversation)

    def go_on(self, opened: Opened) -> None:
        """Take over what the conversation makes of the request; answers still tell it as the client sent it."""
        self.conversation = opened.conversation
        if opened.body is not self.body:
            self._echo = self.echo()
            self.head, self.body = opened.head, opened.body

    def let_files_go(self) -> None:
        """Let go of fetched files: no attempt needs them any more."""
        if self.attachments is not None:
            self.attachments.let_go()

    def forget(self) -> None:
        """Let go of the request: content has gone out, so that no other attempt can follow."""
        if self.spoke.name == RESPONSES:
            self._echo = self.echo()
        held = 0 if self.conversation is None else self.conversation.capture(self.head)
        self.body = b""
        self.head = Head(self.head.model, self.head.stream, b"{}")
        self._request = None
        if self.attachments is not None:
            self.attachments.let_go()
        self.exchange.forget_body(held)

    async def kept(self, answer: bytes) -> bytes:
        """Keep a whole answer where it shall be kept; return it as the client may have it."""
        if self.conversation is None:
            return answer
        self.conversation.capture(self.head)
        return await self.conversation.kept(answer)

    async def kept_stream(self, last: bytes) -> bytes:
        """Keep the answer whose last events these are; return them as the client may have them."""
        if self.conversation is None:
            return last
        self.conversation.capture(self.head)
        return await self.conversation.kept_stream(last)

    def context(self, *, translated: bool) -> RenderContext:
        """Return what the client's encoders need. Without translation the request is not decoded for it."""
        context = RenderContext(self.id, self.created, self.model, array_stream=self.array_stream)
        if translated:
            request = self.request
            # Encoders of answers look at tools and options, never at the conversation, which may be large.
            context.request = msgspec.structs.replace(request, turns=())
            context.include_usage = request.include_usage
            if self.spoke.name == ANTHROPIC:
                context.estimate = partial(estimated_input_tokens, request)
        if self.spoke.name == RESPONSES:
            context.echo = self.echo()
            context.stored = self.conversation is not None and self.conversation.keeps
        return context

    def echo(self) -> dict[str, Any]:
        """Return the top-level fields as the client sent them, without the input itself."""
        if self._echo is not None:
            return self._echo
        return {name: json.decode(raw) for name, raw in self.head.fields.items() if name != "input"}

    def settled_losses(self, losses: Losses) -> Headers:
        """Return the header that tells the losses; in strict mode any loss is a 400 instead."""
        return settled_losses(self.exchange, losses, strict=self.strict)

    def answered_losses(self, losses: Losses) -> Headers:
        """Return the header that also tells what the answer lost, which no strict mode could undo any more."""
        return settled_losses(self.exchange, losses, strict=False)


def settled_losses(exchange: Exchange, losses: Losses, *, strict: bool) -> Headers:
    """Return the header that tells the losses of a request. Raises :class:`Fault` (400) for any in strict mode."""
    values: tuple[Loss, ...] = losses.values()
    if not values:
        return []
    if strict:
        listed = "; ".join(f"{loss.path}: {loss.reason}" for loss in values)
        raise Fault(
            FaultKind.UNSUPPORTED,
            f"strict mode: the target can't express this request: {listed}",
            param=values[0].path,
            code="lossy_translation",
        )
    exchange.notes.lost = values
    return [("x-codenex-losses", header_value(values))]
