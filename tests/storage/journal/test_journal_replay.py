"""The journal, the pipeline and a real store together: control killed with -9 mid-replay, and a damaged frame."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from midwatch_core.frame import encode
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import Metrics
from midwatch_core.model.exchange import Exchange
from midwatch_core.pipeline import METRICS, Pipeline
from midwatch_core.ports import ExchangeFilter, Scope
from midwatch_core.testing.factories import conversation
from midwatch_journal import JournalLimits, JournalReader, JournalWriter
from midwatch_sql import open_traces

# Says which exchanges it puts, one line a batch, before and after it: kills land on both sides of a commit.
CONTROL = """
import asyncio, sys
from pathlib import Path
from midwatch_core.hosting import Plugins
from midwatch_core.metrics import Metrics
from midwatch_core.pipeline import METRICS, Pace, Pipeline
from midwatch_journal import JournalReader
from midwatch_sql import open_traces

class Telling:
    def __init__(self, traces):
        self.traces = traces
    async def put(self, exchanges):
        print("put", *[exchange.id for exchange in exchanges], flush=True)
        await self.traces.put(exchanges)
        print("done", flush=True)

async def main():
    traces = open_traces("sqlite:///" + sys.argv[2])
    await traces.start()
    stopping = asyncio.Event()
    stopping.set()
    metrics = Metrics()
    metrics.declare(METRICS)
    with JournalReader(Path(sys.argv[1])) as reader:
        told = lambda exchanges: None
        pace = Pace(batch_frames=7)
        await Pipeline(reader, Telling(traces), Plugins(), metrics, stored=told, pace=pace).run(stopping)
    await traces.close()

asyncio.run(main())
"""


def journalled(root: Path, writers: int, exchanges: list[Exchange]) -> None:
    limits = JournalLimits(segment_bytes=60_000)
    for number in range(writers):
        with JournalWriter(root, f"w{number}", limits=limits) as writer:
            for exchange in exchanges[number::writers]:
                assert writer.append(encode(exchange)).wait(60)


def batches_until_killed(root: Path, database: Path, lines: int) -> list[list[str]]:
    """The batches that a control put, or began to, in its life: it is killed after so many lines."""
    words = [sys.executable, "-c", CONTROL, str(root), str(database)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        os.kill(process.pid, signal.SIGKILL)
        said += process.stdout.readlines()
    return [line.split()[1:] for line in said if line.startswith("put") and line.endswith("\n")]


def test_a_control_killed_mid_replay_puts_the_same_batches_again_and_stores_nothing_twice(tmp_path: Path) -> None:
    chance = random.Random(1)
    root, database = tmp_path / "journal", tmp_path / "midwatch.db"
    exchanges = list(conversation(90, characters=60))
    journalled(root, 3, exchanges)
    batches: list[list[str]] = []
    for _ in range(6):
        batches += batches_until_killed(root, database, chance.randrange(1, 7))
    last = subprocess.run(
        [sys.executable, "-c", CONTROL, str(root), str(database)], stdout=subprocess.PIPE, text=True, check=True
    )
    batches += [line.split()[1:] for line in last.stdout.splitlines() if line.startswith("put")]
    batch_of: dict[str, list[str]] = {}
    for batch in batches:
        for exchange_id in batch:
            assert batch_of.setdefault(exchange_id, batch) == batch
    assert len(batches) > len({tuple(batch) for batch in batches})  # some did come again
    with sqlite3.connect(database) as connection:
        kept = [row[0] for row in connection.execute("SELECT id FROM exchanges")]
    assert sorted(kept) == sorted(exchange.id for exchange in exchanges)
    assert not (root / "slices").exists()


async def test_a_damaged_frame_in_the_middle_is_counted_and_all_others_are_stored(tmp_path: Path) -> None:
    root = tmp_path / "journal"
    exchanges = list(conversation(9, characters=60))
    journalled(root, 1, exchanges)
    segment = root / "w0" / "000001.seg"
    data = bytearray(segment.read_bytes())
    at = data.index(exchanges[4].id.encode())
    data[at] ^= 0xFF
    segment.write_bytes(data)
    traces = open_traces(f"sqlite:///{tmp_path}/midwatch.db")
    assert traces is not None
    await traces.start()
    metrics = Metrics()
    metrics.declare(METRICS)
    stopping = asyncio.Event()
    stopping.set()
    with JournalReader(root) as reader:
        await Pipeline(reader, traces, Plugins(), metrics, stored=lambda _: None).run(stopping)
        assert (reader.stats().corrupt, reader.stats().torn) == (1, 0)
    page = await traces.list(Scope(), ExchangeFilter(), limit=20)
    await traces.close()
    assert [row.id for row in page.rows] == [one.id for one in reversed(exchanges) if one is not exchanges[4]]
