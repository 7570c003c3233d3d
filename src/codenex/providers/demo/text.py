"""The words of the simulation: what it says about texts, results and media, and how they are cut into tokens."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from codenex.core.parts import Media, Text, ToolResult
from codenex.models.media_size import data_bytes, image_dimensions

ANNOUNCEMENT = "This is the simulated answer of the demo provider."
CLOSING = "Add a provider of your own to get answers from a real model."
THOUGHT = (
    "This is simulated reasoning of the demo provider. No model is thinking here; the answer follows from fixed rules."
)

_ECHO_LENGTH = 300
_RESULT_LENGTH = 600
_ADDRESS_LENGTH = 200
_LISTED = 8

#: A demo token: a word with the blanks behind it, or a piece of a very long one.
_TOKEN = re.compile(r"\S{1,24}\s*|\s+")
_ARGUMENT_TOKEN = re.compile(r".{1,16}", re.DOTALL)


def tokens_of(text: str) -> list[str]:
    """Cut a text into demo tokens; joined they are the text."""
    return _TOKEN.findall(text)


def argument_tokens(arguments: str) -> list[str]:
    """Cut the arguments of a call into demo tokens; joined they are the arguments."""
    return _ARGUMENT_TOKEN.findall(arguments)


def shortened(text: str, length: int) -> str:
    """Return the beginning of a text on one line, with an ellipsis where more follows."""
    line = " ".join(text[: 2 * length].split())
    return line if len(line) <= length and len(text) <= 2 * length else line[:length].rstrip() + "…"


def answer_text(
    question: str, results: tuple[ToolResult, ...], names: dict[str, str], media: tuple[Media, ...], choice: int
) -> str:
    """Return the whole answer: it says what it is, quotes tool results, describes media and echoes the question."""
    sentences = [ANNOUNCEMENT]
    sentences.extend(result_sentence(result, names) for result in results[:_LISTED])
    sentences.extend(f"You sent {media_phrase(item)}." for item in media[:_LISTED])
    if question:
        sentences.append(f"You said: “{shortened(question, _ECHO_LENGTH)}”.")
    elif not results and not media:
        sentences.append("You sent no text.")
    if choice:
        sentences.append(f"This is alternative {choice + 1}.")
    sentences.append(CLOSING)
    return " ".join(sentences)


def result_sentence(result: ToolResult, names: dict[str, str]) -> str:
    """Quote what a tool answered."""
    name = result.name if result.name is not None else names.get(result.call_id, "")
    pieces = [part.text for part in result.parts if isinstance(part, Text) and part.text]
    quoted = [shortened("\n".join(pieces), _RESULT_LENGTH)] if pieces else []
    quoted.extend(media_phrase(part) for part in result.parts if isinstance(part, Media))
    verb = "failed with" if result.is_error else "answered"
    return f"The tool {name or result.call_id} {verb}: {', '.join(quoted) or 'nothing'}."


def media_phrase(media: Media) -> str:
    """Describe a medium by type and size, or by where it is."""
    article = "an" if media.kind in ("image", "audio") else "a"
    kind = f"{article} {media.kind}"
    if media.filename is not None:
        kind += f" named {shortened(media.filename, 80)}"
    if media.text is not None:
        return f"{kind} with {len(media.text)} characters"
    url = media.url
    media_type, data = media.media_type, media.data
    if data is None and url is not None and url.startswith("data:"):
        head, _, data = url.partition(",")
        media_type = media_type if media_type is not None else head[5:].partition(";")[0]
    if data is not None:
        of_type = f" of type {shortened(media_type, 80)}" if media_type else ""
        return f"{kind}{of_type} with {data_bytes(data)} bytes{_dimensions(media, data)}"
    if url is not None:
        return f"{kind} at {_address(url)}"
    if media.file_id is not None:
        return f"{kind} stored as {shortened(media.file_id, 80)}"
    return f"{kind} without content"


def _dimensions(media: Media, data: str) -> str:
    dimensions = image_dimensions(data) if media.kind == "image" else None
    return "" if dimensions is None else f" ({dimensions[0]} by {dimensions[1]} pixels)"


def _address(url: str) -> str:
    """Name host and path only: query and user information may hold secrets."""
    try:
        pieces = urlsplit(url[:4000])
        host = pieces.hostname
    except ValueError:
        return "an unreadable address"
    return shortened(f"{host or pieces.scheme + ':'}{pieces.path}", _ADDRESS_LENGTH)
