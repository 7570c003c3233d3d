"""Log-probabilities of tokens in the hub's form, which is OpenAI's: ``{token, logprob, bytes, top_logprobs}``."""

from __future__ import annotations

from typing import Any

#: Vendors write -9999 for what is as good as impossible; beyond this it is no logarithm of a probability.
_LOWEST = 1e9


def read_tokens(value: Any) -> tuple[dict[str, Any], ...]:
    """Return the entries of a list that can be read, each with its bytes and its alternatives; further fields stay."""
    tokens: list[dict[str, Any]] = []
    for item in value if isinstance(value, list) else ():
        entry = _entry(item)
        if entry is not None:
            top = item.get("top_logprobs")
            alternatives = map(_entry, top) if isinstance(top, list) else ()
            entry["top_logprobs"] = [each for each in alternatives if each is not None]
            tokens.append(entry)
    return tuple(tokens)


def _entry(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    token, probability = value.get("token"), value.get("logprob")
    if not isinstance(token, str) or isinstance(probability, bool) or not isinstance(probability, int | float):
        return None
    if not -_LOWEST <= probability <= _LOWEST:
        return None
    entry = dict(value)
    if "bytes" not in value or not isinstance(value["bytes"], list | None):
        # Not every vendor gives them; they are those of the text.
        entry["bytes"] = list(token.encode())
    return entry
