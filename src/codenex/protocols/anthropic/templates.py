"""The bytes of an ordinary answer's events, but for what differs from answer to answer."""

from __future__ import annotations

from codenex.protocols.anthropic.finish import STOP_WORDS

#: Every event.
EVENT = b"event: %b\ndata: %b\n\n"
MESSAGE_START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_%b","type":"message","role":"assistant",'
    b'"model":%b,"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":%d,'
    b'"cache_creation_input_tokens":%d,"cache_read_input_tokens":%d,"output_tokens":0}}}\n\n'
)
BLOCK_START = b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,"content_block":%b}\n\n'
TEXT_START, THINKING_START = (
    BLOCK_START.replace(b"%b", block)
    for block in (b'{"type":"text","text":""}', b'{"type":"thinking","thinking":"","signature":""}')
)
BLOCK_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
MESSAGE_END = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"%b","stop_sequence":null},"usage":'
    b'{"input_tokens":%d,"cache_creation_input_tokens":%d,"cache_read_input_tokens":%d,"output_tokens":%d%b}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
THOUGHT = b',"output_tokens_details":{"thinking_tokens":%d}'

#: What stands around the inside of the string that a delta brings: before it, for an index, and behind it.
DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%%d,"delta":{"type":"%b","%b":"'
TEXT_BEFORE = DELTA % (b"text_delta", b"text")
THINKING_BEFORE = DELTA % (b"thinking_delta", b"thinking")
INPUT_BEFORE = DELTA % (b"input_json_delta", b"partial_json")
BEHIND = b'"}}\n\n'

#: Words that need no further field.
STOPS = {
    reason: word.encode()
    for reason, word in STOP_WORDS.items()
    if word is not None and word not in ("stop_sequence", "refusal")
}
