"""``groundingMetadata`` and ``citationMetadata`` to citations and back.

Google's offsets count bytes of UTF-8, the hub's characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from codenex.core.parts import Citation
from codenex.protocols.gemini.fields import camel
from codenex.protocols.gemini.types import Object

#: A cited text with its offsets.
_Passage = tuple[str | None, int | None, int | None]

#: Kinds of ``groundingChunks`` and how each names its address and its title.
_CHUNK_KINDS = {
    "web": ("uri", "title"),
    "retrievedContext": ("uri", "title"),
    "maps": ("uri", "title"),
    "image": ("sourceUri", "title"),
}


class Sources:
    """What a candidate says of its sources, given out text by text.

    Sources stand beside the last chunk of a stream, but in a whole answer they are known before its texts end.
    """

    __slots__ = ("_given", "_grounding", "_recitations")

    def __init__(self) -> None:
        self._grounding: Object = {}
        self._recitations: Object = {}
        self._given: set[tuple[str, int]] = set()

    def see(self, grounding: Any, recitations: Any) -> None:
        """Take ``groundingMetadata`` and ``citationMetadata`` of a chunk; later ones replace earlier ones."""
        if isinstance(grounding, dict):
            self._grounding = {camel(name): field for name, field in grounding.items()}
        if isinstance(recitations, dict):
            self._recitations = recitations

    def take(self, text: str, *, last: bool) -> list[Citation]:
        """Return the citations of a text that ends: those whose passage stands in it, and with the ``last`` text all
        that are left. Sources of no passage have no offsets."""
        if not self._grounding and not self._recitations:
            return []
        encoded = text.encode()
        return [*self._grounded(text, encoded, last=last), *self._recited(text, encoded, last=last)]

    def _grounded(self, text: str, encoded: bytes, *, last: bool) -> Iterator[Citation]:
        sources = [_source(chunk) for chunk in _list(self._grounding.get("groundingChunks"))]
        for position, item in enumerate(_list(self._grounding.get("groundingSupports"))):
            support = {camel(name): field for name, field in item.items()}
            segment = support.get("segment")
            found = _segment(segment if isinstance(segment, dict) else {}, text, encoded, anywhere=last)
            if not self._gives("support", position, found, last=last):
                continue
            numbers = support.get("groundingChunkIndices")
            for number in numbers if isinstance(numbers, list) else []:
                if isinstance(number, int) and 0 <= number < len(sources):
                    self._given.add(("source", number))
                    url, title = sources[number]
                    yield Citation(url, title, *found)
        for number, source in enumerate(sources if last else []):
            if ("source", number) not in self._given:
                yield Citation(*source)

    def _recited(self, text: str, encoded: bytes, *, last: bool) -> Iterator[Citation]:
        listed = self._recitations.get("citations", self._recitations.get("citationSources"))
        for position, item in enumerate(_list(listed)):
            source = {camel(name): field for name, field in item.items()}
            found = _segment(source, text, encoded, anywhere=last)
            if self._gives("recitation", position, found, last=last):
                yield Citation(_text(source.get("uri")), _text(source.get("title")), *found)

    def _gives(self, kind: str, position: int, found: _Passage, *, last: bool) -> bool:
        """Whether a passage belongs to the text; it is given out once."""
        if (kind, position) in self._given or (found[1] is None and not last):
            return False
        self._given.add((kind, position))
        return True


def _list(value: Any) -> Iterator[Object]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _source(chunk: Object) -> tuple[str | None, str | None]:
    for name, value in chunk.items():
        names = _CHUNK_KINDS.get(camel(name))
        if names is not None and isinstance(value, dict):
            return _text(value.get(names[0])), _text(value.get(names[1]))
    return None, None


def _segment(given: Object, text: str, encoded: bytes, *, anywhere: bool) -> _Passage:
    """Return the cited text with its offsets in characters; offsets that do not fit the text are left out, unless the
    cited text is found ``anywhere`` in it."""
    segment = {camel(name): field for name, field in given.items()}
    start, end = segment.get("startIndex", 0), segment.get("endIndex")
    quoted = _text(segment.get("text"))
    if isinstance(start, int) and isinstance(end, int) and 0 <= start <= end <= len(encoded):
        try:
            before, found = encoded[:start].decode(), encoded[start:end].decode()
        except UnicodeDecodeError:
            # In the middle of a character.
            return quoted, None, None
        if quoted is None or quoted == found:
            return found, len(before), len(before) + len(found)
    if anywhere and quoted and (first := text.find(quoted)) >= 0:
        return quoted, first, first + len(quoted)
    return quoted, None, None


def encode_grounding(texts: Sequence[tuple[int, str, tuple[Citation, ...]]]) -> Object | None:
    """Return ``groundingMetadata`` for texts with their position among the candidate's parts and their citations."""
    chunks: dict[tuple[str | None, str | None], int] = {}
    supports: dict[tuple[int, int, int], list[int]] = {}
    for position, _, citations in texts:
        for citation in citations:
            number = chunks.setdefault((citation.url, citation.title), len(chunks))
            if citation.start is not None and citation.end is not None:
                numbers = supports.setdefault((position, citation.start, citation.end), [])
                if number not in numbers:
                    numbers.append(number)
    if not chunks:
        return None
    by_position = {position: text for position, text, _ in texts}
    metadata: Object = {"groundingChunks": [_chunk(url, title) for url, title in chunks]}
    if supports:
        metadata["groundingSupports"] = [
            {"segment": _encoded_segment(position, start, end, by_position[position]), "groundingChunkIndices": numbers}
            for (position, start, end), numbers in supports.items()
        ]
    return metadata


def _chunk(url: str | None, title: str | None) -> Object:
    named = {} if title is None else {"title": title}
    return {"retrievedContext": named} if url is None else {"web": {"uri": url, **named}}


def _encoded_segment(position: int, start: int, end: int, text: str) -> Object:
    segment: Object = {"partIndex": position} if position else {}
    segment["startIndex"] = len(text[:start].encode())
    segment["endIndex"] = len(text[:end].encode())
    segment["text"] = text[start:end]
    return segment
