"""The four vendors as they answer on the wire, written from their own documentation and behaviour.

Each is a folder of three files: ``answers`` (scenario to bytes), ``errors``, ``rules`` (what the vendor refuses).
"""
