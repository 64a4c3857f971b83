"""How tables are made on this installation: one node or a cluster, replicated or not, from one description.

On a cluster every table is two: NAME_local, which keeps a shard's share, and NAME, a Distributed table before it,
which is what inserts and selects name. All shares are cut by tenant, so what is kept of one tenant is on one shard and
subqueries can stay on theirs (`distributed_product_mode`).
"""

from dataclasses import dataclass

from midwatch_clickhouse.address import Address
from midwatch_clickhouse.columns import ColumnSpec

# Inserts whose tokens are remembered, a table.
WINDOW = 10_000
_WINDOW_SECONDS = 7 * 86_400
_REPLICA = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A MergeTree table. `engine` is the family's member, `arguments` what stands in its brackets.

    `counts_once`: an insert sent again with its token adds nothing; without, what is inserted is added, whatever it is.
    `keep_from` is the expression of a row's day, where ttl_days applies. `shard_by` cuts it on a cluster.
    """

    name: str
    columns: tuple[ColumnSpec, ...]
    order_by: str
    engine: str = "MergeTree"
    counts_once: bool = False
    arguments: str = ""
    partition_by: str | None = None
    keep_from: str | None = None
    keep_longer_days: int = 0
    more: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    shard_by: str = "cityHash64(tenant)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The kind of DDL that an address asks for."""

    database: str
    cluster: str | None = None
    replicated: bool = False
    ttl_days: int | None = None

    @property
    def on_cluster(self) -> str:
        """The words after a table's name in DDL; nothing on a single node."""
        return "" if self.cluster is None else f" ON CLUSTER {quoted(self.cluster)}"

    def own(self, name: str) -> str:
        """The table that holds the rows itself, which mutations and views name."""
        return f"{name}_local" if self.cluster else name

    def create(self, table: Table) -> list[str]:
        """The statements that make a table where it is not there yet."""
        statements = [self._own_table(table)]
        if self.cluster is not None:
            places = f"{literal(self.cluster)}, {literal(self.database)}, {literal(self.own(table.name))}"
            statements.append(
                f"CREATE TABLE IF NOT EXISTS {table.name}{self.on_cluster} AS {self.own(table.name)}"
                f" ENGINE = Distributed({places}, {table.shard_by})"
            )
        return statements

    def alter(self, name: str, change: str) -> str:
        """The statement that changes the table which holds the rows itself."""
        return f"ALTER TABLE {self.own(name)}{self.on_cluster} {change}"

    def alter_before(self, name: str, change: str) -> list[str]:
        """The statements that change the Distributed table before it: none on a single node."""
        return [f"ALTER TABLE {name}{self.on_cluster} {change}"] if self.cluster else []

    def drop(self, name: str) -> list[str]:
        """The statements that drop a table where it is there."""
        doomed = [name, self.own(name)] if self.cluster else [name]
        return [f"DROP TABLE IF EXISTS {one}{self.on_cluster} SYNC" for one in doomed]

    def _own_table(self, table: Table) -> str:
        columns = [f"`{column.name}` {column.type}" for column in table.columns]
        words = [
            f"CREATE TABLE IF NOT EXISTS {self.own(table.name)}{self.on_cluster}",
            f"({', '.join([*columns, *table.more])})",
            f"ENGINE = {self._engine(table)}",
        ]
        if table.partition_by:
            words.append(f"PARTITION BY {table.partition_by}")
        words.append(f"ORDER BY ({table.order_by})")
        if table.keep_from and self.ttl_days:
            words.append(f"TTL {table.keep_from} + toIntervalDay({self.ttl_days + table.keep_longer_days})")
        words.append(f"SETTINGS {', '.join([*self._windows(table), *table.settings])}")
        return " ".join(words)

    def _engine(self, table: Table) -> str:
        if not self.replicated:
            return f"{table.engine}({table.arguments})"
        return f"Replicated{table.engine}({', '.join(filter(None, [_REPLICA, table.arguments]))})"

    def _windows(self, table: Table) -> tuple[str, ...]:
        window = WINDOW if table.counts_once else 0
        if not self.replicated:
            return (f"non_replicated_deduplication_window = {window}",)
        return (
            f"replicated_deduplication_window = {window}",
            f"replicated_deduplication_window_seconds = {_WINDOW_SECONDS}",
        )


def layout_of(address: Address) -> Layout:
    """The layout that an address asks for."""
    return Layout(
        database=address.database,
        cluster=address.cluster,
        replicated=address.replicated,
        ttl_days=address.ttl_days,
    )


def quoted(name: str) -> str:
    """A name in DDL, whatever its characters."""
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def literal(text: str) -> str:
    """A text in DDL, where no parameter may stand."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
