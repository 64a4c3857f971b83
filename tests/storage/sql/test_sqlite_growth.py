import sqlite3
from pathlib import Path

import pytest

from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.testing.factories import conversation
from midwatch_sql import open_traces

TURNS = 200


def settled_size(path: Path) -> int:
    """Bytes of the database with nothing left in its WAL."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    connection.close()
    return path.stat().st_size


@pytest.mark.parametrize("characters", [10, 600])
async def test_a_long_conversation_costs_its_new_text(tmp_path: Path, characters: int) -> None:
    path = tmp_path / "midwatch.db"
    repository = open_traces(f"sqlite:///{path}")
    assert repository is not None
    await repository.start()
    before = settled_size(path)
    turns = list(conversation(TURNS, characters=characters))
    for turn in turns:
        await repository.put([turn])
    grown = settled_size(path) - before
    print(f"{grown / TURNS:.0f} bytes a turn of {2 * characters} new characters")
    assert grown <= TURNS * (2 * characters * 1.5 + 2048)
    for turn in turns:
        assert await repository.get(Scope(), turn.id) == turn
    await repository.close()


async def test_retention_empties_and_shrinks_the_file(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.db"
    repository = open_traces(f"sqlite:///{path}")
    assert repository is not None
    await repository.start()
    turns = list(conversation(150, characters=1500))
    await repository.put(turns)
    full = settled_size(path)
    assert await repository.delete(Scope(), ExchangeFilter(until=turns[-1].started_at)) == 149
    assert await repository.get(Scope(), turns[-1].id) == turns[-1]
    connection = sqlite3.connect(path)
    of_the_last = connection.execute("SELECT count(*), min(uses) FROM pieces WHERE kind = 0").fetchone()
    assert of_the_last == (len(turns[-1].request.segments) + 1, 1)
    connection.close()
    await repository.put([*conversation(3, tenant="other")])
    assert await repository.delete(Scope(), ExchangeFilter()) == 4
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM pieces").fetchone() == (0,)
    connection.close()
    assert settled_size(path) < full / 4
    await repository.close()
