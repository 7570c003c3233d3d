"""Anthropic Messages: ``/v1/messages``, ``/v1/messages/count_tokens`` and the list of models."""

from __future__ import annotations

from codenex.core.spoke import Spoke
from codenex.protocols.anthropic.errors import decode_error, encode_error
from codenex.protocols.anthropic.glance import glance, skim
from codenex.protocols.anthropic.listener import Listener
from codenex.protocols.anthropic.lists import decode_count, decode_models, encode_count, encode_model, encode_models
from codenex.protocols.anthropic.request import (
    decode_count_request,
    decode_request,
    encode_count_request,
    encode_request,
)
from codenex.protocols.anthropic.response import decode_response, encode_response, usage_of
from codenex.protocols.anthropic.stream import StreamDecoder, StreamEncoder
from codenex.protocols.anthropic.text_stream import read_text, write_text
from codenex.protocols.anthropic.types import NAME, VENDOR
from codenex.protocols.anthropic.whole import read_answer

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
    glance=glance,
    read_answer=read_answer,
    skim=skim,
    listener=Listener,
    read_text=read_text,
    write_text=write_text,
)

__all__ = ["SPOKE"]
