"""Estimates of input tokens: never 0, never base64, near the truth."""

from __future__ import annotations

import struct
import time
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.strategies import requests

from codenex.core.parts import Media, Opaque, Part, Reasoning, ServerTool, Signature, Text, ToolCall, ToolResult
from codenex.core.request import CustomTool, FunctionTool, HostedTool, OutputFormat, Request, Turn
from codenex.models.media_size import data_bytes, image_dimensions
from codenex.models.tokens import (
    IMAGE_LOW_DETAIL,
    IMAGE_TOKENS,
    estimated_input_tokens,
    estimated_part_tokens,
    estimated_text_tokens,
)


def asking(*parts: Part) -> Request:
    return Request("x", "m", (Turn("user", parts),))


@pytest.mark.pitfall("TOK-4")
def test_an_empty_request_is_not_nothing() -> None:
    assert estimated_input_tokens(Request("x", "m", ())) >= 1
    assert estimated_text_tokens("") == 0
    assert estimated_text_tokens("a") == 1


@pytest.mark.pitfall("TOK-3")
@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        # Between half and twice what published tokenizers give.
        ("The quick brown fox jumps over the lazy dog. " * 10, 90, 130),
        ("def f(x):\n    return x + 1\n" * 10, 60, 110),
        ("我喜欢在早上喝一杯热咖啡。" * 10, 90, 150),
        ("コーヒーを飲みます" * 10, 60, 110),
        ("Привет, как дела? " * 10, 50, 100),
        ("مرحبا كيف حالك " * 10, 40, 100),
        ("😀🎉" * 10, 30, 60),
        ("Ein Café für Müller " * 10, 45, 80),
    ],
)
def test_texts_of_many_scripts(text: str, low: int, high: int) -> None:
    assert low <= estimated_text_tokens(text) <= high


@given(st.text(), st.text())
def test_more_text_is_never_less(one: str, other: str) -> None:
    assert estimated_text_tokens(one) <= estimated_text_tokens(one + other)
    assert estimated_text_tokens(one + other) <= estimated_text_tokens(one) + estimated_text_tokens(other)
    assert (estimated_text_tokens(one) == 0) == (one == "")


def test_lone_surrogates_do_no_harm() -> None:
    assert estimated_text_tokens("\ud800") >= 1


@given(requests())
def test_every_request_has_some(request: Request) -> None:
    assert estimated_input_tokens(request) >= 1


def test_everything_that_is_read_counts() -> None:
    base = estimated_input_tokens(asking(Text("x")))
    schema = {"type": "object", "properties": {"city": {"type": "string", "description": "where " * 40}}}
    history = (Turn("assistant", (ToolCall("1", "f", '{"a": "' + "b" * 400 + '"}'),)),)
    more = {
        "tools": (FunctionTool("f", "does it " * 40, schema), CustomTool("g", grammar={"definition": "x " * 40})),
        "output": OutputFormat("json_schema", "n", schema=schema),
        "turns": (*asking(Text("x")).turns, *history),
    }
    for name, value in more.items():
        fields = {"turns": asking(Text("x")).turns, name: value}
        assert estimated_input_tokens(Request("x", "m", **fields)) > base + 40  # type: ignore[arg-type]
    hosted = HostedTool("anthropic", "web_search_20250305", {"type": "web_search_20250305", "name": "web_search"})
    assert estimated_input_tokens(Request("x", "m", asking(Text("x")).turns, tools=(hosted,))) > base
    assert estimated_part_tokens(Reasoning(("abcd" * 10, "abcd" * 10))) == 20
    assert estimated_part_tokens(ToolResult("1", (Text("abcd" * 100),))) >= 100
    assert estimated_part_tokens(ServerTool("x", "y", {"big": "word " * 400}, text="abcd" * 10)) < 30


@pytest.mark.pitfall("TOK-4", "MED-13")
@pytest.mark.parametrize("kind", ["image", "document", "audio", "video"])
def test_base64_is_never_text(kind: str) -> None:
    data = b64encode(b"\x00" * 300_000).decode()
    as_text = estimated_text_tokens(data)
    part = Media(kind, "application/octet-stream", data)  # type: ignore[arg-type]
    assert 1 <= estimated_part_tokens(part) < as_text / 5
    assert estimated_part_tokens(ToolResult("1", (part,))) < as_text / 5


@pytest.mark.pitfall("TOK-4")
def test_base64_inside_of_other_things_is_not_text_either() -> None:
    data = b64encode(bytes(range(256)) * 1000).decode()
    assert estimated_text_tokens(f"see data:image/png;base64,{data} there") < 20
    assert estimated_part_tokens(Opaque("x", "y", {"source": {"data": data}})) < 20
    assert estimated_part_tokens(ServerTool("x", "y", {"encrypted_content": data})) < 20
    assert estimated_part_tokens(Reasoning((), redacted=True, signature=Signature("openai", data))) < 20


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x06\0\0\0" + b"\0" * 40


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0" * 40


def jpeg(width: int, height: int, before: int = 0) -> bytes:
    profile = b"\xff\xe1" + struct.pack(">H", before + 2) + b"\xc0" * before
    frame = b"\xff\xc2" + struct.pack(">HBHH", 17, 8, height, width) + b"\x03" + b"\0" * 20
    return b"\xff\xd8" + profile + b"\xff\xc4\x00\x04\0\0" + b"\xff" + frame


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", 100) + b"WEBP" + kind + struct.pack("<I", 80) + body + b"\0" * 40


def webp_simple(width: int, height: int) -> bytes:
    return webp(b"VP8 ", b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height))


def webp_lossless(width: int, height: int) -> bytes:
    return webp(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14))


def webp_extended(width: int, height: int) -> bytes:
    return webp(b"VP8X", b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


@pytest.mark.parametrize("make", [png, gif, jpeg, webp_simple, webp_lossless, webp_extended])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (640, 480), (4000, 3)])
def test_dimensions_are_read_from_the_head(make: object, width: int, height: int) -> None:
    data = make(width, height)  # type: ignore[operator]
    assert image_dimensions(b64encode(data).decode()) == (width, height)
    for length in range(0, len(data), 3):
        assert image_dimensions(b64encode(data[:length]).decode()) in (None, (width, height))


def test_a_jpeg_frame_behind_a_large_profile() -> None:
    assert image_dimensions(b64encode(jpeg(300, 200, before=60_000)).decode()) == (300, 200)


def test_base64_with_line_breaks_and_of_the_url_kind() -> None:
    encoded = b64encode(png(640, 480)).decode()
    assert image_dimensions("\r\n".join(encoded[i : i + 20] for i in range(0, len(encoded), 20))) == (640, 480)
    assert image_dimensions(encoded.translate(str.maketrans("+/", "-_")).rstrip("=")) == (640, 480)


@pytest.mark.parametrize(
    "data", ["", "A", "????", "é" * 40, b64encode(b"\xff\xd8" + b"\xff" * 400).decode(), b64encode(png(0, 5)).decode()]
)
def test_unreadable_heads(data: str) -> None:
    assert image_dimensions(data) is None


@given(st.binary(max_size=100))
def test_any_bytes_are_measured(data: bytes) -> None:
    encoded = b64encode(data).decode()
    assert data_bytes(encoded) == len(data)
    assert data_bytes(encoded.rstrip("=")) == len(data)
    image_dimensions(encoded)


@pytest.mark.pitfall("MED-13")
@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    [(1, 1, 1), (200, 200, 54), (1000, 1000, 1334), (1092, 1092, 1590), (8000, 6000, IMAGE_TOKENS), (6000, 60, 32)],
)
def test_images_cost_by_their_pixels_up_to_a_bound(width: int, height: int, tokens: int) -> None:
    assert estimated_part_tokens(Media("image", "image/png", b64encode(png(width, height)).decode())) == tokens


def test_images_of_unknown_size_and_of_low_detail() -> None:
    assert estimated_part_tokens(Media("image", url="https://example.com/a.png")) == IMAGE_TOKENS
    assert estimated_part_tokens(Media("image", "image/png", "AAAA")) == IMAGE_TOKENS
    assert estimated_part_tokens(Media("image", url="https://example.com/a.png", detail="low")) == IMAGE_LOW_DETAIL


@pytest.mark.pitfall("TOK-3")
def test_documents_cost_by_pages_or_text() -> None:
    def pdf(size: int) -> Media:
        return Media("document", "application/pdf", b64encode(b"%PDF" + b"\0" * size).decode())

    assert estimated_part_tokens(pdf(10)) == 2000
    assert estimated_part_tokens(pdf(600_000)) == 22_000
    assert estimated_part_tokens(Media("document", "text/plain", b64encode(b"a" * 4000).decode())) == 1000
    assert estimated_part_tokens(Media("document", text="a" * 4000)) == 1000
    assert estimated_part_tokens(Media("document", text="")) == 1
    assert estimated_part_tokens(Media("document", file_id="file-1")) > 1000


@pytest.mark.pitfall("TOK-5")
def test_huge_and_deep_input_is_cheap() -> None:
    deep: object = "x"
    for _ in range(100_000):
        deep = [deep]
    request = asking(
        Text("héllo 你好 😀 " * 400_000),
        Text("data:image/png;base64," + "A" * 4_000_000),
        Media("image", "image/jpeg", b64encode(jpeg(10, 10, 60_000) + b"\0" * 8_000_000).decode()),
        Opaque("x", "y", {"deep": deep}),
    )
    begin = time.perf_counter()
    assert estimated_input_tokens(request) > 400_000
    assert time.perf_counter() - begin < 2
