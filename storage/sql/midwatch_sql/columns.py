"""The columns of every table, said once: SQLAlchemy's tables and the plain statements are both made from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from midwatch_core import TTFT_CLASSES


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


# The fields of ExchangeRow, by their names. JSON: tools_called, findings, tool_spans. Decimal as text: cost_usd.
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
    ColumnSpec("key_id", nullable=True),
    ColumnSpec("user", nullable=True),
    ColumnSpec("cost_basis", nullable=True),
    ColumnSpec("session", nullable=True),
    ColumnSpec("turn", nullable=True),
    ColumnSpec("linked_by", nullable=True),
    ColumnSpec("parent_id", nullable=True),
    ColumnSpec("tool_spans", nullable=True),
)

# `cost_pico` is the cost in 10^-12 dollars where that is exact, for sums inside the database; `failed` is whether it
# counts as an error (see `Activity`); `group_id` is the exchange's group (see `groups`); `detail` is the rest of the
# exchange (see `document`).
EXCHANGES = (
    *ROW,
    ColumnSpec("cost_pico", Kind.INTEGER, nullable=True),
    ColumnSpec("failed", Kind.FLAG),
    ColumnSpec("group_id", Kind.INTEGER),
    ColumnSpec("detail", Kind.BYTES),
)

# Exchanges whose cost no whole number of 10^-12 dollars can say: they are few, and an index holds them.
FINE_COST = "cost_usd IS NOT NULL AND cost_pico IS NULL"
# Exchanges that a search by session can find: the others need no place in its index.
IN_SESSION = "session IS NOT NULL"

# Texts, and blocks of long lists (see `folding`), once a tenant. `uses` counts the exchanges and blocks that refer
# to a piece; it stands before the body so that counting never touches a long body's pages.
PIECES = (
    ColumnSpec("tenant", key=True),
    ColumnSpec("hash", key=True),
    ColumnSpec("kind", Kind.INTEGER),
    ColumnSpec("uses", Kind.INTEGER),
    ColumnSpec("body", Kind.BYTES),
)

# Exchanges that are alike in what they can be asked for by (see `groups`). `calls` counts them.
COST_GROUPS = (
    ColumnSpec("id", Kind.INTEGER, key=True),
    ColumnSpec("level", Kind.INTEGER),
    ColumnSpec("tenant", nullable=True),
    ColumnSpec("provider", nullable=True),
    ColumnSpec("model", nullable=True),
    ColumnSpec("app", nullable=True),
    ColumnSpec("agent", nullable=True),
    ColumnSpec("key_id", nullable=True),
    ColumnSpec("user", nullable=True),
    ColumnSpec("client", nullable=True),
    ColumnSpec("status", Kind.INTEGER, nullable=True),
    ColumnSpec("calls", Kind.INTEGER),
    ColumnSpec("cost_basis", nullable=True),
)

# Sums over a group's exchanges of one hour, or day. `cost_micro` in 10^-6 dollars and `cost_rest` in 10^-12 make up
# the cost together: the sums of neither leave 64 bits. Costs without `cost_pico` are in neither.
_SUMS = (
    ColumnSpec("calls", Kind.INTEGER),
    ColumnSpec("input_tokens", Kind.INTEGER),
    ColumnSpec("output_tokens", Kind.INTEGER),
    ColumnSpec("cost_micro", Kind.INTEGER),
    ColumnSpec("cost_rest", Kind.INTEGER),
    ColumnSpec("unpriced", Kind.INTEGER),
    ColumnSpec("errors", Kind.INTEGER),
)
# Counts as in ActivityRow; `t0` and so on are the classes of `ttft`.
_ACTIVITY = (
    ColumnSpec("refused", Kind.INTEGER),
    ColumnSpec("flagged", Kind.INTEGER),
    *(ColumnSpec(f"t{number}", Kind.INTEGER) for number in range(TTFT_CLASSES)),
)
_GROUP = ColumnSpec("group_id", Kind.INTEGER, key=True)
_DAY = ColumnSpec("day", Kind.INTEGER, key=True)
# `hour` and `day` count from 1970 UTC.
COST_HOURS = (_GROUP, ColumnSpec("hour", Kind.INTEGER, key=True), *_SUMS, *_ACTIVITY)
COST_DAYS = (_GROUP, _DAY, *_SUMS, *_ACTIVITY)

# What a trace and a finest group have in common: its first and last moments, and the id of the exchange that began
# last (of several at one moment the greatest).
CONVERSATIONS = (
    ColumnSpec("trace_id", key=True),
    _GROUP,
    ColumnSpec("first_at", Kind.MOMENT),
    ColumnSpec("last_at", Kind.MOMENT),
    ColumnSpec("last_id"),
    *_SUMS,
    ColumnSpec("flagged", Kind.INTEGER),
)

# Findings, by the names of FindingRow, but `at` is the exchange's `started_at`, and a severity its rank. `place`
# counts an exchange's findings backwards, 0, -1, -2 …: newest exchange first and first finding first is then one way
# through an index. JSON: owasp.
FINDINGS = (
    ColumnSpec("exchange_id", key=True),
    ColumnSpec("place", Kind.INTEGER, key=True),
    ColumnSpec("started_at", Kind.MOMENT),
    ColumnSpec("id"),
    ColumnSpec("tenant"),
    ColumnSpec("rule"),
    ColumnSpec("category"),
    ColumnSpec("severity", Kind.INTEGER),
    ColumnSpec("plugin"),
    ColumnSpec("action"),
    ColumnSpec("provider"),
    ColumnSpec("model", nullable=True),
    ColumnSpec("app", nullable=True),
    ColumnSpec("agent", nullable=True),
    ColumnSpec("owasp"),
    ColumnSpec("confidence", Kind.REAL),
    ColumnSpec("part", nullable=True),
    ColumnSpec("start", Kind.INTEGER, nullable=True),
    ColumnSpec("end", Kind.INTEGER, nullable=True),
    ColumnSpec("direction"),
    ColumnSpec("path", nullable=True),
    ColumnSpec("message"),
    ColumnSpec("evidence", nullable=True),
    ColumnSpec("trace_id"),
)
# How many findings a day has of those that are alike in what is mostly asked for.
FINDING_DAYS = (
    _DAY,
    ColumnSpec("tenant", key=True),
    ColumnSpec("rule", key=True),
    ColumnSpec("category", key=True),
    ColumnSpec("severity", Kind.INTEGER, key=True),
    ColumnSpec("plugin", key=True),
    ColumnSpec("action", key=True),
    ColumnSpec("findings", Kind.INTEGER),
)

SETTINGS = (ColumnSpec("key", key=True), ColumnSpec("value"))

# JSON: networks, provider_keys, certificates.
TENANTS = (
    ColumnSpec("name", key=True),
    ColumnSpec("created_at", Kind.MOMENT),
    ColumnSpec("title"),
    ColumnSpec("networks"),
    ColumnSpec("provider_keys"),
    ColumnSpec("certificates"),
    ColumnSpec("retention_days", Kind.REAL, nullable=True),
)

API_KEYS = (
    ColumnSpec("id", key=True),
    ColumnSpec("digest"),
    ColumnSpec("role"),
    ColumnSpec("tenant", nullable=True),
    ColumnSpec("created_at", Kind.MOMENT),
    ColumnSpec("label"),
    ColumnSpec("agent", nullable=True),
    ColumnSpec("expires_at", Kind.MOMENT, nullable=True),
    ColumnSpec("revoked_at", Kind.MOMENT, nullable=True),
)

POLICIES = (
    ColumnSpec("name", key=True),
    ColumnSpec("version", Kind.INTEGER, key=True),
    ColumnSpec("text"),
    ColumnSpec("author"),
    ColumnSpec("created_at", Kind.MOMENT),
)

# The body stands last: a listing leaves it out, and never touches a long one's pages.
REPORTS = (
    ColumnSpec("id", key=True),
    ColumnSpec("tenant", nullable=True),
    ColumnSpec("kind"),
    ColumnSpec("title"),
    ColumnSpec("created_at", Kind.MOMENT),
    ColumnSpec("media_type"),
    ColumnSpec("state"),
    ColumnSpec("since", Kind.MOMENT, nullable=True),
    ColumnSpec("until", Kind.MOMENT, nullable=True),
    ColumnSpec("problem", nullable=True),
    ColumnSpec("body", Kind.BYTES),
)

# What people made of findings: `judge` is who (`by` is a word of SQL), `at` is when.
TRIAGE = (
    ColumnSpec("finding_id", key=True),
    ColumnSpec("tenant"),
    ColumnSpec("rule"),
    ColumnSpec("state"),
    ColumnSpec("judge"),
    ColumnSpec("at", Kind.MOMENT),
    ColumnSpec("note"),
)

# Troubles over their life. A severity is its rank. JSON: details.
INCIDENTS = (
    ColumnSpec("id", key=True),
    ColumnSpec("fingerprint"),
    ColumnSpec("tenant", nullable=True),
    ColumnSpec("category"),
    ColumnSpec("severity", Kind.INTEGER),
    ColumnSpec("title"),
    ColumnSpec("began_at", Kind.MOMENT),
    ColumnSpec("last_at", Kind.MOMENT),
    ColumnSpec("count", Kind.INTEGER),
    ColumnSpec("acknowledged_at", Kind.MOMENT, nullable=True),
    ColumnSpec("acknowledged_by", nullable=True),
    ColumnSpec("resolved_at", Kind.MOMENT, nullable=True),
    ColumnSpec("details"),
)

# No database counts `number` for us: it has no gaps, and the digest covers it (see `audit_chain`). JSON: details.
AUDIT_ENTRIES = (
    ColumnSpec("number", Kind.INTEGER, key=True),
    ColumnSpec("at", Kind.MOMENT),
    ColumnSpec("actor"),
    ColumnSpec("action"),
    ColumnSpec("subject"),
    ColumnSpec("details"),
    ColumnSpec("tenant", nullable=True),
    ColumnSpec("previous"),
    ColumnSpec("digest"),
)

# `alike` is a digest of what tells sightings apart (see `metadata_sightings`): NULLs are equal there.
SIGHTINGS = (
    ColumnSpec("alike", key=True),
    ColumnSpec("host"),
    ColumnSpec("tenant"),
    ColumnSpec("seen"),
    ColumnSpec("first_at", Kind.MOMENT),
    ColumnSpec("last_at", Kind.MOMENT),
    ColumnSpec("provider", nullable=True),
    ColumnSpec("known", Kind.FLAG),
    ColumnSpec("client", nullable=True),
    ColumnSpec("app", nullable=True),
    ColumnSpec("user_agent", nullable=True),
    ColumnSpec("process", nullable=True),
    ColumnSpec("container", nullable=True),
    ColumnSpec("connections", Kind.INTEGER),
    ColumnSpec("calls", Kind.INTEGER),
)


def names(columns: Sequence[ColumnSpec]) -> str:
    """The names of columns as SQL lists them."""
    return ", ".join(column.name for column in columns)
