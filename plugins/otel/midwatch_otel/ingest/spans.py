"""A span as it was told, free of its encoding: what all that follows reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from midwatch_core import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldEvent:
    """Something that happened during a span."""

    name: str
    at_ns: int = 0
    attributes: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldSpan:
    """One span. Ids are lower-case hex; moments are nanoseconds since 1970, 0 where none was told.

    `failed` is the status ERROR; `resource` are the attributes of what made the span.
    """

    trace_id: str
    span_id: str
    parent_id: str | None = None
    name: str = ""
    start_ns: int = 0
    end_ns: int = 0
    attributes: Mapping[str, Json] = field(default_factory=dict)
    events: tuple[ToldEvent, ...] = ()
    failed: bool = False
    status_message: str = ""
    resource: Mapping[str, Json] = field(default_factory=dict)
