"""Tool calls out of a stream's fragments: which fragment belongs to which call, and when a call is known well enough.

Compatible servers repeat ids, names and whole arguments, send them late, number calls from 1, all 0 or not at all, and
interleave calls. A call is opened once, with id and name; its raw arguments follow as they come.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Literal

from codenex.core import json
from codenex.core.assembly import Assembly
from codenex.core.identifiers import derived_call_id
from codenex.core.parts import Signature
from codenex.core.pieces import Pieces
from codenex.core.reversal import argument_object
from codenex.protocols.openai_chat import fields
from codenex.protocols.openai_chat.types import VENDOR

#: Names under which OpenAI's models leak their internal dispatcher of parallel calls.
DISPATCHERS = frozenset({"multi_tool_use.parallel", "parallel"})
_RECIPIENT = "functions."
_ENTRY = frozenset({"id", "type", "index", "function", "custom", "extra_content"})


class _Call:
    __slots__ = ("arguments", "extras", "held", "id", "index", "key", "kind", "name", "opened", "pending", "signature")

    def __init__(self, key: tuple[int, str, int], index: int | None) -> None:
        self.key = key
        self.index = index
        self.id = ""
        self.name = ""
        self.kind: Literal["function", "custom"] = "function"
        self.arguments = Pieces()
        #: arguments that could not be passed on yet
        self.pending: list[str] = []
        #: an empty object that may be a placeholder for what follows
        self.held = ""
        self.opened = False
        self.signature: Signature | None = None
        self.extras: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """The arguments so far."""
        return "".join(self.arguments)

    @property
    def is_whole(self) -> bool:
        """Whether the arguments so far are a complete object."""
        last = self.arguments[-1].rstrip() if self.arguments else ""
        if last and not last.endswith("}"):
            return False
        text = self.text or self.held
        return text.rstrip().endswith("}") and json.try_object(text) is not None


class CallAssembler:
    """Assembles the calls of one choice. ``seed`` makes ids for calls that come without one."""

    def __init__(self, assembly: Assembly, choice: int) -> None:
        self._assembly = assembly
        self._choice = choice
        self._calls: list[_Call] = []
        self._finished = 0
        #: the call that the last fragment belonged to
        self._latest: _Call | None = None
        #: whether the arguments of a call that came out are no whole JSON; final after :meth:`finish`
        self.cut = False
        self.seed: tuple[str, ...] = ()

    @property
    def ids(self) -> set[str]:
        """The ids of the calls so far."""
        return {call.id for call in self._calls if call.id}

    @property
    def count(self) -> int:
        """The number of calls that came out; final after :meth:`finish`."""
        return self._finished

    def fragment(self, entry: dict[str, Any], *, fresh: bool = False) -> None:
        """Take an entry of ``tool_calls``; ``fresh`` says that it is a whole call and no fragment."""
        kind: Literal["function", "custom"] = "function"
        body = entry.get("function")
        if entry.get("type") == "custom" or ("custom" in entry and body is None):
            kind, body = "custom", entry.get("custom")
        body = body if isinstance(body, dict) else {}
        name = _text(body.get("name"))
        arguments = body.get("input" if kind == "custom" else "arguments")
        index = entry.get("index")
        call_id, place = _text(entry.get("id")), index if isinstance(index, int) else None
        call = self._begin(call_id, place, kind) if fresh else self._find(call_id, place, name, kind)
        self._latest = call
        self._name(call, name, bool(arguments))
        call.extras.update(fields.unknown(entry, _ENTRY))
        self._sign(call, entry.get("extra_content"))
        if arguments is not None:
            self._add(call, arguments if isinstance(arguments, str) else json.encode_text(arguments))
        self._advance(call)

    def piece(self, call_id: str, index: int | None, name: str, arguments: str | None) -> None:
        """Take an entry of ``tool_calls`` that has no other fields."""
        call = self._latest = self._find(call_id, index, name, "function")
        if name:
            self._name(call, name, bool(arguments))
        if arguments is not None:
            self._add(call, arguments)
        if not call.opened:
            self._advance(call)

    def flowing(self) -> Hashable:
        """Return the key of the call that the last fragment belonged to, where further arguments have only to be passed
        on; ``None`` for no such call."""
        call = self._latest
        return call.key if call is not None and call.opened and call.kind == "function" and call.arguments else None

    def take_run(self, text: str, pieces: list[bytes]) -> None:
        """Take several pieces of the arguments of the call that flows: what they say, and the JSON of each."""
        call = self._latest
        if call is None or not text:
            return
        if "{" in text:
            # A piece that begins with it may be all arguments once more.
            texts: list[str] = json.decode(b'["%b"]' % b'","'.join(pieces))
            if any(piece.lstrip().startswith("{") for piece in texts):
                for piece in texts:
                    self._add(call, piece)
                return
        held = call.arguments
        held.append(text)
        if len(held) > held.most:
            held.gather()
        self._assembly.arguments_run(call.key, text, pieces)

    @property
    def is_empty(self) -> bool:
        """Whether there is no call that isn't finished."""
        return not self._calls

    def legacy(self, body: dict[str, Any]) -> None:
        """Take a fragment of the legacy ``function_call``."""
        self.fragment({"index": -1, "function": body})

    def sign(self, call_id: str, signature: Signature) -> bool:
        """Sign the call with an id; return whether there is one."""
        call = next((call for call in self._calls if call.id == call_id), None)
        if call is not None:
            self._set_signature(call, Signature(VENDOR, signature.payload))
        return call is not None

    def settle(self) -> None:
        """Open all calls that are known by now: something else begins."""
        for call in self._calls:
            if call.name and not call.opened and call.name not in DISPATCHERS:
                self._open(call)

    def finish(self) -> None:
        """Close all calls, in their order. Calls without a name are none."""
        for call in self._calls:
            if call.name in DISPATCHERS and not call.opened and self._dispatched(call):
                continue
            if not call.name:
                continue
            if not call.opened:
                self._open(call)
            if call.held and not call.arguments:
                self._pass(call, call.held)
            complete = call.kind == "custom" or argument_object(call.text) is not None
            self._assembly.close(call.key, complete=complete)
            self.cut = self.cut or not complete
            self._finished += 1
        self._calls = []

    def _find(self, call_id: str, index: int | None, name: str, kind: Literal["function", "custom"]) -> _Call:
        """Return the call that a fragment belongs to: by id, then by index, then the latest."""
        known = next((call for call in reversed(self._calls) if call.id == call_id), None) if call_id else None
        if known is not None:
            repeated = name and index is not None and known.index is not None and index != known.index
            return known if not (repeated and known.is_whole) else self._begin("", index, kind)
        if index is None:
            found = self._calls[-1] if self._calls else None
        else:
            found = next((call for call in reversed(self._calls) if call.index == index), None)
            if found is None and not call_id and not name and self._calls and self._calls[-1].index is None:
                found = self._calls[-1]
        if found is None or self._begins(found, call_id, name):
            return self._begin(call_id, index, kind)
        if call_id and not found.id:
            found.id = call_id
        return found

    @staticmethod
    def _begins(found: _Call, call_id: str, name: str) -> bool:
        """Whether a fragment at the place of ``found`` is another call: places are reused."""
        if not name:
            return False
        if call_id and found.id:
            return True
        if not found.name:
            return False
        if found.is_whole:
            return True
        return bool(found.arguments) and name != found.name

    def _begin(self, call_id: str, index: int | None, kind: Literal["function", "custom"]) -> _Call:
        self.settle()
        call = _Call((self._choice, "call", len(self._calls)), index)
        call.id, call.kind = call_id, kind
        self._calls.append(call)
        return call

    def _name(self, call: _Call, name: str, has_arguments: bool) -> None:
        """Take a name: whole, again, or its next piece while nothing else has come."""
        if not name or call.opened:
            return
        if not call.name or has_arguments or call.pending:
            call.name = call.name or name
        elif name.startswith(call.name):
            call.name = name
        else:
            call.name += name

    def _sign(self, call: _Call, extra: Any) -> None:
        if not isinstance(extra, dict):
            return
        google = extra.get("google")
        payload = google.get("thought_signature") if isinstance(google, dict) else None
        if isinstance(payload, str) and payload:
            self._set_signature(call, Signature(VENDOR, payload))
        else:
            call.extras["extra_content"] = extra

    def _set_signature(self, call: _Call, signature: Signature) -> None:
        call.signature = signature
        if call.opened:
            self._assembly.sign(call.key, signature)

    def _add(self, call: _Call, piece: str) -> None:
        if call.kind == "custom":
            self._pass(call, piece)
            return
        if not call.arguments:
            if piece.strip() == "{}" or (call.held and not piece.strip()):
                call.held = call.held or piece
                return
            # Whatever follows an empty object replaces it.
            call.held = ""
        elif piece.lstrip().startswith("{") and call.is_whole:
            # The complete arguments once more, after their deltas.
            return
        self._pass(call, piece)

    def _pass(self, call: _Call, piece: str) -> None:
        call.arguments.add(piece)
        if call.opened:
            self._assembly.arguments(call.key, piece)
        else:
            call.pending.append(piece)

    def _advance(self, call: _Call) -> None:
        if call.opened or not call.name or call.name in DISPATCHERS:
            return
        # A name is whole as soon as arguments come; without an id the call waits, as an id may still come.
        if call.pending and (call.id or call.index == -1):
            self._open(call)

    def _open(self, call: _Call) -> None:
        taken = {other.id for other in self._calls if other is not call and other.opened}
        if not call.id or call.id in taken:
            call.id = derived_call_id(*self.seed, self._choice, self._calls.index(call), call.name, call.id)
        call.opened = True
        self._assembly.open(
            call.key,
            "tool_call",
            self._choice,
            id=call.id,
            name=call.name,
            tool_kind=call.kind,
            extras=call.extras or None,
        )
        if call.signature is not None:
            self._assembly.sign(call.key, call.signature)
        for piece in call.pending:
            self._assembly.arguments(call.key, piece)
        call.pending = []

    def _dispatched(self, call: _Call) -> bool:
        """Take a dispatcher's call apart into the calls it stands for; do nothing where it is an ordinary tool."""
        uses = (json.try_object(call.text) or {}).get("tool_uses")
        if not isinstance(uses, list) or not uses:
            return False
        calls: list[tuple[str, Any]] = []
        for use in uses:
            recipient = use.get("recipient_name") if isinstance(use, dict) else None
            if not isinstance(recipient, str) or not recipient.startswith(_RECIPIENT):
                return False
            calls.append((recipient[len(_RECIPIENT) :], use.get("parameters", {})))
        for number, (name, parameters) in enumerate(calls):
            key = (self._choice, "dispatched", len(self._calls) + self._finished)
            call_id = derived_call_id(*self.seed, self._choice, call.id, number, name)
            self._assembly.open(key, "tool_call", self._choice, id=call_id, name=name)
            self._assembly.arguments(key, json.encode_text(parameters))
            self._assembly.close(key)
            self._finished += 1
        return True


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
