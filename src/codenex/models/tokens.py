"""Estimates of input tokens for targets without a counter: pure arithmetic on lengths, cheap on megabytes.

Rates are rounded from published tokenizer figures: four characters of ASCII text a token, about one token for each
Chinese, Japanese or Korean character, two for an emoji. Media is priced by kind and dimensions; base64 never counts as
text. An estimate is never 0, because agents take 0 for "plenty of room" and never compact.
"""

from __future__ import annotations

import re
from typing import Any, assert_never

from codenex.core import json
from codenex.core.declarations import Declared
from codenex.core.embeddings import EmbeddingRequest
from codenex.core.parts import (
    Compaction,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    ServerTool,
    Text,
    ToolCall,
    ToolResult,
)
from codenex.core.request import CustomTool, FunctionTool, HostedTool, OutputFormat, Request, Tool
from codenex.models.media_size import data_bytes, image_dimensions

REQUEST_OVERHEAD = 3
TURN_OVERHEAD = 4
TOOL_OVERHEAD = 8
CALL_OVERHEAD = 6

#: An image of unknown size, and the most that one costs: about 1.15 megapixels at 750 pixels a token.
IMAGE_TOKENS = 1600
IMAGE_LOW_DETAIL = 85
_IMAGE_EDGE = 1568
_PIXELS_PER_TOKEN = 750
_PAGE_TOKENS = 2000
_PAGE_BYTES = 60_000
_PAGE_LIMIT = 1000
#: Sound and video: bytes for each token, and the price of one that is not at hand.
_BYTES_PER_TOKEN = 1000
_ABSENT = {"image": IMAGE_TOKENS, "document": 5 * _PAGE_TOKENS, "audio": 1000, "video": 5000}

#: Twentieths of a token for each character, by the length of its UTF-8 form.
_TWENTIETHS = {1: 5, 2: 10, 3: 18, 4: 40}
_CONTINUATION = bytes(range(0x80, 0xC0))
_NOT_LEAD_2 = bytes(range(0xC0)) + bytes(range(0xE0, 0x100))
_NOT_LEAD_3 = bytes(range(0xE0)) + bytes(range(0xF0, 0x100))
_NOT_LEAD_4 = bytes(range(0xF0))

_EMBEDDED_BASE64 = re.compile(r";base64,[A-Za-z0-9+/=_-]+")
#: A string of a vendor's raw object that is longer than this and has no blank is taken for encoded bytes.
_BLOB_LENGTH = 512


def estimated_text_tokens(text: str) -> int:
    """Estimate the tokens of a text; 0 only for the empty one. Data URLs inside count by their head alone."""
    if not text:
        return 0
    if ";base64," in text:
        text = _EMBEDDED_BASE64.sub(";base64,", text)
    if text.isascii():
        return max(1, (len(text) + 3) // 4)
    data = text.encode("utf-8", "surrogatepass")
    two = len(data.translate(None, _NOT_LEAD_2))
    three = len(data.translate(None, _NOT_LEAD_3))
    four = len(data.translate(None, _NOT_LEAD_4))
    one = len(text) - two - three - four
    twentieths = one * _TWENTIETHS[1] + two * _TWENTIETHS[2] + three * _TWENTIETHS[3] + four * _TWENTIETHS[4]
    return max(1, (twentieths + 19) // 20)


def estimated_input_tokens(request: Request) -> int:
    """Estimate all input tokens of a request: turns, tools and output schema. At least 1."""
    total = REQUEST_OVERHEAD
    for turn in request.turns:
        total += TURN_OVERHEAD + sum(map(estimated_part_tokens, turn.parts))
    total += _tokens_of_tools(request.tools)
    if request.output is not None:
        total += _output_tokens(request.output)
    return max(1, total)


def estimated_embedding_tokens(request: EmbeddingRequest) -> int:
    """Estimate all tokens of texts to embed; tokens that were sent as such are counted. At least 1."""
    counts = (
        estimated_text_tokens(entry.text) if entry.tokens is None else len(entry.tokens) for entry in request.inputs
    )
    return max(1, sum(counts))


def estimated_part_tokens(part: Part) -> int:
    """Estimate the tokens of one part."""
    match part:
        case Text() | Refusal():
            return estimated_text_tokens(part.text)
        case Reasoning():
            return sum(map(estimated_text_tokens, part.segments))
        case Media():
            return _media_tokens(part)
        case ToolCall():
            return CALL_OVERHEAD + estimated_text_tokens(part.name) + estimated_text_tokens(part.arguments)
        case ToolResult():
            return CALL_OVERHEAD + sum(map(estimated_part_tokens, part.parts))
        case ServerTool():
            return CALL_OVERHEAD + (_value_tokens(part.raw) if part.text is None else estimated_text_tokens(part.text))
        case Compaction():
            return _value_tokens(part.raw) if part.summary is None else estimated_text_tokens(part.summary)
        case Opaque():
            return _value_tokens(part.raw)
        case _:
            assert_never(part)


def _tokens_of_tools(tools: tuple[Tool, ...]) -> int:
    if not isinstance(tools, Declared):
        return sum(map(_tool_tokens, tools))
    if tools.tokens is None:
        tools.tokens = sum(map(_tool_tokens, tools))
    return tools.tokens


def _tool_tokens(tool: Tool) -> int:
    match tool:
        case FunctionTool():
            return TOOL_OVERHEAD + _named_tokens(tool.name, tool.description) + _schema_tokens(tool.schema)
        case CustomTool():
            return TOOL_OVERHEAD + _named_tokens(tool.name, tool.description) + _value_tokens(tool.grammar)
        case HostedTool():
            return TOOL_OVERHEAD + _value_tokens(tool.raw)
        case _:
            assert_never(tool)


def _named_tokens(name: str | None, description: str | None) -> int:
    return estimated_text_tokens(name or "") + estimated_text_tokens(description or "")


def _output_tokens(output: OutputFormat) -> int:
    return _named_tokens(output.name, output.description) + _schema_tokens(output.schema)


def _media_tokens(media: Media) -> int:
    if media.text is not None:
        return max(1, estimated_text_tokens(media.text))
    if media.kind == "image" and media.detail == "low":
        return IMAGE_LOW_DETAIL
    if media.data is None:
        return _ABSENT[media.kind]
    size = data_bytes(media.data)
    match media.kind:
        case "image":
            return _image_tokens(media.data)
        case "document":
            if media.media_type is not None and media.media_type.startswith("text/"):
                return max(1, size // 4)
            return _PAGE_TOKENS * min(_PAGE_LIMIT, max(1, -(-size // _PAGE_BYTES)))
        case "audio" | "video":
            return max(1, size // _BYTES_PER_TOKEN)
        case _:
            assert_never(media.kind)


def _image_tokens(data: str) -> int:
    dimensions = image_dimensions(data)
    if dimensions is None:
        return IMAGE_TOKENS
    width, height = dimensions
    longest = max(width, height)
    if longest > _IMAGE_EDGE:
        width, height = width * _IMAGE_EDGE // longest, height * _IMAGE_EDGE // longest
    return min(IMAGE_TOKENS, max(1, -(-width * height // _PIXELS_PER_TOKEN)))


def _schema_tokens(schema: Any) -> int:
    """Estimate a JSON Schema, which is all words, by the length of its text: a request may have thousands of nodes."""
    if schema is None:
        return 0
    try:
        return max(1, len(json.encode(schema)) // 4)
    except (TypeError, ValueError, RecursionError):
        return _value_tokens(schema)


def _value_tokens(value: Any) -> int:
    """Estimate a JSON value from the lengths of its pieces, without building its text and without recursion."""
    total = 0
    stack = [value] if value is not None else []
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            total += 1 + (0 if _is_blob(item) else estimated_text_tokens(item))
        elif isinstance(item, dict):
            total += 1
            for key, inner in item.items():
                total += 1 + estimated_text_tokens(str(key))
                stack.append(inner)
        elif isinstance(item, list | tuple):
            total += 1
            stack.extend(item)
        else:
            total += 1
    return total


def _is_blob(text: str) -> bool:
    return len(text) > _BLOB_LENGTH and text.isascii() and " " not in text and "\n" not in text.strip()
