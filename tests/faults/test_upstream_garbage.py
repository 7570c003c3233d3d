"""Upstreams that send what is no answer, or an answer in odd clothes, before every client.

What can be read arrives whole, all else is taken over by another account unseen, and where there is none the client
gets its own protocol's error.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Callable

import pytest
from tests.faults.judge import asked
from tests.support.gateway import account_for, running_gateway, settings_for
from tests.support.http import pairs_of
from tests.support.leaks import LeakCheck
from tests.support.replies import Close, Reply, Script, Stream, Unary, Write
from tests.support.scenario import SCENARIOS
from tests.support.upstream import Request
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.dialects import ProtocolName
from tests.transport.scripted import until

PROTOCOLS: list[ProtocolName] = ["openai_chat", "openai_responses", "anthropic", "gemini"]
SCENARIO = SCENARIOS["unicode"]
PAGE = b"<!DOCTYPE html><html><body><h1>Welcome to nginx!</h1></body></html>"

Spoiling = Callable[[Reply], Reply]


def body_of(reply: Reply) -> bytes:
    """All bytes of an answer's body."""
    return b"".join(reply.chunks) if isinstance(reply, Stream) else reply.body if isinstance(reply, Unary) else b""


def clothed(reply: Reply, body: bytes, *headers: tuple[str, str]) -> Reply:
    """The answer with another body, and headers in place of its own."""
    assert isinstance(reply, Stream | Unary)
    names = {name for name, _ in headers}
    own = [pair for pair in pairs_of(reply.headers) if pair[0].lower() not in names]
    if isinstance(reply, Stream):
        return dataclasses.replace(reply, chunks=[body] if body else [], headers=[*own, *headers])
    return Unary(body, headers=[*own, *headers])


def said(reply: Reply, *events: bytes, unary: bytes) -> Reply:
    """Another answer: these events, or this body."""
    return clothed(reply, b"".join(b"data: %b\n\n" % event for event in events) if isinstance(reply, Stream) else unary)


def preceded(by: bytes) -> Spoiling:
    """The answer behind other heads."""
    return lambda reply: Script([Write(by, "head"), *reply.steps()])


def with_odd_events(reply: Reply) -> Reply:
    """Events and fields that nobody knows, between those that count."""
    if isinstance(reply, Unary):
        return dataclasses.replace(reply, body=json.dumps({"x_new": {"a": [1]}, **json.loads(reply.body)}).encode())
    assert isinstance(reply, Stream)
    odd = b'event: x.new.event\ndata: {"type":"x.new.event","x":{"y":[null]}}\n\n'
    return dataclasses.replace(reply, chunks=[*reply.chunks[:2], odd, *reply.chunks[2:-1], odd, reply.chunks[-1]])


def compressed(reply: Reply) -> Reply:
    return clothed(reply, gzip.compress(body_of(reply)), ("content-encoding", "gzip"))


def status(code: int, body: bytes = b"") -> Spoiling:
    head = b"HTTP/1.1 %d Odd\r\ncontent-length: %d\r\n\r\n" % (code, len(body))
    return lambda reply: Script([Write(head, "head"), *([Write(body)] if body else []), Close()])


def miscoded(reply: Reply) -> Reply:
    return clothed(reply, body_of(reply), ("content-encoding", "br"))


MANY_HEADERS = b"".join(b"x-%d: y\r\n" % number for number in range(10_000))
NULLS = (
    b'{"choices":null,"output":null,"content":null,"candidates":null}',
    b'{"choices":[null],"output":[null],"content":[null],"candidates":[null]}',
)

#: What the client gets whole, from the upstream that does so.
BEARABLE: dict[str, Spoiling] = {
    "a plain content type": lambda reply: clothed(reply, body_of(reply), ("content-type", "text/plain")),
    "no content type": lambda reply: clothed(reply, body_of(reply), ("content-type", "")),
    "unknown events": with_odd_events,
    "continue, and early hints": preceded(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    ),
}

#: What no client can use, whether a stream or a whole answer was asked for.
UNBEARABLE: dict[str, Spoiling] = {
    "a page": lambda reply: clothed(reply, PAGE, ("content-type", "text/html")),
    "nothing": lambda reply: clothed(reply, b""),
    "nothing but the end": lambda reply: said(reply, b"[DONE]", unary=b"[DONE]"),
    "a truncated object": lambda reply: said(reply, body_of(reply)[6:40], unary=body_of(reply)[:-20]),
    "null": lambda reply: said(reply, b"null", unary=b"null"),
    "a list of nothing": lambda reply: said(reply, b"[]", unary=b"[]"),
    "an empty object": lambda reply: said(reply, b"{}", unary=b"{}"),
    "nulls": lambda reply: said(reply, NULLS[0], unary=NULLS[0]),
    "lists of null": lambda reply: said(reply, NULLS[1], unary=NULLS[1]),
    "a number": lambda reply: said(reply, b"17", unary=b"17"),
    "not UTF-8": lambda reply: said(reply, b'{"\xff\xfe":1}', unary=b'{"\xff\xfe":1}'),
    "no content": status(204),
    "no content, and some": status(204, b'{"a":1}'),
    "another success": status(202, b"{}"),
    "a redirect": status(302),
    "another protocol": status(101),
    "something that isn't HTTP": lambda reply: Script([Write(b"SSH-2.0-OpenSSH_9.2\r\n", "head"), Close()]),
    "ten thousand headers": lambda reply: Script(
        [Write(b"HTTP/1.1 200 OK\r\n" + MANY_HEADERS, "head"), *reply.steps()]
    ),
}

#: What is fine in one of the two forms: whole answers are decompressed, streams are read as they are, asked for plain.
BEARABLE_UNARY: dict[str, Spoiling] = {"compressed": compressed}
BEARABLE_STREAM: dict[str, Spoiling] = {"a coding that it isn't": miscoded}


@pytest.mark.pitfall("ERR-5", "ERR-9", "SSE-10")
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize(
    ("upstream", "client"),
    [
        # Half of the pairs show what depends on the lane and on the two protocols; `make deep` runs all.
        pytest.param(upstream, client, marks=[] if (place - number) % 4 < 2 else pytest.mark.deep)
        for number, upstream in enumerate(PROTOCOLS)
        for place, client in enumerate(PROTOCOLS)
    ],
)
async def test_what_is_no_answer_is_none(
    leak_check: LeakCheck, client: ProtocolName, upstream: ProtocolName, stream: bool
) -> None:
    problems: list[str] = []
    async with (
        ScriptedVendor(upstream, scenario=SCENARIO, validate=False) as bad,
        ScriptedVendor(upstream, scenario=SCENARIO, validate=False) as good,
    ):
        alone = settings_for(account_for(bad), max_error_count=1_000_000)
        both = settings_for(
            account_for(bad), account_for(good, 1), pool_strategy="fill-first", max_error_count=1_000_000
        )

        def next_answer(spoil: Spoiling) -> None:
            def spoilt(request: Request) -> Reply:
                return spoil(bad.rendered(request, stream=bad.dialect.streams(request)))

            bad.answer_next(spoilt)

        async with running_gateway(alone) as one, running_gateway(both) as two:
            bearable = {**BEARABLE, **(BEARABLE_STREAM if stream else BEARABLE_UNARY)}
            unbearable = {**UNBEARABLE, **(BEARABLE_UNARY if stream else BEARABLE_STREAM)}
            for name, spoil in {**bearable, **unbearable}.items():
                for gateway in (one, two):
                    gateway.gateway.accounts._retries.clear()
                    next_answer(spoil)
                    served = len(good.requests)
                    try:
                        outcome = await asked(gateway, client, stream)
                    except AssertionError as error:
                        problems.append(f"{name}: {error}")
                        continue
                    taken_over = len(good.requests) - served
                    if name in bearable:
                        fine = (outcome.kind, outcome.text, taken_over) == ("whole", SCENARIO.text, 0)
                    elif gateway is two:
                        fine = (outcome.kind, outcome.text, taken_over) == ("whole", SCENARIO.text, 1)
                    else:
                        fine = outcome.kind == "refused" and outcome.status >= 500 and outcome.status != 500
                    if not fine:
                        problems.append(f"{name}, {'alone' if gateway is one else 'of two'}: {outcome}, {taken_over}")
            await until(one.idle)
            await until(two.idle)
    assert not problems, "\n".join(problems)
