"""Tool spans: a call in one exchange's answer, and its result in a later request of the same trace, once."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from midwatch_core.model.content import Request, ToolResult
from midwatch_core.model.segment import Part
from midwatch_core.model.thread import ToolSpan
from midwatch_core.threads.history import MOST_CALLS, NO_ID, message_number
from midwatch_core.threads.known import Known
from midwatch_core.threads.room import Room


def spans_of(request: Request, at: datetime, room: Room, trace_id: str, parent: Known | None) -> tuple[ToolSpan, ...]:
    """The tools whose results this request is the first to bring; their calls are no longer open then.

    By the call's id; where the result has none, by the tool's name and the order of the calls, of the exchange that
    this one goes on from.
    """
    found: list[ToolSpan] = []
    for result in request.tool_results:
        if result.call_id:
            known = next((item for item in room.find(f"call {result.call_id}") if item.trace_id == trace_id), None)
            if known is not None and result.call_id in known.open:
                found.append(_span(known, result.call_id, result, at))
    if parent is not None and parent.trace_id == trace_id:
        for result in islice(_newest_without_id(request), MOST_CALLS):
            if key := _call_without_id(parent, result):
                found.append(_span(parent, key, result, at))
    return tuple(found)


def close(caller: Known, span: ToolSpan) -> None:
    """The call of a span that is known already is open no more."""
    without_id = (key for key, name in caller.open.items() if key.startswith(NO_ID) and name == span.name)
    caller.open.pop(span.call_id or next(without_id, ""), None)


def _newest_without_id(request: Request) -> Iterator[ToolResult]:
    """Results after the last word of the model."""
    spoken = max(
        (message_number(item.path) for item in request.segments if item.part in (Part.ASSISTANT, Part.TOOL_CALL)),
        default=-1,
    )
    return (item for item in request.tool_results if not item.call_id and message_number(item.path) > spoken)


def _call_without_id(parent: Known, result: ToolResult) -> str | None:
    """The first open call of this name; a result without a name is that of the first one."""
    return next((key for key, name in parent.open.items() if result.name in (None, name)), None)


def _span(known: Known, key: str, result: ToolResult, at: datetime) -> ToolSpan:
    return ToolSpan(
        call_id=result.call_id or (None if key.startswith(NO_ID) else key),
        name=known.open.pop(key),
        called_by=known.id,
        started_at=known.ended_at,
        ended_at=max(at, known.ended_at),
        path=result.path,
        failed=result.failed,
    )
