"""Turns of the hub to the ``input`` items that an upstream takes."""

from __future__ import annotations

from typing import Any, assert_never

from codenex.core import json
from codenex.core.errors import unsupported
from codenex.core.identifiers import fitted_call_id
from codenex.core.losses import Losses
from codenex.core.parts import (
    CacheHint,
    Citation,
    Compaction,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    ServerTool,
    Text,
    ToolCall,
    ToolResult,
)
from codenex.core.request import Request, Turn
from codenex.core.reversal import wrapped
from codenex.models.capabilities import Capabilities
from codenex.protocols.openai_responses.attachments import attachment
from codenex.protocols.openai_responses.items import CONTENT, text_of
from codenex.protocols.openai_responses.tools import Toolbox
from codenex.protocols.openai_responses.types import NAME, TOOL_ERROR, TOOL_SEARCH, VENDOR

Item = dict[str, Any]

#: Annotations that go back as they came, and the fields that make one of a web page whole.
_NATIVE_CITATIONS = frozenset({"file_citation", "container_file_citation", "file_path"})
_URL_CITATION = frozenset({"start_index", "end_index", "url", "title"})


class InputEncoder:
    """Builds the items of one request. ``leading`` system texts are the caller's business."""

    __slots__ = ("_capabilities", "_losses", "_message", "_own", "_protocol", "_role", "_stateless", "_tools", "items")

    def __init__(self, request: Request, toolbox: Toolbox, capabilities: Capabilities, losses: Losses) -> None:
        self.items: list[Item] = []
        self._protocol = request.protocol
        self._own = request.protocol == NAME
        self._stateless = request.state is not None and request.state.store is False
        self._tools = toolbox
        self._capabilities = capabilities
        self._losses = losses
        #: the message that content goes to, and its role
        self._message: Item | None = None
        self._role = ""

    def turn(self, turn: Turn) -> None:
        """Add the items of one turn. Raises ``unsupported`` for what can't be sent."""
        self._message = None
        if turn.name is not None:
            self._losses.drop("messages.name", "Responses has no names of speakers")
        if turn.extras is not None and not self._own:
            for key in turn.extras:
                self._losses.drop(f"messages.{key}", "Responses has no such field")
        self._role = self._role_of(turn)
        before = len(self.items)
        afterwards: list[Media] = []
        for position, part in enumerate(turn.parts):
            if turn.role == "assistant":
                self._assistant_part(part, turn, turn.parts[position + 1 :], afterwards)
            else:
                self._other_part(part, turn)
        self._message = None
        if not turn.parts and self._own:
            # A message without content is still a message.
            self._open(turn, None)
        self._message = None
        if afterwards:
            self._role = "user"
            for media in afterwards:
                self._content(self._media(media, "messages.content"), Turn("user", ()), None)
            self._message = None
        if turn.extras is not None and self._own:
            for item in self.items[before:]:
                if item.get("type") == "message":
                    item.update(turn.extras)
                    break

    def _role_of(self, turn: Turn) -> str:
        if turn.role != "system":
            return turn.role
        if self._own and turn.origin in ("system", "developer"):
            return turn.origin
        return "developer" if self._capabilities.developer_role else "system"

    # --- parts ---

    def _assistant_part(self, part: Part, turn: Turn, rest: tuple[Part, ...], afterwards: list[Media]) -> None:
        match part:
            case Text():
                if part.cache is not None:
                    self._uncached()
                content: Item = {"type": "output_text", "text": part.text, "annotations": _annotations(part)}
                self._content(self._with_extras(content, part.extras), turn, part.item_id)
            case Refusal():
                self._content(
                    self._with_extras({"type": "refusal", "refusal": part.text}, part.extras), turn, part.item_id
                )
            case Reasoning():
                self._reasoning(part, rest)
            case ToolCall():
                self._call(part)
            case Media():
                self._assistant_media(part, afterwards)
            case ToolResult() | ServerTool() | Compaction() | Opaque():
                self._shared(part, turn)
            case _:
                assert_never(part)

    def _other_part(self, part: Part, turn: Turn) -> None:
        match part:
            case Text():
                self._content(self._input_text(part), turn, part.item_id)
            case Refusal():
                self._content({"type": "input_text", "text": part.text}, turn, part.item_id)
            case Media():
                self._content(self._media(part, "messages.content"), turn, None)
            case Reasoning():
                self._losses.drop("messages.reasoning", "reasoning outside an assistant's turn")
            case ToolCall():
                self._call(part)
            case ToolResult() | ServerTool() | Compaction() | Opaque():
                self._shared(part, turn)
            case _:
                assert_never(part)

    def _shared(self, part: ToolResult | ServerTool | Compaction | Opaque, turn: Turn) -> None:
        match part:
            case ToolResult():
                self._result(part)
            case Opaque():
                if part.protocol != NAME:
                    self._losses.drop(f"messages.{part.type}", "a part that only its own protocol knows")
                elif part.type.startswith(CONTENT):
                    self._content(part.raw, turn, None)
                else:
                    self._item(part.raw)
            case ServerTool():
                if part.protocol == NAME:
                    self._item(part.raw)
                elif part.text is not None:
                    self._losses.adapt(f"messages.{part.type}", "what a vendor's tool did is told as text")
                    kind = "output_text" if self._role == "assistant" else "input_text"
                    content: Item = {"type": kind, "text": part.text}
                    self._content(content | {"annotations": []} if kind == "output_text" else content, turn, None)
                else:
                    self._losses.drop(f"messages.{part.type}", "a call of a tool that another vendor runs")
            case Compaction():
                if part.protocol == NAME:
                    self._item(part.raw)
                elif part.summary is not None:
                    self._losses.adapt("messages.compaction", "the summary of the history is sent as text")
                    role, self._role, self._message = self._role, "user", None
                    self._content({"type": "input_text", "text": part.summary}, Turn("user", ()), None)
                    self._role, self._message = role, None
                else:
                    raise unsupported(
                        "A condensed history of another vendor can't be read at this target.", param="messages"
                    )
            case _:
                assert_never(part)

    # --- messages ---

    def _content(self, content: Item, turn: Turn, item_id: str | None) -> None:
        message = self._message
        if message is None or (item_id is not None and message.get("id", item_id) != item_id):
            message = self._open(turn, item_id)
        elif item_id is not None and self._own:
            message.setdefault("id", item_id)
        message["content"].append(content)

    def _open(self, turn: Turn, item_id: str | None) -> Item:
        message: Item = {"type": "message", "role": self._role}
        keeps_id = self._own and item_id is not None
        if keeps_id:
            message["id"] = item_id
            if self._role == "assistant":
                message["status"] = "completed"
        message["content"] = []
        if turn.phase is not None and self._own:
            message["phase"] = turn.phase
        self.items.append(message)
        self._message = message
        return message

    def _item(self, item: Item) -> None:
        self._message = None
        self.items.append(item)

    def _input_text(self, part: Text) -> Item:
        return self._with_extras(self._cached({"type": "input_text", "text": part.text}, part.cache), part.extras)

    def _with_extras(self, content: Item, extras: dict[str, Any] | None) -> Item:
        if extras is not None:
            if self._own:
                return content | extras
            for key in extras:
                self._losses.drop(f"messages.content.{key}", "Responses has no such field")
        return content

    def _cached(self, content: Item, cache: CacheHint | None) -> Item:
        if cache is not None:
            if self._own:
                hint: Item = {"mode": "explicit"}
                return content | {
                    "prompt_cache_breakpoint": hint | ({"ttl": cache.ttl} if cache.ttl is not None else {})
                }
            self._uncached()
        return content

    def _uncached(self) -> None:
        self._losses.drop("cache_control", "OpenAI caches prompts by itself")

    # --- reasoning ---

    def _reasoning(self, part: Reasoning, rest: tuple[Part, ...]) -> None:
        signature = part.signature
        # OpenAI binds what it encrypts to the id of the item: one without the other is refused.
        bound = signature is not None and signature.vendor == VENDOR
        readable = bound and (self._own or (signature is not None and signature.item_id is not None))
        if not self._own and not readable:
            if self._capabilities.reasoning_echo is not None and any(part.segments):
                chain = [{"type": "reasoning_text", "text": text} for text in part.segments]
                self._item({"type": "reasoning", "summary": [], "content": chain})
                return
            self._losses.drop("messages.reasoning", "reasoning of another model that OpenAI can't verify")
            return
        if not self._own and not any(isinstance(one, Text | Refusal | ToolCall) for one in rest):
            self._losses.drop("messages.reasoning", "OpenAI refuses reasoning without the item that it led to")
            return
        # A summary that is neither signed nor stored says nothing; a raw chain is there to be read.
        unknown = not part.raw and (self._stateless or part.item_id is None)
        if self._own and not readable and (signature is not None or unknown):
            self._losses.drop("input.reasoning", "reasoning that the target can neither read nor look up")
            return
        item: Item = {"type": "reasoning"}
        item_id = signature.item_id if readable and signature is not None else part.item_id
        if item_id is not None:
            item["id"] = item_id
        texts = list(part.segments)
        item["summary"] = [] if part.raw else [{"type": "summary_text", "text": text} for text in texts]
        if part.raw:
            item["content"] = [{"type": "reasoning_text", "text": text} for text in texts]
        if readable and signature is not None:
            item["encrypted_content"] = signature.payload
        self._item(item | part.extras if part.extras is not None and self._own else item)

    # --- tools ---

    def _call(self, part: ToolCall) -> None:
        if part.signature is not None and part.signature.vendor != VENDOR:
            self._losses.drop("messages.tool_calls.signature", "a signature of another vendor")
        if part.cache is not None:
            self._uncached()
        call_id = fitted_call_id(part.id)
        builtin = self._tools.builtin(part.name) if part.kind == "function" else None
        item: Item
        if builtin is not None and (arguments := json.try_object(part.arguments)) is not None:
            item = {"type": builtin.call, "call_id": call_id, builtin.field: arguments}
            if builtin is TOOL_SEARCH:
                item["execution"] = "client"
        else:
            name = self._tools.name(part.namespace, part.name)
            if part.kind == "custom" and self._tools.keeps_custom:
                item = {"type": "custom_tool_call", "call_id": call_id, "name": name, "input": part.arguments}
            else:
                arguments_text = wrapped(part.arguments) if part.kind == "custom" else part.arguments
                if not arguments_text.strip():
                    arguments_text = "{}"
                item = {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments_text}
            namespace = self._tools.namespace(part.namespace)
            if namespace is not None:
                item["namespace"] = namespace
        if self._own:
            if part.item_id is not None:
                item["id"] = part.item_id
            item["status"] = "completed" if part.complete else "incomplete"
            item |= part.extras if part.extras is not None else {}
        elif part.extras is not None:
            for key in part.extras:
                self._losses.drop(f"messages.tool_calls.{key}", "Responses has no such field")
        self._item(item)

    def _result(self, part: ToolResult) -> None:
        if part.cache is not None:
            self._uncached()
        call_id = fitted_call_id(part.call_id)
        builtin = self._tools.builtin(part.name) if part.kind == "function" else None
        text = part.parts[0].text if part.parts and isinstance(part.parts[0], Text) else ""
        item: Item
        if builtin is not None:
            item = {"type": builtin.output, "call_id": call_id}
            if builtin is TOOL_SEARCH:
                item |= {"execution": "client", "status": "completed", "tools": _list_of(text)}
            elif builtin.name == "shell":
                item["output"] = _list_of(text)
            else:
                item["output"] = text
                if builtin.name == "apply_patch":
                    item["status"] = "failed" if part.is_error else "completed"
        else:
            custom = part.kind == "custom" and self._tools.keeps_custom
            item = {"type": "custom_tool_call_output" if custom else "function_call_output", "call_id": call_id}
            item["output"] = self._output(part)
        if self._own:
            if part.item_id is not None:
                item["id"] = part.item_id
            item |= part.extras if part.extras is not None else {}
        elif part.extras is not None:
            for key in part.extras:
                self._losses.drop(f"messages.tool_results.{key}", "Responses has no such field")
        self._item(item)

    def _output(self, part: ToolResult) -> str | list[Item]:
        out: list[Item] = []
        for piece in part.parts:
            match piece:
                case Text():
                    out.append(self._input_text(piece))
                case Media():
                    out.append(self._media(piece, "messages.tool_results"))
                case Opaque(protocol=protocol, raw=raw) if protocol == NAME:
                    out.append(raw)
                case _:
                    self._losses.drop("messages.tool_results", "a tool's output holds texts, images and files only")
        if part.is_error:
            if out and out[0]["type"] == "input_text":
                out[0] = {**out[0], "text": TOOL_ERROR + out[0]["text"]}
            else:
                out.insert(0, {"type": "input_text", "text": TOOL_ERROR})
        if not out:
            return ""
        if len(out) == 1 and out[0].keys() == {"type", "text"}:
            return str(out[0]["text"])
        return out

    # --- media ---

    def _assistant_media(self, part: Media, afterwards: list[Media]) -> None:
        if part.kind == "image" and self._own and part.data is not None:
            extras = part.extras if part.extras is not None else {}
            self._item({"type": "image_generation_call", "status": "completed", **extras, "result": part.data})
        elif part.kind == "audio" and part.text is not None:
            self._losses.adapt("messages.audio", "only the transcript of the sound is sent")
            self._content({"type": "output_text", "text": part.text, "annotations": []}, Turn("assistant", ()), None)
        elif part.kind in ("image", "document"):
            self._losses.adapt("messages.content", "the assistant's files are sent in a user message after its turn")
            afterwards.append(part)
        else:
            self._losses.drop("messages.content", f"{part.kind} of the assistant")

    def _media(self, part: Media, path: str) -> Item:
        content = attachment(part, self._protocol, self._capabilities, self._losses, path)
        return self._with_extras(self._cached(content, part.cache), part.extras)


def _annotations(part: Text) -> list[Item]:
    return [found for one in part.citations if (found := annotation(one, part.text)) is not None]


def annotation(citation: Citation, text: str) -> Item | None:
    """Return the annotation of a citation, or ``None`` where it names no address."""
    raw = citation.raw if citation.raw is not None else {}
    kind = text_of(raw.get("type"))
    if kind in _NATIVE_CITATIONS or (kind == "url_citation" and raw.keys() >= _URL_CITATION):
        return raw
    if citation.url is None:
        return None
    # A citation without offsets is about the whole text.
    return {
        "type": "url_citation",
        "start_index": citation.start if citation.start is not None else 0,
        "end_index": citation.end if citation.end is not None else len(text),
        "url": citation.url,
        "title": citation.title if citation.title is not None else "",
    }


def _list_of(text: str) -> list[Any]:
    try:
        value = json.decode(text)
    except json.MalformedJson:
        value = None
    if isinstance(value, list):
        return value
    return [{"stdout": text, "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}] if text else []
