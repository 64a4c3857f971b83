"""Findings of exchanges that come newest first: a page of them, and their counts."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from acme_store.matching import finding_group_of, finding_matcher
from midwatch_core import (
    Exchange,
    FindingCount,
    FindingFilter,
    FindingPage,
    FindingRow,
    Scope,
    check_finding_keys,
    decode_finding_cursor,
    encode_finding_cursor,
    finding_rows,
    most_findings_first,
)


def finding_page(
    exchanges: Iterable[Exchange], scope: Scope, wanted: FindingFilter, limit: int, cursor: str | None
) -> FindingPage:
    """At most `limit` findings after a cursor. Raises StorageError for one that is none of ours."""
    matches = finding_matcher(scope, wanted)
    rows: list[FindingRow] = []
    last = 0
    for position, row in _after(exchanges, cursor):
        if not matches(row):
            continue
        if len(rows) == limit:
            return FindingPage(rows=tuple(rows), cursor=encode_finding_cursor(rows[-1].at, rows[-1].exchange_id, last))
        rows.append(row)
        last = position
    return FindingPage(rows=tuple(rows), cursor=None)


def finding_counts(
    exchanges: Iterable[Exchange], scope: Scope, wanted: FindingFilter, by: Sequence[str]
) -> list[FindingCount]:
    """Findings counted by some of FINDING_KEYS, most first. Raises StorageError for another key."""
    check_finding_keys(by)
    matches = finding_matcher(scope, wanted)
    rows = (row for exchange in exchanges for row in finding_rows(exchange) if matches(row))
    counts = Counter(finding_group_of(row, by) for row in rows)
    return most_findings_first(FindingCount(group=group, findings=count) for group, count in counts.items())


def _after(exchanges: Iterable[Exchange], cursor: str | None) -> Iterator[tuple[int, FindingRow]]:
    """Findings with their positions: of older exchanges, and those that come later in the cursor's own."""
    end = None if cursor is None else decode_finding_cursor(cursor)
    for exchange in exchanges:
        for position, row in enumerate(finding_rows(exchange)):
            if end is None or (row.at, row.exchange_id, -position) < (end[0], end[1], -end[2]):
                yield position, row
