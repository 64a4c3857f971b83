"""What a filter raises to end a stream."""

from midwatch_core.errors import MidwatchError


class StreamCut(MidwatchError):  # noqa: N818  it is a verdict that travels, not a failure
    """Nothing of this event, or of any later one, may go out. The message says why, with no text of the answer."""
