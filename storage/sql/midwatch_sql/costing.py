"""Costs by group: summed inside the database where that is exact, and beside it where a cost is finer than 10^-12."""

import sqlite3
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from midwatch_core import EXACT, CostRow, CostSum, ExchangeFilter, Scope, check_cost_keys, highest_first
from midwatch_sql.columns import FINE_COST
from midwatch_sql.conditions import Conditions, marks, of_conversation, of_dimensions, of_time
from midwatch_sql.kept_sums import KeptSums, keys_of, labels
from midwatch_sql.periods import Grain
from midwatch_sql.summing import SPLIT

_OF_EXCHANGES = (
    "count(*)",
    "coalesce(sum(input_tokens), 0)",
    "coalesce(sum(output_tokens), 0)",
    f"coalesce(sum(cost_pico / {SPLIT}), 0)",
    f"coalesce(sum(cost_pico % {SPLIT}), 0)",
    "count(*) - count(cost_usd)",
)
_OF_SUMS = ("calls", "input_tokens", "output_tokens", "cost_micro", "cost_rest", "unpriced")


class Costs:
    """Sums by keys of COST_KEYS while they are added up. Raises StorageError for a key that is none."""

    def __init__(self, by: Sequence[str]) -> None:
        check_cost_keys(by)
        self._by = by
        self._kept = KeptSums(by=by, columns=_OF_SUMS, of_exchanges=_OF_EXCHANGES)
        self._sums: dict[tuple[Any, ...], CostSum] = {}

    def add_wanted(self, connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter) -> None:
        """Add what a filter wants; its text asks nothing here. Raises StorageError, sqlite3.Error."""
        self._add(self._kept.wanted(connection, scope, wanted))
        conversation = of_conversation(wanted)
        source = "exchanges" if conversation.words else "exchanges INDEXED BY exchanges_of_fine_cost"
        self._add_fine(connection, source, conversation + of_dimensions(scope, wanted) + of_time(wanted))

    def add_ids(self, connection: sqlite3.Connection, ids: Sequence[str]) -> None:
        """Add the exchanges of these ids, at most CHUNK. Raises sqlite3.Error."""
        where = Conditions([f"id IN ({marks(len(ids))})"], list(ids))
        self._add(self._kept.exchanges(connection, where))
        self._add_fine(connection, "exchanges", where)

    def rows(self) -> list[CostRow]:
        """The sums, highest cost first."""
        return highest_first(total.row(labels(self._by, group)) for group, total in self._sums.items())

    def _add(self, rows: Iterable[Sequence[Any]]) -> None:
        for *group, calls, read, written, micro, rest, unpriced in rows:
            if calls:  # without keys an empty selection still has one row
                total = self._sums.setdefault(tuple(group), CostSum())
                total.calls += calls
                total.input_tokens += read
                total.output_tokens += written
                total.unpriced += unpriced
                total.add_cost(exact_cost(micro, rest))

    def _add_fine(self, connection: sqlite3.Connection, source: str, where: Conditions) -> None:
        columns = ", ".join([*keys_of(self._by, Grain.MOMENT), "cost_usd"])
        query = f"SELECT {columns} FROM {source} WHERE {FINE_COST} AND {where}"  # noqa: S608  # names and question marks only
        for *group, cost in connection.execute(query, where.values):
            self._sums[tuple(group)].add_cost(Decimal(cost))


def exact_cost(micro: int, rest: int) -> Decimal:
    """The dollars of `cost_micro` and `cost_rest`."""
    return EXACT.scaleb(Decimal(micro * SPLIT + rest), -12)
