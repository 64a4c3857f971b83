"""Findings are kept with their exchange and go with it, and their counts by day with them."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence

from midwatch_core import FindingRow
from midwatch_sql.columns import FINDING_DAYS, FINDINGS, names
from midwatch_sql.conditions import marks
from midwatch_sql.periods import HOUR_US, HOURS_A_DAY
from midwatch_sql.rows import finding_values

# What findings of a day are counted by: see columns.FINDING_DAYS.
COUNTED = tuple(column.name for column in FINDING_DAYS[1:-1])

# `end` is a word of SQL.
_NAMES = ", ".join(f'"{column.name}"' for column in FINDINGS)
_INSERT = f"INSERT INTO findings ({_NAMES}) VALUES ({marks(len(FINDINGS))})"  # noqa: S608  # names only
_ALIKE = ", ".join(column.name for column in FINDING_DAYS[:-1])
_COUNT = (
    f"INSERT INTO finding_days ({names(FINDING_DAYS)}) VALUES ({marks(len(FINDING_DAYS))})"  # noqa: S608  # names only
    f" ON CONFLICT ({_ALIKE}) DO UPDATE SET findings = findings + excluded.findings"
)
_SWEEP = (
    f"DELETE FROM finding_days WHERE {' AND '.join(f'{column.name} = ?' for column in FINDING_DAYS[:-1])}"  # noqa: S608  # as above
    " AND findings = 0"
)
_DAY_US = HOURS_A_DAY * HOUR_US
_PLACES = [next(place for place, column in enumerate(FINDINGS) if column.name == name) for name in COUNTED]
_STARTED_AT = 2


def keep_findings(connection: sqlite3.Connection, of_exchanges: Iterable[Sequence[FindingRow]]) -> None:
    """Keep the findings of new exchanges. Within a transaction. Raises StorageError, sqlite3.Error."""
    values = [finding_values(row, position) for rows in of_exchanges for position, row in enumerate(rows)]
    if values:
        connection.executemany(_INSERT, values)
        counts = Counter((one[_STARTED_AT] // _DAY_US, *(one[place] for place in _PLACES)) for one in values)
        connection.executemany(_COUNT, [(*key, count) for key, count in counts.items()])


def drop_findings(connection: sqlite3.Connection, exchange_ids: Sequence[str]) -> None:
    """Forget the findings of exchanges. Within a transaction. Raises sqlite3.Error."""
    these = f"exchange_id IN ({marks(len(exchange_ids))})"
    query = f"SELECT started_at, {', '.join(COUNTED)} FROM findings WHERE {these}"  # noqa: S608  # names and marks only
    gone = Counter((at // _DAY_US, *alike) for at, *alike in connection.execute(query, exchange_ids))
    if gone:
        connection.execute(f"DELETE FROM findings WHERE {these}", exchange_ids)  # noqa: S608  # as above
        connection.executemany(_COUNT, [(*key, -count) for key, count in gone.items()])
        connection.executemany(_SWEEP, gone)
