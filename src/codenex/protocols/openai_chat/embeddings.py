"""``/v1/embeddings``: OpenAI's form of texts and vectors, which compatible servers share.

Official SDKs ask for ``base64`` unless told otherwise: 32-bit floats, little-endian. Not every server knows it, so that
answers are read in either form.
"""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any

import msgspec

from codenex.core import json
from codenex.core.embeddings import EmbeddingAnswer, EmbeddingInput, EmbeddingRequest
from codenex.core.errors import Fault, FaultKind, invalid_request
from codenex.core.losses import Loss, Losses
from codenex.core.spoke import EmbeddingSpoke
from codenex.core.usage import Usage
from codenex.protocols.openai_chat.errors import in_band_fault
from codenex.protocols.openai_chat.fields import integer, missing, text, unknown, wrong
from codenex.protocols.openai_chat.types import PROTOCOL
from codenex.protocols.openai_chat.usage import decode_usage

_FIELDS = frozenset({"model", "input", "dimensions", "encoding_format", "user"})
#: Inputs that OpenAI takes in one request.
_MOST = 2048


def decode_request(body: bytes, model: str, *, many: bool) -> EmbeddingRequest:
    """Read a request; ``many`` means nothing here. Raises a fault (400)."""
    try:
        source = json.decode_object(body)
    except json.MalformedJson as error:
        raise invalid_request(f"the body is not a JSON object: {error}", code="invalid_json") from None
    dimensions = integer(source.get("dimensions"), "dimensions")
    if dimensions is not None and dimensions < 1:
        raise wrong("dimensions", "at least 1")
    encoding = text(source.get("encoding_format"), "encoding_format")
    if encoding not in (None, "float", "base64"):
        raise wrong("encoding_format", "'float' or 'base64'")
    return EmbeddingRequest(
        PROTOCOL,
        model,
        _inputs(source.get("input")),
        dimensions,
        base64=encoding == "base64",
        end_user=text(source.get("user"), "user"),
        losses=tuple(Loss(name, "dropped", "unknown field") for name in unknown(source, _FIELDS)),
    )


def _inputs(value: Any) -> tuple[EmbeddingInput, ...]:
    if value is None:
        raise missing("input")
    if isinstance(value, str):
        return (EmbeddingInput(value),)
    if not isinstance(value, list) or not value:
        raise wrong("input", "a string, or a list of strings or tokens that is not empty")
    if all(map(_is_token, value)):
        return (EmbeddingInput(tokens=tuple(value)),)
    return tuple(_input(entry, f"input[{place}]") for place, entry in enumerate(value))


def _input(value: Any, path: str) -> EmbeddingInput:
    if isinstance(value, str):
        return EmbeddingInput(value)
    if isinstance(value, list) and value and all(map(_is_token, value)):
        return EmbeddingInput(tokens=tuple(value))
    raise wrong(path, "a string or a list of tokens")


def _is_token(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def encode_requests(request: EmbeddingRequest, losses: Losses) -> list[bytes]:
    """Return the bodies that together ask for all inputs, in their order."""
    common: dict[str, Any] = {"model": request.model}
    if request.dimensions is not None:
        common["dimensions"] = request.dimensions
    if request.base64:
        common["encoding_format"] = "base64"
    if request.end_user is not None:
        common["user"] = request.end_user
    if any(entry.task is not None for entry in request.inputs):
        losses.drop("taskType", "OpenAI's embeddings know no task")
    if any(entry.title is not None for entry in request.inputs):
        losses.drop("title", "OpenAI's embeddings know no title")
    inputs = [entry.text if entry.tokens is None else list(entry.tokens) for entry in request.inputs]
    pieces = [inputs[start : start + _MOST] for start in range(0, len(inputs), _MOST)]
    return [json.encode({**common, "input": piece[0] if len(inputs) == 1 else piece}) for piece in pieces]


def decode_answer(body: bytes) -> EmbeddingAnswer:
    """Read an answer. Raises a fault (``upstream``)."""
    source = json.try_object(body)
    if source is None:
        raise _unreadable("it is no JSON object")
    fault = in_band_fault(source)
    if fault is not None:
        raise fault
    data = source.get("data")
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise _unreadable("it has no data")
    if all(isinstance(entry.get("index"), int) for entry in data):
        data = sorted(data, key=lambda entry: int(entry["index"]))
    return EmbeddingAnswer(tuple(_vector(entry.get("embedding")) for entry in data), decode_usage(source.get("usage")))


def _vector(value: Any) -> tuple[float, ...]:
    if isinstance(value, str):
        try:
            data = b64decode(value, validate=True)
            return struct.unpack(f"<{len(data) // 4}f", data)
        except (Base64Error, ValueError, struct.error):
            raise _unreadable("a vector is no base64 of 32-bit floats") from None
    if isinstance(value, list) and all(
        isinstance(number, int | float) and not isinstance(number, bool) for number in value
    ):
        return tuple(value)
    raise _unreadable("a vector is no list of numbers")


def encode_answer(answer: EmbeddingAnswer, request: EmbeddingRequest) -> bytes:
    """Return an answer. Raises a fault (``upstream``) where a number doesn't fit into 32 bits."""
    data = [
        {"object": "embedding", "index": place, "embedding": _packed(vector) if request.base64 else vector}
        for place, vector in enumerate(answer.vectors)
    ]
    tokens = answer.usage.input_total if answer.usage is not None else None
    usage = {"prompt_tokens": tokens or 0, "total_tokens": tokens or 0}
    return json.encode({"object": "list", "data": data, "model": request.model, "usage": usage})


def _packed(vector: tuple[float, ...]) -> str:
    try:
        return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    except OverflowError:
        raise _unreadable("a vector's number is too large") from None


class _Told(msgspec.Struct):
    usage: Any = None
    error: Any = None


def usage_of(body: bytes) -> Usage | None:
    """Return the usage of an answer. Raises a fault (``upstream``)."""
    try:
        told = json.decode_as(_Told, body)
    except json.MalformedJson:
        raise _unreadable("it is no JSON object") from None
    if told.error is not None and (fault := in_band_fault({"error": told.error})) is not None:
        raise fault
    return decode_usage(told.usage)


def rename(body: bytes, model: str) -> bytes:
    """Return a body with another model, everything else as it was. Raises :class:`~codenex.core.json.MalformedJson`."""
    return json.encode({**json.decode_raw_object(body), "model": model})


def _unreadable(reason: str) -> Fault:
    return Fault(FaultKind.UPSTREAM, f"the upstream's embeddings can't be read: {reason}", from_upstream=True)


EMBEDDINGS = EmbeddingSpoke(
    name=PROTOCOL,
    decode_request=decode_request,
    encode_requests=encode_requests,
    decode_answer=decode_answer,
    encode_answer=encode_answer,
    usage_of=usage_of,
    rename=rename,
)
