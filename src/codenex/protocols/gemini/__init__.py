"""Google's Gemini API: ``generateContent``, ``streamGenerateContent``, ``countTokens`` and the list of models."""

from __future__ import annotations

from codenex.core.spoke import Spoke
from codenex.protocols.gemini.content import is_read_by_address
from codenex.protocols.gemini.emission import StreamEncoder
from codenex.protocols.gemini.errors import decode_error, encode_error
from codenex.protocols.gemini.glance import skim
from codenex.protocols.gemini.lists import decode_count, decode_models, encode_count, encode_model, encode_models
from codenex.protocols.gemini.request import (
    decode_count_request,
    decode_request,
    encode_count_request,
    encode_request,
)
from codenex.protocols.gemini.response import decode_response, encode_response, usage_of
from codenex.protocols.gemini.stream import StreamDecoder
from codenex.protocols.gemini.types import NAME, VENDOR, bare_model, generate_path, method_path

SPOKE = Spoke(
    name=NAME,
    vendor=VENDOR,
    decode_request=decode_request,
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    stream_decoder=StreamDecoder,
    stream_encoder=StreamEncoder,
    decode_error=decode_error,
    encode_error=encode_error,
    encode_models=encode_models,
    encode_model=encode_model,
    decode_models=decode_models,
    encode_count=encode_count,
    decode_count=decode_count,
    encode_count_request=encode_count_request,
    decode_count_request=decode_count_request,
    usage_of=usage_of,
    skim=skim,
    reads=is_read_by_address,
)

__all__ = ["SPOKE", "bare_model", "generate_path", "method_path"]
