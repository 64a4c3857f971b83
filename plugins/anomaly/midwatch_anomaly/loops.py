"""Loops: an agent that repeats the same tool call, or the same prompt. Pure; what it remembers is bounded.

The plugin's hook `review` asks `take` of each exchange, in the order of the journal; `looping` has the parts.
"""

from collections import OrderedDict

from midwatch_anomaly.looping.asked import Asked
from midwatch_anomaly.looping.heads import Heads
from midwatch_anomaly.looping.limits import LoopLimits
from midwatch_anomaly.looping.row import Circle, Row
from midwatch_anomaly.looping.step import Step, cost_of, ended_s, failed, is_talk, step_of, whole_request
from midwatch_core import Exchange, Operation, Turn

__all__ = ["Circle", "LoopLimits", "Loops"]

# Conversations, requests that might be asked again, and what next requests may repeat, that are remembered; about 1 KB
# of the first, 300 bytes each of the others.
_MOST_ROWS, _MOST_ASKED, _MOST_HEADS = 10_000, 20_000, 20_000

# Begins with the tenant.
type _Key = tuple[str | bytes | None, ...]


class Loops:
    """Follows conversations from exchange to exchange, each branch by itself, and tools' servers by their callers.

    An exchange that comes twice counts once as long as it is its conversation's last.
    """

    def __init__(self, limits: LoopLimits | None = None, *, most: int = _MOST_ROWS) -> None:
        self._limits = limits or LoopLimits()
        self._rows: OrderedDict[_Key, Row] = OrderedDict()
        self._asked: OrderedDict[_Key, Asked] = OrderedDict()
        self._heads = Heads(most * _MOST_HEADS // _MOST_ROWS)
        self._most_rows, self._most_asked = most, most * _MOST_ASKED // _MOST_ROWS

    def follow(self, limits: LoopLimits) -> None:
        """Go on with other limits."""
        self._limits = limits

    def forget(self, tenant: str) -> None:
        """Remember nothing of a tenant."""
        for key in [key for key in self._rows if key[0] == tenant]:
            del self._rows[key]
        for asked in [key for key in self._asked if key[0] == tenant]:
            del self._asked[asked]
        self._heads.forget(tenant)

    @property
    def remembered(self) -> int:
        """How many conversations and requests are remembered."""
        return len(self._rows) + len(self._asked) + len(self._heads)

    def take(self, exchange: Exchange) -> Circle | None:
        """The circle that a call is part of, if it is; of calls of tools before prompts."""
        if not self._limits.enabled or failed(exchange):
            return None
        circle = self._in_row(exchange)
        asked = self._asked_again(exchange) if is_talk(exchange) else None
        return circle or asked

    def _in_row(self, exchange: Exchange) -> Circle | None:
        step = step_of(exchange)
        if step is None:
            return None
        if exchange.request.operation is Operation.EXECUTE_TOOL:
            return self._on_server(exchange, step)
        key = (exchange.identity.tenant, exchange.id)
        if key in self._rows:
            return None
        row = self._before(exchange)
        self._keep_row(key, row)
        self._heads.leave(exchange)
        return row.add(step, self._limits)

    def _before(self, exchange: Exchange) -> Row:
        """The row that a call goes on with. A branch begins one of its own: subagents often begin alike."""
        thread = exchange.thread
        if thread is not None and thread.turn in (Turn.NEXT, Turn.COMPACTION):
            before = thread.parent_id
        else:
            before = self._heads.before(exchange)
        return self._rows.pop((exchange.identity.tenant, before), None) or Row()

    def _on_server(self, exchange: Exchange, step: Step) -> Circle | None:
        """By trace; where each call has one of its own, also by session or agent: that is not surely one conversation.

        Traces that have a second call tell conversations apart, and the other way is given up.
        """
        key, beside = _caller(exchange), _beside(exchange)
        is_first = key not in self._rows
        circle = self._tool(key, step, sure=True)
        if beside is not None and not is_first:
            self._rows.pop(beside, None)
        return circle if beside is None or not is_first else self._tool(beside, step, sure=False)

    def _tool(self, key: _Key, step: Step, *, sure: bool) -> Circle | None:
        row = self._rows.pop(key, None) or Row()
        self._keep_row(key, row)
        if row.past and row.past[-1].started_s >= step.started_s:
            return None  # it came again, or out of turn
        return row.add(step, self._limits, sure=sure)

    def _asked_again(self, exchange: Exchange) -> Circle | None:
        identity, started_s = exchange.identity, exchange.started_at.timestamp()
        key = (identity.tenant, identity.agent, identity.key_id, identity.client, whole_request(exchange))
        asked = self._asked.pop(key, None)
        if asked is None:
            asked = Asked(started_s, ended_s(exchange), cost_of(exchange), exchange.id)
            circle = None
        else:
            circle = asked.again(exchange.id, started_s, ended_s(exchange), cost_of(exchange), self._limits)
        self._asked[key] = asked
        if len(self._asked) > self._most_asked:
            self._asked.popitem(last=False)
        return circle

    def _keep_row(self, key: _Key, row: Row) -> None:
        self._rows[key] = row
        if len(self._rows) > self._most_rows:
            self._rows.popitem(last=False)


def _caller(exchange: Exchange) -> _Key:
    identity = exchange.identity
    trace = exchange.trace_id if exchange.trace_id != exchange.id else identity.client
    return identity.tenant, identity.agent, trace, exchange.endpoint.host


def _beside(exchange: Exchange) -> _Key | None:
    """Whose call of a tools' server it is, leaving its trace aside; None where nothing tells, or there is no trace."""
    identity = exchange.identity
    whose = exchange.session or (identity.agent and identity.client)
    if not whose or exchange.traceparent is None or exchange.trace_id == exchange.id:
        return None
    return identity.tenant, identity.agent, "beside", whose, exchange.endpoint.host
