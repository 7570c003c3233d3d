"""The script of a simulated answer: reads the request, decides what is said or called, and plays it as hub events."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from codenex.core import events as e
from codenex.core import json
from codenex.core.finish import FinishDetail, FinishReason
from codenex.core.identifiers import digest
from codenex.core.losses import Losses
from codenex.core.parts import Reasoning, Text, ToolCall
from codenex.core.request import CustomTool, HostedTool, OutputFormat, Request
from codenex.core.usage import Usage
from codenex.models.tokens import estimated_input_tokens
from codenex.providers.demo.arguments import SpokenValues, custom_input, function_arguments
from codenex.providers.demo.prompt import Prompt, call_names, prompt_of, wants_reasoning
from codenex.providers.demo.schema_instance import instance
from codenex.providers.demo.selection import selected_tools
from codenex.providers.demo.steps import Cut, Delay, Step
from codenex.providers.demo.text import ANNOUNCEMENT, THOUGHT, answer_text, argument_tokens, shortened, tokens_of
from codenex.providers.demo.triggers import Triggers, fault_of_status, triggers_in

#: Name of the answer's own protocol, model and provider.
DEMO = "demo"
_MOST_CHOICES = 128


class _Script(msgspec.Struct, frozen=True):
    """What is played for each choice: either calls, or a text, with a thought before it."""

    thought: str | None
    hidden_thought: bool
    calls: tuple[ToolCall, ...]
    texts: tuple[str, ...]


def demo_events(request: Request, *, faults: bool, losses: Losses | None = None) -> Iterator[Step]:
    """Play the simulated answer to ``request``.

    Yields hub events, ``Delay`` (before the first event) and ``Cut`` (the last step: break off there). Raises the
    :class:`~codenex.core.errors.Fault` of ``[[status=…]]`` on the first step, or after the delay. Fault triggers work
    only with ``faults``. What the simulation leaves out is noted in ``losses``.
    """
    prompt = prompt_of(request)
    triggers = triggers_in(prompt.text, faults=faults)
    if losses is not None:
        _note_losses(request, losses)
    if triggers.delay is not None:
        yield Delay(triggers.delay)
    if triggers.status is not None:
        raise fault_of_status(triggers.status)
    steps = _played(request, _script(request, prompt, triggers))
    yield from steps if triggers.cut is None else _cut(steps, triggers.cut)


def _script(request: Request, prompt: Prompt, triggers: Triggers) -> _Script:
    wanted = wants_reasoning(request.reasoning)
    hidden = request.reasoning is not None and request.reasoning.visible is False and not triggers.think
    tools = selected_tools(request, triggers.text, triggers.calls, answered=bool(prompt.results))
    calls: list[ToolCall] = []
    seed = (str(len(request.turns)), triggers.text[:500], *(result.call_id for result in prompt.results))
    for position, tool in enumerate(tools):
        skip = sum(earlier is tool for earlier in tools[:position])
        custom = isinstance(tool, CustomTool)
        arguments = (
            custom_input(tool, triggers.text, skip)
            if isinstance(tool, CustomTool)
            else function_arguments(tool, triggers.text, skip)
        )
        identifier = "call_" + digest(DEMO, str(position), tool.name, *seed)
        calls.append(
            ToolCall(identifier, tool.name, arguments, "custom" if custom else "function", namespace=tool.namespace)
        )
    count = min(max(1, request.sampling.choices or 1), _MOST_CHOICES)
    texts = ("",) * count if calls else tuple(_text(request, prompt, triggers, choice) for choice in range(count))
    thought = THOUGHT if wanted or triggers.think else None
    return _Script(thought, hidden, tuple(calls), texts)


def _text(request: Request, prompt: Prompt, triggers: Triggers, choice: int) -> str:
    output = request.output
    if output is not None and output.kind != "text":
        return json.encode_text(_structured(output, triggers.text))
    names = call_names(request) if prompt.results else {}
    return answer_text(triggers.text, prompt.results, names, prompt.media, choice)


def _structured(output: OutputFormat, text: str) -> object:
    if output.kind == "json_schema" and output.schema is not None:
        return instance(output.schema, SpokenValues(text))
    return {"answer": ANNOUNCEMENT, "question": shortened(text, 300)}


def _played(request: Request, script: _Script) -> Iterator[e.StreamEvent]:
    usage = Usage(input_uncached=estimated_input_tokens(request))
    yield e.Start(DEMO, model=DEMO, usage=usage)
    index = spoken = thought = 0
    for choice, text in enumerate(script.texts):
        room = request.max_output_tokens
        if script.thought is not None:
            tokens = tokens_of(script.thought)[:room]
            thought += len(tokens)
            room = None if room is None else room - len(tokens)
            if not script.hidden_thought:
                yield from _thinking(index, choice, tokens)
                index += 1
        reason = FinishDetail(FinishReason.TOOL_CALLS if script.calls else FinishReason.STOP)
        for call in script.calls:
            identifier = call.id if choice == 0 else f"{call.id[:-4]}_{choice}"
            tokens = argument_tokens(call.arguments)
            if room is not None and room < max(1, len(tokens)):
                reason = FinishDetail(FinishReason.LENGTH)
                if room <= 0:
                    break
                tokens = tokens[:room]
            yield from _calling(index, choice, msgspec.structs.replace(call, id=identifier), tokens)
            index += 1
            spent = max(1, len(tokens))
            spoken += spent
            room = None if room is None else room - spent
            if reason.reason is FinishReason.LENGTH:
                break
        if not script.calls:
            text, reason = _stopped(text, request.sampling.stop, reason)
            tokens = tokens_of(text)
            if room is not None and len(tokens) > room:
                tokens, reason = tokens[: max(0, room)], FinishDetail(FinishReason.LENGTH)
            if tokens:
                yield from _speaking(index, choice, tokens)
                index += 1
            spoken += len(tokens)
        yield e.Finish(reason, choice)
    yield e.UsageSnapshot(msgspec.structs.replace(usage, output_text=spoken, output_reasoning=thought))


def _thinking(index: int, choice: int, tokens: list[str]) -> Iterator[e.StreamEvent]:
    yield e.PartStart(index, "reasoning", choice)
    for token in tokens:
        yield e.ReasoningDelta(index, token)
    yield e.PartStop(index, Reasoning(("".join(tokens),) if tokens else ()), choice)


def _calling(index: int, choice: int, call: ToolCall, tokens: list[str]) -> Iterator[e.StreamEvent]:
    yield e.PartStart(index, "tool_call", choice, call.id, call.name, call.kind, call.namespace)
    for token in tokens:
        yield e.ToolArgumentsDelta(index, token)
    arguments = "".join(tokens)
    complete = len(arguments) == len(call.arguments)
    yield e.PartStop(index, msgspec.structs.replace(call, arguments=arguments, complete=complete), choice)


def _speaking(index: int, choice: int, tokens: list[str]) -> Iterator[e.StreamEvent]:
    yield e.PartStart(index, "text", choice)
    for token in tokens:
        yield e.TextDelta(index, token)
    yield e.PartStop(index, Text("".join(tokens)), choice)


def _stopped(text: str, stop: tuple[str, ...] | None, otherwise: FinishDetail) -> tuple[str, FinishDetail]:
    """Cut a text before the first stop sequence in it."""
    found = [(text.find(sequence), sequence) for sequence in stop or () if sequence and sequence in text]
    if not found:
        return text, otherwise
    position, sequence = min(found)
    return text[:position], FinishDetail(FinishReason.STOP_SEQUENCE, stop_sequence=sequence)


def _cut(steps: Iterator[e.StreamEvent], after: int) -> Iterator[Step]:
    """Break the stream off after a number of deltas of text or arguments, at the latest before it would end."""
    seen = 0
    for step in steps:
        if isinstance(step, e.Finish):
            break
        if isinstance(step, e.TextDelta | e.ToolArgumentsDelta):
            if seen >= after:
                break
            seen += 1
        yield step
        if seen >= after:
            break
    yield Cut()


def _note_losses(request: Request, losses: Losses) -> None:
    reason = "the demo provider simulates answers"
    if request.sampling.logprobs or request.sampling.top_logprobs:
        losses.drop("logprobs", f"{reason} and has no token probabilities")
    for tool in request.tools:
        if isinstance(tool, HostedTool):
            losses.drop(f"tools.{tool.type}", f"{reason} and runs no tools of its own")
