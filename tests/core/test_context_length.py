"""How long a prompt was and may be, in the words of many vendors."""

import pytest

from codenex.core.context_length import token_counts


@pytest.mark.pitfall("ERR-2")
@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("prompt is too long: 205000 tokens > 200000 maximum", (205_000, 200_000)),
        ("The input token count (1,048,999) exceeds the maximum number of tokens allowed (1048576).",
         (1_048_999, 1_048_576)),
        (
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 130,001 tokens.",
            (130_001, 128_000),
        ),
        # The same count twice, first in all and then of the messages alone.
        (
            "This model's maximum context length is 131072 tokens. However, you requested 140025 tokens (140025 in the "
            "messages, 0 in the completion).",
            (140_025, 131_072),
        ),
        (
            "This endpoint's maximum context length is 200000 tokens. However, you requested about 250021 tokens "
            "(250021 of text input).",
            (250_021, 200_000),
        ),
        ("Prompt contains 40960 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
         (40_960, 32_768)),
        ("Input is too long: 300000 tokens exceeds the limit of 200000", (300_000, 200_000)),
        # Neither how much it is too long by nor a reference is a count of the prompt.
        ("prompt too long; exceeded max context length by 19046 tokens (ref: 96164522-08b2-4cbf)", None),
        ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000", None),
        ("the request exceeds the available context size (4096 tokens), try increasing it", None),
        ("This model's maximum context length is 5 tokens.", None),
        ("maximum context length is 9 tokens. However, you requested 9 tokens", None),
        ("", None),
    ],
)  # fmt: skip
def test_counts(message: str, expected: tuple[int, int] | None) -> None:
    assert token_counts(message) == expected
