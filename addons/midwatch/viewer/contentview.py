"""The content view "LLM conversation": bodies and messages of calls to models, as people read them."""

from mitmproxy import http
from mitmproxy.contentviews import Contentview, Metadata

from midwatch.viewer.notes import note_of
from midwatch.viewer.reading import Reading
from midwatch.viewer.telling import folded
from midwatch.viewer.visible import visible_line
from midwatch_core.guarded import Guard, said

# Above mitmproxy's own views, which say 1 or 2.
_OURS = 10.0
_NOT_OURS = -1.0
_NO_CALL = "This is no call to a model that Midwatch knows."


class LlmConversation(Contentview):
    """Chosen by itself for what the catalogue knows as a call, and for nothing else.

    It reads the body as it came (mitmproxy may have failed to undo its encoding). It never raises.
    """

    name = "LLM conversation"
    syntax_highlight = "none"

    def __init__(self, reading: Reading, guard: Guard) -> None:
        self._reading = reading
        self._guard = guard

    def prettify(self, data: bytes, metadata: Metadata) -> str:
        """The conversation."""
        outcome = self._guard.call("viewer.conversation", self._told, metadata)
        if outcome.error is not None:
            return f"Midwatch could not read this: {visible_line(said(outcome.error))}"
        return outcome.value or _NO_CALL

    def render_priority(self, data: bytes, metadata: Metadata) -> float:
        """Whether this is the view to show first."""
        return _OURS if data and self._guard.value("viewer.conversation", self._knows, metadata) else _NOT_OURS

    def _knows(self, metadata: Metadata) -> bool:
        flow = metadata.flow
        if not isinstance(flow, http.HTTPFlow):
            return False
        if metadata.websocket_message is not None:
            return self._reading.message(flow, metadata.websocket_message) is not None
        return metadata.http_message is not None and self._reading.asked(flow) is not None

    def _told(self, metadata: Metadata) -> str | None:
        flow = metadata.flow
        if not isinstance(flow, http.HTTPFlow):
            return None
        if metadata.websocket_message is not None:
            return self._reading.message(flow, metadata.websocket_message)
        if isinstance(metadata.http_message, http.Request):
            return _under_note(flow, self._reading.request(flow))
        if isinstance(metadata.http_message, http.Response):
            return _under_note(flow, self._reading.response(flow))
        return None


def _under_note(flow: http.HTTPFlow, told: str | None) -> str | None:
    """What is known of the call as a whole stands first."""
    line = note_of(flow).line
    return "\n".join([*folded(line), " ", told]) if told is not None and line else told
