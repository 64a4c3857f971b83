"""For authors of plugins and stores: exchanges to test with, streams in pieces, and the suites every store passes.

Installed with midwatch-core as a pytest plugin: `*.rules.yaml` are collected, and the fixtures of `fixtures` are there.
"""

from midwatch_core.testing.chunks import every_split, stream_chunks, text_events
from midwatch_core.testing.factories import conversation, make_exchange, make_request, make_response, prose
from midwatch_core.testing.opening import installed_traces

__all__ = [
    "conversation",
    "every_split",
    "installed_traces",
    "make_exchange",
    "make_request",
    "make_response",
    "prose",
    "stream_chunks",
    "text_events",
]
