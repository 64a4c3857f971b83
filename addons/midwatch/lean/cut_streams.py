"""Patch `cut-streams`: an answer that was ended early is ended at the provider too.

In stock a streamed answer whose addon lets nothing more through goes on being generated, and paid for, until its own
end; `flow.kill()` is only looked at there (mitmproxy #4711). Here, once the flow says that it was cut, the request is
cancelled (a reset of the HTTP/2 stream, or the connection closed) and the client's answer is ended in order at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.http import HttpStream, SendHttp
from mitmproxy.proxy.layers.http._events import ErrorCode, RequestProtocolError, ResponseData

from midwatch.lean.patch import Guard, Patch, Replacement

CUT = "midwatch_cut"
"""A flow with this in its metadata has been cut: nothing more of its answer is wanted."""

_STOCK = HttpStream.state_stream_response_body


def state_stream_response_body(self: HttpStream, event: events.Event) -> Iterator[commands.Command]:
    """Stand in for `HttpStream.state_stream_response_body`."""
    yield from _STOCK(self, event)
    if isinstance(event, ResponseData) and self.flow.metadata.get(CUT) and self.server_state != self.state_done:
        cancel = RequestProtocolError(self.stream_id, "cut by policy", ErrorCode.CANCEL)
        yield SendHttp(cancel, self.context.server)
        yield from self.send_response(already_streamed=True)
        # What had come with the last bytes, or while the hook ran, is still on its way to here: nobody wants it.
        self.client_state = self.server_state = self.state_errored


CUT_STREAMS = Patch(
    name="cut-streams",
    changes="an answer that was ended early is cancelled at the provider",
    replacements=(Replacement(owner=HttpStream, name="state_stream_response_body", new=state_stream_response_body),),
    guards=(
        Guard(owner=HttpStream, name="state_stream_response_body", digest="3fb6320300d3ddd5"),
        Guard(owner=HttpStream, name="send_response", digest="d581bc106152e369"),
        Guard(owner=HttpStream, name="flow_done", digest="ad9969744785c572"),
        Guard(owner=HttpStream, name="state_errored", digest="3e7a286f27b15880"),
        Guard(owner=HttpStream, name="handle_protocol_error", digest="59fc3b2eeeabf63a"),
    ),
)
