"""Findings: a page of them, and how many there are by group. Both read the arrays of their exchanges."""

from collections.abc import Iterator, Sequence
from typing import Any

from midwatch_clickhouse.conditions import add_place
from midwatch_clickhouse.connecting import Connection
from midwatch_clickhouse.finding_conditions import ARRAYS, of_findings, places_of
from midwatch_clickhouse.grouping import key_columns, labels_of
from midwatch_clickhouse.schema import HOUR
from midwatch_core import (
    FindingCount,
    FindingFilter,
    FindingPage,
    FindingRow,
    Scope,
    check_finding_keys,
    decode_finding_cursor,
    encode_cursor,
    encode_finding_cursor,
    load_json,
    moment_of,
    most_findings_first,
)

_COLUMNS = (
    "id, toUnixTimestamp64Micro(started_at), tenant, trace_id, provider, model, app, agent,"
    " finding_documents, finding_actions"
)
_AT = {key: f"{array}[n]" for key, array in ARRAYS.items()}

# A finding and its position in its exchange, counted from 0.
type _Placed = tuple[int, FindingRow]


async def findings_in(
    connection: Connection, scope: Scope, wanted: FindingFilter, limit: int, cursor: str | None
) -> FindingPage:
    """A page of findings, those of the newest exchanges first. Raises StorageError."""
    found = of_findings(scope, wanted)
    begun: tuple[str, int] | None = None
    if cursor is not None:
        at, exchange_id, last = decode_finding_cursor(cursor)
        add_place(found, encode_cursor(at, exchange_id), inclusive=True)
        begun = (exchange_id, last)
    # Each exchange has one of them at least, but the cursor's own, of which all may have been on the page before.
    query = (
        f"SELECT {_COLUMNS}, {places_of(wanted)} FROM exchanges WHERE {found.where}"  # noqa: S608  # names and parameters only
        f" ORDER BY started_at DESC, id DESC LIMIT {limit + 2}"
    )
    exchanges = await connection.rows(query, found.values)
    return _page([one for values in exchanges for one in _placed(values, begun)], limit)


def _page(placed: Sequence[_Placed], limit: int) -> FindingPage:
    rows = tuple(row for _, row in placed[:limit])
    if len(placed) <= limit:
        return FindingPage(rows=rows, cursor=None)
    position, row = placed[limit - 1]
    return FindingPage(rows=rows, cursor=encode_finding_cursor(row.at, row.exchange_id, position))


def _placed(values: Sequence[Any], begun: tuple[str, int] | None) -> Iterator[_Placed]:
    """The wanted findings of an exchange; of the one that a page ended in, those after its end."""
    documents, actions, places = values[-3:]
    for place in places:
        position = place - 1
        if begun is None or values[0] != begun[0] or position > begun[1]:
            yield position, _row(values, load_json(documents[position].encode()), actions[position])


def _row(values: Sequence[Any], finding: dict[str, Any], action: str) -> FindingRow:
    exchange_id, at, tenant, trace_id, provider, model, app, agent = values[:8]
    return FindingRow(
        id=finding["id"],
        exchange_id=exchange_id,
        at=moment_of(at),
        tenant=tenant,
        rule=finding["rule"],
        category=finding["category"],
        owasp=tuple(finding["owasp"]),
        severity=finding["severity"],
        confidence=float(finding["confidence"]),
        part=finding["part"],
        start=finding["start"],
        end=finding["end"],
        plugin=finding["plugin"],
        action=action,
        direction=finding["direction"],
        path=finding["path"],
        message=finding["message"],
        evidence=finding["evidence"],
        trace_id=trace_id,
        provider=provider,
        model=model,
        app=app,
        agent=agent,
    )


async def finding_counts_in(
    connection: Connection, scope: Scope, wanted: FindingFilter, by: Sequence[str]
) -> Sequence[FindingCount]:
    """Findings counted by keys of FINDING_KEYS, most first. Raises StorageError."""
    check_finding_keys(by)
    found = of_findings(scope, wanted)
    each = f"SELECT *, arrayJoin(places) AS n FROM (SELECT *, {places_of(wanted)} FROM exchanges WHERE {found.where})"  # noqa: S608  # names and parameters only
    columns = ", ".join([*key_columns(by, HOUR, _AT), "toInt64(count())"])
    grouped = f" GROUP BY {', '.join(f'k{number}' for number in range(len(by)))}" if by else " HAVING count() > 0"
    rows = await connection.rows(f"SELECT {columns} FROM ({each}) AS e{grouped}", found.values)  # noqa: S608  # as above
    return most_findings_first(FindingCount(group=labels_of(by, row[: len(by)]), findings=row[len(by)]) for row in rows)
