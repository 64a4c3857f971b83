"""The trace repository in memory: the newest exchanges, as many as it may hold."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from midwatch_core import (
    CostRow,
    CostSum,
    Exchange,
    ExchangeFilter,
    ExchangeRow,
    Page,
    Scope,
    StorageError,
    check_cost_keys,
    decode_cursor,
    encode_cursor,
    highest_first,
    microseconds,
    row_of,
    text_finder,
)
from midwatch_memory.capacity import DEFAULT
from midwatch_memory.matching import check, group_of, matches, texts_of

# How many exchanges a search looks into for one page.
MOST_LOOKED_INTO = 1_000

type _Key = tuple[int, str]
type _Kept = tuple[ExchangeRow, Exchange]


class MemoryTraces:
    """A TraceRepository that holds at most `capacity` exchanges; the oldest make room."""

    migrations = None

    def __init__(self, capacity: int = DEFAULT) -> None:
        self._capacity = capacity
        self._kept: dict[str, _Kept] = {}
        self._keys: list[_Key] = []  # (microseconds, id), oldest first
        self._open = False

    async def start(self, *, migrate: bool = True) -> None:
        """Open. There is no schema: `migrate` says nothing here."""
        self._open = True

    async def put(self, exchanges: Sequence[Exchange]) -> None:
        """Keep a batch. Raises StorageError for a moment without a time zone."""
        self._check_open()
        keys = [(microseconds(exchange.started_at), exchange.id) for exchange in exchanges]
        for key, exchange in zip(keys, exchanges, strict=True):
            if exchange.id not in self._kept:
                self._kept[exchange.id] = (row_of(exchange), exchange)
                insort(self._keys, key)
        self._forget_oldest(max(0, len(self._keys) - self._capacity))

    async def list(self, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None = None) -> Page:
        """A page of rows, newest first. Raises StorageError."""
        self._check_open()
        if limit < 1:
            raise StorageError(f"a page of {limit} rows: at least 1 is needed")
        has_text = _text_test(wanted)
        candidates = self._newest_first(scope, wanted, cursor)
        rows: list[ExchangeRow] = []
        last: ExchangeRow | None = None
        for row, exchange in islice(candidates, None if wanted.text is None else MOST_LOOKED_INTO):
            if len(rows) == limit:
                break
            last = row
            if has_text(exchange):
                rows.append(row)
        else:
            # Nothing is left, unless a search has looked into enough for one page.
            if next(candidates, None) is None:
                last = None
        return Page(rows=tuple(rows), cursor=encode_cursor(last.started_at, last.id) if last else None)

    async def get(self, scope: Scope, exchange_id: str) -> Exchange | None:
        """One exchange; None where there is none in scope."""
        self._check_open()
        _, exchange = self._kept.get(exchange_id, (None, None))
        return exchange if exchange is not None and scope.allows(exchange.identity.tenant) else None

    async def costs(self, scope: Scope, wanted: ExchangeFilter, *, by: Sequence[str]) -> Sequence[CostRow]:
        """Sums grouped by some of COST_KEYS, highest cost first. Raises StorageError."""
        self._check_open()
        check_cost_keys(by)
        sums: dict[tuple[str | None, ...], CostSum] = {}
        for row in self._wanted(scope, wanted):
            total = sums.setdefault(group_of(row, tuple(by)), CostSum())
            total.calls += 1
            total.input_tokens += row.input_tokens or 0
            total.output_tokens += row.output_tokens or 0
            if row.cost_usd is None:
                total.unpriced += 1
            else:
                total.add_cost(row.cost_usd)
        return highest_first(total.row(group) for group, total in sums.items())

    async def delete(self, scope: Scope, wanted: ExchangeFilter) -> int:
        """Forget exchanges; how many went. Raises StorageError."""
        self._check_open()
        gone = {row.id for row in self._wanted(scope, wanted)}
        for exchange_id in gone:
            del self._kept[exchange_id]
        self._keys = [key for key in self._keys if key[1] not in gone]
        return len(gone)

    async def close(self) -> None:
        """Forget everything."""
        self._open = False
        self._forget_oldest(len(self._keys))

    def _wanted(self, scope: Scope, wanted: ExchangeFilter) -> Iterator[ExchangeRow]:
        has_text = _text_test(wanted)
        return (row for row, exchange in self._newest_first(scope, wanted, None) if has_text(exchange))

    def _newest_first(self, scope: Scope, wanted: ExchangeFilter, cursor: str | None) -> Iterator[_Kept]:
        """What is wanted but for its text."""
        check(wanted)
        end = len(self._keys)
        if cursor is not None:
            started_at, exchange_id = decode_cursor(cursor)
            end = bisect_left(self._keys, (microseconds(started_at), exchange_id))
        kept = (self._kept[self._keys[index][1]] for index in reversed(range(end)))
        return ((row, exchange) for row, exchange in kept if matches(row, scope, wanted))

    def _forget_oldest(self, count: int) -> None:
        for _, exchange_id in self._keys[:count]:
            del self._kept[exchange_id]
        del self._keys[:count]

    def _check_open(self) -> None:
        if not self._open:
            raise StorageError("memory://: the repository is not open")


def _text_test(wanted: ExchangeFilter) -> Callable[[Exchange], bool]:
    """Whether an exchange has the text that is wanted, if any is."""
    if wanted.text is None:
        return lambda _: True
    finds = text_finder(wanted.text)
    return lambda exchange: any(map(finds, texts_of(exchange)))
