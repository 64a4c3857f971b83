"""Evidence of calls: how many, how dear, how they went. From the store's sums alone, so it is quick at any size."""

from collections.abc import Sequence

from midwatch_compliance.evidence.model import Group, Traffic
from midwatch_core import CostRow, ExchangeFilter, Queries

# Groups of one kind in a report.
MAX_GROUPS = 50


async def traffic_of(queries: Queries, wanted: ExchangeFilter) -> Traffic:
    """The calls of a period. Raises StorageError."""
    activity = await queries.activity(wanted, by=())
    return Traffic(
        totals=total_of(await queries.costs(wanted, by=())),
        errors=sum(row.errors for row in activity),
        refused=sum(row.refused for row in activity),
        flagged=sum(row.flagged for row in activity),
        by_provider=await groups_of(queries, wanted, "provider"),
        by_model=await groups_of(queries, wanted, "model"),
        by_agent=await groups_of(queries, wanted, "agent"),
        by_app=await groups_of(queries, wanted, "app"),
    )


async def groups_of(queries: Queries, wanted: ExchangeFilter, key: str, *, most: int = MAX_GROUPS) -> tuple[Group, ...]:
    """The dearest groups by one of COST_KEYS. Raises StorageError."""
    rows = await queries.costs(wanted, by=(key,))
    return tuple(_group(row, row.group[0]) for row in rows[:most])


def total_of(rows: Sequence[CostRow]) -> Group:
    """All rows as one."""
    return Group(
        name=None,
        calls=sum(row.calls for row in rows),
        input_tokens=sum(row.input_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        cost_usd=float(sum(row.cost_usd for row in rows)),
        api_equivalent_usd=float(sum(row.api_equivalent_usd for row in rows)),
        unpriced=sum(row.unpriced for row in rows),
    )


def _group(row: CostRow, name: str | None) -> Group:
    return total_of([row]).model_copy(update={"name": name})
