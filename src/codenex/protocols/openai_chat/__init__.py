"""OpenAI's Chat Completions API, as OpenAI and the servers that are compatible with it speak it."""

from __future__ import annotations

from codenex.core.spoke import Spoke
from codenex.protocols.openai_chat.encoding import encode_request
from codenex.protocols.openai_chat.errors import decode_error, encode_error
from codenex.protocols.openai_chat.glance import glance, skim
from codenex.protocols.openai_chat.listener import Listener
from codenex.protocols.openai_chat.lists import decode_count, decode_models, encode_count, encode_model, encode_models
from codenex.protocols.openai_chat.request import decode_request
from codenex.protocols.openai_chat.response import decode_response, encode_response, usage_of
from codenex.protocols.openai_chat.stream import StreamDecoder, StreamEncoder
from codenex.protocols.openai_chat.stream_usage import usage_option, without_usage
from codenex.protocols.openai_chat.text_stream import read_text, write_text
from codenex.protocols.openai_chat.types import PROTOCOL, VENDOR
from codenex.protocols.openai_chat.whole import read_answer

#: Path of the endpoint under a base URL that ends in ``/v1``.
GENERATE_PATH = "/chat/completions"

SPOKE = Spoke(
    name=PROTOCOL,
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
    encode_count_request=None,
    decode_count_request=decode_request,
    usage_of=usage_of,
    glance=glance,
    read_answer=read_answer,
    skim=skim,
    listener=Listener,
    read_text=read_text,
    write_text=write_text,
    closing=b"data: [DONE]\n\n",
    usage_option=usage_option,
    without_usage=without_usage,
)

__all__ = ["GENERATE_PATH", "SPOKE"]
