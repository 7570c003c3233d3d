"""``logprobsResult`` to Chat's token list, which is the hub's form, and back."""

from __future__ import annotations

from typing import Any

from codenex.core.logprobs import read_tokens
from codenex.protocols.gemini.fields import camel
from codenex.protocols.gemini.types import Object


def decode_logprobs(value: Any) -> tuple[Object, ...]:
    """Return ``{token, logprob, bytes, top_logprobs}`` for each token."""
    if not isinstance(value, dict):
        return ()
    result = {camel(name): field for name, field in value.items()}
    chosen, tops = result.get("chosenCandidates"), result.get("topCandidates")
    if not isinstance(chosen, list):
        return ()
    tokens: list[Object] = []
    for position, candidate in enumerate(chosen):
        top = tops[position] if isinstance(tops, list) and position < len(tops) else None
        others = top.get("candidates") if isinstance(top, dict) else None
        alternatives = [_entry(each) for each in others] if isinstance(others, list) else []
        tokens.append({**_entry(candidate), "top_logprobs": alternatives})
    return read_tokens(tokens)


def _entry(value: Any) -> Object:
    candidate = {camel(name): field for name, field in value.items()} if isinstance(value, dict) else {"token": None}
    # Empty and zero values are left out on the wire.
    return {"token": candidate.get("token", ""), "logprob": candidate.get("logProbability", 0.0)}


def encode_logprobs(tokens: tuple[Object, ...]) -> Object:
    """Return the candidate's fields: ``logprobsResult`` and its mean, ``avgLogprobs``."""
    chosen = [_candidate(token) for token in tokens]
    tops = [{"candidates": [_candidate(each) for each in token.get("top_logprobs") or []]} for token in tokens]
    result: Object = {"chosenCandidates": chosen}
    if any(top["candidates"] for top in tops):
        result["topCandidates"] = tops
    return {
        "logprobsResult": result,
        "avgLogprobs": sum(each["logProbability"] for each in chosen) / len(chosen),
    }


def _candidate(token: Object) -> Object:
    return {"token": token.get("token", ""), "logProbability": token.get("logprob", 0.0)}
