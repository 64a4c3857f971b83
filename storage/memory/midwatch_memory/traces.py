"""The trace repository in memory: the newest exchanges, as many as it may hold."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice

from midwatch_core import (
    ActivityRow,
    ActivitySum,
    ConversationPage,
    CostRow,
    CostSum,
    Exchange,
    ExchangeFilter,
    ExchangeRow,
    FindingCount,
    FindingFilter,
    FindingPage,
    Page,
    Scope,
    StorageError,
    activity_of,
    check_cost_keys,
    conversation_of,
    decode_cursor,
    encode_cursor,
    highest_first,
    microseconds,
    most_calls_first,
    row_of,
    text_finder,
)
from midwatch_memory.capacity import DEFAULT
from midwatch_memory.findings import counts_of, page_of
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
        _check_limit(limit)
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
            total.add_call(row.input_tokens, row.output_tokens, row.cost_usd)
        return highest_first(total.row(group) for group, total in sums.items())

    async def activity(self, scope: Scope, wanted: ExchangeFilter, *, by: Sequence[str]) -> Sequence[ActivityRow]:
        """Counts grouped by some of COST_KEYS, most calls first. Raises StorageError."""
        self._check_open()
        check_cost_keys(by)
        sums: dict[tuple[str | None, ...], ActivitySum] = {}
        for row, exchange in self._newest_first(scope, wanted, None):
            sums.setdefault(group_of(row, tuple(by)), ActivitySum()).add(activity_of(exchange))
        return most_calls_first(total.row(group) for group, total in sums.items())

    async def conversations(
        self, scope: Scope, wanted: ExchangeFilter, *, limit: int, cursor: str | None = None
    ) -> ConversationPage:
        """A page of traces, newest first. Raises StorageError."""
        self._check_open()
        _check_limit(limit)
        if wanted.text is not None:
            raise StorageError("conversations can't be searched for a text")
        heads = self._heads(scope, wanted, cursor)
        page = list(islice(heads, limit))
        more = next(heads, None) is not None
        traces = self._traces(scope, {head.trace_id for head in page})
        rows = [conversation_of(traces[head.trace_id]) for head in page]
        return ConversationPage(
            rows=tuple(rows), cursor=encode_cursor(page[-1].started_at, page[-1].id) if more else None
        )

    async def findings(
        self, scope: Scope, wanted: FindingFilter, *, limit: int, cursor: str | None = None
    ) -> FindingPage:
        """A page of findings, those of the newest exchanges first. Raises StorageError."""
        self._check_open()
        _check_limit(limit)
        return page_of(self._exchanges(), scope, wanted, limit, cursor)

    async def finding_counts(self, scope: Scope, wanted: FindingFilter, *, by: Sequence[str]) -> Sequence[FindingCount]:
        """Findings counted by some of FINDING_KEYS, most first. Raises StorageError."""
        self._check_open()
        return counts_of(self._exchanges(), scope, wanted, by)

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

    def _exchanges(self) -> Iterator[Exchange]:
        """All, newest first."""
        return (self._kept[exchange_id][1] for _, exchange_id in reversed(self._keys))

    def _heads(self, scope: Scope, wanted: ExchangeFilter, cursor: str | None) -> Iterator[ExchangeRow]:
        """Of each trace its newest exchange that is wanted, where that stands after the cursor."""
        end = decode_cursor(cursor) if cursor is not None else None
        seen: set[str] = set()
        for row, _ in self._newest_first(scope, wanted, None):
            if row.trace_id not in seen:
                seen.add(row.trace_id)
                if end is None or (row.started_at, row.id) < end:
                    yield row

    def _traces(self, scope: Scope, trace_ids: Collection[str]) -> dict[str, deque[Exchange]]:
        """All exchanges in scope of these traces."""
        traces: dict[str, deque[Exchange]] = {}
        for row, exchange in self._newest_first(scope, ExchangeFilter(), None):
            if row.trace_id in trace_ids:
                traces.setdefault(row.trace_id, deque()).append(exchange)
        return traces

    def _forget_oldest(self, count: int) -> None:
        for _, exchange_id in self._keys[:count]:
            del self._kept[exchange_id]
        del self._keys[:count]

    def _check_open(self) -> None:
        if not self._open:
            raise StorageError("memory://: the repository is not open")


def _check_limit(limit: int) -> None:
    if limit < 1:
        raise StorageError(f"a page of {limit} rows: at least 1 is needed")


def _text_test(wanted: ExchangeFilter) -> Callable[[Exchange], bool]:
    """Whether an exchange has the text that is wanted, if any is."""
    if wanted.text is None:
        return lambda _: True
    finds = text_finder(wanted.text)
    return lambda exchange: any(map(finds, texts_of(exchange)))
