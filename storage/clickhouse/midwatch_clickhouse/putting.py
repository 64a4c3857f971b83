"""Keeping a batch: one insert a month, each with a token of its own, so that a batch sent again counts nothing twice.

An insert of one block into one partition is kept whole or not at all. The server remembers the tokens of the latest
WINDOW inserts, of the table and of the view's target: what is sent again with the same token reaches only whichever
of the two had missed it. Every row keeps its token, and so a batch that is there already is told from one that only
overlaps with what is there.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import batched

from midwatch_clickhouse.columns import EXCHANGES, TEXTS
from midwatch_clickhouse.connecting import Connection
from midwatch_clickhouse.document import TakenApart, take_apart
from midwatch_clickhouse.layout import WINDOW
from midwatch_clickhouse.recent_texts import RecentTexts, TextKey
from midwatch_clickhouse.rows import values_of
from midwatch_clickhouse.sweeping import sweeps
from midwatch_core import Exchange

# Ids in one look-up.
_CHUNK = 1000
_BATCHES = "SELECT id, batch FROM exchanges WHERE id IN {ids:Array(String)}"
_NEWER = """
    SELECT uniqExact(batch) FROM exchanges
    WHERE kept_at >= (SELECT min(kept_at) FROM exchanges WHERE id IN {ids:Array(String)})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An exchange with the values of its row: what can't be kept was refused before anything is sent."""

    item: TakenApart
    values: tuple[object, ...]
    month: tuple[int, int]


def prepare(exchanges: Sequence[Exchange]) -> list[Prepared]:
    """The exchanges ready to be sent, the first of each id. Raises what take_apart and values_of raise."""
    first = {exchange.id: exchange for exchange in reversed(exchanges)}
    return [_prepared(exchange) for exchange in reversed(first.values())]


def _prepared(exchange: Exchange) -> Prepared:
    item = take_apart(exchange)
    started_at = exchange.started_at.astimezone(UTC)
    return Prepared(item=item, values=values_of(item.row), month=(started_at.year, started_at.month))


def token_of(generation: int, ids: Sequence[str]) -> str:
    """The token of a batch: of its ids in their order, and of the deletions before it.

    Without those, an exchange put again after it was deleted would be taken for a batch sent again, and dropped.
    """
    digest = hashlib.blake2b("\0".join([str(generation), *ids]).encode(), digest_size=16).hexdigest()
    return f"{digest}-{len(ids)}"


async def put_batch(connection: Connection, recent: RecentTexts, batch: Sequence[Prepared], now_s: float) -> None:
    """Keep those that are not there yet. `now_s` is the monotonic clock. Raises StorageError."""
    months: dict[tuple[int, int], list[Prepared]] = {}
    for one in batch:
        months.setdefault(one.month, []).append(one)
    for month in sorted(months):
        generation = await sweeps(connection)
        recent.follow(generation, now_s)
        await _put_month(connection, recent, months[month], generation)


async def _put_month(connection: Connection, recent: RecentTexts, batch: Sequence[Prepared], generation: int) -> None:
    ids = [one.item.row.id for one in batch]
    known = await _batches(connection, ids)
    fresh = [one for one in batch if one.item.row.id not in known]
    if fresh:
        texts = _texts(fresh)
        await _send_texts(connection, texts, recent, generation)
        await _send_rows(connection, fresh, token_of(generation, [one.item.row.id for one in fresh]))
        if await sweeps(connection) != generation:
            # A deletion that began meanwhile may have taken texts that only this batch refers to.
            recent.clear()
            await _send_texts(connection, texts, recent, generation)
    elif await _may_be_half_seen(connection, known):
        await _send_rows(connection, batch, next(iter(known.values())))


async def _batches(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in batched(ids, _CHUNK):
        found.update((row[0], row[1]) for row in await connection.rows(_BATCHES, {"ids": list(some)}))
    return found


async def _may_be_half_seen(connection: Connection, known: Mapping[str, str]) -> bool:
    """Whether this is exactly one batch sent again whose token is still remembered: a view may have missed it."""
    tokens = set(known.values())
    if len(tokens) != 1 or not tokens.pop().endswith(f"-{len(known)}"):
        return False
    # Half the window: other processes go on inserting.
    ((newer,),) = await connection.rows(_NEWER, {"ids": [next(iter(known))]})
    return int(newer) < WINDOW // 2


def _texts(batch: Sequence[Prepared]) -> dict[TextKey, bytes]:
    return {(one.item.row.tenant, key): text for one in batch for key, text in one.item.texts.items()}


async def _send_texts(
    connection: Connection, texts: Mapping[TextKey, bytes], recent: RecentTexts, generation: int
) -> None:
    new = recent.unknown(texts)
    if new:
        columns: list[list[object]] = [
            [tenant for tenant, _ in new],
            [key for _, key in new],
            [texts[key] for key in new],
        ]
        await connection.insert("texts", TEXTS, columns)
    recent.add(texts, generation)


async def _send_rows(connection: Connection, batch: Sequence[Prepared], token: str) -> None:
    rows = [(*one.values, *one.item.facts, list(one.item.texts), token, one.item.detail) for one in batch]
    columns = [list(column) for column in zip(*rows, strict=True)]
    await connection.insert("exchanges", EXCHANGES, columns, token=token)
