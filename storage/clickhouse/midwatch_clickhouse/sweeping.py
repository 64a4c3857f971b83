"""Deleting: rows are marked, taken out of the hourly sums, deleted, and then texts nothing refers to any more.

What is marked stands in `deletions`, so that a deletion that was cut short is finished by the next one, and every step
may be repeated: the sums are corrected by an insert whose token is the deletion's, once whoever does it. One row with
an empty id stays of every deletion: how many there are tells a batch on its way whether one began meanwhile (see
`putting`). Rows and texts go by mutations: the parts that held them are written anew without them.
"""

import secrets

from midwatch_clickhouse.columns import HOUR_KEYS, HOUR_SUMS, names
from midwatch_clickhouse.conditions import Conditions
from midwatch_clickhouse.connecting import Connection
from midwatch_clickhouse.layout import Layout, literal
from midwatch_clickhouse.schema import hour_sums

_MARK = "INSERT INTO deletions (sweep, tenant, id, texts) SELECT {sweep:String}, '', '', []"
# A subquery in a mutation is looked at when it runs, on every replica by itself.
_MUTATION = {"mutations_sync": "2", "allow_nondeterministic_mutations": "1"}


async def sweeps(connection: Connection) -> int:
    """How many deletions have begun. Raises StorageError."""
    ((count,),) = await connection.rows("SELECT count() FROM deletions WHERE id = ''")
    return int(count)


async def sweep(connection: Connection, layout: Layout, conditions: Conditions) -> int:
    """Forget the exchanges of these conditions; how many went. Raises StorageError."""
    for (unfinished,) in await connection.rows("SELECT DISTINCT sweep FROM deletions WHERE id != ''"):
        await _finish(connection, layout, unfinished)
    count = f"SELECT count() FROM exchanges WHERE {conditions.where}"  # noqa: S608  # names and parameters only
    ((wanted,),) = await connection.rows(count, conditions.values)
    if not wanted:
        return 0
    name = secrets.token_hex(16)
    await connection.command(_MARK, {"sweep": name})
    doomed = (
        "INSERT INTO deletions (sweep, tenant, id, texts)"  # noqa: S608  # names and parameters only
        f" SELECT {{sweep:String}}, tenant, id, texts FROM exchanges WHERE {conditions.where}"
    )
    await connection.command(doomed, {**conditions.values, "sweep": name})
    marked = "SELECT count() FROM deletions WHERE sweep = {sweep:String} AND id != ''"
    ((gone,),) = await connection.rows(marked, {"sweep": name})
    await _finish(connection, layout, name)
    return int(gone)


async def _finish(connection: Connection, layout: Layout, name: str) -> None:
    columns = names((*HOUR_KEYS, *HOUR_SUMS))
    keys, sums = names(HOUR_KEYS), ", ".join(f"-`{column.name}`" for column in HOUR_SUMS)
    marked = f"SELECT id FROM deletions WHERE sweep = {literal(name)} AND id != ''"  # noqa: S608  # ours
    rows = hour_sums("exchanges", f"id IN ({marked})")
    await connection.command(
        f"INSERT INTO hours ({columns}) SELECT {keys}, {sums} FROM ({rows})",  # noqa: S608  # names and our own token
        settings={"insert_deduplication_token": name, "max_insert_threads": "1"},
    )
    await _mutate(connection, layout, "exchanges", f"id IN ({_marked(layout, name, 'id')})")
    await _mutate(connection, layout, "texts", _orphans(layout, name))
    await _mutate(connection, layout, "deletions", f"sweep = {literal(name)} AND id != ''")


def _marked(layout: Layout, name: str, selected: str) -> str:
    return f"SELECT {selected} FROM {layout.own('deletions')} WHERE sweep = {literal(name)} AND id != ''"  # noqa: S608  # ours


def _orphans(layout: Layout, name: str) -> str:
    """Texts of what is deleted that no exchange refers to when the mutation runs."""
    released = _marked(layout, name, "tenant, arrayJoin(texts)")
    keys = _marked(layout, name, "arrayJoin(texts)")
    used = f"SELECT tenant, arrayJoin(texts) AS used FROM {layout.own('exchanges')} WHERE used IN ({keys})"  # noqa: S608  # ours
    return f"(tenant, hash) IN ({released}) AND (tenant, hash) NOT IN ({used})"


async def _mutate(connection: Connection, layout: Layout, table: str, where: str) -> None:
    await connection.command(
        f"ALTER TABLE {layout.own(table)}{layout.on_cluster} DELETE WHERE {where}", settings=_MUTATION
    )
