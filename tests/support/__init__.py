"""The test rig. It judges the package from outside, so that what is written here imports nothing of it.

``upstream`` and ``replies``: a scripted HTTP server; ``vendor`` and ``vendors``: the four vendors on top of it;
``scenario``: what they answer; ``requests``: good requests to them; ``faults``: a TCP proxy that damages; ``client``,
``peer``, ``http``, ``sse``: a raw client and plain readers; ``process``, ``ports``: servers in processes of their own;
``clock``, ``canary``, ``leaks``, ``certificates``: time, secrets, leftovers, TLS. Fixtures for them are in
``tests/conftest.py``. (``gateway`` and ``strategies`` tie the rig to the package and are the exceptions.)
"""
