"""Patch `direct-hooks`: three of an exchange's four hooks do not pause the HTTP stream that fires them.

In stock a hook travels up through ten layers as a command, and its end travels down through them as an event. Where
the addons are done at once and the stream would only go on (or send to the other side), it goes on directly. The
`response` hook is left as it is: what follows it may begin the next request before the connection that delivered
the response has closed this one. Needs `inline-hooks`; without it, it does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from mitmproxy import http
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layer import Layer, Paused
from mitmproxy.proxy.layers.http import HttpStream
from mitmproxy.proxy.layers.http._hooks import HttpRequestHeadersHook, HttpRequestHook, HttpResponseHeadersHook

from midwatch.lean.dispatch import args_of
from midwatch.lean.inline_hooks import InlineHooks, top_of
from midwatch.lean.patch import Guard, Patch, Replacement

_DIRECT = frozenset({HttpRequestHeadersHook, HttpRequestHook, HttpResponseHeadersHook})


def handle_event(self: HttpStream, event: events.Event) -> Iterator[commands.Command]:
    """Stand in for the inherited `Layer.handle_event`."""
    top = top_of(self.context)
    if top is None or self._paused or self.debug is not None:
        yield from Layer.handle_event(self, event)
        return
    generator = self._handle_event(event)
    for command in generator:
        if command.blocking is True:
            if type(command) in _DIRECT and _goes_on(top, command):
                continue
            command.blocking = self
            self._paused = Paused(command, generator)
            yield command
            return
        yield command


def _goes_on(top: InlineHooks, hook: commands.StartHook) -> bool:
    """Run the hook; True if the stream may go on now, False if it must pause until it hears of the end."""
    if not top.run_early(hook):
        return False
    (flow,) = args_of(hook)
    assert isinstance(flow, http.HTTPFlow)
    if flow.error is not None:
        return False  # killed, or a validation error is on its way: the layers below must finish first
    if type(hook) is not HttpResponseHeadersHook and (flow.response is not None or flow.request.stream):
        return False  # answered by an addon, or streamed up
    top.forget(hook)
    return True


DIRECT_HOOKS = Patch(
    name="direct-hooks",
    changes="an HTTP stream goes on right after requestheaders, request and responseheaders if no addon waits",
    replacements=(Replacement(owner=HttpStream, name="handle_event", new=handle_event),),
    guards=(
        Guard(owner=Layer, name="handle_event", digest="fd88b0fb09ceddbb"),
        Guard(owner=HttpStream, name="_handle_event", digest="e3cbfef7310ae81f"),
        Guard(owner=HttpStream, name="state_wait_for_request_headers", digest="3706d5d5ce01dcd4"),
        Guard(owner=HttpStream, name="state_consume_request_body", digest="45459c1bbd8bdb1a"),
        Guard(owner=HttpStream, name="state_wait_for_response_headers", digest="10e32e91b2948164"),
        Guard(owner=HttpStream, name="start_response_stream", digest="b0de9e9a5ee27276"),
        Guard(owner=HttpStream, name="check_invalid", digest="ef0a126eef45d903"),
    ),
)
