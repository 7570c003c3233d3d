"""The hub: one vocabulary for requests, parts, stream events, usage, finish reasons, errors and losses.

Pure values and functions. Nothing in here knows a wire protocol, a socket, a file, a clock or a random source.
"""
