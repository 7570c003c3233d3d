"""Bytes to frames and back: event streams, streamed JSON arrays, header rules. Knows no vendor."""
