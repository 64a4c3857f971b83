"""Rows of conversations, summed up from what is kept of their groups in scope."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import batched
from typing import Any

from midwatch_core import EXACT, ConversationRow, ExchangeFilter, Scope, moment_of
from midwatch_sql.columns import CONVERSATIONS, FINE_COST
from midwatch_sql.conditions import Conditions, marks, of_dimensions
from midwatch_sql.costing import exact_cost
from midwatch_sql.putting import CHUNK

_GROUP = ("tenant", "model", "app", "agent", "user")
_SUMS = tuple(column.name for column in CONVERSATIONS[5:])


@dataclass(slots=True)
class _Sums:
    """One trace while it is summed up: its ends, sums as CONVERSATIONS has them, and the newest exchange's group."""

    first_at: int
    last: tuple[int, str]
    newest: Sequence[Any]
    sums: list[int] = field(default_factory=lambda: [0] * len(_SUMS))
    models: set[str] = field(default_factory=set)
    fine: Decimal = Decimal(0)

    def add(self, group: Sequence[Any], first_at: int, last: tuple[int, str], sums: Sequence[int]) -> None:
        """Add one of its groups."""
        self.first_at = min(self.first_at, first_at)
        if last >= self.last:
            self.last, self.newest = last, group
        self.sums = [one + more for one, more in zip(self.sums, sums, strict=True)]
        if (model := group[1]) is not None:
            self.models.add(model)

    def row(self, trace_id: str, session: str | None) -> ConversationRow:
        """The sums as a row."""
        tenant, _, app, agent, user = self.newest
        calls, read, written, micro, rest, unpriced, errors, flagged = self.sums
        return ConversationRow(
            trace_id=trace_id,
            tenant=tenant,
            started_at=moment_of(self.first_at),
            last_at=moment_of(self.last[0]),
            calls=calls,
            models=tuple(sorted(self.models)),
            app=app,
            agent=agent,
            user=user,
            session=session,
            input_tokens=read,
            output_tokens=written,
            cost_usd=EXACT.add(exact_cost(micro, rest), self.fine),
            unpriced=unpriced,
            errors=errors,
            flagged=flagged,
        )


def rows_of(connection: sqlite3.Connection, scope: Scope, trace_ids: Sequence[str]) -> tuple[ConversationRow, ...]:
    """The rows of traces, in their order, each with what is in scope. Raises sqlite3.Error."""
    rows: dict[str, ConversationRow] = {}
    for some in batched(trace_ids, CHUNK):
        traces = _summed(connection, scope, some)
        _add_fine(connection, scope, traces)
        sessions = _sessions(connection, [one.last[1] for one in traces.values()])
        rows |= {trace_id: one.row(trace_id, sessions[one.last[1]]) for trace_id, one in traces.items()}
    return tuple(rows[trace_id] for trace_id in trace_ids)


def _summed(connection: sqlite3.Connection, scope: Scope, trace_ids: Sequence[str]) -> dict[str, _Sums]:
    where = _of_traces(scope, trace_ids)
    columns = ("trace_id", *_GROUP, "first_at", "last_at", "last_id", *(f"conversations.{name}" for name in _SUMS))
    query = (
        f"SELECT {', '.join(columns)} FROM conversations CROSS JOIN cost_groups ON cost_groups.id = group_id"  # noqa: S608  # names and question marks only
        f" WHERE {where}"
    )
    traces: dict[str, _Sums] = {}
    for trace_id, tenant, model, app, agent, user, first_at, last_at, last_id, *sums in connection.execute(
        query, where.values
    ):
        group, last = (tenant, model, app, agent, user), (last_at, last_id)
        traces.setdefault(trace_id, _Sums(first_at, last, group)).add(group, first_at, last, sums)
    return traces


def _add_fine(connection: sqlite3.Connection, scope: Scope, traces: Mapping[str, _Sums]) -> None:
    """Costs finer than what is summed up in the database: they are few, and have an index by time."""
    if not traces:
        return
    where = _of_traces(scope, list(traces))
    where.add("started_at BETWEEN ? AND ?", min(one.first_at for one in traces.values()), _end(traces))
    query = f"SELECT trace_id, cost_usd FROM exchanges INDEXED BY exchanges_of_fine_cost WHERE {FINE_COST} AND {where}"  # noqa: S608  # as above
    for trace_id, cost in connection.execute(query, where.values):
        traces[trace_id].fine = EXACT.add(traces[trace_id].fine, Decimal(cost))


def _end(traces: Mapping[str, _Sums]) -> int:
    return max(one.last[0] for one in traces.values())


def _of_traces(scope: Scope, trace_ids: Sequence[str]) -> Conditions:
    found = Conditions([f"trace_id IN ({marks(len(trace_ids))})"], list(trace_ids))
    return found + of_dimensions(scope, ExchangeFilter())


def _sessions(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, str | None]:
    query = f"SELECT id, session FROM exchanges WHERE id IN ({marks(len(ids))})"  # noqa: S608  # question marks only
    return dict(connection.execute(query, ids))
