"""What makes a conversation of single responses: items by reference, input that goes on from earlier turns, and the
items of a response as they are kept and listed.

Items that pass unchanged stay the bytes they were.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import msgspec

from codenex.core import json
from codenex.core.errors import Fault, FaultKind, invalid_request
from codenex.core.identifiers import digest
from codenex.core.losses import Losses

#: First letters of the ids that OpenAI gives to items of a type; others begin with the type.
_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
}
_REFERENCE = "item_reference"
_UNREADABLE = frozenset(f"{name}=reasoning.encrypted_content" for name in ("include", "include[]"))
_MOST_LISTED = 100
_LISTED = 20


class _Item(msgspec.Struct):
    type: Any = None
    role: Any = None
    id: Any = None
    call_id: Any = None

    @property
    def refers(self) -> bool:
        """Whether it only names an item that is kept."""
        return self.type == _REFERENCE or (self.type is None and self.role is None and self.id is not None)

    @property
    def calls(self) -> bool:
        """Whether it is a tool's call, which may be in a conversation once."""
        return isinstance(self.type, str) and self.type.endswith("_call") and isinstance(self.call_id, str)


class _Output(msgspec.Struct):
    id: str
    status: str | None = None
    output: list[msgspec.Raw] = []


def readable_query(query: str, losses: Losses) -> str:
    """Return the query of a ``GET`` for a stored response without what no server can show of one: encrypted reasoning
    is there for answers that are *not* stored, and asking for it later is a 400 at OpenAI."""
    asked = query.split("&")
    left = [pair for pair in asked if unquote(pair) not in _UNREADABLE]
    if len(left) < len(asked):
        losses.drop("include", "encrypted reasoning isn't shown of a stored response")
    return "&".join(left)


# --- input that goes on ---------------------------------------------------------------------------------------------


def items_of(raw: bytes | None) -> list[msgspec.Raw]:
    """Return the items of an ``input``, or of an answer's ``output``; a text is one message. What is no input at all is
    empty: the request's decoder says so."""
    if raw is None:
        return []
    try:
        value = msgspec.json.decode(raw, type=str | list[msgspec.Raw] | msgspec.Raw)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return []
    if isinstance(value, str):
        return [msgspec.Raw(json.encode({"type": "message", "role": "user", "content": value}))]
    return value if isinstance(value, list) else []


class _Referring(msgspec.Struct):
    input: list[_Item] | str | None = None


_decode_referring = msgspec.json.Decoder(_Referring).decode


def may_refer(body: bytes) -> bool:
    """Whether a request's input may hold references: a quick look, because nearly none does."""
    if b'"id"' not in body and b'"item_reference"' not in body and b"\\u00" not in body:
        return False
    try:
        items = _decode_referring(body).input
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        # Whatever it is, the decoder of requests says what is wrong with it.
        return True
    return isinstance(items, list) and any(item.refers for item in items)


def references(items: list[msgspec.Raw]) -> dict[int, str]:
    """Return the ids that items refer to, by the items' places. Raises a fault (400) for an id that is none."""
    found = {}
    for place, item in enumerate(_heads(items)):
        if item is None or not item.refers:
            continue
        if not isinstance(item.id, str) or not item.id:
            raise invalid_request(f"Invalid type for 'input[{place}].id'.", param=f"input[{place}].id")
        found[place] = item.id
    return found


def continued(before: list[msgspec.Raw], items: list[msgspec.Raw]) -> list[msgspec.Raw]:
    """Return the whole input of a turn. What a client sends again of earlier turns isn't there twice."""
    known, called = set(), set()
    for item in _heads(before):
        if item is not None and isinstance(item.id, str):
            known.add(item.id)
        if item is not None and item.calls:
            called.add(item.call_id)
    added = [
        raw
        for raw, item in zip(items, _heads(items), strict=True)
        if item is None
        or not ((isinstance(item.id, str) and item.id in known) or (item.calls and item.call_id in called))
    ]
    return before + added


def turns_of(kept_input: bytes, answer: bytes) -> list[msgspec.Raw]:
    """Return the items of a kept turn: those that it added, and those of its answer. Raises
    :class:`~codenex.core.json.MalformedJson`."""
    return json.decode_as(list[msgspec.Raw], kept_input) + json.decode_as(_Output, answer).output


def item_in(items: list[msgspec.Raw], item_id: str) -> msgspec.Raw | None:
    """Return the item with an id."""
    for raw, item in zip(items, _heads(items), strict=True):
        if item is not None and item.id == item_id:
            return raw
    return None


def array(items: list[msgspec.Raw]) -> msgspec.Raw:
    """Return the items as one JSON array."""
    return msgspec.Raw(json.encode(items))


def _heads(items: list[msgspec.Raw]) -> list[_Item | None]:
    heads: list[_Item | None] = []
    for raw in items:
        try:
            heads.append(msgspec.json.decode(raw, type=_Item))
        except (msgspec.DecodeError, RecursionError):
            heads.append(None)
    return heads


# --- what is kept ---------------------------------------------------------------------------------------------------


class Answered(msgspec.Struct, frozen=True):
    """What the end of an answer tells: the response's id, the ids of its items, and whether it failed."""

    id: str
    items: tuple[str, ...]
    failed: bool


def answered(answer: bytes) -> Answered:
    """Read a Response object. Raises :class:`~codenex.core.json.MalformedJson`."""
    read = json.decode_as(_Output, answer)
    return Answered(read.id, ids_of(read.output), read.status == "failed")


def ids_of(items: list[msgspec.Raw]) -> tuple[str, ...]:
    """Return the ids of items that have one."""
    return tuple(item.id for item in _heads(items) if item is not None and isinstance(item.id, str))


def kept_items(items: list[msgspec.Raw], seed: str) -> list[msgspec.Raw]:
    """Return input items in the full form that lists of them have: with type, status, an id, and content in pieces.
    ``seed`` is unique for the response, ids follow from it."""
    decoded = [json.decode(raw) for raw in items]
    return [
        msgspec.Raw(json.encode(_full(item, place, seed)))
        for place, item in enumerate(decoded)
        if isinstance(item, dict)
    ]


def _full(item: dict[str, Any], place: int, seed: str) -> dict[str, Any]:
    kind = item.get("type") if isinstance(item.get("type"), str) else "message" if "role" in item else None
    if kind is None:
        return item
    full = {**item, "type": kind}
    if not isinstance(full.get("id"), str):
        full["id"] = f"{_PREFIXES.get(kind, kind)}_{digest('input', seed, str(place), length=32)}"
    if kind == "message":
        full.setdefault("status", "completed")
        content = full.get("content")
        if isinstance(content, str):
            if full.get("role") == "assistant":
                full["content"] = [{"type": "output_text", "text": content, "annotations": []}]
            else:
                full["content"] = [{"type": "input_text", "text": content}]
    return full


# --- ends of answers ------------------------------------------------------------------------------------------------


class _Event(msgspec.Struct):
    type: str
    response: msgspec.Raw


_TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed"})


def final_object(events: bytes) -> bytes | None:
    """Return the Response object in the terminal event that is among the last events of a stream."""
    for block in reversed(events.split(b"\n\n")):
        data = b"\n".join(line[5:].lstrip() for line in block.splitlines() if line.startswith(b"data:"))
        if not data or b'"response.' not in data:
            continue
        try:
            event = msgspec.json.decode(data, type=_Event)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            continue
        if event.type in _TERMINAL:
            return bytes(event.response)
    return None


def not_kept(answer: bytes) -> bytes:
    """Return a Response object that says that nobody keeps it."""
    return json.encode({**json.decode_raw_object(answer), "store": False})


# --- lists and errors -----------------------------------------------------------------------------------------------


class Page(msgspec.Struct, frozen=True):
    """Which items of a response are wanted: at most ``limit``, those that follow the item ``after``."""

    limit: int = _LISTED
    descending: bool = True
    after: str | None = None


def page_of(query: dict[str, str]) -> Page:
    """Read the parameters of a list. Raises a fault (400)."""
    limit, order = query.get("limit", str(_LISTED)), query.get("order", "desc")
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit[:9]) <= _MOST_LISTED:
        raise invalid_request(f"Invalid 'limit': an integer from 1 to {_MOST_LISTED} is expected.", param="limit")
    if order not in ("asc", "desc"):
        raise invalid_request("Invalid value for 'order': supported values are 'asc' and 'desc'.", param="order")
    return Page(int(limit), order == "desc", query.get("after"))


def listed(items: list[msgspec.Raw], page: Page) -> bytes:
    """Return a page of items. Raises a fault (400) where ``after`` names none of them."""
    if page.descending:
        items = items[::-1]
    if page.after is not None:
        place = next((n for n, head in enumerate(_heads(items)) if head is not None and head.id == page.after), None)
        if place is None:
            raise invalid_request(f"Item with id '{page.after[:100]}' not found.", param="after")
        items = items[place + 1 :]
    shown = items[: page.limit]
    ids = ids_of(shown)
    return json.encode(
        {
            "object": "list",
            "data": shown,
            "first_id": ids[0] if ids else None,
            "last_id": ids[-1] if ids else None,
            "has_more": len(items) > len(shown),
        }
    )


def deleted(response_id: str) -> bytes:
    """Return the answer to a deletion."""
    return json.encode({"id": response_id, "object": "response", "deleted": True})


def previous_not_found(response_id: str, reason: str = "") -> Fault:
    """Build the fault of a turn that goes on from a response that isn't there: a 400, as OpenAI has it."""
    return Fault(
        FaultKind.INVALID_REQUEST,
        f"Previous response with id '{response_id[:100]}' not found.{reason}",
        param="previous_response_id",
        code="previous_response_not_found",
    )


def item_not_found(item_id: str) -> Fault:
    """Build the fault of a reference to an item that isn't there."""
    return invalid_request(f"Item with id '{item_id[:100]}' not found.", param="input")


def response_not_found(response_id: str) -> Fault:
    """Build the fault of a response that was asked for and isn't there."""
    return Fault(FaultKind.NOT_FOUND, f"Response with id '{response_id[:100]}' not found.")
