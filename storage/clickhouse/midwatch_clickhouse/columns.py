"""The columns of every table, said once: the tables are made from them, and so are inserts and selects."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column: its type in the table, and where it differs the type in which inserts send it."""

    name: str
    type: str
    sent_as: str = ""

    @property
    def wire(self) -> str:
        """The type in which inserts send it."""
        return self.sent_as or self.type


_NAME = "LowCardinality(String)"
_MAYBE = "LowCardinality(Nullable(String))"


def _name(name: str) -> ColumnSpec:
    return ColumnSpec(name, _NAME, "String")


def _maybe(name: str) -> ColumnSpec:
    return ColumnSpec(name, _MAYBE, "Nullable(String)")


# The fields of ExchangeRow, by their names; `started_at` is sent and read as microseconds since 1970 UTC.
ROW = (
    ColumnSpec("id", "String"),
    ColumnSpec("trace_id", "String"),
    ColumnSpec("started_at", "DateTime64(6, 'UTC')"),
    _name("tenant"),
    _maybe("agent"),
    _maybe("app"),
    ColumnSpec("client", "Nullable(String)"),
    _name("provider"),
    _name("dialect"),
    _name("transport"),
    _name("host"),
    _maybe("model"),
    _name("operation"),
    ColumnSpec("status", "Nullable(Int64)"),
    ColumnSpec("streamed", "UInt8"),
    ColumnSpec("input_tokens", "Nullable(Int64)"),
    ColumnSpec("output_tokens", "Nullable(Int64)"),
    ColumnSpec("cache_read_tokens", "Nullable(Int64)"),
    ColumnSpec("cache_write_tokens", "Nullable(Int64)"),
    ColumnSpec("reasoning_tokens", "Nullable(Int64)"),
    ColumnSpec("cost_usd", "Nullable(String)"),
    _maybe("cost_reason"),
    ColumnSpec("ttft_ms", "Nullable(Float64)"),
    ColumnSpec("duration_ms", "Nullable(Float64)"),
    _maybe("finish_reason"),
    ColumnSpec("tools_called", "Array(String)"),
    ColumnSpec("findings", "Array(String)"),
    _name("action"),
    ColumnSpec("decode_error", "Nullable(String)"),
    _maybe("response_model"),
    ColumnSpec("error", "Nullable(String)"),
    _maybe("key_id"),
    ColumnSpec("user", "Nullable(String)"),
    _maybe("cost_basis"),
    ColumnSpec("session", "Nullable(String)"),
    _maybe("turn"),
    _maybe("linked_by"),
    ColumnSpec("parent_id", "Nullable(String)"),
    ColumnSpec("tool_spans", "Nullable(String)"),
)


def _several(name: str) -> ColumnSpec:
    return ColumnSpec(name, "Array(LowCardinality(String))", "Array(String)")


# What activity counts, and the findings of an exchange: each array has an entry for each finding, in their order there
# (their rules are in `findings`, of ROW). `finding_documents` has them whole, as JSON (see `facts`).
FACTS = (
    ColumnSpec("errors", "UInt8"),
    ColumnSpec("refused", "UInt8"),
    ColumnSpec("finding_ids", "Array(String)"),
    _several("finding_categories"),
    _several("finding_severities"),
    _several("finding_plugins"),
    _several("finding_actions"),
    ColumnSpec("finding_documents", "Array(String) CODEC(ZSTD(1))", "Array(String)"),
)

# `cost_pico` is the cost in 10^-12 dollars where that is exact; `texts` are the keys of its texts; `batch` is the
# token of the insert that brought it; `detail` is the rest of the exchange (see `document`).
EXCHANGES = (
    *ROW,
    ColumnSpec("cost_pico", "Nullable(Int64)"),
    *FACTS,
    ColumnSpec("texts", "Array(String)"),
    _name("batch"),
    ColumnSpec("detail", "String CODEC(ZSTD(1))", "String"),
)

TEXTS = (
    _name("tenant"),
    ColumnSpec("hash", "String"),
    ColumnSpec("body", "String CODEC(ZSTD(1))", "String"),
)

# Exchanges about to be deleted, by the deletion that does it; one row with an empty id stays of each (see `sweeping`).
DELETIONS = (
    ColumnSpec("sweep", "String"),
    ColumnSpec("tenant", "String"),
    ColumnSpec("id", "String"),
    ColumnSpec("texts", "Array(String)"),
)

# What costs are grouped by in the hourly sums. `hour` counts hours since 1970 UTC.
HOUR_KEYS = (
    _name("tenant"),
    ColumnSpec("hour", "Int32"),
    _name("provider"),
    _maybe("model"),
    _maybe("app"),
    _maybe("agent"),
    _maybe("key_id"),
    ColumnSpec("user", "Nullable(String)"),
    _maybe("cost_basis"),
)
# `fine` counts the costs that are finer than 10^-12 dollars: those are summed from the rows.
HOUR_SUMS = (
    ColumnSpec("calls", "Int64"),
    ColumnSpec("input_tokens", "Int128"),
    ColumnSpec("output_tokens", "Int128"),
    ColumnSpec("cost_pico", "Int128"),
    ColumnSpec("unpriced", "Int64"),
    ColumnSpec("fine", "Int64"),
)


def names(columns: tuple[ColumnSpec, ...]) -> str:
    """The names of columns as SQL lists them."""
    return ", ".join(f"`{column.name}`" for column in columns)
