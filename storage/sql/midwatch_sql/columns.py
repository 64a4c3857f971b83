"""The columns of every table, said once: SQLAlchemy's tables and the plain statements are both made from them."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a column holds. MOMENT is microseconds since 1970 UTC."""

    TEXT = "text"
    INTEGER = "integer"
    REAL = "real"
    FLAG = "flag"
    MOMENT = "moment"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column."""

    name: str
    kind: Kind = Kind.TEXT
    nullable: bool = False
    key: bool = False


# The fields of ExchangeRow, by their names. JSON: tools_called, findings. Decimal as text: cost_usd.
ROW = (
    ColumnSpec("id", key=True),
    ColumnSpec("trace_id"),
    ColumnSpec("started_at", Kind.MOMENT),
    ColumnSpec("tenant"),
    ColumnSpec("agent", nullable=True),
    ColumnSpec("app", nullable=True),
    ColumnSpec("client", nullable=True),
    ColumnSpec("provider"),
    ColumnSpec("dialect"),
    ColumnSpec("transport"),
    ColumnSpec("host"),
    ColumnSpec("model", nullable=True),
    ColumnSpec("operation"),
    ColumnSpec("status", Kind.INTEGER, nullable=True),
    ColumnSpec("streamed", Kind.FLAG),
    ColumnSpec("input_tokens", Kind.INTEGER, nullable=True),
    ColumnSpec("output_tokens", Kind.INTEGER, nullable=True),
    ColumnSpec("cache_read_tokens", Kind.INTEGER, nullable=True),
    ColumnSpec("cache_write_tokens", Kind.INTEGER, nullable=True),
    ColumnSpec("reasoning_tokens", Kind.INTEGER, nullable=True),
    ColumnSpec("cost_usd", nullable=True),
    ColumnSpec("cost_reason", nullable=True),
    ColumnSpec("ttft_ms", Kind.REAL, nullable=True),
    ColumnSpec("duration_ms", Kind.REAL, nullable=True),
    ColumnSpec("finish_reason", nullable=True),
    ColumnSpec("tools_called"),
    ColumnSpec("findings"),
    ColumnSpec("action"),
    ColumnSpec("decode_error", nullable=True),
    ColumnSpec("response_model", nullable=True),
    ColumnSpec("error", nullable=True),
)

# `cost_pico` is the cost in 10^-12 dollars where that is exact, for sums inside the database;
# `detail` is the rest of the exchange (see `document`).
EXCHANGES = (*ROW, ColumnSpec("cost_pico", Kind.INTEGER, nullable=True), ColumnSpec("detail", Kind.BYTES))

# Texts, and blocks of long lists (see `folding`), once a tenant. `uses` counts the exchanges and blocks that refer
# to a piece; it stands before the body so that counting never touches a long body's pages.
PIECES = (
    ColumnSpec("tenant", key=True),
    ColumnSpec("hash", key=True),
    ColumnSpec("kind", Kind.INTEGER),
    ColumnSpec("uses", Kind.INTEGER),
    ColumnSpec("body", Kind.BYTES),
)

SETTINGS = (ColumnSpec("key", key=True), ColumnSpec("value"))

# `number` counts upwards by itself: the order in which records came.
AUDIT = (
    ColumnSpec("number", Kind.INTEGER, key=True),
    ColumnSpec("at", Kind.MOMENT),
    ColumnSpec("actor"),
    ColumnSpec("action"),
    ColumnSpec("subject"),
    ColumnSpec("details"),
)


def names(columns: tuple[ColumnSpec, ...]) -> str:
    """The names of columns as SQL lists them."""
    return ", ".join(column.name for column in columns)
