"""The order of turns that Anthropic Messages demands: results beside their calls, system text where it is taken."""

from __future__ import annotations

import msgspec

from codenex.core.losses import Losses
from codenex.core.parts import Media, Opaque, Part, Reasoning, ServerTool, Text, ToolCall, ToolResult
from codenex.core.request import Request, Turn, leading_system
from codenex.core.turns import is_settled, merged, paired, started_by_user, without_empty
from codenex.models.capabilities import Capabilities
from codenex.protocols.anthropic.types import NAME, VENDOR

#: How a system turn in the middle looks to a model that takes none; Claude Code marks its own reminders the same way.
MARKER = ("<system-reminder>\n", "\n</system-reminder>")

CONTINUE = "Continue."


def arranged(request: Request, capabilities: Capabilities, losses: Losses) -> tuple[tuple[Part, ...], tuple[Turn, ...]]:
    """Return the leading system parts, and the other turns in an order that the target takes."""
    own = request.protocol == NAME
    # Of a conversation that the vendor holds, the calls may not be in the request.
    held = own and request.state is not None and request.state.previous_response_id is not None
    if not held and is_settled(request.turns):
        leading, rest = leading_system(request.turns)
        if not _holds_more(rest):
            return (leading[0].parts if len(leading) == 1 else tuple([p for turn in leading for p in turn.parts])), rest
    turns = request.turns if held else paired(request.turns, losses)
    leading, rest = leading_system(turns)
    system = tuple(part for turn in leading for part in turn.parts)
    rest = tuple(_readable(turn, losses) for turn in rest)
    if not own:
        rest = _media_to_users(rest, losses)
    rest = without_empty(rest)
    rest = _placed(rest, capabilities, losses)
    return system, merged(started_by_user(rest, losses))


def _holds_more(turns: tuple[Turn, ...]) -> bool:
    """Whether assistants have said more than texts, calls and what only their vendor knows."""
    for turn in turns:
        if turn.role == "assistant":
            for part in turn.parts:
                if type(part) is Reasoning or type(part) is Media:
                    return True
    return False


def _readable(turn: Turn, losses: Losses) -> Turn:
    """Leave out reasoning that the target's vendor did not sign; the turn may be empty then."""
    kept = tuple(part for part in turn.parts if not isinstance(part, Reasoning) or _signed(part))
    if len(kept) == len(turn.parts):
        return turn
    losses.drop("reasoning", "reasoning without a signature of the target's vendor is refused")
    return msgspec.structs.replace(turn, parts=kept)


def _signed(part: Reasoning) -> bool:
    return part.signature is not None and part.signature.vendor == VENDOR


def _media_to_users(turns: tuple[Turn, ...], losses: Losses) -> tuple[Turn, ...]:
    """Move images and documents of assistant turns into the next user turn, since assistants can't hold any."""
    if not any(turn.role == "assistant" and any(isinstance(part, Media) for part in turn.parts) for turn in turns):
        return turns
    out: list[Turn] = []
    carried: list[Part] = []
    for turn in turns:
        if turn.role == "assistant":
            moved = [part for part in turn.parts if isinstance(part, Media) and _movable(part)]
            carried.extend(moved)
            if moved:
                losses.adapt("messages", "media of an assistant turn were moved to the next user turn")
                turn = msgspec.structs.replace(turn, parts=tuple(part for part in turn.parts if part not in moved))
        elif turn.role == "user" and carried:
            results = tuple(part for part in turn.parts if isinstance(part, ToolResult))
            others = tuple(part for part in turn.parts if not isinstance(part, ToolResult))
            turn = msgspec.structs.replace(turn, parts=(*results, *carried, *others))
            carried = []
        out.append(turn)
    if carried:
        losses.drop("messages", "media of the last assistant turn have no user turn to move to")
    return tuple(out)


def _movable(part: Media) -> bool:
    return part.kind in ("image", "document")


def _placed(turns: tuple[Turn, ...], capabilities: Capabilities, losses: Losses) -> tuple[Turn, ...]:
    """Put system turns of the middle where the target takes them: after the users, or as marked user text."""
    if not any(turn.role == "system" for turn in turns):
        return turns
    out: list[Turn] = []
    gap: list[Turn] = []
    for turn in turns:
        if turn.role == "assistant":
            out.extend(_gap(gap, out, capabilities, losses))
            gap = []
            out.append(turn)
        else:
            gap.append(turn)
    out.extend(_gap(gap, out, capabilities, losses))
    return tuple(out)


def _gap(gap: list[Turn], before: list[Turn], capabilities: Capabilities, losses: Losses) -> list[Turn]:
    system = [turn for turn in gap if turn.role == "system"]
    if not system:
        return gap
    users = [turn for turn in gap if turn.role == "user"]
    after_server_tool = bool(before) and isinstance(before[-1].parts[-1], ServerTool)
    if capabilities.system_in_middle and (users or after_server_tool):
        if gap != [*users, *system]:
            losses.adapt("messages", "system turns were moved behind the user turn beside them")
        joined = tuple(part for turn in system for part in turn.parts)
        return [*users, msgspec.structs.replace(system[0], parts=joined)]
    losses.adapt("messages", "system turns in the middle became marked user text")
    parts = [part for turn in gap for part in (_marked(turn) if turn.role == "system" else turn.parts)]
    # Results of calls come first, whatever stood between.
    parts.sort(key=lambda part: not isinstance(part, ToolResult))
    return [Turn("user", tuple(parts))]


def _marked(turn: Turn) -> tuple[Part, ...]:
    return tuple(
        msgspec.structs.replace(part, text=f"{MARKER[0]}{part.text}{MARKER[1]}") if isinstance(part, Text) else part
        for part in turn.parts
    )


def finished(
    turns: tuple[Turn, ...], capabilities: Capabilities, losses: Losses, *, prefill_possible: bool
) -> tuple[Turn, ...]:
    """Settle a trailing assistant turn: continued by models that can, followed by a short user turn for the others."""
    if not turns or turns[-1].role != "assistant":
        return turns
    last = turns[-1]
    if isinstance(last.parts[-1], ServerTool) or (
        isinstance(last.parts[-1], Opaque) and last.parts[-1].protocol == NAME
    ):
        # The vendor's own loop was paused and goes on from here.
        return turns
    if capabilities.prefill and prefill_possible:
        end = last.parts[-1]
        if isinstance(end, Text) and end.text != end.text.rstrip():
            trimmed = msgspec.structs.replace(end, text=end.text.rstrip())
            last = msgspec.structs.replace(last, parts=(*last.parts[:-1], trimmed))
        return (*turns[:-1], last)
    losses.adapt("messages", "the target does not continue an assistant turn: a short user turn follows it")
    return (*turns, Turn("user", (Text(CONTINUE),)))


def thinking_is_missing(turns: tuple[Turn, ...]) -> bool:
    """Whether the last assistant turn calls tools without the thinking that manual thinking insists on."""
    last = next((turn for turn in reversed(turns) if turn.role == "assistant"), None)
    if last is None or not any(isinstance(part, ToolCall) for part in last.parts):
        return False
    return not (isinstance(last.parts[0], Reasoning) and _signed(last.parts[0]))
