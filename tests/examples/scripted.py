"""The vendor that the examples meet: it answers what they ask for, in whichever protocol that reaches it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Final

from tests.examples.conversation import asked
from tests.support.replies import Reply
from tests.support.scenario import SIGNATURE, Reasoning, Scenario, ToolCall, say
from tests.support.upstream import Request
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import DIALECTS, ProtocolName
from tests.support.vendors.framing import Json

PERSON: Final = {"name": "Grace", "age": 37}
MODELS: Final = ("gpt-5.4-mini", "claude-haiku-4-5", "gemini-3-flash-preview")
"""What the examples ask for."""


def heard(line: str) -> str:
    """What the vendor says to the last line of a conversation."""
    if line.startswith("result: "):
        return f"The tool says: {line.removeprefix('result: ')}."
    return f"The vendor heard: {line}."


def answering(protocol: ProtocolName) -> Callable[[Request, Json], Scenario]:
    """The scenario: a person where a JSON schema is given, a call where a tool is offered and hasn't answered, and
    else the last line."""

    def scenario(request: Request, body: Json) -> Scenario:
        seen = asked(protocol, body)
        if seen.schema is not None:
            return say(json.dumps(PERSON))
        if seen.tools and not seen.lines[-1].startswith("result: "):
            call = ToolCall(f"{DIALECTS[protocol].call_prefix}0a1b2c3d4e5f", seen.tools[0], '{"city": "Paris"}')
            # Gemini signs its calls, and wants to see the signature again.
            thought = (Reasoning("", SIGNATURE),) if protocol == "gemini" else ()
            return Scenario(parts=(*thought, call), finish="tool_calls")
        return say(heard(seen.lines[-1]))

    return scenario


class ExampleVendor(ScriptedVendor):
    """A vendor that answers the examples. It begins to answer when ``together`` requests are there."""

    def __init__(self, protocol: ProtocolName, *, together: int = 1) -> None:
        super().__init__(protocol, scenario=answering(protocol), models=MODELS)
        if protocol == "gemini":
            # Google's own SDK mixes both spellings.
            self.rules["snake_case"] = True
        self._barrier = asyncio.Barrier(together)

    async def reply_to(self, request: Request) -> Reply:
        await self._barrier.wait()
        return await super().reply_to(request)

    @property
    def generated(self) -> list[Request]:
        """The requests for answers."""
        return [request for request in self.requests if request.method == "POST"]
