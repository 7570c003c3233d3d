"""``groundingMetadata`` and ``citationMetadata`` to citations and back.

Google's offsets count bytes of UTF-8, the hub's characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from codenex.core.parts import Citation
from codenex.protocols.gemini.fields import camel
from codenex.protocols.gemini.types import Object

#: Kinds of ``groundingChunks`` and how each names its address and its title.
_CHUNK_KINDS = {
    "web": ("uri", "title"),
    "retrievedContext": ("uri", "title"),
    "maps": ("uri", "title"),
    "image": ("sourceUri", "title"),
}


def decode_grounding(value: Any, text: str) -> list[Citation]:
    """Return the citations of a text: one for each source of a passage; sources of no passage have no offsets."""
    if not isinstance(value, dict):
        return []
    metadata = {camel(name): field for name, field in value.items()}
    sources = [_source(chunk) for chunk in _list(metadata.get("groundingChunks"))]
    encoded = text.encode()
    used: set[int] = set()
    out: list[Citation] = []
    for item in _list(metadata.get("groundingSupports")):
        support = {camel(name): field for name, field in item.items()}
        segment = support.get("segment")
        cited, start, end = _segment(segment if isinstance(segment, dict) else {}, text, encoded)
        for number in support.get("groundingChunkIndices") or []:
            if isinstance(number, int) and 0 <= number < len(sources):
                used.add(number)
                url, title = sources[number]
                out.append(Citation(url, title, cited, start, end))
    out.extend(Citation(url, title) for number, (url, title) in enumerate(sources) if number not in used)
    return out


def decode_recitations(value: Any, text: str) -> list[Citation]:
    """Return the citations of ``citationMetadata``: passages that the model took over from elsewhere."""
    encoded = text.encode()
    out: list[Citation] = []
    if isinstance(value, dict):
        for item in _list(value.get("citations", value.get("citationSources"))):
            source = {camel(name): field for name, field in item.items()}
            cited, start, end = _segment(source, text, encoded)
            url, title = source.get("uri"), source.get("title")
            out.append(Citation(_text(url), _text(title), cited, start, end))
    return out


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


def _segment(given: Object, text: str, encoded: bytes) -> tuple[str | None, int | None, int | None]:
    """Return the cited text with its offsets in characters; an offset that does not fit the text is left out."""
    segment = {camel(name): field for name, field in given.items()}
    start, end = segment.get("startIndex", 0), segment.get("endIndex")
    quoted = _text(segment.get("text"))
    if isinstance(start, int) and isinstance(end, int) and 0 <= start <= end <= len(encoded):
        found = encoded[start:end].decode(errors="replace")
        if quoted is None or quoted == found:
            first = len(encoded[:start].decode(errors="replace"))
            return quoted if quoted is not None else found, first, first + len(found)
    if quoted and (first := text.find(quoted)) >= 0:
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
