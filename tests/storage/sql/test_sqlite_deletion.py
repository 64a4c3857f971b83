"""What was deleted is gone from the files' bytes, not only from answers."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from midwatch_core.model.exchange import Exchange
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.testing.factories import make_exchange, prose
from midwatch_sql.location import Location
from midwatch_sql.traces import SqliteTraces

EVERYONE = Scope()


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[SqliteTraces]:
    repository = SqliteTraces(Location(path=tmp_path / "midwatch.db"))
    await repository.start()
    yield repository
    await repository.close()


def said_by(number: int) -> Exchange:
    """Says one short text, kept as it is, one that is compressed, and one that no compressor makes smaller."""
    plain = make_exchange(messages=[("user", f"short<{number:06}>said")], answer=prose(3_000, number))
    noise = random.Random(number).randbytes(150).hex()  # noqa: S311  # no secret
    return replace(
        plain,
        identity=replace(plain.identity, user=f"person<{number:06}>", key_id=f"key<{number:06}>"),
        trace_id=f"trace<{number:06}>",
        error=f"error<{number:06}>{noise}",
    )


def traces_of(path: Path, numbers: Iterable[int]) -> dict[int, list[bytes]]:
    """What the file holds of these exchanges, in its own bytes: clear words, and compressed texts and details."""
    found = {number: [b"%s<%06d>" % (word, number) for word in (b"short", b"person", b"key", b"trace", b"error")] for number in numbers}
    connection = sqlite3.connect(path)
    for number in numbers:
        (detail,) = connection.execute("SELECT detail FROM exchanges WHERE user = ?", (f"person<{number:06}>",)).fetchone()
        found[number].append(detail[20:84])
    bodies = [body for (body,) in connection.execute("SELECT body FROM pieces WHERE length(body) > 500 ORDER BY rowid")]
    connection.close()
    for number, body in zip(numbers, bodies, strict=True):
        found[number] += [body[start : start + 64] for start in range(20, len(body) - 64, 400)]
    return found


def in_files(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*")))


@pytest.mark.parametrize("way", ["one by one", "by text", "by time"])
async def test_deleted_texts_and_names_leave_no_bytes(repository: SqliteTraces, way: str) -> None:
    path = repository.database.location.path
    numbers = range(300)
    exchanges = [said_by(number) for number in numbers]
    for exchange in exchanges:
        await repository.put([exchange])
    marks = traces_of(path, numbers)
    before = in_files(path)
    assert all(mark in before for wanted in marks.values() for mark in wanted)
    if way == "by time":
        gone = set(range(200))
        await repository.delete(EVERYONE, ExchangeFilter(until=exchanges[200].started_at))
    else:
        gone = set(random.Random(1).sample(numbers, 60))  # noqa: S311  # no secret
        for number in gone:
            named = ExchangeFilter(user=f"person<{number:06}>")
            said = ExchangeFilter(text=f"SHORT<{number:06}>")
            assert await repository.delete(EVERYONE, said if way == "by text" else named) == 1
    after = in_files(path)
    left = [(number, mark) for number in sorted(gone) for mark in marks[number] if mark in after]
    assert left == []
    assert all(mark in after for number in numbers if number not in gone for mark in marks[number])
