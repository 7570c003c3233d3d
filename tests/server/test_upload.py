"""Bodies that come in pieces."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from codenex.server.upload import Upload


@given(st.lists(st.binary(max_size=9) | st.integers(0, 200_000).map(bytes), max_size=9))
def test_a_body_is_what_came(pieces: list[bytes]) -> None:
    upload = Upload()
    for number, piece in enumerate(pieces):
        upload.add(piece)
        assert upload.size == sum(map(len, pieces[: number + 1]))
        if not number % 3:
            assert upload.whole() == b"".join(pieces[: number + 1])
    assert upload.whole() == b"".join(pieces)


def test_a_large_body_is_held_once() -> None:
    piece, number = bytes(65_536), 256
    tracemalloc.start()
    try:
        upload = Upload(piece[:-1])
        for _ in range(number - 1):
            upload.add(bytes(65_536))
        body = upload.whole()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(body) == upload.size == number * 65_536 - 1
    # Room is made ahead, an eighth of what is there.
    assert most <= 1.3 * len(body)
