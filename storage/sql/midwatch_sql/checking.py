"""Whether what is kept beside exchanges is what they come to: for tests, and after a crash one wants to know about."""

import sqlite3
from collections.abc import Iterator
from typing import Any

from midwatch_sql.activity_parts import COLUMNS, FLAGGED, of_exchanges
from midwatch_sql.findings_kept import COUNTED
from midwatch_sql.groups import DIMENSIONS, LEVELS
from midwatch_sql.periods import HOUR_US, HOURS_A_DAY
from midwatch_sql.summing import SPLIT

_PERIODS = {"hour": HOUR_US, "day": HOURS_A_DAY * HOUR_US}
_MOST_LINES = 100
_CALLS = "count(*), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0)"
_MICRO, _REST = f"coalesce(sum(cost_pico / {SPLIT}), 0)", f"coalesce(sum(cost_pico % {SPLIT}), 0)"
_ADDED_UP = f"{_CALLS}, {_MICRO}, {_REST}, count(*) - count(cost_usd), {', '.join(of_exchanges())}"
_KEPT = f"sums.calls, input_tokens, output_tokens, cost_micro, cost_rest, unpriced, {', '.join(COLUMNS)}"
_DAY_US = _PERIODS["day"]
# Of tables kept: how their rows follow from others, and the rows there are.
_FOLLOWING: dict[str, tuple[str, str]] = {
    "conversations": (
        f"SELECT trace_id, group_id, min(started_at), max(started_at), {_CALLS}, {_MICRO} * {SPLIT} + {_REST},"  # noqa: S608  # names only
        f" count(*) - count(cost_usd), sum(failed), sum({FLAGGED}) FROM exchanges GROUP BY 1, 2",
        "SELECT trace_id, group_id, first_at, last_at, calls, input_tokens, output_tokens,"  # noqa: S608  # as above
        f" cost_micro * {SPLIT} + cost_rest, unpriced, errors, flagged FROM conversations",
    ),
    "finding_days": (
        f"SELECT (started_at - ((started_at % {_DAY_US}) + {_DAY_US}) % {_DAY_US}) / {_DAY_US}, {', '.join(COUNTED)},"  # noqa: S608  # as above
        f" count(*) FROM findings GROUP BY 1, {', '.join(COUNTED)}",
        f"SELECT day, {', '.join(COUNTED)}, findings FROM finding_days",  # noqa: S608  # as above
    ),
    "findings": (
        "SELECT id, started_at, tenant, json_array_length(findings) FROM exchanges WHERE findings != '[]'",
        "SELECT exchange_id, started_at, tenant, count(*) FROM findings GROUP BY 1, 2, 3",
    ),
    "last_id of conversations": (
        "SELECT trace_id, group_id, last_at, (SELECT max(id) FROM exchanges WHERE exchanges.trace_id = of.trace_id"
        " AND exchanges.group_id = of.group_id AND started_at = last_at) FROM conversations of",
        "SELECT trace_id, group_id, last_at, last_id FROM conversations",
    ),
}


def sums_apart(connection: sqlite3.Connection) -> list[str]:
    """A line for each sum that is not what its exchanges come to, at most 100. Raises sqlite3.Error."""
    lines = [line for level in range(len(LEVELS)) for period in _PERIODS for line in _level(connection, level, period)]
    return [*lines, *_groups(connection), *_following(connection)][:_MOST_LINES]


def _level(connection: sqlite3.Connection, level: int, period: str) -> Iterator[str]:
    told = [name if name in LEVELS[level] else "NULL" for name in DIMENSIONS]
    size = _PERIODS[period]
    number = f"(started_at - ((started_at % {size}) + {size}) % {size}) / {size}"
    places = ", ".join(str(place + 1) for place in range(len(DIMENSIONS) + 1))
    of_exchanges = _sums(
        connection,
        f"SELECT {', '.join(told)}, {number}, {_ADDED_UP} FROM exchanges GROUP BY {places}",  # noqa: S608  # names only
    )
    kept = _sums(
        connection,
        f"SELECT {', '.join(DIMENSIONS)}, {period}, {_KEPT} FROM cost_{period}s sums"  # noqa: S608  # as above
        f" LEFT JOIN cost_groups ON id = group_id WHERE level IS NULL OR level = {level}",
    )
    for key in of_exchanges.keys() | kept.keys():
        if of_exchanges.get(key) != kept.get(key):
            yield f"cost_{period}s, level {level}, {key}: {kept.get(key)} kept, {of_exchanges.get(key)} in exchanges"


def _sums(connection: sqlite3.Connection, query: str) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """Calls, tokens, cost in 10^-12 dollars, unpriced calls and counts of activity by dimensions and period."""
    width, sums = len(DIMENSIONS) + 1, {}
    for row in connection.execute(query):
        calls, read, written, micro, rest, *others = row[width:]
        sums[tuple(row[:width])] = (calls, read, written, micro * SPLIT + rest, *others)
    return sums


def _groups(connection: sqlite3.Connection) -> Iterator[str]:
    """Groups counted wrongly, kept twice, kept for nothing, and exchanges in none or in another's."""
    for what, query in _WRONG_GROUPS.items():
        for found in connection.execute(query):
            yield f"{what}: {found}"


def _following(connection: sqlite3.Connection) -> Iterator[str]:
    """Rows of the other tables that are not what they follow from, and those that are missing."""
    for what, (due, kept) in _FOLLOWING.items():
        for sides in (f"{due} EXCEPT {kept}", f"{kept} EXCEPT {due}"):
            for found in connection.execute(sides):
                yield f"{what}: {found}"


_SAME = " AND ".join(f"cost_groups.{name} IS exchanges.{name}" for name in DIMENSIONS)
_WRONG_GROUPS: dict[str, str] = {
    "calls of a group that are not those of its hours": (
        "SELECT id, calls FROM cost_groups WHERE calls IS NOT (SELECT sum(calls) FROM cost_hours WHERE group_id = id)"
    ),
    "a group kept twice": (
        f"SELECT {', '.join(DIMENSIONS)}, level FROM cost_groups GROUP BY {', '.join(DIMENSIONS)}, level"  # noqa: S608  # as above
        " HAVING count(*) > 1"
    ),
    "an exchange in a group that is not its own": (
        "SELECT exchanges.id, group_id FROM exchanges LEFT JOIN cost_groups ON cost_groups.id = group_id"  # noqa: S608  # as above
        f" WHERE NOT ({_SAME} AND level = {len(LEVELS) - 1})"
    ),
}
