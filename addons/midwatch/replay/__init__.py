"""Replay: recordings made elsewhere are read as if they had just passed, and go the way of all calls into the store.

The counterpart of `proxy`: files instead of connections. A recording is a HAR file, flows that mitmproxy saved, or our
own export; what is an LLM call in it is told by the same catalogue and read by the same decoders.
"""
