"""Embeddings in no protocol's form: texts to vectors, always as a list."""

from __future__ import annotations

import msgspec

from codenex.core.losses import Loss
from codenex.core.usage import Usage


class EmbeddingInput(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing to embed: a text, or the tokens of one. ``task`` and ``title`` are Google's words about a text."""

    text: str = ""
    tokens: tuple[int, ...] | None = None
    task: str | None = None
    title: str | None = None


class EmbeddingRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decoded request. ``dimensions`` is the length of the vectors that is asked for; ``base64`` and ``single`` are
    the form in which this client wants the answer."""

    protocol: str
    model: str
    inputs: tuple[EmbeddingInput, ...]
    dimensions: int | None = None
    base64: bool = False
    single: bool = False
    end_user: str | None = None
    #: what decoding itself had to give up
    losses: tuple[Loss, ...] = ()


class EmbeddingAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Vectors in the order of the inputs. ``usage`` is ``None`` where the upstream told none."""

    vectors: tuple[tuple[float, ...], ...]
    usage: Usage | None = None


def joined(answers: list[EmbeddingAnswer]) -> EmbeddingAnswer:
    """Return the answers to the pieces of one request as one; usage is known where every piece tells its own."""
    counts = [answer.usage.input_total for answer in answers if answer.usage is not None]
    known = [count for count in counts if count is not None]
    usage = Usage(input_uncached=sum(known)) if answers and len(known) == len(answers) else None
    return EmbeddingAnswer(tuple(vector for answer in answers for vector in answer.vectors), usage)
