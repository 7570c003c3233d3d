"""Turns to ``contents``: what Gemini's models take in a history, in the order they want it."""

from __future__ import annotations

from typing import assert_never

import msgspec

from codenex.core import json
from codenex.core.errors import unsupported
from codenex.core.losses import Losses
from codenex.core.media import normalised_base64, sniffed_type
from codenex.core.names import NameMap, flattened
from codenex.core.parts import (
    Compaction,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    ServerTool,
    Signature,
    Text,
    ToolCall,
    ToolResult,
)
from codenex.core.request import Request, Turn, leading_system
from codenex.core.reversal import CUSTOM_INPUT, argument_object
from codenex.core.turns import merged, paired, started_by_user, without_empty
from codenex.models.capabilities import Capabilities
from codenex.protocols.gemini.content import is_own_file, is_read_by_address, is_video_page
from codenex.protocols.gemini.signatures import encode_signature
from codenex.protocols.gemini.types import NAME, SENTINEL, VENDOR, Object

#: Media types for kinds that came without one.
_DEFAULT_TYPES = {"image": "image/jpeg", "audio": "audio/wav", "video": "video/mp4", "document": "application/pdf"}
#: Endings of addresses → media type, for files that come without one.
_TYPES_BY_ENDING = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "csv": "text/csv",
    "md": "text/markdown",
    "html": "text/html",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mov": "video/quicktime",
}


def encode_turns(
    request: Request, capabilities: Capabilities, names: NameMap, losses: Losses
) -> tuple[list[Object], list[Object]]:
    """Return the parts of ``systemInstruction`` and the ``contents``."""
    leading, rest = leading_system(request.turns)
    system: list[Object] = []
    for turn in leading:
        _turn_losses(turn, request, losses)
        for part in turn.parts:
            if isinstance(part, Text) and part.text.strip():
                _part_losses(part, "system", request, losses)
                system.append({"text": part.text})
            elif not isinstance(part, Text):
                losses.drop("system", "system instructions are text")
    encoder = _TurnEncoder(request, capabilities, names, losses)
    turns = encoder.prepared(rest)
    return system, encoder.contents(turns)


def _turn_losses(turn: Turn, request: Request, losses: Losses) -> None:
    if turn.name is not None:
        losses.drop("messages.name", "Gemini's turns have no names")
    if turn.phase is not None:
        losses.drop("phase", "Gemini has no such field")
    if request.protocol != NAME:
        for key in turn.extras or {}:
            losses.drop(f"messages.{key}", "Gemini has no such field")


def _part_losses(part: Part, path: str, request: Request, losses: Losses) -> None:
    # Nearly all parts are of these types, and have neither.
    ordinary = type(part) is Text or type(part) is ToolCall or type(part) is ToolResult
    if ordinary and part.cache is None and not part.extras:  # type: ignore[union-attr]
        return
    if not isinstance(part, Refusal | Reasoning | Compaction | Opaque) and part.cache is not None:
        losses.drop("cache_control", "Gemini caches by itself")
    if isinstance(part, ServerTool | Compaction | Opaque) or request.protocol == NAME:
        return
    for key in part.extras or {}:
        losses.drop(f"{path}.{key}", "Gemini has no such field")


class _TurnEncoder:
    def __init__(self, request: Request, capabilities: Capabilities, names: NameMap, losses: Losses) -> None:
        self._request = request
        self._capabilities = capabilities
        self._names = names
        self._losses = losses
        self._own = request.protocol == NAME
        #: id of each call → the name that its result repeats
        self._called: dict[str, str] = {}

    # --- the order of turns and parts, still in the hub's words ---

    def prepared(self, turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
        """Return the turns as Gemini wants them: paired, alternating, begun by the user, without foreign parts."""
        spread: list[Turn] = []
        for position, turn in enumerate(turns):
            _turn_losses(turn, self._request, self._losses)
            path = f"messages[{position}]"
            parts = tuple(each for part in turn.parts for each in self._fitting(part, turn.role, path))
            if turn.role == "assistant" and not self._own:
                parts, moved = _apart(parts)
                spread.append(msgspec.structs.replace(turn, parts=parts))
                if moved:
                    self._losses.adapt(f"{path}.image", "files of the model's turn moved to the user's turn after it")
                    spread.append(Turn("user", moved))
            else:
                spread.append(msgspec.structs.replace(turn, parts=parts))
        ordered = without_empty(paired(tuple(spread), self._losses))
        # A system turn may hold nothing that can be marked, such as a signature beside no text.
        ordered = without_empty(tuple(self._positioned(turn) for turn in ordered))
        ordered = started_by_user(merged(ordered), self._losses)
        if not self._capabilities.prefill and not self._own and ordered[-1].role == "assistant":
            self._losses.adapt("messages", "the model can't continue a text of its own: it is asked to go on")
            ordered = (*ordered, Turn("user", (Text("Continue."),)))
        return self._signed(ordered)

    def _positioned(self, turn: Turn) -> Turn:
        """A system turn amid the conversation stays in its place, as marked text of the user."""
        if turn.role != "system":
            return turn
        self._losses.adapt("messages.role", "a system message amid the conversation became marked text of the user")
        texts = [part.text for part in turn.parts if isinstance(part, Text) and part.text.strip()]
        return Turn("user", tuple(Text(f"<system-reminder>\n{text}\n</system-reminder>") for text in texts))

    def _fitting(self, part: Part, role: str, path: str) -> tuple[Part, ...]:
        """Return what stands for a part here; nothing where nothing can."""
        _part_losses(part, path, self._request, self._losses)
        part = self._owned(part)
        match part:
            case Text():
                if part.citations:
                    self._losses.drop(f"{path}.citations", "sources can't be sent back to Gemini")
                return (part,)
            case Refusal():
                return (Text(part.text),)
            case Reasoning():
                if self._own or (part.signature is not None and part.signature.vendor == VENDOR):
                    return (part,)
                self._losses.drop(f"{path}.reasoning", "thoughts of another vendor's model mean nothing to Gemini")
                return ()
            case Media():
                return self._media_fitting(part, path)
            case ToolCall():
                if part.kind == "function" and argument_object(part.arguments) is None:
                    self._losses.drop(f"{path}.tool_calls", f"the arguments of call {part.id} are cut off")
                    return ()
                return (part,)
            case ToolResult():
                inner = tuple(each for piece in part.parts for each in self._fitting(piece, role, path))
                return (msgspec.structs.replace(part, parts=inner),)
            case ServerTool():
                return self._flattened(part, path) if part.protocol != NAME else (part,)
            case Compaction():
                if part.summary is None:
                    raise unsupported(f"{path}: a condensed history of another vendor can't be read", param=path)
                self._losses.adapt(path, "the condensed history became its summary")
                return (Text(part.summary),)
            case Opaque():
                if part.protocol == NAME:
                    return (part,)
                self._losses.drop(f"{path}.{part.type}", "Gemini has no such part")
                return ()
            case _:
                assert_never(part)

    def _flattened(self, part: ServerTool, path: str) -> tuple[Part, ...]:
        if part.text is None:
            self._losses.drop(f"{path}.{part.type}", "the work of another vendor's tool")
            return ()
        self._losses.adapt(f"{path}.{part.type}", "the work of another vendor's tool became text")
        return (Text(part.text),)

    def _media_fitting(self, part: Media, path: str) -> tuple[Part, ...]:
        if part.kind not in self._capabilities.media_kinds:
            raise unsupported(f"{path}: the model takes no {part.kind}", param=path)
        if part.data == "":
            self._losses.drop(f"{path}.{part.kind}", "the file is empty")
            return ()
        if part.data is None and part.text is not None:
            # A document that is text, or what was said in a sound that only its vendor holds.
            title = part.title if part.title is not None else part.filename
            return (Text(f"{title}\n\n{part.text}" if title else part.text),)
        if part.data is None and part.file_id is not None and not is_own_file(part.file_id) and not self._own:
            raise unsupported(f"{path}: the file {part.file_id} lies with another vendor", param=path)
        if part.data is None and part.url is not None and not self._takes_address(part):
            raise unsupported(f"{path}: Gemini takes this {part.kind} inline only, not by its address", param=path)
        if not self._own:
            if part.detail not in (None, "auto"):
                self._losses.drop(f"{path}.detail", "Gemini has no such field")
            if part.filename is not None or part.title is not None:
                self._losses.drop(f"{path}.filename", "Gemini has no such field")
        return (part,)

    def _takes_address(self, part: Media) -> bool:
        address = part.url if part.url is not None else ""
        return self._own or part.kind in self._capabilities.url_media or is_read_by_address(address)

    def _signed(self, turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
        """Give calls the signatures that travelled beside them, else the sentinel to the first one of each step.

        Only the steps of the current turn are checked. Earlier ones get the sentinel as well, so that a conversation
        does not change, and lose its cache, when the next turn begins.
        """
        needed = bool((self._capabilities.extras or {}).get("thought_signatures"))
        out: list[Turn] = []
        for turn in turns:
            if turn.role != "assistant":
                out.append(turn)
                continue
            parts = list(turn.parts) if self._own else _reunited(turn.parts)
            first = next((number for number, part in enumerate(parts) if isinstance(part, ToolCall)), None)
            if needed and first is not None:
                call = parts[first]
                if isinstance(call, ToolCall) and call.signature is None:
                    parts[first] = msgspec.structs.replace(call, signature=Signature(VENDOR, SENTINEL))
                    self._losses.adapt(
                        "messages.tool_calls", "calls without a signature of Google's get its placeholder"
                    )
            out.append(msgspec.structs.replace(turn, parts=tuple(parts)))
        return tuple(out)

    def _owned(self, part: Part) -> Part:
        """Take away a signature that only another vendor can read."""
        if type(part) is Text or type(part) is ToolCall or type(part) is Reasoning or type(part) is Media:
            signature = part.signature
        else:
            return part
        if signature is not None and signature.vendor != VENDOR:
            self._losses.drop("signature", "only the vendor that made it can read it")
            return msgspec.structs.replace(part, signature=None)
        return part

    # --- the wire ---

    def contents(self, turns: tuple[Turn, ...]) -> list[Object]:
        """Return prepared turns as ``contents``."""
        self._called = {
            part.id: flattened(part.namespace, part.name)
            for turn in turns
            for part in turn.parts
            if isinstance(part, ToolCall)
        }
        out: list[Object] = []
        for turn in turns:
            parts: list[Object] = []
            beside: list[Object] = []
            for part in turn.parts:
                if beside and not isinstance(part, ToolResult):
                    parts.extend(beside)
                    beside = []
                parts.extend(self._encoded(part, beside))
            parts.extend(beside)
            content: Object = {"role": "model" if turn.role == "assistant" else "user", "parts": parts}
            if self._own:
                content.update(turn.extras or {})
            if parts:
                out.append(content)
        return out

    def _encoded(self, part: Part, beside: list[Object]) -> list[Object]:
        match part:
            case Text():
                return [self._with({"text": part.text}, part)]
            case Reasoning():
                return [self._with({"text": part.text, "thought": True}, part)]
            case Media():
                return [self._with(self._media(part), part)]
            case ToolCall():
                return [self._with({"functionCall": self._call(part)}, part)]
            case ToolResult():
                return [self._with({"functionResponse": self._result(part, beside)}, part)]
            case ServerTool() | Opaque():
                return [part.raw]
            case Refusal() | Compaction():
                return []
            case _:
                assert_never(part)

    def _with(self, wire: Object, part: Text | Reasoning | Media | ToolCall | ToolResult) -> Object:
        if not isinstance(part, ToolResult) and part.signature is not None:
            wire["thoughtSignature"] = encode_signature(part.signature.payload)
        if self._own:
            for key, value in (part.extras or {}).items():
                own = wire.get(key)
                wire[key] = {**own, **value} if isinstance(own, dict) and isinstance(value, dict) else value
        return wire

    def _media(self, part: Media) -> Object:
        if part.data is not None:
            data = normalised_base64(part.data)
            media_type = part.media_type or sniffed_type(data) or _DEFAULT_TYPES[part.kind]
            return {"inlineData": {"mimeType": media_type, "data": data, **self._display_name(part)}}
        address = part.url if part.url is not None else part.file_id
        given = part.media_type
        known = given if given is not None or self._own else _type_of_address(part, address)
        typed: Object = {} if known is None else {"mimeType": known}
        return {"fileData": {**typed, "fileUri": address, **self._display_name(part)}}

    def _display_name(self, part: Media) -> Object:
        return {"displayName": part.filename} if self._own and part.filename is not None else {}

    def _call(self, part: ToolCall) -> Object:
        arguments = {CUSTOM_INPUT: part.arguments} if part.kind == "custom" else argument_object(part.arguments)
        name = self._names.to_target(flattened(part.namespace, part.name))
        return {**self._id(part.id), "name": name, "args": arguments if arguments is not None else {}}

    def _id(self, identifier: str) -> Object:
        return {"id": identifier} if self._capabilities.call_ids else {}

    def _result(self, part: ToolResult, beside: list[Object]) -> Object:
        texts = [piece.text for piece in part.parts if isinstance(piece, Text)]
        files = [self._with(self._media(piece), piece) for piece in part.parts if isinstance(piece, Media)]
        name = self._names.to_target(self._called.get(part.call_id) or part.name or "unknown")
        wire: Object = {**self._id(part.call_id), "name": name, "response": response_object(texts, part.is_error)}
        if files and self._capabilities.media_in_results:
            wire["parts"] = files
        elif files:
            self._losses.adapt("messages.tool_result", "files of a result stand beside it")
            beside.extend([{"text": f"[files returned by {part.name}]"}, *files])
        return wire


def _type_of_address(part: Media, address: str | None) -> str | None:
    """Guess the media type of a file from its address; of its own files Google knows it."""
    if address is None or is_video_page(address) or is_own_file(address):
        return None
    ending = address.partition("?")[0].partition("#")[0].rpartition(".")[2].lower()
    return _TYPES_BY_ENDING.get(ending, _DEFAULT_TYPES[part.kind])


def response_object(texts: list[str], is_error: bool) -> Object:
    """Return the object for ``functionResponse``: the result itself where it is one, else ``output`` or ``error``.

    An object with a key ``$ref`` goes as text, because Gemini 3 takes it for a pointer to a file of the result.
    """
    text = "\n\n".join(texts) if len(texts) > 1 else texts[0] if texts else ""
    value = json.try_object(text) if text.lstrip().startswith("{") else None
    if value is not None and _has_reference(value):
        value = None
    if is_error:
        return {"error": value if value is not None else text}
    if value is None or set(value) in ({"output"}, {"error"}):
        return {"output": text}
    return value


def _has_reference(value: object) -> bool:
    if isinstance(value, dict):
        return "$ref" in value or any(_has_reference(each) for each in value.values())
    return isinstance(value, list) and any(_has_reference(each) for each in value)


def _apart(parts: tuple[Part, ...]) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Split off files that no signature of Google's shows to be its own."""
    moved = tuple(
        part
        for part in parts
        if isinstance(part, Media) and (part.signature is None or part.signature.vendor != VENDOR)
    )
    return tuple(part for part in parts if part not in moved), moved


def _reunited(parts: tuple[Part, ...]) -> list[Part]:
    """Move a signature that travelled in a reasoning part back to the call or text right behind it.

    Protocols without a slot for it carry it so. A thought itself stays, an empty one has done its service.
    """
    out: list[Part] = []
    waiting: Signature | None = None
    for part in parts:
        if isinstance(part, ToolCall | Text) and waiting is not None and part.signature is None:
            out.append(msgspec.structs.replace(part, signature=waiting))
            waiting = None
            continue
        if waiting is not None:
            out.append(Text("", signature=waiting))
            waiting = None
        if isinstance(part, Reasoning) and part.signature is not None and part.signature.vendor == VENDOR:
            waiting = part.signature
            if part.text:
                out.append(msgspec.structs.replace(part, signature=None))
            continue
        out.append(part)
    if waiting is not None:
        out.append(Text("", signature=waiting))
    return out
