"""Log-probabilities come out in one form, whatever a vendor leaves out or gets wrong."""

from __future__ import annotations

from typing import Any

import pytest

from codenex.core.logprobs import read_tokens


def test_bytes_and_alternatives_are_filled_in() -> None:
    given = [{"token": "é", "logprob": -0.5, "id": 7, "top_logprobs": [{"token": "e", "logprob": -1}]}]
    top = [{"token": "e", "logprob": -1, "bytes": [101]}]
    assert read_tokens(given) == ({"token": "é", "logprob": -0.5, "id": 7, "bytes": [195, 169], "top_logprobs": top},)
    # A vendor may say that there are none.
    assert read_tokens([{"token": "<end>", "logprob": 0, "bytes": None}])[0]["bytes"] is None


@pytest.mark.parametrize(
    "value",
    [
        None, {}, "x", [None, "x", 5], [{}], [{"token": 5, "logprob": -1}], [{"token": "a"}],
        [{"token": "a", "logprob": "x"}], [{"token": "a", "logprob": True}], [{"token": "a", "logprob": 10**400}],
    ],
)  # fmt: skip
def test_what_is_no_token_is_left_out(value: Any) -> None:
    assert read_tokens(value) == ()


def test_alternatives_that_are_none_are_left_out() -> None:
    (token,) = read_tokens([{"token": "a", "logprob": -1, "bytes": "x", "top_logprobs": ["x", {"token": []}]}])
    assert token == {"token": "a", "logprob": -1, "bytes": [97], "top_logprobs": []}
