"""What was deleted is gone from the files' bytes, not only from answers."""

import random
import re
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from midwatch_core.model.exchange import Exchange
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.testing.factories import BEGINNING, make_exchange, prose
from midwatch_sql.compression import pack
from midwatch_sql.location import Location
from midwatch_sql.traces import SqliteTraces

EVERYONE = Scope()
COUNT = 1_000
WORDS = ("short", "person", "trace", "error")
LEAVING = frozenset(random.Random(1).sample(range(COUNT), COUNT // 2))  # no secret


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[SqliteTraces]:
    repository = SqliteTraces(Location(path=tmp_path / "midwatch.db"))
    await repository.start()
    yield repository
    await repository.close()


def said_by(number: int) -> Exchange:
    """Says a short text, kept as it is, and a long one, compressed; and is named in many places."""
    chance = random.Random(number)  # no secret
    short = f"short<{number:06}>{'leaving now' if number in LEAVING else 'staying'}"
    plain = make_exchange(messages=[("user", short)], answer=prose(chance.randint(300, 3_000), number))
    return replace(
        plain,
        started_at=BEGINNING.replace(microsecond=number),
        identity=replace(
            plain.identity, user=f"person<{number:06}>", agent="leaver" if number in LEAVING else "stayer"
        ),
        trace_id=f"trace<{number:06}>",
        error=f"error<{number:06}>{'x' * chance.randrange(300)}",
    )


def packed_of(exchange: Exchange) -> bytes:
    """Bytes from the midst of what its compressed answer is kept as."""
    assert exchange.response is not None
    return pack(exchange.response.segments[0].text.encode())[40:100]


def in_files(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))


def named_in(held: bytes) -> dict[str, set[int]]:
    """Which exchanges the files still name, by the kind of word."""
    named: dict[str, set[int]] = {word: set() for word in WORDS}
    for word, number in re.findall(rb"(short|person|trace|error)<(\d{6})>", held):
        named[word.decode()].add(int(number))
    return named


async def put_in_any_order(repository: SqliteTraces) -> dict[int, Exchange]:
    """Rows that come in any order make pages split, and rows move. All are found in the files."""
    exchanges = {number: said_by(number) for number in range(COUNT)}
    order = random.Random(2).sample(range(COUNT), COUNT)  # no secret
    for first in range(0, COUNT, 20):
        await repository.put([exchanges[number] for number in order[first : first + 20]])
    held = in_files(repository.database.location.path)
    assert named_in(held) == {word: set(range(COUNT)) for word in WORDS}
    assert all(packed_of(exchanges[number]) in held for number in range(0, COUNT, 10))
    return exchanges


@pytest.mark.parametrize("wanted", [ExchangeFilter(agent="leaver"), ExchangeFilter(text="LEAVING now")])
async def test_deleted_texts_and_names_leave_no_bytes(repository: SqliteTraces, wanted: ExchangeFilter) -> None:
    exchanges = await put_in_any_order(repository)
    assert await repository.delete(EVERYONE, wanted) == len(LEAVING)
    held = in_files(repository.database.location.path)
    assert named_in(held) == {word: set(range(COUNT)) - LEAVING for word in WORDS}
    for number in range(0, COUNT, 10):
        assert (packed_of(exchanges[number]) in held) == (number not in LEAVING)
    assert await repository.sums_apart() == []


async def test_what_is_old_goes_page_by_page(repository: SqliteTraces) -> None:
    await put_in_any_order(repository)
    assert await repository.delete(EVERYONE, ExchangeFilter(until=said_by(COUNT - 1).started_at)) == COUNT - 1
    named = named_in(in_files(repository.database.location.path))
    assert all(len(numbers) < COUNT / 50 for numbers in named.values())


async def test_a_reader_in_the_way_puts_the_rest_off(repository: SqliteTraces) -> None:
    path = repository.database.location.path
    await repository.put([said_by(number) for number in range(50)])
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM exchanges").fetchone()
    assert await repository.delete(EVERYONE, ExchangeFilter(agent="leaver")) > 0
    gone = next(number for number in range(50) if number in LEAVING)
    assert b"short<%06d>" % gone in in_files(path)
    reader.close()
    assert await repository.delete(EVERYONE, ExchangeFilter(agent="nobody")) == 0
    assert b"short<%06d>" % gone not in in_files(path)
