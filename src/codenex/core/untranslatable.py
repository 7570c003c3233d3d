"""Fields that only their own vendor can make good and that hold what is asked: to leave them out would be to ask for
something else."""

from __future__ import annotations

from codenex.core.errors import unsupported
from codenex.core.request import Request

_FIELDS: dict[str, dict[str, str]] = {
    "openai-responses": {
        "prompt": "a prompt template is kept at OpenAI: send its text",
        "background": "the target answers at once or not at all: send the request without it",
    },
    "gemini": {"cachedContent": "the cached conversation is kept at Google: send it whole"},
}


def refuse_untranslatable(request: Request, target: str) -> None:
    """Raise ``unsupported`` (400) where a request for another protocol than ``target`` rests on what its vendor
    keeps."""
    if request.protocol == target or not request.extras:
        return
    for name, reason in _FIELDS.get(request.protocol, {}).items():
        if request.extras.get(name) is not None:
            raise unsupported(f"{name}: {reason}", param=name)
