"""Activity by group: from the sums kept beside costs, and from exchanges at the ragged ends."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from midwatch_core import ActivityRow, ActivitySum, ExchangeFilter, Scope, check_cost_keys, most_calls_first
from midwatch_sql.activity_parts import COLUMNS, of_exchanges
from midwatch_sql.kept_sums import KeptSums, labels


def activity_rows(
    connection: sqlite3.Connection, scope: Scope, wanted: ExchangeFilter, by: Sequence[str]
) -> list[ActivityRow]:
    """Counts by keys of COST_KEYS, most calls first; `wanted.text` asks nothing. Raises StorageError, sqlite3.Error."""
    check_cost_keys(by)
    kept = KeptSums(by=by, columns=("calls", *COLUMNS), of_exchanges=("count(*)", *of_exchanges()))
    sums: dict[tuple[Any, ...], ActivitySum] = {}
    width = len(by)
    for row in kept.wanted(connection, scope, wanted):
        calls, errors, refused, flagged, *ttft = row[width:]
        if calls:  # without keys an empty selection still has one row
            total = sums.setdefault(tuple(row[:width]), ActivitySum())
            total.add_counts(calls, errors, refused, flagged, ttft)
    return most_calls_first(total.row(labels(by, group)) for group, total in sums.items())
