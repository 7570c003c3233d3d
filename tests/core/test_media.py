"""Media types, base64 hygiene and data URLs."""

from __future__ import annotations

from base64 import b64decode, b64encode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codenex.core import media

HEADS = {
    b"\xff\xd8\xff\xe0\x00\x10JFIF": "image/jpeg",
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR": "image/png",
    b"GIF89a\x01\x00": "image/gif",
    b"RIFF\x10\x00\x00\x00WEBPVP8 ": "image/webp",
    b"RIFF\x10\x00\x00\x00WAVEfmt ": "audio/wav",
    b"\x00\x00\x00\x18ftypheic": "image/heic",
    b"\x00\x00\x00\x18ftypisom": "video/mp4",
    b"%PDF-1.7\n": "application/pdf",
    b"ID3\x04\x00": "audio/mpeg",
    b"OggS\x00\x02": "audio/ogg",
}


@pytest.mark.pitfall("MED-2")
@pytest.mark.parametrize(("head", "expected"), HEADS.items())
def test_type_is_sniffed_from_the_base64_head(head: bytes, expected: str) -> None:
    assert media.sniffed_type(b64encode(head).decode()) == expected
    assert media.sniffed_type(b64encode(head + bytes(100)).decode()) == expected
    assert media.sniffed_type(urlsafe_b64encode(head + bytes(100)).decode().rstrip("=")) == expected


@pytest.mark.parametrize("data", ["", "A", "====", "!!!!", "AAAA", "iVBORw0\n", "é" * 40])
def test_unknown_or_broken_heads_have_no_type(data: str) -> None:
    assert media.sniffed_type(data) is None


@pytest.mark.pitfall("MED-6")
@given(st.binary(max_size=200), st.booleans(), st.booleans(), st.booleans())
def test_base64_is_normalised(raw: bytes, safe: bool, bare: bool, lines: bool) -> None:
    text = (urlsafe_b64encode if safe else b64encode)(raw).decode()
    if bare:
        text = text.rstrip("=")
    if lines:
        text = "\r\n".join(text[i : i + 7] for i in range(0, len(text), 7))
    clean = media.normalised_base64(text)
    assert clean == b64encode(raw).decode()
    assert media.normalised_base64(media.data_url("image/png", text)) == clean


@given(st.binary(max_size=60), st.sampled_from(sorted(set(HEADS.values()))))
def test_data_urls_round_trip(raw: bytes, media_type: str) -> None:
    data = b64encode(raw).decode()
    assert media.parse_data_url(media.data_url(media_type, data)) == (media_type, data)


def test_data_url_variants() -> None:
    assert media.parse_data_url("https://example.com/a.png") is None
    assert media.parse_data_url("data:image/png") is None
    assert media.parse_data_url("data:;base64,QQ==") == (None, "QQ==")
    assert media.parse_data_url("DATA:image/JPG;base64,QQ") == ("image/jpeg", "QQ==")
    assert media.parse_data_url("data:text/plain;charset=utf-8;base64,QQ%3D%3D") == ("text/plain", "QQ==")
    found = media.parse_data_url("data:text/plain,a%20b")
    assert found is not None and b64decode(found[1]) == b"a b"


def test_kinds_and_extensions() -> None:
    assert [media.kind_of(kind) for kind in ("image/png", "audio/wav", "video/mp4", "application/pdf", None)] == [
        "image",
        "audio",
        "video",
        "document",
        "document",
    ]
    assert media.extension("image/jpg") == "jpg"
    assert media.extension("application/pdf") == "pdf"
    assert media.extension("text/x-python") == "txt"
    assert media.extension("application/x-unknown") == "bin"
    assert media.extension(None) == "bin"
    assert media.normalised_type("Image/JPG; q=1") == "image/jpeg"


@pytest.mark.pitfall("MED-4")
def test_text_files_are_readable() -> None:
    assert media.is_text("text/csv") and media.is_text("application/json") and not media.is_text("application/pdf")
    assert media.text_of(b64encode("ä,b".encode()).decode()) == "ä,b"
    assert media.text_of(b64encode(b"\xff\xfe\x00").decode()) is None
