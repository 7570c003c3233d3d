"""Turns of the hub as ``messages``: one assistant message per step, then a ``tool`` message per call, then the user."""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core.errors import unsupported
from codenex.core.parts import (
    CacheHint,
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
from codenex.core.request import Plain, Turn
from codenex.core.reversal import wrapped
from codenex.core.turns import is_settled, paired, started_by_user, without_empty
from codenex.protocols.openai_chat import fields
from codenex.protocols.openai_chat.attachments import media_part, text_part
from codenex.protocols.openai_chat.reasoning import detail_entries
from codenex.protocols.openai_chat.target import Target
from codenex.protocols.openai_chat.types import PROTOCOL, TOOL_ERROR, VENDOR

Message = dict[str, Any]

_RESULT_ELSEWHERE = "(see the next user message)"


def encode_turns(target: Target) -> list[Message]:
    """Render all turns. Raises ``unsupported`` for content that the target has no form for."""
    turns = target.request.turns
    if type(turns) is Plain and turns[0].origin != "developer":
        return plain_messages(turns)
    if is_settled(turns):
        return _History(target).messages(turns)
    turns = _steps(without_empty(paired(turns, target.losses)))
    last = turns[-1].role if turns else "system"
    if last == "system" and all(turn.role == "system" for turn in turns) and (not turns or not target.same):
        turns = started_by_user(turns, target.losses)
    return _History(target).messages(turns)


def plain_messages(turns: Plain) -> list[Message]:
    """Render turns of one text each."""
    return [{"role": turn.role, "content": turn.parts[0].text} for turn in turns]  # type: ignore[union-attr]


def _steps(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Join neighbouring assistant turns: their calls stand in one message, directly before the results."""
    out: list[Turn] = []
    for turn in turns:
        if turn.role == "assistant" and out and out[-1].role == "assistant":
            extras = {**(out[-1].extras or {}), **(turn.extras or {})} or None
            out[-1] = msgspec.structs.replace(out[-1], parts=(*out[-1].parts, *turn.parts), extras=extras)
        else:
            out.append(turn)
    return tuple(out)


class _History:
    def __init__(self, target: Target) -> None:
        self._target = target
        self._messages: list[Message] = []
        #: media that its own message can't hold, for the next user message
        self._carried: list[Part] = []

    def messages(self, turns: tuple[Turn, ...]) -> list[Message]:
        leading = True
        for turn in turns:
            leading = leading and turn.role == "system"
            if turn.phase is not None:
                self._target.losses.drop(self._target.path("phase"), "the protocol has no phases")
            if turn.role == "user":
                self._user(turn)
                continue
            if self._carried:
                self._user(Turn("user", ()))
            if turn.role == "system":
                self._system(turn, leading)
            else:
                self._assistant(turn)
        if self._carried:
            self._user(Turn("user", ()))
        return self._messages

    def _framed(self, role: str, turn: Turn) -> Message:
        if turn.name is None and turn.extras is None:
            return {"role": role}
        self._target.dropped_extras(turn.extras, self._target.path("")[:-1])
        own = dict(turn.extras or {}) if self._target.same else {}
        return {"role": role, **({"name": turn.name} if turn.name is not None else {}), **own}

    def _system(self, turn: Turn, leading: bool) -> None:
        target = self._target
        parts: list[Text] = []
        for part in turn.parts:
            text = part if type(part) is Text and part.signature is None else self._readable(part)
            if text is not None:
                parts.append(text)
        if not parts:
            return
        if not target.capabilities.system_in_middle:
            joined = "\n\n".join(part.text for part in parts)
            if not leading:
                marked = f"<system-reminder>\n{joined}\n</system-reminder>"
                target.losses.adapt(target.path("role"), "a system turn amid the conversation is sent as user text")
                self._messages.append({"role": "user", "content": marked})
                return
            if self._messages:
                self._messages[0]["content"] += f"\n\n{joined}"
                return
        role = "developer" if turn.origin == "developer" and target.capabilities.developer_role else "system"
        self._messages.append({**self._framed(role, turn), "content": self._texts(parts)})

    def _texts(self, parts: list[Text]) -> str | list[dict[str, Any]]:
        """Render texts as one string where nothing is lost by it or the target insists."""
        target, first = self._target, parts[0]
        if len(parts) == 1 and first.cache is None and first.extras is None:
            return first.text
        rendered = [text_part(part, target) for part in parts]
        marked = any(len(entry) != 2 for entry in rendered)
        one_string = target.fact("text_lists", True) is False or not target.capabilities.system_in_middle
        if not one_string and (marked or (len(parts) > 1 and (target.same or target.capabilities.developer_role))):
            return rendered
        return "\n\n".join(part.text for part in parts)

    def _readable(self, part: Part) -> Text | None:
        """Return what a part without place here says as text; note what is lost."""
        if type(part) is Text and part.signature is None:
            return part
        losses, path = self._target.losses, self._target.path("content[]")
        match part:
            case Text():
                losses.drop(f"{path}.signature", "the protocol signs no text")
                return part
            case Refusal():
                return Text(part.text)
            case ServerTool():
                if part.text:
                    losses.adapt(path, f"{part.type} of the vendor is sent as text")
                    return Text(part.text)
                losses.drop(path, f"{part.type} has no form in the target's protocol")
            case Compaction():
                if part.summary is None:
                    raise unsupported("a condensed history of another vendor can't be read by the target", param=path)
                losses.adapt(path, "a condensed history is sent as its summary")
                return Text(part.summary)
            case Opaque():
                losses.drop(path, f"{part.type} is unknown to the target's protocol")
            case Media() | Reasoning() | ToolCall() | ToolResult():
                losses.drop(path, f"{type(part).__name__} has no place in this turn")
        return None

    def _user(self, turn: Turn) -> None:
        if len(turn.parts) == 1 and turn.name is None and not turn.extras and not self._carried:
            said = turn.parts[0]
            if type(said) is Text and said.signature is None and said.cache is None and said.extras is None:
                self._messages.append({"role": "user", "content": said.text})
                return
        target = self._target
        rest: list[Part] = []
        for part in turn.parts:
            if type(part) is ToolResult:
                self._result(part)
            else:
                rest.append(part)
        if not rest and not self._carried:
            target.dropped_extras(turn.extras, target.path("")[:-1])
            return
        # Media of results come after all tool messages of the step, and before what the user says next.
        content = [*self._carried, *rest]
        self._carried = []
        rendered: list[dict[str, Any]] = []
        texts: list[Text] = []
        for part in content:
            if type(part) is Media:
                rendered.append(media_part(part, target))
            elif type(part) is Opaque and part.protocol == PROTOCOL and target.same:
                rendered.append(part.raw)
            else:
                text = self._readable(part)
                if text is not None:
                    texts.append(text)
                    rendered.append(text_part(text, target))
        if not rendered:
            target.dropped_extras(turn.extras, target.path("")[:-1])
            return
        self._messages.append({**self._framed("user", turn), "content": self._user_content(rendered, texts)})

    def _user_content(self, rendered: list[dict[str, Any]], texts: list[Text]) -> str | list[dict[str, Any]]:
        if len(rendered) == len(texts):
            if len(texts) == 1 and len(rendered[0]) == 2:
                return texts[0].text
            if self._target.fact("text_lists", True) is False:
                return "\n\n".join(part.text for part in texts)
        return rendered

    def _result(self, result: ToolResult) -> None:
        target = self._target
        texts: list[Text] = []
        opaque: list[dict[str, Any]] = []
        carried: list[Part] = []
        if len(result.parts) == 1 and result.extras is None and not result.is_error:
            said = result.parts[0]
            if type(said) is Text and said.signature is None and said.cache is None and said.extras is None:
                if result.cache is not None:
                    self._note_cache(result.cache)
                given = result.call_id
                call_id = target.call_ids[given] if given in target.call_ids else target.call_id(given)
                self._messages.append({"role": "tool", "tool_call_id": call_id, "content": said.text})
                return
        for part in result.parts:
            if isinstance(part, Media) and not (part.kind == "document" and part.text is not None):
                carried.append(part)
            elif isinstance(part, Media):
                texts.append(Text(media_part(part, target)["text"]))
            elif isinstance(part, Opaque) and part.protocol == PROTOCOL and target.same:
                opaque.append(part.raw)
            else:
                text = self._readable(part)
                if text is not None:
                    texts.append(text)
        call_id = target.call_id(result.call_id)
        if carried:
            target.losses.adapt(target.path("tool_result"), "media of a tool result follow in a user message")
            self._carried.extend((Text(f"Media of the tool result {call_id}:"), *carried))
            if not texts:
                texts.append(Text(_RESULT_ELSEWHERE))
        if result.is_error:
            first = texts[0] if texts else Text("")
            texts[:1] = [msgspec.structs.replace(first, text=TOOL_ERROR + first.text)]
        if result.cache is not None:
            self._note_cache(result.cache)
        target.dropped_extras(result.extras, target.path("tool_result"))
        own = dict(result.extras or {}) if target.same else {}
        content: Any = self._texts(texts) if texts else ""
        if opaque:
            content = [*([{"type": "text", "text": text.text} for text in texts]), *opaque]
        self._messages.append({"role": "tool", "tool_call_id": call_id, "content": content, **own})

    def _note_cache(self, hint: CacheHint) -> None:
        text_part(Text("", cache=hint), self._target)

    def _assistant(self, turn: Turn) -> None:
        target = self._target
        message = self._framed("assistant", turn)
        message["content"] = None
        texts: list[tuple[Text, bool]] = []
        opaque: list[dict[str, Any]] = []
        reasoning: list[Reasoning] = []
        details: list[dict[str, Any]] = []
        refusals: list[str] = []
        calls: list[dict[str, Any]] = []
        adjacent = False
        for part in turn.parts:
            beside, adjacent = adjacent, False
            if type(part) is ToolCall:
                calls.append(self._call(part))
                continue
            if type(part) is Text and part.signature is None and not part.citations:
                texts.append((part, beside))
                adjacent = True
                continue
            match part:
                case Reasoning():
                    reasoning.append(part)
                case Refusal() if target.same or target.capabilities.developer_role:
                    refusals.append(part.text)
                case Media():
                    self._generated(part, message, texts)
                case Opaque() if part.protocol == PROTOCOL and target.same:
                    (details if part.type.startswith("reasoning.") else opaque).append(part.raw)
                case _:
                    text = self._readable(part)
                    if text is not None:
                        self._citations(text, message)
                        texts.append((text, beside))
                        adjacent = True
        if texts or opaque:
            message["content"] = self._assistant_content(texts, opaque)
        if refusals:
            message["refusal"] = "".join(refusals)
        if reasoning or details:
            self._reasoning(reasoning, details, message)
        if calls:
            message["tool_calls"] = calls
        if message["content"] is None and not calls and not refusals and "audio" not in message:
            if not any(key in message for key in ("reasoning_content", "reasoning", "reasoning_details")):
                return
            message["content"] = ""
        self._messages.append(message)

    def _assistant_content(
        self, texts: list[tuple[Text, bool]], opaque: list[dict[str, Any]]
    ) -> str | list[dict[str, Any]]:
        """Join texts as the protocol wants one string: neighbours directly, others with a blank line between them."""
        target = self._target
        if len(texts) == 1 and not opaque and texts[0][0].cache is None and texts[0][0].extras is None:
            return texts[0][0].text
        rendered = [text_part(text, target) for text, _ in texts]
        marked = any(len(entry) != 2 for entry in rendered)
        if opaque or (target.fact("text_lists", True) and (marked or (target.same and len(texts) > 1))):
            return [*rendered, *opaque]
        joined = ""
        for text, beside in texts:
            joined += ("\n\n" if joined and not beside else "") + text.text
        return joined

    def _citations(self, text: Text, message: Message) -> None:
        if not text.citations:
            return
        raws = [citation.raw for citation in text.citations if citation.raw is not None]
        if self._target.same:
            message.setdefault("annotations", []).extend(raws)
        else:
            self._target.losses.drop(self._target.path("content[].citations"), "messages of this protocol cite nothing")

    def _generated(self, part: Media, message: Message, texts: list[tuple[Text, bool]]) -> None:
        """Place media that a model made: sound as its id or transcript, all else in the next user message."""
        target = self._target
        if part.kind == "audio" and target.same and part.file_id is not None:
            message["audio"] = {"id": part.file_id}
        elif part.kind == "audio" and part.text is not None:
            target.losses.adapt(target.path("content[]"), "sound in the history is sent as its transcript")
            texts.append((Text(part.text), False))
        else:
            target.losses.adapt(target.path("content[]"), "media of the assistant follow in a user message")
            self._carried.append(part)

    def _call(self, call: ToolCall) -> dict[str, Any]:
        target = self._target
        name = call.name
        if call.namespace is not None or name not in target.plain:
            name = target.tool_name(call.namespace, name)
        if call.kind == "function" and call.extras is None and call.signature is None:
            if call.cache is not None:
                self._note_cache(call.cache)
            arguments = call.arguments
            if arguments[:1] != "{" and not arguments.strip():
                arguments = "{}"
            called = {"name": name, "arguments": arguments}
            return {"id": target.call_id(call.id), "type": "function", "function": called}
        extras = call.extras if target.same else None
        target.dropped_extras(call.extras, target.path("tool_calls[]"))
        if call.cache is not None:
            self._note_cache(call.cache)
        entry: dict[str, Any] = {"id": target.call_id(call.id)}
        if call.kind == "custom" and target.capabilities.custom_tools:
            inner = {"name": name, "input": call.arguments, **fields.restored(extras, "custom.")}
            entry |= {"type": "custom", "custom": inner}
        else:
            arguments = call.arguments if call.arguments.strip() else "{}"
            if call.kind == "custom":
                arguments = wrapped(call.arguments)
            inner = {"name": name, "arguments": arguments, **fields.restored(extras, "function.")}
            entry |= {"type": "function", "function": inner}
        entry |= fields.restored(extras)
        if call.signature is not None:
            if call.signature.vendor == VENDOR and (target.same or target.fact("google_signatures", False)):
                extra: dict[str, Any] = entry.get("extra_content") or {}
                google = {**extra.get("google", {}), "thought_signature": call.signature.payload}
                entry["extra_content"] = {**extra, "google": google}
            else:
                target.losses.drop(target.path("tool_calls[].signature"), "the target can't read it")
        return entry

    def _reasoning(self, parts: list[Reasoning], details: list[dict[str, Any]], message: Message) -> None:
        """Give reasoning back in the field that the target wants; most targets want none."""
        target = self._target
        echo = target.capabilities.reasoning_echo
        path = target.path("reasoning")
        if echo is None and target.same and parts and not target.fact("reasoning_history_refused", False):
            echo = "reasoning_details" if any(part.signature is not None for part in parts) else "reasoning_content"
        if echo is None:
            target.losses.drop(path, "the target takes no reasoning of earlier turns")
            return
        for part in parts:
            target.dropped_extras(part.extras, path)
        if echo == "reasoning_details":
            for part in parts:
                foreign = part.signature is not None and part.signature.vendor != VENDOR
                entries = [] if foreign else detail_entries(part, len(details), with_unsigned=target.same)
                details.extend(entries)
                if not entries:
                    target.losses.drop(path, "the target can't read reasoning that another vendor signed, or nobody")
            if details:
                message["reasoning_details"] = details
            return
        text = "\n\n".join(part.text for part in parts if part.text)
        if any(part.signature is not None for part in parts):
            target.losses.drop(f"{path}.signature", "the target takes the text of reasoning only")
        if text:
            message[echo] = text
