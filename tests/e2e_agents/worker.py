"""A scripted vendor whose model does a small job with the tools that its client offers, step by step.

Whatever a real vendor would check between the steps is checked: its own rules, what its newest model refuses, and that
everything the model had said, thought and called comes back as it was.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.e2e_agents.newest import MODELS, complaints
from tests.e2e_agents.toolbox import Toolbox
from tests.e2e_agents.transcript import Answered, Called, Entry, Said, Thought, transcript
from tests.support.arguments import example
from tests.support.scenario import Part, Reasoning, Scenario, Text, ToolCall, Usage, say
from tests.support.upstream import Request
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import ProtocolName
from tests.support.vendors.framing import Json, derived

Step = Callable[[Toolbox, Callable[[], str]], Sequence[Part]]
"""What the model says and calls, given the tools and a maker of call ids."""


@dataclass(frozen=True)
class Job:
    """``task`` is the text by which the vendor knows the conversation; ``end`` is the model's last word."""

    task: str
    steps: Sequence[Step]
    end: str


class Worker(ScriptedVendor):
    """``async with Worker("gemini", job) as vendor``; afterwards ``problems`` is empty, and ``last`` is the last
    request of the job as entries."""

    def __init__(self, protocol: ProtocolName, job: Job) -> None:
        super().__init__(protocol, scenario=self._answer, models=[MODELS[protocol]])
        self.job = job
        self.last: list[Entry] = []
        self.others: list[Json] = []
        """The bodies of requests that were not about the job."""
        self._issued: list[Scenario] = []

    @property
    def finished(self) -> bool:
        """Whether the last step was answered."""
        return len(self._issued) > len(self.job.steps)

    def _check(self, request: Request) -> list[str]:
        problems = super()._check(request)
        newest = complaints(self.dialect.name, request.json)
        self.problems.extend(newest)
        return [*problems, *newest]

    def _answer(self, request: Request, body: Json) -> Scenario:
        entries = transcript(self.dialect.name, body)
        begun = [number for number, entry in enumerate(entries) if _asks(entry, self.job.task)]
        if not begun or not self.dialect.tools(body):
            self.others.append(body)
            schema = _schema(self.dialect.name, body)
            return say("Fine." if schema is None else json.dumps(example(schema)))
        self.last = entries
        work = entries[begun[-1] + 1 :]
        calls = [entry for entry in work if isinstance(entry, Called)]
        step = 0
        while step < len(self._issued) and len(calls) >= sum(len(s.tool_calls) for s in self._issued[: step + 1]):
            step += 1
        self.problems.extend(f"step {step}: {problem}" for problem in self._forgotten(body, work, step))
        if step == len(self._issued):
            self._issued.append(self._made(body, step))
        return self._issued[step]

    def _made(self, body: Json, step: int) -> Scenario:
        name = self.dialect.name
        numbers = iter(range(100))
        thought = Reasoning(f"Thinking before step {step}.", _signature(name, step)) if _thinks(name, body) else None
        if step >= len(self.job.steps):
            parts: Sequence[Part] = (Text(self.job.end),)
        else:
            parts = self.job.steps[step](
                Toolbox(name, body), lambda: self.dialect.call_prefix + derived("call", step, next(numbers))
            )
        called = any(isinstance(part, ToolCall) for part in parts)
        return Scenario(
            parts=(*(() if thought is None else (thought,)), *parts),
            finish="tool_calls" if called else "stop",
            usage=Usage(input_fresh=1000 + step, output_visible=20, reasoning=5),
            id=derived("answer", step),
        )

    def _forgotten(self, body: Json, work: list[Entry], step: int) -> list[str]:
        """What was issued in earlier steps and isn't in the request as it was, or not in its order."""
        wanted = [entry for scenario in self._issued[:step] for entry in self._expected(scenario)]
        problems = []
        rest = work
        for entry in wanted:
            place = next((number for number, found in enumerate(rest) if _is_same(entry, found)), None)
            if place is None:
                problems.append(f"missing or out of order: {entry} in {rest}")
            else:
                rest = rest[place + 1 :]
        return problems

    def _expected(self, scenario: Scenario) -> list[Entry]:
        """How an answer has to come back to this vendor."""
        entries: list[Entry] = []
        for index, part in enumerate(scenario.parts):
            match part:
                case Text():
                    entries.append(Said("assistant", part.text))
                case ToolCall():
                    entries.append(Called(part.id, part.name, part.arguments))
                case Reasoning() if part.signature is not None:
                    entries.extend(self._thought(part, f"rs_{derived(scenario.id, index, size=48)}"))
                case _:
                    pass
        if self.dialect.name == "gemini":
            # Here the proof stands on the first call.
            entries.sort(key=lambda entry: isinstance(entry, Thought | Called))
        return entries

    def _thought(self, part: Reasoning, id: str) -> list[Entry]:
        match self.dialect.name:
            case "openai_chat":
                return []
            case "gemini":
                return [Thought(part.signature or "")]
            case "anthropic":
                return [Thought(part.signature or "", part.text)]
            case "openai_responses":
                return [Thought(part.signature or "", part.text, id)]


def _is_same(wanted: Entry, found: Entry) -> bool:
    """Whether an entry is the one that was issued; a client may fill in defaults of a call's arguments."""
    if not isinstance(wanted, Called) or not isinstance(found, Called):
        return wanted == found
    given, called = found.parsed, wanted.parsed
    if isinstance(given, dict) and isinstance(called, dict):
        given = {name: given.get(name) for name in called}
    return (wanted.id, wanted.name, called) == (found.id, found.name, given)


def _asks(entry: Entry, task: str) -> bool:
    return isinstance(entry, Said) and entry.role == "user" and task in entry.text


def _signature(protocol: ProtocolName, step: int) -> str:
    return base64.b64encode(f"{protocol} thought before step {step}; {derived(protocol, step)}".encode()).decode()


def _thinks(protocol: ProtocolName, body: Json) -> bool:
    """Whether the model thinks: the others always do."""
    return protocol != "anthropic" or (body.get("thinking") or {}).get("type") == "adaptive"


def _schema(protocol: ProtocolName, body: Json) -> Any:
    """The JSON schema that the answer has to follow."""
    match protocol:
        case "openai_chat":
            return ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
        case "openai_responses":
            return ((body.get("text") or {}).get("format") or {}).get("schema")
        case "anthropic":
            return ((body.get("output_config") or {}).get("format") or {}).get("schema")
        case "gemini":
            config = body.get("generationConfig") or {}
            return config.get("responseJsonSchema", config.get("responseSchema"))


def results(entries: Sequence[Entry]) -> dict[str, str]:
    """What the tools gave, by the ids of the calls."""
    return {entry.id: entry.text for entry in entries if isinstance(entry, Answered)}
