"""Normal forms of a conversation that several targets demand: pairing of calls and results, alternation, no emptiness.

All functions are pure and keep order; what they change is a loss. They serve translation only: a passthrough body
is never touched.
"""

from __future__ import annotations

import msgspec

from codenex.core.identifiers import derived_call_id
from codenex.core.losses import Losses
from codenex.core.parts import Media, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from codenex.core.request import Plain, Turn

INTERRUPTED = "[no result: interrupted]"
CONTINUED = "(continued)"


def is_settled(turns: tuple[Turn, ...]) -> bool:
    """Whether a conversation has its normal form already, as nearly all have: system turns, then users and assistants
    in turn, nothing empty, every call with an id of its own, and its result at the beginning of the turn after it.

    Pairing, dropping what is empty, joining neighbours and starting with a user would change nothing then, but for
    names that results take over from their calls.
    """
    if type(turns) is Plain:
        return True
    asked: list[str] = []
    waiting = answered = 0
    before = "system"
    for turn in turns:
        role, parts = turn.role, turn.parts
        if not parts or (role == before if role != "system" else before != "system"):
            return False
        if role == "assistant":
            if before != "user" or answered != waiting:
                return False
            for part in parts:
                if type(part) is ToolCall:
                    if not part.id:
                        return False
                    asked.append(part.id)
                    waiting += 1
                elif type(part) is Text:
                    if not part.text or part.text.isspace():
                        return False
                elif type(part) is ToolResult or _is_empty(part):
                    return False
        else:
            for part in parts:
                if type(part) is ToolResult:
                    if role != "user" or answered == waiting or part.call_id != asked[answered]:
                        return False
                    answered += 1
                elif answered != waiting:
                    return False
                elif type(part) is Text:
                    if not part.text or part.text.isspace():
                        return False
                elif type(part) is ToolCall or _is_empty(part):
                    return False
        before = role
    return before != "system" and answered == waiting and (waiting < 2 or len(set(asked)) == waiting)


def paired(turns: tuple[Turn, ...], losses: Losses) -> tuple[Turn, ...]:
    """Put every tool result into the user turn right after its call, in call order and before anything else.

    Adjacent assistant turns are one step: their results follow the last of them. A call without result gets an error
    result, a result without call becomes user text, of two results for one call the last stays. System turns between a
    call and its results move behind the results. Calls that share an id, or have none, get ids of their own.
    """
    if not _has_calls(turns):
        return turns
    turns = _identified(turns, losses)
    results: dict[str, ToolResult] = {}
    calls: set[str] = set()
    for turn in turns:
        for part in turn.parts:
            if isinstance(part, ToolCall):
                calls.add(part.id)
            elif isinstance(part, ToolResult):
                if part.call_id in results:
                    losses.adapt("messages", f"two results for call {part.call_id}: the last one is kept")
                results[part.call_id] = part
    out: list[Turn] = []
    used: set[str] = set()
    pending: list[Part] = []
    for turn in turns:
        if turn.role == "assistant":
            out.append(turn)
            own_calls = [part for part in turn.parts if isinstance(part, ToolCall)]
            pending.extend(_results_of(own_calls, results, used, losses))
            continue
        rest = tuple(_without_results(turn.parts, calls, losses))
        if pending:
            if turn.role == "system":
                out.append(Turn("user", tuple(pending)))
                pending = []
                out.append(turn)
                continue
            rest = (*pending, *rest)
            pending = []
        if rest:
            out.append(msgspec.structs.replace(turn, parts=rest))
    if pending:
        out.append(Turn("user", tuple(pending)))
    return _results_first(tuple(out))


def _has_calls(turns: tuple[Turn, ...]) -> bool:
    for turn in turns:
        for part in turn.parts:
            if type(part) is ToolCall or type(part) is ToolResult:
                return True
    return False


def _identified(turns: tuple[Turn, ...], losses: Losses) -> tuple[Turn, ...]:
    """Give calls whose id is empty or was used before an id from their position, and their results the same.

    A result belongs to the oldest unanswered call of its id in the last step that has one.
    """
    ids = [part.id for turn in turns for part in turn.parts if isinstance(part, ToolCall)]
    if len(set(ids)) == len(ids) and "" not in ids:
        return turns
    losses.adapt("messages", "calls with the same id, or none, were told apart by their order")
    seen: set[str] = set()
    #: for each original id the step it was last used in, and the new ids of that step that have no result yet
    steps: dict[str, int] = {}
    unanswered: dict[str, list[str]] = {}
    last: dict[str, str] = {}
    out: list[Turn] = []
    step = 0
    for position, turn in enumerate(turns):
        if turn.role != "assistant":
            step = position + 1
        parts: list[Part] = []
        for number, part in enumerate(turn.parts):
            if isinstance(part, ToolCall):
                own = part.id
                if own == "" or own in seen:
                    part = msgspec.structs.replace(part, id=derived_call_id(position, number, part.name))
                seen.add(own)
                if steps.get(own) != step:
                    steps[own], unanswered[own] = step, []
                unanswered[own].append(part.id)
            elif isinstance(part, ToolResult) and part.call_id in unanswered:
                open_ids = unanswered[part.call_id]
                if open_ids:
                    last[part.call_id] = open_ids.pop(0)
                part = msgspec.structs.replace(part, call_id=last[part.call_id])
            parts.append(part)
        out.append(msgspec.structs.replace(turn, parts=tuple(parts)))
    return tuple(out)


def _results_of(calls: list[ToolCall], results: dict[str, ToolResult], used: set[str], losses: Losses) -> list[Part]:
    found: list[Part] = []
    for call in calls:
        if call.id in used:
            continue
        used.add(call.id)
        result = results.get(call.id)
        if result is None:
            losses.adapt("messages", f"call {call.id} has no result: an error result stands for it")
            result = ToolResult(call.id, (Text(INTERRUPTED),), call.name, is_error=True, kind=call.kind)
        elif result.name is None:
            result = msgspec.structs.replace(result, name=call.name)
        found.append(result)
    return found


def _without_results(parts: tuple[Part, ...], calls: set[str], losses: Losses) -> list[Part]:
    """Take out the results that have moved to their calls; turn those without a call into text."""
    rest: list[Part] = []
    for part in parts:
        if not isinstance(part, ToolResult):
            rest.append(part)
        elif part.call_id not in calls:
            losses.adapt("messages", f"the result {part.call_id} belongs to no call: sent as text")
            rest.extend(part.parts)
    return rest


def _results_first(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Within each run of user turns that holds results, put the results first."""
    out: list[Turn] = []
    for turn in turns:
        if turn.role == "user" and any(isinstance(part, ToolResult) for part in turn.parts):
            results = tuple(part for part in turn.parts if isinstance(part, ToolResult))
            others = tuple(part for part in turn.parts if not isinstance(part, ToolResult))
            out.append(msgspec.structs.replace(turn, parts=(*results, *others)))
        else:
            out.append(turn)
    return tuple(out)


def without_empty(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Drop parts without content and turns that are empty then. A redacted or signed part has content."""
    out: list[Turn] = []
    for turn in turns:
        for part in turn.parts:
            # Of a text that begins with a letter, a call and a result is known that they aren't empty.
            if type(part) is Text and "!" <= part.text[:1] <= "~":
                continue
            if type(part) is not ToolCall and type(part) is not ToolResult and _is_empty(part):
                break
        else:
            if turn.parts:
                out.append(turn)
            continue
        parts = tuple(part for part in turn.parts if not _is_empty(part))
        if parts:
            out.append(msgspec.structs.replace(turn, parts=parts))
    return tuple(out)


def _is_empty(part: Part) -> bool:
    match part:
        case Text():
            return (not part.text or part.text.isspace()) and part.signature is None
        case Refusal():
            return not part.text
        case Reasoning():
            return not any(part.segments) and part.signature is None
        case Media():
            return part.data is None and part.url is None and part.file_id is None and part.text is None
        case _:
            return False


def merged(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Join neighbouring turns of one role at the level of parts."""
    out: list[Turn] = []
    for turn in turns:
        if out and out[-1].role == turn.role and turn.role != "system":
            out[-1] = msgspec.structs.replace(out[-1], parts=(*out[-1].parts, *turn.parts))
        else:
            out.append(turn)
    return tuple(out)


def started_by_user(turns: tuple[Turn, ...], losses: Losses) -> tuple[Turn, ...]:
    """Make the first turn a user turn, for targets that insist on it; nothing but system text gets one as well."""
    first = next((turn for turn in turns if turn.role != "system"), None)
    if first is not None and first.role == "user":
        return turns
    losses.adapt("messages", "the conversation does not begin with a user turn: a short one was put before it")
    lead = [turn for turn in turns if turn.role == "system"] if first is None else []
    rest = turns[len(lead) :]
    return (*lead, Turn("user", (Text(CONTINUED if first is not None else "."),)), *rest)
