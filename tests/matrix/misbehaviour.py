"""How upstreams misbehave: what a scripted vendor's answer is turned into, on the wire and before it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from tests.support.http import pairs_of
from tests.support.replies import Reply, Stream, Unary
from tests.support.upstream import Request
from tests.support.vendor import ScriptedVendor

Distortion = Callable[[Reply], Reply]


def on_bytes(change: Callable[[bytes], bytes]) -> Distortion:
    """Change every chunk of a stream, and nothing of a whole answer."""

    def distorted(reply: Reply) -> Reply:
        if not isinstance(reply, Stream):
            return reply
        return dataclasses.replace(reply, chunks=[change(chunk) for chunk in reply.chunks])

    return distorted


def first(change: Callable[[bytes], bytes]) -> Distortion:
    """Change the first chunk of a stream."""

    def distorted(reply: Reply) -> Reply:
        if not isinstance(reply, Stream):
            return reply
        head, *rest = reply.chunks
        return dataclasses.replace(reply, chunks=[change(head), *rest])

    return distorted


def last(change: Callable[[bytes], bytes]) -> Distortion:
    """Change the last chunk of a stream."""

    def distorted(reply: Reply) -> Reply:
        if not isinstance(reply, Stream):
            return reply
        *rest, tail = reply.chunks
        return dataclasses.replace(reply, chunks=[*rest, change(tail)])

    return distorted


def single_bytes(reply: Reply) -> Reply:
    """Each byte of a stream in a write of its own."""
    if not isinstance(reply, Stream):
        return reply
    whole = b"".join(reply.chunks)
    return dataclasses.replace(reply, chunks=[whole[place : place + 1] for place in range(len(whole))])


def until_closed(reply: Reply) -> Reply:
    """A stream without a length that ends with the connection."""
    return dataclasses.replace(reply, framing="close") if isinstance(reply, Stream) else reply


def typed(kind: str) -> Distortion:
    """Another content type."""

    def distorted(reply: Reply) -> Reply:
        pairs = [pair for pair in pairs_of(reply.headers) if pair[0].lower() != "content-type"]  # type: ignore[union-attr]
        return dataclasses.replace(reply, headers=[*pairs, ("content-type", kind)])  # type: ignore[type-var]

    return distorted


#: Ugly, and complete all the same: the client has to get all of it.
BEARABLE: dict[str, Distortion] = {
    "lines that end in CRLF": on_bytes(lambda chunk: chunk.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")),
    "lines that end in CR": on_bytes(lambda chunk: chunk.replace(b"\r\n", b"\n").replace(b"\n", b"\r")),
    "no blank after the colon": on_bytes(lambda chunk: chunk.replace(b"data: ", b"data:")),
    "comments between events": on_bytes(lambda chunk: b": still here\n\n" + chunk),
    "ids and retries": on_bytes(lambda chunk: b"id: 7\nretry: 100\n" + chunk),
    "a byte order mark": first(lambda chunk: b"\xef\xbb\xbf" + chunk),
    "no blank line at the end": last(lambda chunk: chunk.rstrip(b"\r\n")),
    "single bytes": single_bytes,
    "the end of the connection as the end": until_closed,
    "a content type with odd capitals": typed("Text/Event-Stream; Charset=UTF-8"),
}


def html_error(vendor: ScriptedVendor) -> None:
    page = b"<html><head><title>502</title></head><body><h1>Bad Gateway</h1></body></html>"
    vendor.answer_next(Unary(page, 502, [("content-type", "text/html")]))


def empty_error(vendor: ScriptedVendor) -> None:
    vendor.answer_next(Unary(b"", 400))


def error_in_a_success(vendor: ScriptedVendor) -> None:
    body = {"error": {"message": "no capacity left", "type": "server_error", "code": 500, "status": "INTERNAL"}}
    vendor.answer_next(Unary(json.dumps({"type": "error", **body}).encode(), 200))


def nonsense(vendor: ScriptedVendor) -> None:
    vendor.answer_next(Unary(b"\x00\xff not an answer", 200))


def nothing(vendor: ScriptedVendor) -> None:
    vendor.answer_next(Unary(b"", 200))


#: No answer at all: the client's own SDK has to raise.
UNBEARABLE: dict[str, Callable[[ScriptedVendor], None]] = {
    "an error page": html_error,
    "an error without a word": empty_error,
    "an error inside a success": error_in_a_success,
    "nonsense": nonsense,
    "nothing": nothing,
}


def other_kind(vendor: ScriptedVendor) -> None:
    """Answer the next request whole where it wants a stream, and with a stream where it wants a whole answer."""
    options: dict[str, Any] = {}
    if vendor.dialect.name == "openai_chat":
        # Nobody asks for the usage of a stream who wants none, and a server that streams nevertheless may tell it.
        options["stream_options"] = {"include_usage": True}
    vendor.answer_next(lambda request: vendor.rendered(request, stream=not vendor.dialect.streams(request), **options))


def cut_at(vendor: ScriptedVendor, *, chunks: int, extra: int = 0) -> None:
    """End the next stream properly, as HTTP goes, after so many events and bytes of the next one."""

    def shortened(request: Request) -> Reply:
        reply = vendor.rendered(request, stream=True)
        assert isinstance(reply, Stream)
        more = [reply.chunks[chunks][:extra]] if extra else []
        return dataclasses.replace(reply, chunks=[*reply.chunks[:chunks], *more])

    vendor.answer_next(shortened)
