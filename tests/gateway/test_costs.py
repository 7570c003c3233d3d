"""What an event costs doesn't depend on how many came before it, nor what a byte costs on how many there are.

Counted, not timed: calls, of Python and of C, and bytes that are allocated on the way, since a text that is copied with
every event takes one call each time and ever more memory.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from tests.fuzz.wire import Wire
from tests.protocols.readers import context
from tests.support.declarations import memory
from tests.support.gateway import PROVIDERS
from tests.support.scenario import Reasoning, Scenario, Text, ToolCall
from tests.support.vendors.dialects import DIALECTS

from codenex.core.answer import fold
from codenex.core.answer_losses import AnswerLosses
from codenex.core.losses import Losses
from codenex.core.reversal import Reversal
from codenex.gateway.encoding import Target
from codenex.gateway.lanes import Lane, PassthroughLane, TranslationLane
from codenex.gateway.spokes import SPOKES
from codenex.providers.registry import PROVIDER_TYPES
from codenex.server import Server
from codenex.server.edge import Connection
from codenex.server.exchange import EdgeExchange
from codenex.store.settings import Account

SPOKE_OF = {
    "openai_chat": "openai-chat",
    "openai_responses": "openai-responses",
    "anthropic": "anthropic",
    "gemini": "gemini",
}
#: Events that are looked at, a multiple of what texts are gathered in, and how many there are of each kind in all.
WINDOW = 256
EVENTS = 6 * WINDOW
WORDS = tuple(f"word{number:05} " for number in range(EVENTS))
ANSWERS = {
    "text": Scenario(parts=(Text("".join(WORDS), WORDS),)),
    "reasoning": Scenario(parts=(Reasoning("".join(WORDS), fragments=WORDS), Text("x"))),
    "arguments": Scenario(
        parts=(ToolCall("call_1", "f", json.dumps({"x": "".join(WORDS)}), fragments=None),), finish="tool_calls"
    ),
}


class Cost:
    """Calls, and bytes allocated: what is kept and what was thrown away at the end of each step."""

    def __init__(self) -> None:
        self.calls = 0
        self.allocated = 0

    def of_calls(self, action: Callable[[], Any]) -> None:
        def count(frame: Any, event: str, argument: Any) -> None:
            if event in ("call", "c_call"):
                self.calls += 1

        sys.setprofile(count)
        try:
            action()
        finally:
            sys.setprofile(None)

    def of_memory(self, steps: list[Callable[[], Any]]) -> None:
        tracemalloc.start()
        try:
            for step in steps:
                before = tracemalloc.get_traced_memory()[0]
                tracemalloc.reset_peak()
                step()
                self.allocated += tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()


def lane_of(upstream: str, client: str) -> Lane:
    spoke = SPOKES[SPOKE_OF[upstream]]
    if upstream == client:
        listener = None if spoke.listener is None else spoke.listener()
        return PassthroughLane(spoke.stream_decoder, spoke.skim, None, spoke.closing, None, listener)
    losses = AnswerLosses(SPOKE_OF[client], Losses())
    encoder = SPOKES[SPOKE_OF[client]].stream_encoder(context())
    return TranslationLane(spoke.stream_decoder(), encoder, Reversal(), losses, key=bytes(32), model="m", scope="s")


def cost_of_events(lane: Lane, events: list[bytes], *, calls: bool) -> list[int]:
    """What a window of events costs, early and late."""
    found = []
    late = len(events) - WINDOW - 16
    fed = 0
    for start in (WINDOW, late):
        for event in events[fed:start]:
            lane.feed(event)
        window = events[start : start + WINDOW]
        fed = start + WINDOW
        cost = Cost()
        if calls:
            cost.of_calls(lambda window=window: [lane.feed(event) for event in window])
        else:
            cost.of_memory([lambda event=event: lane.feed(event) for event in window])
        found.append(cost.calls if calls else cost.allocated)
    assert lane.seen.fault is None
    return found


#: Google's vendor streams no call in pieces.
STREAMED = [
    (upstream, kind) for upstream in DIALECTS for kind in ANSWERS if (upstream, kind) != ("gemini", "arguments")
]


@pytest.mark.parametrize(("upstream", "kind"), STREAMED)
def test_an_event_costs_the_same_early_and_late(upstream: Any, kind: str) -> None:
    events = DIALECTS[upstream].answers.stream(ANSWERS[kind].asked("m"), {"model": "m", "stream": True})
    assert len(events) >= EVENTS
    for client in DIALECTS:
        early, late = cost_of_events(lane_of(upstream, client), events, calls=True)
        assert late <= early * 1.02 + 20, f"{client}: {early} calls, and later {late}"
        early, late = cost_of_events(lane_of(upstream, client), events, calls=False)
        assert late <= early * 1.1 + 50_000, f"{client}: {early} bytes, and later {late}"


def conversation(protocol: str, size: int) -> bytes:
    """A request of so many turns."""
    words = "Lorem ipsum dolor sit amet. " * 40
    roles = ["user", "model" if protocol == "gemini" else "assistant"]
    turns: list[dict[str, Any]] = [
        {"role": roles[number % 2], "parts": [{"text": words}]}
        if protocol == "gemini"
        else {"role": roles[number % 2], "content": words}
        for number in range(size | 1)
    ]
    tools = [
        {"type": "object", "properties": {f"p{place}": {"type": "string", "description": words} for place in range(3)}}
        for _ in range(size)
    ]
    bodies: dict[str, dict[str, Any]] = {
        "openai_chat": {
            "messages": turns,
            "tools": [
                {"type": "function", "function": {"name": f"f{number}", "parameters": schema}}
                for number, schema in enumerate(tools)
            ],
        },
        "openai_responses": {
            "input": turns,
            "tools": [
                {"type": "function", "name": f"f{number}", "parameters": schema} for number, schema in enumerate(tools)
            ],
        },
        "anthropic": {
            "max_tokens": 100,
            "messages": turns,
            "tools": [{"name": f"f{number}", "input_schema": schema} for number, schema in enumerate(tools)],
        },
        "gemini": {
            "contents": turns,
            "tools": [
                {
                    "functionDeclarations": [
                        {"name": f"f{number}", "parametersJsonSchema": schema} for number, schema in enumerate(tools)
                    ]
                }
            ],
        },
    }
    return json.dumps({"model": "m", **bodies[protocol]}).encode()


def measured(action: Callable[[], Any]) -> tuple[int, int]:
    action()  # what is done once only
    cost = Cost()
    cost.of_calls(action)
    cost.of_memory([action])
    return cost.calls, cost.allocated


@pytest.mark.parametrize("client", DIALECTS)
def test_a_request_costs_by_its_size(client: str) -> None:
    spoke = SPOKES[SPOKE_OF[client]]
    small, large = conversation(client, 8), conversation(client, 64)
    times = len(large) / len(small)
    for target in DIALECTS:
        name = PROVIDERS[target][0]
        account = Target(PROVIDER_TYPES[name], Account("a", name, api_key="k"), "m")

        def translated(body: bytes, account: Target = account) -> Any:
            return account.encoded(spoke.decode_request(body, "m"), bytes(32), Losses())

        # What other tests have left in the memory of tools, and what goes from it to make room, is no cost of these.
        with memory(8 << 20):
            (calls, held), (more_calls, more_held) = (measured(lambda b=b: translated(b)) for b in (small, large))
        assert more_calls <= calls * times * 1.05, f"{target}: {calls} calls, {more_calls} for {times:.1f} times it"
        assert more_held <= held * times * 1.15, f"{target}: {held} bytes, {more_held}"


@pytest.mark.parametrize("upstream", DIALECTS)
def test_a_whole_answer_costs_by_its_size(upstream: Any) -> None:
    spoke = SPOKES[SPOKE_OF[upstream]]

    def body(size: int) -> bytes:
        parts = tuple(ToolCall(f"call_{number}", "f", json.dumps({"x": "y" * 500})) for number in range(size))
        text = Text("word " * 200 * size)
        return DIALECTS[upstream].answers.unary(
            Scenario(parts=(text, *parts), finish="tool_calls").asked("m"), {"model": "m"}
        )

    small, large = body(8), body(64)
    times = len(large) / len(small)
    for client in DIALECTS:
        other = SPOKES[SPOKE_OF[client]]

        def translated(content: bytes, other: Any = other) -> bytes:
            return other.encode_response(fold(spoke.decode_response(content)), context())

        (calls, memory), (more_calls, more_memory) = (measured(lambda b=b: translated(b)) for b in (small, large))
        assert more_calls <= calls * times * 1.05, f"{client}: {calls} calls, {more_calls} for {times:.1f} times it"
        assert more_memory <= memory * times * 1.15, f"{client}: {memory} bytes, {more_memory}"


async def test_a_body_costs_the_edge_by_its_size() -> None:
    taken: list[int] = []

    async def handle(exchange: EdgeExchange) -> None:
        taken.append(len(await exchange.body()))
        exchange.respond(200, [], b"")

    server = Server(handle)
    await server.start([])
    piece = b"x" * 65536
    found: list[tuple[int, int]] = []
    for count in (8, 8, 64):
        wire = Wire(asyncio.get_running_loop(), Connection(server))
        wire.feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (count * len(piece)))
        await asyncio.sleep(0)
        cost = Cost()
        half = count // 2
        cost.of_calls(lambda wire=wire, half=half: [wire.feed(piece) for _ in range(half)])
        cost.of_memory([lambda wire=wire: wire.feed(piece)] * half)
        for _ in range(4):
            await asyncio.sleep(0)
        assert taken[-1] == count * len(piece)
        wire.lose()
        found.append((cost.calls, cost.allocated))
    (calls, memory), (more_calls, more_memory) = found[1:]
    assert more_calls <= calls * 8 * 1.05
    assert more_memory <= memory * 8 * 1.1
    await server.drain(0)
