"""A batch of spans as calls: tools that ran are joined to the calls around them, what is neither is counted."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from midwatch_core import Operation, Part, PlainCall, ToolSpan
from midwatch_otel.ingest.calls import bag_of, call_of, moment
from midwatch_otel.ingest.kinds import operation_of
from midwatch_otel.ingest.names import Bag, Meaning
from midwatch_otel.ingest.spans import ToldSpan

type _Key = tuple[str, str | None]

_LONGEST_NAME = 200
_MOST_TOOLS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A batch's calls in the order they came, and how many tools were joined to one, or found none."""

    calls: tuple[PlainCall, ...]
    tools: int = 0
    lonely_tools: int = 0
    passed_over: int = 0


@dataclass(slots=True)
class _Place:
    """A call's span, and the tools that are joined to it."""

    span: ToldSpan
    call: PlainCall
    tools: list[ToolSpan]

    @property
    def calls_tools(self) -> bool:
        """Whether the answer is told with the tools that it calls: then their results tell the runs, later on."""
        return any(text.part is Part.TOOL_CALL for text in self.call.answer or ())


class _Around:
    """Calls by when they began and ended: what a tool's run lies between is found without looking at each."""

    def __init__(self, places: Iterable[_Place]) -> None:
        self._begun = sorted(places, key=lambda item: item.span.start_ns)
        self._ended = sorted((item for item in self._begun if item.span.end_ns), key=lambda item: item.span.end_ns)

    def of(self, span: ToldSpan) -> _Place | None:
        """The first call that began after a run, else the last that ended before it, if it tells no tools itself."""
        later = bisect_left(self._begun, span.end_ns, key=lambda item: item.span.start_ns)
        if later < len(self._begun):
            return self._begun[later]
        before = bisect_right(self._ended, span.start_ns, key=lambda item: item.span.end_ns)
        return self._ended[before - 1] if before and not self._ended[before - 1].calls_tools else None


def joined(spans: Iterable[ToldSpan]) -> Joined:
    """The calls of a batch. A tool belongs to the call that reads its result: the next one of its trace.

    Where that is not in the batch, it is the one before, whose answer asked for the tool; unless that answer is told,
    for then the run is found by its result when the next call comes, and would be there twice. Calls under the same
    parent come first: an agent's, and not those of the agent next to it.
    """
    places: list[_Place] = []
    tools: list[tuple[ToldSpan, Bag]] = []
    passed_over = 0
    for span in spans:
        bag = bag_of(span)
        operation = operation_of(bag)
        if operation is None:
            passed_over += 1
        elif operation is Operation.EXECUTE_TOOL:
            tools.append((span, bag))
        else:
            places.append(_Place(span, call_of(span, bag, operation), []))
    placed = _join(tools, places) if tools else 0
    calls = tuple(replace(item.call, tool_spans=tuple(item.tools)) if item.tools else item.call for item in places)
    return Joined(calls=calls, tools=placed, lonely_tools=len(tools) - placed, passed_over=passed_over)


def _join(tools: Iterable[tuple[ToldSpan, Bag]], places: Sequence[_Place]) -> int:
    """Give each tool to a call; how many found one."""
    siblings = _grouped(places, lambda span: (span.trace_id, span.parent_id))
    traces = _grouped(places, lambda span: (span.trace_id, None))
    placed = 0
    for span, bag in tools:
        near, far = siblings.get((span.trace_id, span.parent_id)), traces.get((span.trace_id, None))
        place = (near.of(span) if near else None) or (far.of(span) if far else None)
        tool = _tool_span(span, bag)
        if place is not None and tool is not None and len(place.tools) < _MOST_TOOLS:
            place.tools.append(tool)
            placed += 1
    return placed


def _grouped(places: Iterable[_Place], key: Callable[[ToldSpan], _Key]) -> dict[_Key, _Around]:
    groups: dict[_Key, list[_Place]] = defaultdict(list)
    for place in places:
        groups[key(place.span)].append(place)
    return {group: _Around(items) for group, items in groups.items()}


def _tool_span(span: ToldSpan, bag: Bag) -> ToolSpan | None:
    """The tool's run. Which exchange called it can't be told yet: ids are given by the intake."""
    began, ended = moment(span.start_ns), moment(span.end_ns)
    if began is None or ended is None:
        return None
    call_id = bag.text(Meaning.TOOL_CALL_ID)
    return ToolSpan(
        call_id=call_id[:_LONGEST_NAME] if call_id else None,
        name=(bag.text(Meaning.TOOL_NAME) or span.name)[:_LONGEST_NAME],
        called_by="",
        started_at=began,
        ended_at=max(began, ended),
        path="",
        failed=span.failed,
    )
