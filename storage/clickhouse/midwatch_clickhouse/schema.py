"""The schema's revisions: what each makes and drops. A step may be repeated, so that half a migration can be finished.

A revision that is out is never changed; the next one is added at the end.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from midwatch_clickhouse.columns import DELETIONS, EXCHANGES, FACTS, HOUR_KEYS, HOUR_SUMS, TEXTS, ColumnSpec, names
from midwatch_clickhouse.facts import DEFAULTS
from midwatch_clickhouse.layout import Layout, Table

# Whole hours since 1970 UTC, also before it (a division cuts towards zero). `e` are the exchanges: without it a sum's
# own name would be taken for its column.
_US = "toUnixTimestamp64Micro(e.started_at)"
HOUR_US = 3_600_000_000
HOUR = f"toInt32(intDiv({_US} - positiveModulo({_US}, {HOUR_US}), {HOUR_US}))"
# What the hourly sums sum, of rows; in the order of HOUR_SUMS.
SUMS = (
    "toInt64(count())",
    "sum(toInt128(ifNull(e.input_tokens, 0)))",
    "sum(toInt128(ifNull(e.output_tokens, 0)))",
    "sum(toInt128(ifNull(e.cost_pico, 0)))",
    "toInt64(countIf(e.cost_usd IS NULL))",
    "toInt64(countIf(e.cost_usd IS NOT NULL AND e.cost_pico IS NULL))",
)

# Columns that came with a later revision than the table.
_CONVERSATIONS = ("cost_basis", "session", "turn", "linked_by", "parent_id", "tool_spans")
_LATER = (*_CONVERSATIONS, *(column.name for column in FACTS))
_FIRST_HOUR_KEYS = tuple(column for column in HOUR_KEYS if column.name not in _LATER)
# The table's order serves neither column. Of granules without what is asked for, one in a thousand is read.
_BLOOM = "bloom_filter(0.001)"
_INDEXES = {"by_trace": "trace_id", "by_session": "session"}
_FIRST_VIEW, _VIEW = "hours_view", "hours_by_basis"
_KEPT_AT = ColumnSpec("kept_at", "DateTime64(3, 'UTC') DEFAULT now64(3)")

_EXCHANGES = Table(
    name="exchanges",
    columns=(*(column for column in EXCHANGES if column.name not in _LATER), _KEPT_AT),
    order_by="tenant, started_at, id",
    counts_once=True,
    partition_by="toYYYYMM(started_at)",
    keep_from="toDateTime(started_at, 'UTC')",
    more=("PROJECTION by_id (SELECT id, tenant, started_at, batch, kept_at ORDER BY id)",),
    # A page is a hundred rows from anywhere: reading one reads its granule, in every column.
    settings=("deduplicate_merge_projection_mode = 'rebuild'", "index_granularity = 1024"),
)
# Random keys: small granules, so that looking up a few texts does not read thousands.
_TEXTS = Table(
    name="texts",
    columns=(*TEXTS, _KEPT_AT),
    order_by="tenant, hash",
    engine="ReplacingMergeTree",
    arguments="kept_at",
    keep_from="toDateTime(kept_at, 'UTC')",
    keep_longer_days=1,
    settings=("index_granularity = 512", "index_granularity_bytes = 1048576"),
)
_DELETIONS = Table(name="deletions", columns=(*DELETIONS, _KEPT_AT), order_by="sweep, tenant, id")
_HOURS = Table(
    name="hours",
    columns=(*_FIRST_HOUR_KEYS, *HOUR_SUMS),
    order_by=names(_FIRST_HOUR_KEYS),
    counts_once=True,
    engine="SummingMergeTree",
    arguments=f"({names(HOUR_SUMS)})",
    keep_from="toDateTime(hour * 3600, 'UTC')",
    settings=("allow_nullable_key = 1",),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One statement, with settings of its own where it needs them."""

    statement: str
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A step of the schema, there and back."""

    name: str
    up: Callable[[Layout], list[Step]]
    down: Callable[[Layout], list[Step]]


def hour_sums(source: str, where: str = "1", keys: Sequence[ColumnSpec] = HOUR_KEYS) -> str:
    """The SELECT that gives rows of `hours` for exchanges."""
    groups = [
        f"{HOUR} AS hour" if column.name == "hour" else f"e.`{column.name}` AS `{column.name}`" for column in keys
    ]
    sums = [f"{expression} AS {column.name}" for expression, column in zip(SUMS, HOUR_SUMS, strict=True)]
    grouping = ", ".join("hour" if column.name == "hour" else f"e.`{column.name}`" for column in keys)
    return f"SELECT {', '.join([*groups, *sums])} FROM {source} AS e WHERE {where} GROUP BY {grouping}"  # noqa: S608  # names only


def _tables(*tables: Table) -> Callable[[Layout], list[Step]]:
    return lambda layout: [Step(statement=one) for table in tables for one in layout.create(table)]


def _drops(*tables: Table) -> Callable[[Layout], list[Step]]:
    return lambda layout: [Step(statement=one) for table in reversed(tables) for one in layout.drop(table.name)]


def _hours_up(layout: Layout) -> list[Step]:
    """The sums of what is there, then the view that adds what comes. Nobody else may write meanwhile."""
    first = hour_sums("exchanges", keys=_FIRST_HOUR_KEYS)
    return [
        *(Step(statement=one) for one in layout.create(_HOURS)),
        Step(
            statement=f"INSERT INTO hours ({names((*_FIRST_HOUR_KEYS, *HOUR_SUMS))}) {first}",
            settings={"insert_deduplication_token": "traces_0002", "max_insert_threads": "1"},
        ),
        Step(statement=_view(layout, _FIRST_VIEW, _FIRST_HOUR_KEYS)),
    ]


def _view(layout: Layout, name: str, keys: Sequence[ColumnSpec]) -> str:
    """The view that adds what comes. It is never changed, only replaced by one of another name.

    Where a view's query is modified, the server forgets with its next start which inserts the view had.
    """
    made = f"CREATE MATERIALIZED VIEW IF NOT EXISTS {name}{layout.on_cluster} TO {layout.own('hours')}"
    return f"{made} AS {hour_sums(layout.own('exchanges'), keys=keys)}"


def _without_view(layout: Layout, name: str) -> str:
    return f"DROP VIEW IF EXISTS {name}{layout.on_cluster} SYNC"


def _hours_down(layout: Layout) -> list[Step]:
    return [
        Step(statement=_without_view(layout, _FIRST_VIEW)),
        *(Step(statement=one) for one in layout.drop("hours")),
    ]


def _conversations_up(layout: Layout) -> list[Step]:
    """Columns, which write no row, and indexes over them: the server makes those of old parts when it has the time.

    Nobody else may write meanwhile: between the two views nothing is added to the sums.
    """
    columns, basis = _added(EXCHANGES), _added(HOUR_KEYS)
    indexes = [f"ADD INDEX IF NOT EXISTS {name} {what} TYPE {_BLOOM} GRANULARITY 1" for name, what in _INDEXES.items()]
    statements = [
        layout.alter("exchanges", columns),
        *layout.alter_before("exchanges", columns),
        layout.alter("exchanges", ", ".join(indexes)),
        *(layout.alter("exchanges", f"MATERIALIZE INDEX {name}") for name in _INDEXES),
        # A key grows only by what the same statement adds.
        layout.alter("hours", f"{basis}, MODIFY ORDER BY ({names(HOUR_KEYS)})"),
        *layout.alter_before("hours", basis),
        _without_view(layout, _FIRST_VIEW),
        _view(layout, _VIEW, HOUR_KEYS),
    ]
    return [Step(statement=one) for one in statements]


def _conversations_down(layout: Layout) -> list[Step]:
    columns, basis = _dropped(EXCHANGES), _dropped(HOUR_KEYS)
    statements = [
        _without_view(layout, _VIEW),
        _view(layout, _FIRST_VIEW, _FIRST_HOUR_KEYS),
        *layout.alter_before("hours", basis),
        layout.alter("hours", f"MODIFY ORDER BY ({names(_FIRST_HOUR_KEYS)})"),
        layout.alter("hours", basis),
        layout.alter("exchanges", ", ".join(f"DROP INDEX IF EXISTS {name}" for name in _INDEXES)),
        *layout.alter_before("exchanges", columns),
        layout.alter("exchanges", columns),
    ]
    return [Step(statement=one) for one in statements]


def _added(columns: Iterable[ColumnSpec]) -> str:
    chosen = (one for one in columns if one.name in _CONVERSATIONS)
    return ", ".join(f"ADD COLUMN IF NOT EXISTS `{one.name}` {one.type}" for one in chosen)


def _dropped(columns: Iterable[ColumnSpec]) -> str:
    return ", ".join(f"DROP COLUMN IF EXISTS `{one.name}`" for one in columns if one.name in _CONVERSATIONS)


def _facts_up(layout: Layout) -> list[Step]:
    """Columns that read the detail of rows of before, until the server, when it has the time, has written them down."""
    columns = ", ".join(f"ADD COLUMN IF NOT EXISTS {_with_default(one)}" for one in FACTS)
    written = ", ".join(f"MATERIALIZE COLUMN `{one.name}`" for one in FACTS)
    before = ", ".join(f"ADD COLUMN IF NOT EXISTS `{one.name}` {one.type}" for one in FACTS)
    statements = [
        layout.alter("exchanges", columns),
        *layout.alter_before("exchanges", before),
        layout.alter("exchanges", f"ADD INDEX IF NOT EXISTS by_finding finding_ids TYPE {_BLOOM} GRANULARITY 1"),
        layout.alter("exchanges", written),
        layout.alter("exchanges", "MATERIALIZE INDEX by_finding"),
    ]
    # Whatever the server's own setting, nobody waits for the parts of years to be written anew.
    return [Step(statement=one, settings={"mutations_sync": "0"}) for one in statements]


def _with_default(column: ColumnSpec) -> str:
    kind, codec, how = column.type.partition(" CODEC")
    return f"`{column.name}` {kind} DEFAULT {DEFAULTS[column.name]}{codec}{how}"


def _facts_down(layout: Layout) -> list[Step]:
    columns = ", ".join(f"DROP COLUMN IF EXISTS `{one.name}`" for one in FACTS)
    statements = [
        layout.alter("exchanges", "DROP INDEX IF EXISTS by_finding"),
        *layout.alter_before("exchanges", columns),
        layout.alter("exchanges", columns),
    ]
    return [Step(statement=one) for one in statements]


REVISIONS = (
    Revision(
        name="traces_0001",
        up=_tables(_EXCHANGES, _TEXTS, _DELETIONS),
        down=_drops(_EXCHANGES, _TEXTS, _DELETIONS),
    ),
    Revision(name="traces_0002", up=_hours_up, down=_hours_down),
    Revision(name="traces_0003", up=_conversations_up, down=_conversations_down),
    Revision(name="traces_0004", up=_facts_up, down=_facts_down),
)
HEAD = REVISIONS[-1].name

# What was done to the schema, in order: which revision, and `begin`, `done`, `undo` or `undone`.
LOG = Table(
    name="traces_schema",
    columns=(
        ColumnSpec("revision", "String"),
        ColumnSpec("step", "String"),
        ColumnSpec("at", "DateTime64(9, 'UTC') DEFAULT now64(9)"),
    ),
    order_by="at, revision",
    shard_by="cityHash64(revision)",
)
