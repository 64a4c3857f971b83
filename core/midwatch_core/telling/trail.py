"""The trace that a told call says it belongs to."""

from midwatch_core.call import trace_id

# A header of W3C's has 55 characters; later versions may have more.
_LONGEST = 200


def traceparent_of(text: str | None) -> str | None:
    """A W3C `traceparent` as it may be kept; None for what is none (https://www.w3.org/TR/trace-context/)."""
    return text if text and len(text) <= _LONGEST and trace_id(text) else None
