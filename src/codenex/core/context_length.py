"""How long a prompt was and how long it may be, read from the words of an error: every vendor has its own."""

from __future__ import annotations

import re

_COUNT = r"(?:about )?\(?(?P<{}>\d[\d,]*)\)?"
_LENGTH, _LIMIT = _COUNT.format("length"), _COUNT.format("limit")
#: What says both, in the vendors' own order; the counts stand in brackets or before the word ``tokens``.
_WORDINGS = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        rf"{_LENGTH} tokens > {_LIMIT} maximum",
        rf"token count (?:of )?{_LENGTH}.{{0,40}}exceeds.{{0,80}}?(?:allowed|maximum|limit)(?: of)? {_LIMIT}",
        rf"(?:context (?:length|window|size|limit)|maximum|limit)(?: is| of) {_LIMIT}(?: tokens)?.{{0,80}}?"
        rf"(?:resulted in|requested|has|have|contains|got|were|was) {_LENGTH} (?:input |prompt )?tokens",
        rf"(?:prompt|input|request|messages) (?:of |has |is |contains )?{_LENGTH} tokens.{{0,60}}?"
        rf"(?:exceeds|over|longer than).{{0,60}}?{_LIMIT}",
        rf"(?:contains|has) {_LENGTH} tokens.{{0,40}}?too large.{{0,40}}?{_LIMIT} maximum",
        rf"{_LENGTH} (?:input |prompt )?tokens.{{0,60}}?exceeds?.{{0,60}}?{_LIMIT}(?: tokens)?",
    )
)


def token_counts(message: str) -> tuple[int, int] | None:
    """Return the prompt's tokens and the most that are allowed, or ``None`` where the message doesn't say both."""
    for wording in _WORDINGS:
        match = wording.search(message)
        if match is not None:
            length, limit = (int(match[name].replace(",", "")) for name in ("length", "limit"))
            if length > limit > 0:
                return length, limit
    return None
