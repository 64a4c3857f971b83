"""Wire formats, sans-I/O: bytes of a provider's protocol in, requests, responses and stream events out.

Nothing here opens a socket, reads a clock or raises on what it is fed; the counterpart is the bridge of the host,
which feeds it what passes through the proxy.
"""
