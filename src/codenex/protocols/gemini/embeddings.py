"""``:embedContent`` and ``:batchEmbedContents``: Google's form of texts and vectors.

Names as in google-genai 3.4.0, which always asks for a batch. A batch takes at most 100 texts; token counts come only
with newer models (``usageMetadata``).
"""

from __future__ import annotations

from typing import Any

import msgspec

from codenex.core import json
from codenex.core.embeddings import EmbeddingAnswer, EmbeddingInput, EmbeddingRequest
from codenex.core.errors import Fault, FaultKind, invalid_request, unsupported
from codenex.core.losses import Losses
from codenex.core.spoke import EmbeddingSpoke
from codenex.core.usage import Usage
from codenex.protocols.gemini.errors import fault_of
from codenex.protocols.gemini.fields import as_list, as_object, canonical, integer_field, text_field
from codenex.protocols.gemini.types import CONTENT_FIELDS, NAME, Object
from codenex.protocols.gemini.usage import decode_usage

_BATCH_FIELDS = frozenset({"requests", "model"})
_CONFIG_FIELDS = frozenset({"taskType", "title", "outputDimensionality"})
_FIELDS = _CONFIG_FIELDS | {"model", "content", "embedContentConfig"}
#: Texts that Google takes in one batch.
_MOST = 100


def decode_request(body: bytes, model: str, *, many: bool) -> EmbeddingRequest:
    """Read a request: one of ``:batchEmbedContents`` where ``many``. Raises a fault (400)."""
    try:
        source = json.decode_object(body)
    except json.MalformedJson as error:
        raise invalid_request(f"the body is not a JSON object: {error}", code="invalid_json") from None
    losses = Losses()
    if many:
        batch = canonical(source, _BATCH_FIELDS)
        _drop_others(batch, _BATCH_FIELDS, losses)
        asked = [
            (as_object(entry, f"requests[{place}]"), f"requests[{place}].")
            for place, entry in enumerate(as_list(batch.get("requests"), "requests"))
        ]
    else:
        asked = [(source, "")]
    if not asked:
        raise invalid_request("requests: at least one is expected", param="requests")
    decoded = [_decoded(entry, prefix, losses) for entry, prefix in asked]
    lengths = {dimensions for _, dimensions in decoded}
    if len(lengths) > 1:
        raise unsupported("the target gives all vectors of a batch one length", param="requests.outputDimensionality")
    inputs = tuple(entry for entry, _ in decoded)
    return EmbeddingRequest(NAME, model, inputs, lengths.pop(), single=not many, losses=losses.values())


def _decoded(source: Object, prefix: str, losses: Losses) -> tuple[EmbeddingInput, int | None]:
    entry = canonical(source, _FIELDS)
    _drop_others(entry, _FIELDS, losses)
    config = canonical(as_object(entry.get("embedContentConfig", {}), f"{prefix}embedContentConfig"), _CONFIG_FIELDS)
    _drop_others(config, _CONFIG_FIELDS, losses)
    fields = {**config, **entry}
    path = prefix.rstrip(".")
    dimensions = integer_field(fields, "outputDimensionality", path)
    if dimensions is not None and dimensions < 1:
        raise invalid_request("outputDimensionality: at least 1 is expected", param=f"{prefix}outputDimensionality")
    task, title = text_field(fields, "taskType", path), text_field(fields, "title", path)
    text = _text(entry.get("content"), f"{prefix}content", losses)
    return EmbeddingInput(text, task=None if task == "TASK_TYPE_UNSPECIFIED" else task, title=title), dimensions


def _text(value: Any, path: str, losses: Losses) -> str:
    content = canonical(as_object(value, path), CONTENT_FIELDS)
    texts = []
    for place, part in enumerate(as_list(content.get("parts"), f"{path}.parts")):
        text = as_object(part, f"{path}.parts[{place}]").get("text")
        if not isinstance(text, str):
            raise unsupported("the target embeds text alone", param=f"{path}.parts[{place}]")
        texts.append(text)
    if len(texts) > 1:
        losses.adapt("content.parts", "several parts became one text")
    return "\n".join(texts)


def _drop_others(source: Object, known: frozenset[str], losses: Losses) -> None:
    for name in source:
        if name not in known:
            losses.drop(name, "unknown field")


def encode_requests(request: EmbeddingRequest, losses: Losses) -> list[bytes]:
    """Return the bodies of the batches that together ask for all inputs. Raises ``unsupported`` for tokens."""
    if any(entry.tokens is not None for entry in request.inputs):
        raise unsupported("Gemini embeds text, not tokens of OpenAI's vocabulary: send the text itself", param="input")
    if request.end_user is not None:
        losses.drop("user", "Gemini's embeddings know no user")
    entries = [_entry(entry, request) for entry in request.inputs]
    pieces = [entries[start : start + _MOST] for start in range(0, len(entries), _MOST)]
    return [json.encode({"requests": piece}) for piece in pieces]


def _entry(entry: EmbeddingInput, request: EmbeddingRequest) -> Object:
    fields: Object = {"model": _resource(request.model), "content": {"parts": [{"text": entry.text}]}}
    optional = {"taskType": entry.task, "title": entry.title, "outputDimensionality": request.dimensions}
    return fields | {name: value for name, value in optional.items() if value is not None}


def _resource(model: str) -> str:
    return model if "/" in model and model.startswith(("models/", "tunedModels/")) else f"models/{model}"


def decode_answer(body: bytes) -> EmbeddingAnswer:
    """Read an answer of either method. Raises a fault (``upstream``)."""
    source = json.try_object(body)
    if source is None:
        raise _unreadable("it is no JSON object")
    if isinstance(reported := source.get("error"), dict):
        raise fault_of(reported)
    listed = source.get("embeddings", [source["embedding"]] if "embedding" in source else None)
    if not isinstance(listed, list):
        raise _unreadable("it has no embeddings")
    usage = decode_usage(source.get("usageMetadata"))
    return EmbeddingAnswer(tuple(map(_vector, listed)), usage)


def _vector(value: Any) -> tuple[float, ...]:
    numbers = value.get("values") if isinstance(value, dict) else None
    if not isinstance(numbers, list) or not all(
        isinstance(number, int | float) and not isinstance(number, bool) for number in numbers
    ):
        raise _unreadable("a vector is no list of numbers")
    return tuple(numbers)


def encode_answer(answer: EmbeddingAnswer, request: EmbeddingRequest) -> bytes:
    """Return an answer to the method that was called."""
    vectors = [{"values": vector} for vector in answer.vectors]
    body: Object = {"embedding": vectors[0]} if request.single else {"embeddings": vectors}
    tokens = answer.usage.input_total if answer.usage is not None else None
    if tokens is not None:
        body["usageMetadata"] = {"promptTokenCount": tokens, "totalTokenCount": tokens}
    return json.encode(body)


class _Told(msgspec.Struct, rename="camel"):
    usage_metadata: Any = None
    error: Any = None


def usage_of(body: bytes) -> Usage | None:
    """Return the usage of an answer, where it tells one. Raises a fault (``upstream``)."""
    try:
        told = json.decode_as(_Told, body)
    except json.MalformedJson:
        raise _unreadable("it is no JSON object") from None
    if isinstance(told.error, dict):
        raise fault_of(told.error)
    return decode_usage(told.usage_metadata)


def rename(body: bytes, model: str) -> bytes:
    """Return a body whose mentions of the model name another, everything else as it was. Raises
    :class:`~codenex.core.json.MalformedJson`."""
    fields: dict[str, Any] = dict(json.decode_raw_object(body))
    if "model" in fields:
        fields["model"] = _resource(model)
    if "requests" in fields:
        listed = json.decode_as(list[dict[str, json.Raw]], fields["requests"])
        fields["requests"] = [{**entry, "model": _resource(model)} for entry in listed]
    return json.encode(fields)


def _unreadable(reason: str) -> Fault:
    return Fault(FaultKind.UPSTREAM, f"the upstream's embeddings can't be read: {reason}", from_upstream=True)


EMBEDDINGS = EmbeddingSpoke(
    name=NAME,
    decode_request=decode_request,
    encode_requests=encode_requests,
    decode_answer=decode_answer,
    encode_answer=encode_answer,
    usage_of=usage_of,
    rename=rename,
)
