"""The threader: finds the conversation of each exchange, its place in it, and the tools that ran before it."""

import hashlib
from dataclasses import dataclass

from midwatch_core.model.changing import changed
from midwatch_core.model.content import Operation
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.thread import LinkedBy, Thread, ToolSpan, Turn
from midwatch_core.threads.history import History, history_of
from midwatch_core.threads.known import BESIDE, TALK, Known, known_of
from midwatch_core.threads.linking import Grade, Link, find_link
from midwatch_core.threads.room import Room
from midwatch_core.threads.summaries import tells
from midwatch_core.threads.tools import close, spans_of

# A session's name this long is one of its kind; a shorter one (`1`, `main`) is only for one application of one client.
_UNIQUE_NAME = 16
# Forgetting takes this part of the largest room at once.
_SHARE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A trace and what told it, with what the request goes on from."""

    trace_id: str
    linked_by: LinkedBy
    link: Link | None = None
    answered: Known | None = None


class Threader:
    """A state machine: exchanges in the order in which they began, out they come with trace, place and tool spans.

    It remembers `capacity` exchanges, about 2 KB each and none of their texts but four lines of an answer; the tenant
    who has most forgets first. An exchange that comes twice gets the same both times. One that comes before the one
    it goes on from (workers write journals of their own) is placed by what is known then: in its trace where a
    traceparent or a session names that, else after the newest exchange before it, else alone; it is not moved later.
    """

    def __init__(self, capacity: int = 20_000) -> None:
        self._capacity = capacity
        self._rooms: dict[str, Room] = {}
        self._size = 0
        self._order = 0

    def thread(self, exchange: Exchange) -> Exchange:
        """The exchange with `trace_id`, `thread` and `tool_spans`; as it is where it was threaded before."""
        room = self._rooms.setdefault(exchange.identity.tenant, Room())
        if (known := room.get(exchange.id)) is not None:
            return changed(exchange, trace_id=known.trace_id, thread=known.thread, tool_spans=known.spans)
        if exchange.thread is not None:
            self._keep(room, exchange, history_of(exchange.request))
            return exchange
        history = history_of(exchange.request)
        found = _find(exchange, history, room)
        thread = _place(exchange, history, room, found)
        parent = room.get(thread.parent_id) if thread.parent_id else None
        spans = spans_of(exchange.request, exchange.started_at, room, found.trace_id, parent)
        threaded = changed(exchange, trace_id=found.trace_id, thread=thread, tool_spans=_with_told(exchange, spans))
        self._keep(room, threaded, history)
        return threaded

    def remember(self, exchange: Exchange) -> None:
        """Know an exchange that was threaded and stored before; the oldest first."""
        room = self._rooms.setdefault(exchange.identity.tenant, Room())
        if room.get(exchange.id) is None:
            self._keep(room, exchange, history_of(exchange.request))

    @property
    def remembered(self) -> int:
        """How many exchanges are remembered."""
        return self._size

    def _keep(self, room: Room, exchange: Exchange, history: History) -> None:
        thread = exchange.thread or Thread()
        known = known_of(exchange, history, trace_id=exchange.trace_id, thread=thread)
        self._order += 1
        known.order = self._order
        for span in exchange.tool_spans:
            if (caller := room.get(span.called_by)) is not None:
                close(caller, span)
        parent = room.get(thread.parent_id) if thread.parent_id else None
        if parent is not None:
            room.use(parent)
            # An error is asked again, and a subagent goes its own way: neither is what the conversation goes on with.
            if thread.turn in (Turn.NEXT, Turn.COMPACTION) and known.keys:
                parent.continued = True
        room.add(known)
        self._size += 1
        if self._size > self._capacity:
            self._forget()

    def _forget(self) -> None:
        largest = max(self._rooms, key=lambda tenant: len(self._rooms[tenant]))
        self._size -= self._rooms[largest].forget(1 + len(self._rooms[largest]) // _SHARE)
        if not self._rooms[largest]:
            del self._rooms[largest]


def _with_told(exchange: Exchange, found: tuple[ToolSpan, ...]) -> tuple[ToolSpan, ...]:
    """Whoever told a call may have seen its tools run: that is better known than what lies between two calls."""
    told = {span.call_id for span in exchange.tool_spans}
    return (*exchange.tool_spans, *(span for span in found if span.call_id is None or span.call_id not in told))


def _find(exchange: Exchange, history: History, room: Room) -> _Found:
    """The trace, by the strongest evidence there is, and within it what the request goes on from."""
    request, client = exchange.request, exchange.identity.client
    answered = next(iter(room.find(f"response {request.previous_response_id}")), None)
    named = _named(exchange)
    if named is None and answered is not None:
        named = answered.trace_id, LinkedBy.RESPONSE
    trace_id = named[0] if named else None
    told = request.operation in TALK or request.operation in BESIDE
    link = find_link(history, room, client=client, trace_id=trace_id) if told else None
    if named is None and link is not None:
        named = link.known.trace_id, LinkedBy.CHAIN
    if named is None:
        return _Found(trace_id=exchange.trace_id, linked_by=LinkedBy.ALONE)
    return _Found(
        trace_id=named[0],
        linked_by=named[1],
        link=link,
        answered=answered if answered is not None and answered.trace_id == named[0] else None,
    )


def _named(exchange: Exchange) -> tuple[str, LinkedBy] | None:
    """The trace that the client itself names. One of a session needs no memory: its id is made from the name."""
    identity = exchange.identity
    if exchange.traceparent and exchange.trace_id != exchange.id:
        return exchange.trace_id, LinkedBy.TRACEPARENT
    if exchange.session:
        whose = () if len(exchange.session) >= _UNIQUE_NAME else (identity.client, identity.app)
        return _made_id(identity.tenant, "session", exchange.session, *whose), LinkedBy.SESSION
    if exchange.request.conversation_id:
        return _made_id(identity.tenant, "conversation", exchange.request.conversation_id), LinkedBy.RESPONSE
    return None


def _made_id(*parts: str | None) -> str:
    return hashlib.sha256("\0".join(part or "" for part in parts).encode("utf-8", "replace")).hexdigest()[:32]


def _place(exchange: Exchange, history: History, room: Room, found: _Found) -> Thread:
    if not room.has_trace(found.trace_id):
        return Thread(linked_by=found.linked_by)
    turn, parent = _turn(exchange, history, room, found)
    if turn is Turn.NEXT and (exchange.request.operation not in TALK or (parent is not None and parent.continued)):
        turn = Turn.BRANCH
    return Thread(linked_by=found.linked_by, turn=turn, parent_id=parent.id if parent else None)


def _turn(exchange: Exchange, history: History, room: Room, found: _Found) -> tuple[Turn, Known | None]:
    """What the exchange is to its trace, which has others already, and what it goes on from."""
    link = found.link
    if found.answered is not None and (link is None or not _silent(found.answered)):
        return Turn.NEXT, found.answered
    if link is not None and link.grade > Grade.IN_TRACE:
        return Turn.NEXT, link.known
    if exchange.request.operation in TALK and (author := _summary(exchange, room, found.trace_id)) is not None:
        return Turn.COMPACTION, author
    if link is not None:
        shorter = link.place.start < link.known.units
        return (Turn.COMPACTION if shorter else Turn.NEXT), link.known
    waiting = _waiting(room, found.trace_id)
    asked = (known.said for known in room.recent(found.trace_id) if known.keys)
    again = bool(history.kinds) and history.said in asked
    return (Turn.BRANCH if waiting is not None or again else Turn.FIRST), waiting


def _silent(known: Known) -> bool:
    """Whether nothing was said in it: Codex warms a socket up so, also where it takes up an older conversation."""
    return not (known.units or known.texts or known.call_ids)


def _summary(exchange: Exchange, room: Room, trace_id: str) -> Known | None:
    """The exchange whose answer this request begins with as a summary, or that compacted the history for it.

    What `/responses/compact` answers can't be read: the first request after it is the one that goes on from it.
    """
    for known in room.recent(trace_id):
        if known.operation is Operation.COMPACT and not known.continued:
            return known
        if tells(exchange.request.segments, known.probes):
            return known
    return None


def _waiting(room: Room, trace_id: str) -> Known | None:
    """The newest exchange that waits for a tool: what begins meanwhile, with a history of its own, works for it."""
    return next((known for known in room.recent(trace_id) if known.waits and known.open), None)
