"""Streams, both ways: see ``decoder`` and ``encoder``."""

from __future__ import annotations

from codenex.protocols.anthropic.decoder import AnthropicStreamDecoder as StreamDecoder
from codenex.protocols.anthropic.encoder import AnthropicStreamEncoder as StreamEncoder

__all__ = ["StreamDecoder", "StreamEncoder"]
