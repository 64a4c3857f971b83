"""The filled store is one that the repository reads, and the live tail's benchmark knows its calls again."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # `benchmarks` is a package of the checkout

from benchmarks.kept import DAYS, FIRST, exchange_id, fill
from benchmarks.rows.tail import Tail
from midwatch_core.finding_listing import FindingFilter
from midwatch_core.ports import ExchangeFilter, Scope, TraceRepository
from midwatch_sql import open_traces

COUNT = 400


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kept") / "million.db"
    fill(path, COUNT)
    return path


@pytest.fixture
async def kept(filled: Path) -> AsyncIterator[TraceRepository]:
    repository = open_traces(f"sqlite:///{filled}?mode=ro")
    assert repository is not None
    await repository.start()
    yield repository
    await repository.close()


async def test_the_calls_are_of_the_ninety_days_up_to_now(kept: TraceRepository) -> None:
    rows = (await kept.list(Scope(), ExchangeFilter(), limit=COUNT + 1)).rows
    assert [row.id for row in rows] == [exchange_id(number) for number in reversed(range(COUNT))]
    assert rows[-1].started_at == FIRST
    assert (rows[0].started_at - FIRST).days == DAYS - 1
    assert sum(row.calls for row in await kept.costs(Scope(), ExchangeFilter(), by=["tenant"])) == COUNT


async def test_each_call_can_be_read_and_its_texts_searched(kept: TraceRepository) -> None:
    call = await kept.get(Scope(), exchange_id(0))
    assert call is not None
    assert call.request.segments[-1].text == "What is the capital of France?"
    assert (await kept.list(Scope(), ExchangeFilter(text="capital"), limit=1)).rows


async def test_every_finding_has_an_id_of_its_own(kept: TraceRepository) -> None:
    rows = (await kept.findings(Scope(), FindingFilter(), limit=COUNT)).rows
    assert rows
    assert len({row.id for row in rows}) == len(rows)


def test_the_tail_counts_from_a_calls_end_and_knows_it_by_its_trace() -> None:
    tail = Tail(run=1)
    request = tail.request(4)
    assert b"traceparent: 00-00000000000000020000000000000005-" in request
    tail.ended(4)
    tail.told('{"trace_id": "00000000000000010000000000000005"}')  # another run's
    tail.told('{"trace_id": "00000000000000020000000000000005"}')
    (behind,) = tail.seconds()
    assert behind >= 0
