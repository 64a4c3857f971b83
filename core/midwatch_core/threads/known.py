"""What is remembered of an exchange, so that later ones are known to go on from it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from midwatch_core.model.content import FinishReason, Operation
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.segment import Segment
from midwatch_core.model.thread import Thread, ToolSpan
from midwatch_core.threads.history import MOST_CALLS, NO_ID, History, answer_texts, loosely
from midwatch_core.threads.summaries import probes_of

# Operations that carry a conversation along; the others may belong to a trace, and nothing goes on from them.
TALK = frozenset({Operation.CHAT, Operation.GENERATE_CONTENT, Operation.COMPACT})
# Those that carry it along as well, and go nowhere.
BESIDE = frozenset({Operation.COUNT_TOKENS})


@dataclass(slots=True, kw_only=True, eq=False)
class Known:
    """One exchange, without its texts. `continued` turns true when a later exchange goes on from it.

    `said` and `before_turn` are digests of its history, the second without the user's last turn. `answer` is one of
    its answer's texts, of which there are `texts`; `loose` one that forgives how they were cut. `open` are the calls
    of its answer that have no result yet: tools' names by call id, or by `#` and place where there is no id. `waits`
    where it ended for its client to run them.
    """

    id: str
    client: str | None
    trace_id: str
    thread: Thread
    spans: tuple[ToolSpan, ...]
    said: int
    before_turn: int
    units: int
    answer: int | None
    texts: int
    loose: int | None
    length: int
    ended_at: datetime
    operation: Operation
    keys: tuple[str, ...]
    call_ids: frozenset[str]
    probes: tuple[str, ...]
    open: dict[str, str] = field(default_factory=dict)
    waits: bool = False
    continued: bool = False
    order: int = 0


def known_of(exchange: Exchange, history: History, *, trace_id: str, thread: Thread) -> Known:
    """What to remember of a threaded exchange."""
    response = exchange.response
    talks = exchange.request.operation in TALK and _went_well(exchange)
    texts = answer_texts(response.segments) if response is not None and talks else []
    calls = _calls(exchange) if talks else {}
    loose = loosely(texts)
    return Known(
        id=exchange.id,
        client=exchange.identity.client,
        trace_id=trace_id,
        thread=thread,
        spans=exchange.tool_spans,
        said=history.said,
        before_turn=history.before_turn(len(history.kinds)),
        units=len(history.kinds),
        answer=hash(tuple(item.hash for item in texts)) if texts else None,
        texts=len(texts),
        loose=loose,
        length=sum(len(item.text) for item in texts),
        ended_at=exchange.started_at + timedelta(milliseconds=exchange.timing.duration_ms or 0),
        operation=exchange.request.operation,
        keys=tuple(_keys(exchange, texts, loose, calls)) if talks else (),
        call_ids=frozenset(key for key in calls if not key.startswith(NO_ID)),
        probes=probes_of(item.text for item in texts),
        open=calls,
        waits=talks and response is not None and response.finish_reason is FinishReason.TOOL_CALLS,
    )


def _went_well(exchange: Exchange) -> bool:
    """Whether there is an answer that a conversation may go on from: a cut one counts, an error does not."""
    response = exchange.response
    return response is not None and response.error is None and (exchange.status is None or exchange.status < 400)


def _calls(exchange: Exchange) -> dict[str, str]:
    assert exchange.response is not None
    calls = exchange.response.tool_calls[:MOST_CALLS]
    return {call.id or f"{NO_ID}{number}": call.name for number, call in enumerate(calls)}


def _keys(exchange: Exchange, texts: list[Segment], loose: int | None, calls: dict[str, str]) -> Iterator[str]:
    """What a later request may be known by that goes on from this one."""
    response = exchange.response
    assert response is not None
    if texts:
        yield f"text {texts[-1].hash}"
        if loose is not None:
            yield f"loose {loose}"
    yield from (f"call {key}" for key in calls if not key.startswith(NO_ID))
    arguments = {segment.path: segment.hash for segment in response.segments}
    if response.tool_calls and (last := arguments.get(response.tool_calls[-1].path)):
        yield f"arguments {last}"
    if response.id:
        yield f"response {response.id}"
