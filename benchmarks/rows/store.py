"""How many exchanges the SQLite store keeps a second, in batches as the pipeline sends them."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence

from benchmarks.row import Row
from benchmarks.session import Session
from midwatch_core.model.exchange import Exchange
from midwatch_core.testing.factories import make_exchange, prose
from midwatch_sql import open_traces

BATCH = 100
TEXT_BYTES = 10 * 1024
TARGETS = {"all texts new, 10 KB in, 10 KB out": 1_000.0, "shared texts": 3_000.0}


def new_texts(count: int, seed: int) -> list[Exchange]:
    """Calls of which no text was seen before."""
    made = []
    for number in range(count):
        question, answer = prose(TEXT_BYTES, seed + 2 * number), prose(TEXT_BYTES, seed + 2 * number + 1)
        made.append(make_exchange(messages=[("user", question)], answer=answer))
    return made


def shared_texts(count: int) -> list[Exchange]:
    """Calls that all say the same: what is left is the exchange itself."""
    question, answer = prose(TEXT_BYTES, 1), prose(TEXT_BYTES, 2)
    return [make_exchange(messages=[("user", question)], answer=answer) for _ in range(count)]


async def per_second(exchanges: Sequence[Exchange]) -> float:
    """Exchanges a second into a new database, one batch after the other."""
    with tempfile.TemporaryDirectory() as folder:
        repository = open_traces(f"sqlite:///{folder}/midwatch.db")
        assert repository is not None
        await repository.start()
        started = time.perf_counter()
        for first in range(0, len(exchanges), BATCH):
            await repository.put(exchanges[first : first + BATCH])
        seconds = time.perf_counter() - started
        await repository.close()
    return len(exchanges) / seconds


async def measure(session: Session) -> list[Row]:
    """One row a kind of traffic, medians of the session's runs."""
    count = max(BATCH, session.scaled(2_000))
    seen: dict[str, list[float]] = {name: [] for name in TARGETS}
    loads = dict(zip(TARGETS, (new_texts(count, seed=10), shared_texts(count)), strict=True))
    for _ in range(session.runs):
        for name, exchanges in loads.items():
            seen[name].append(await per_second(exchanges))
    return [_row(name, statistics.median(figures)) for name, figures in seen.items()]


def _row(name: str, value: float) -> Row:
    least = TARGETS[name]
    return Row(
        name=f"SQLite store: {name}",
        value=value,
        unit="exchanges/s",
        target=f"≥ {least:,.0f}",
        ok=value >= least,
    )
