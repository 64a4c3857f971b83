"""Scope, filter and cursor as the conditions of a SELECT over exchanges, with parameters for every value."""

from dataclasses import dataclass, field
from typing import Any

from midwatch_clickhouse.rows import FIRST_US, LAST_US
from midwatch_core import ExchangeFilter, FindingFilter, Scope, StorageError, decode_cursor, microseconds

# What the hourly sums can be narrowed by, too.
SUMMED = ("tenant", "provider", "model", "app", "agent", "key_id", "user")
_EXACT = ("trace_id", "client", "session")
_LARGEST_STATUS = 2**63 - 1


@dataclass(slots=True)
class Conditions:
    """Conditions that all hold at once, and the values of their parameters."""

    words: list[str] = field(default_factory=lambda: ["1"])
    values: dict[str, Any] = field(default_factory=dict)

    def add(self, condition: str, **values: Any) -> None:
        """A further condition, with its parameters."""
        self.words.append(condition)
        self.values |= values

    def copy(self) -> "Conditions":
        """The same, to be narrowed further."""
        return Conditions(words=list(self.words), values=dict(self.values))

    @property
    def where(self) -> str:
        """All conditions, as WHERE takes them."""
        return " AND ".join(self.words)


def of_filter(scope: Scope, wanted: ExchangeFilter) -> Conditions:
    """What a filter asks, without its text and its times. Raises StorageError for what can't be asked."""
    if wanted.text == "":
        raise StorageError("a search needs a text to look for")
    found = Conditions()
    if scope.tenants is not None:
        found.add("tenant IN {tenants:Array(String)}", tenants=sorted(scope.tenants))
    for name in (*SUMMED, *_EXACT):
        if (value := getattr(wanted, name)) is not None:
            found.add(f"`{name}` = {{{name}:String}}", **{name: value})
    if wanted.status is not None:
        if not -_LARGEST_STATUS <= wanted.status <= _LARGEST_STATUS:
            raise StorageError("no status is that large")
        found.add("status = {status:Int64}", status=wanted.status)
    return found


def add_times(conditions: Conditions, since_us: int | None, until_us: int | None, mark: str = "") -> None:
    """Narrow to [since, until), in microseconds since 1970. `mark` tells the parameters of several apart."""
    if since_us is not None and since_us > FIRST_US:
        _add_time(conditions, ">=", since_us, f"since{mark}")
    if until_us is not None and until_us <= LAST_US:
        _add_time(conditions, "<", until_us, f"until{mark}")


def _add_time(conditions: Conditions, sign: str, moment_us: int, name: str) -> None:
    if FIRST_US <= moment_us <= LAST_US:
        conditions.add(f"started_at {sign} fromUnixTimestamp64Micro({{{name}:Int64}}, 'UTC')", **{name: moment_us})
    else:
        conditions.add("0")  # nothing is kept after 2299, nor before 1900


def times_of(wanted: ExchangeFilter | FindingFilter) -> tuple[int | None, int | None]:
    """`since` and `until` in microseconds since 1970. Raises StorageError for a moment without a time zone."""
    since, until = wanted.since, wanted.until
    return (
        None if since is None else microseconds(since),
        None if until is None else microseconds(until),
    )


def conditions(scope: Scope, wanted: ExchangeFilter, cursor: str | None = None) -> Conditions:
    """What a filter asks, its times and the place of a cursor, without its text. Raises StorageError."""
    found = of_filter(scope, wanted)
    add_times(found, *times_of(wanted))
    if cursor is not None:
        add_place(found, cursor)
    return found


def add_place(conditions: Conditions, cursor: str, *, inclusive: bool = False) -> None:
    """Narrow to what comes after a cursor, `inclusive` to where it stands too. Raises StorageError for none of ours."""
    started_at, exchange_id = decode_cursor(cursor)
    at = max(FIRST_US, min(microseconds(started_at), LAST_US))
    place = "(fromUnixTimestamp64Micro({cursor_us:Int64}, 'UTC'), {cursor_id:String})"
    conditions.add(f"(started_at, id) {'<=' if inclusive else '<'} {place}", cursor_us=at, cursor_id=exchange_id)


def add_text(conditions: Conditions, text: str, scope: Scope) -> None:
    """Narrow to exchanges with a piece of text in one of their texts: all texts in scope are looked at."""
    within = "1" if scope.tenants is None else "tenant IN {tenants:Array(String)}"
    conditions.add(f"hasAny(texts, ({matching_keys(within)}))", text=text)


def matching_keys(within: str) -> str:
    """The SELECT of all keys of texts that hold `{text:String}`, whatever its case."""
    return (
        "SELECT groupUniqArray(hash) FROM texts"  # noqa: S608  # names and parameters only
        f" WHERE {within} AND positionCaseInsensitiveUTF8(body, {{text:String}}) > 0"
    )
