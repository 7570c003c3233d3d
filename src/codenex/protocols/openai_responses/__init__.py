"""OpenAI Responses: ``POST /v1/responses`` and its token counter."""

from __future__ import annotations

from codenex.core.spoke import Spoke
from codenex.protocols.openai_responses.cut import fail_after
from codenex.protocols.openai_responses.emission import StreamEncoder
from codenex.protocols.openai_responses.errors import decode_error, encode_error
from codenex.protocols.openai_responses.glance import skim
from codenex.protocols.openai_responses.listing import (
    decode_count,
    decode_models,
    encode_count,
    encode_model,
    encode_models,
)
from codenex.protocols.openai_responses.request import decode_request, encode_count_request, encode_request
from codenex.protocols.openai_responses.response import decode_response, encode_response, usage_of
from codenex.protocols.openai_responses.stream import StreamDecoder
from codenex.protocols.openai_responses.types import NAME, VENDOR

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
    decode_count_request=decode_request,
    usage_of=usage_of,
    skim=skim,
    fail_after=fail_after,
)
