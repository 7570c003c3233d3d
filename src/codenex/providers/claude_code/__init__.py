"""The Claude Code CLI of this machine as an upstream: requests and answers of the Anthropic protocol, driven over its
standard input and output.

``fitting`` leaves out of a request what the CLI can't be told, ``invocation`` turns the rest into a start and lines of
input, ``dialogue`` says what is written when, ``answer`` turns its output back into events of the protocol: all pure.
``process``, ``environment`` and ``program`` do the I/O.
"""
