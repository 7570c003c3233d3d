"""The demo's embeddings: the same text gives the same vector, and texts that share words lie near each other."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator

from codenex.core.embeddings import EmbeddingAnswer, EmbeddingInput, EmbeddingRequest
from codenex.core.errors import invalid_request
from codenex.core.usage import Usage
from codenex.models.tokens import estimated_embedding_tokens

DIMENSIONS = 256
#: The longest vectors that are given, as long as the longest of OpenAI and Google.
LONGEST = 3072

_WORD = re.compile(r"\w+")


def demo_embeddings(request: EmbeddingRequest) -> EmbeddingAnswer:
    """Return unit vectors of the inputs. Raises a fault (400) for vectors that would be too long."""
    dimensions = DIMENSIONS if request.dimensions is None else request.dimensions
    if dimensions > LONGEST:
        raise invalid_request(f"the demo's vectors have at most {LONGEST} dimensions", param="dimensions")
    vectors = tuple(_vector(_pieces(entry), dimensions) for entry in request.inputs)
    return EmbeddingAnswer(vectors, Usage(input_uncached=estimated_embedding_tokens(request)))


def _pieces(entry: EmbeddingInput) -> Iterator[str]:
    # The whole counts as a piece too, so that no vector is zero.
    if entry.tokens is not None:
        yield from map(str, (*entry.tokens, entry.tokens))
    else:
        yield from _WORD.findall(entry.text.lower())
        yield "\n" + entry.text


def _vector(pieces: Iterable[str], dimensions: int) -> tuple[float, ...]:
    """Add one for each piece in a place that follows from it; return the sum at length 1."""
    values = [0.0] * dimensions
    for piece in pieces:
        place = int.from_bytes(hashlib.sha256(piece.encode("utf-8", "surrogatepass")).digest()[:8], "little")
        values[place % dimensions] += 1.0
    length = math.sqrt(sum(value * value for value in values))
    return tuple(value / length for value in values)
