"""Loops: an agent that repeats the same tool call, or the same prompt. Pure; what it remembers is bounded.

The plugin's hook `review` asks `take` of each exchange, in the order of the journal; `looping` has the parts.
"""

from collections import OrderedDict
from collections.abc import Hashable

from midwatch_anomaly.looping.asked import Asked
from midwatch_anomaly.looping.limits import LoopLimits
from midwatch_anomaly.looping.row import Circle, Row
from midwatch_anomaly.looping.step import cost_of, ended_s, failed, is_talk, step_of, whole_request
from midwatch_core import Exchange, Operation, Turn

__all__ = ["Circle", "LoopLimits", "Loops"]

# Conversations, and requests that might be asked again, that are remembered; about 1 KB and 300 bytes each.
_MOST_ROWS, _MOST_ASKED = 10_000, 20_000


class Loops:
    """Follows conversations from exchange to exchange, each branch by itself, and tools' servers by their callers.

    An exchange that comes twice counts once as long as it is its conversation's last.
    """

    def __init__(self, limits: LoopLimits | None = None, *, most: int = _MOST_ROWS) -> None:
        self._limits = limits or LoopLimits()
        self._rows: OrderedDict[Hashable, Row] = OrderedDict()
        self._asked: OrderedDict[Hashable, Asked] = OrderedDict()
        self._most_rows, self._most_asked = most, most * _MOST_ASKED // _MOST_ROWS

    @property
    def remembered(self) -> int:
        """How many conversations and requests are remembered."""
        return len(self._rows) + len(self._asked)

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
            row = self._rows.pop(key := self._caller(exchange), None) or Row()
            if row.past and row.past[-1].started_s >= step.started_s:
                self._keep_row(key, row)  # it came again, or out of turn
                return None
        else:
            key = exchange.id
            if key in self._rows:
                return None
            row = self._before(exchange)
        self._keep_row(key, row)
        return row.add(step, self._limits)

    def _before(self, exchange: Exchange) -> Row:
        """The row that a call goes on with. A branch begins one of its own: subagents often begin alike."""
        thread = exchange.thread
        if thread is None or thread.turn not in (Turn.NEXT, Turn.COMPACTION):
            return Row()
        return self._rows.pop(thread.parent_id, None) or Row()

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

    def _keep_row(self, key: Hashable, row: Row) -> None:
        self._rows[key] = row
        if len(self._rows) > self._most_rows:
            self._rows.popitem(last=False)

    @staticmethod
    def _caller(exchange: Exchange) -> Hashable:
        identity = exchange.identity
        trace = exchange.trace_id if exchange.trace_id != exchange.id else identity.client
        return identity.tenant, identity.agent, trace, exchange.endpoint.host
