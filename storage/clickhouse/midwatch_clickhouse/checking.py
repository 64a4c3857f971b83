"""Whether the hourly sums are the sums of the rows: for tests, and after a crash that one wants to know about."""

from collections.abc import Sequence

from midwatch_clickhouse.columns import HOUR_KEYS, HOUR_SUMS, names
from midwatch_clickhouse.connecting import Connection
from midwatch_clickhouse.schema import HOUR_US, hour_sums
from midwatch_core import moment_of

_MOST_LINES = 100


async def sums_apart(connection: Connection) -> Sequence[str]:
    """A line for each hour and group whose sums are not those of its rows, at most 100. Raises StorageError."""
    keys = names(HOUR_KEYS)
    taken = ", ".join(f"-`{column.name}`" for column in HOUR_SUMS)
    left = ", ".join(f"sum(`{column.name}`) AS left_{column.name}" for column in HOUR_SUMS)
    apart = " OR ".join(f"left_{column.name} != 0" for column in HOUR_SUMS)
    both = (
        f"SELECT {names((*HOUR_KEYS, *HOUR_SUMS))} FROM hours"  # noqa: S608  # names only
        f" UNION ALL SELECT {keys}, {taken} FROM ({hour_sums('exchanges')})"
    )
    query = f"SELECT {keys}, {left} FROM ({both}) GROUP BY {keys} HAVING {apart} LIMIT {_MOST_LINES}"  # noqa: S608  # as above
    return [_line(row) for row in await connection.rows(query)]


def _line(row: Sequence[object]) -> str:
    tenant, hour, *others = row[: len(HOUR_KEYS)]
    off = zip(HOUR_SUMS, row[len(HOUR_KEYS) :], strict=True)
    told = ", ".join(f"{column.name} {difference:+}" for column, difference in off if difference)
    moment = moment_of(int(str(hour)) * HOUR_US)
    return f"{moment:%Y-%m-%dT%H:00} {tenant} {' '.join(str(one) for one in others)}: the sums are off by {told}"
