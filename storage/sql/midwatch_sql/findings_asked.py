"""Findings in pages and counted: what is asked for comes from one index, and most counts from those kept by day."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from midwatch_core import (
    FindingCount,
    FindingFilter,
    FindingPage,
    Scope,
    check_finding_keys,
    decode_finding_cursor,
    encode_finding_cursor,
    microseconds,
    most_findings_first,
)
from midwatch_sql.columns import FINDINGS
from midwatch_sql.conditions import Conditions, marks
from midwatch_sql.findings_kept import COUNTED
from midwatch_sql.kept_sums import grouped, keys_of, labels, spans_of, within
from midwatch_sql.periods import HOUR_US, Grain, Span
from midwatch_sql.rows import SEVERITIES, finding_from

_EQUAL = ("tenant", "category", "rule", "plugin", "action", "provider", "model", "app", "agent")
_NEWEST = "ORDER BY started_at DESC, exchange_id DESC, place DESC"
_COLUMNS = ", ".join(f'findings."{column.name}"' for column in FINDINGS)

type _Rows = Iterator[Sequence[Any]]


def page_of(
    connection: sqlite3.Connection, scope: Scope, wanted: FindingFilter, *, limit: int, cursor: str | None
) -> FindingPage:
    """A page of findings, those of the newest exchanges first. Raises StorageError, sqlite3.Error."""
    where = _named(wanted) + _alike(scope, wanted) + _time(wanted, cursor)
    keys = f"SELECT exchange_id, place FROM {_source(wanted)} WHERE {where} {_NEWEST} LIMIT ?"  # noqa: S608  # our words and question marks only
    query = f"SELECT {_COLUMNS} FROM ({keys}) CROSS JOIN findings USING (exchange_id, place) {_NEWEST}"  # noqa: S608  # as above
    found = connection.execute(query, (*where.values, limit + 1)).fetchall()
    rows = tuple(finding_from(values) for values in found[:limit])
    if len(found) <= limit:
        return FindingPage(rows=rows, cursor=None)
    return FindingPage(rows=rows, cursor=encode_finding_cursor(rows[-1].at, rows[-1].exchange_id, -found[limit - 1][1]))


def counts_of(
    connection: sqlite3.Connection, scope: Scope, wanted: FindingFilter, by: Sequence[str]
) -> list[FindingCount]:
    """Findings counted by some of FINDING_KEYS, most first. Raises StorageError, sqlite3.Error."""
    check_finding_keys(by)
    counts: Counter[tuple[str | None, ...]] = Counter()
    for *group, count in _counted(connection, scope, wanted, by):
        named = [SEVERITIES[value] if key == "severity" else value for key, value in zip(by, group, strict=True)]
        counts[labels(by, named)] += count
    return most_findings_first(FindingCount(group=group, findings=count) for group, count in counts.items() if count)


def _counted(connection: sqlite3.Connection, scope: Scope, wanted: FindingFilter, by: Sequence[str]) -> _Rows:
    """Groups and their counts, in pieces."""
    named, alike = _named(wanted), _alike(scope, wanted)
    asked = {name for name in _EQUAL if getattr(wanted, name) is not None}
    if named.words or not asked.union(by) <= {"day", *COUNTED}:
        yield from _count(connection, _source(wanted), named + alike + _time(wanted, None), by)
        return
    for span in spans_of(wanted, finest=Grain.DAY):
        if span.grain is Grain.DAY:
            keys = keys_of(by, Grain.DAY)
            where = alike + within(span)
            query = grouped([*keys, "coalesce(sum(findings), 0)"], len(keys), f"finding_days WHERE {where}")
            yield from connection.execute(query, where.values)
        else:
            yield from _count(connection, _source(wanted), alike + within(_moments(span)), by)


def _count(connection: sqlite3.Connection, source: str, where: Conditions, by: Sequence[str]) -> _Rows:
    keys = keys_of(by, Grain.MOMENT)
    yield from connection.execute(grouped([*keys, "count(*)"], len(keys), f"{source} WHERE {where}"), where.values)


def _moments(span: Span) -> Span:
    """A span of hours as one of moments: no count is kept by hour."""
    if span.grain is Grain.MOMENT:
        return span
    first, end = (None if hour is None else hour * HOUR_US for hour in (span.first, span.end))
    return Span(Grain.MOMENT, first, end)


def _source(wanted: FindingFilter) -> str:
    """The table by the index that serves the filter: a few named findings, else the newest that have all of it."""
    if wanted.id is not None:
        return "findings INDEXED BY findings_by_id"
    if wanted.exchange_id is not None or wanted.trace_id is not None:
        return "findings"  # by its key
    return "findings INDEXED BY findings_by_start"


def _named(wanted: FindingFilter) -> Conditions:
    """Those that only few findings can have."""
    found = Conditions()
    if wanted.id is not None:
        found.add("id = ?", wanted.id)
    if wanted.exchange_id is not None:
        found.add("exchange_id = ?", wanted.exchange_id)
    if wanted.trace_id is not None:
        found.add("exchange_id IN (SELECT id FROM exchanges WHERE trace_id = ?)", wanted.trace_id)
    return found


def _alike(scope: Scope, wanted: FindingFilter) -> Conditions:
    """Those that many findings have in common."""
    found = Conditions()
    if scope.tenants is not None:
        found.add(f"tenant IN ({marks(len(scope.tenants))})", *sorted(scope.tenants))
    for name in _EQUAL:
        if (value := getattr(wanted, name)) is not None:
            found.add(f"{name} = ?", value)
    if wanted.severity is not None:
        found.add("severity >= ?", wanted.severity.rank)
    return found


def _time(wanted: FindingFilter, cursor: str | None) -> Conditions:
    found = Conditions()
    if wanted.since is not None:
        found.add("started_at >= ?", microseconds(wanted.since))
    if wanted.until is not None:
        found.add("started_at < ?", microseconds(wanted.until))
    if cursor is not None:
        at, exchange_id, position = decode_finding_cursor(cursor)
        found.add("(started_at, exchange_id, place) < (?, ?, ?)", microseconds(at), exchange_id, -position)
    return found
