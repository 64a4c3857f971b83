import asyncio
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from midwatch_core.ports import ExchangeFilter, Scope, TraceRepository
from midwatch_core.testing.factories import conversation, make_exchange
from midwatch_sql import open_traces

BATCH = 20
PUT_UNTIL_KILLED = f"""
import asyncio, sys
from midwatch_core.testing.factories import make_exchange
from midwatch_sql import open_traces
async def main():
    repository = open_traces(sys.argv[1])
    await repository.start()
    for number in range(10_000):
        name = f"batch-{{number}}"
        messages = [("user", f"{{name}} shared " + "x" * 3000)]
        batch = [make_exchange(trace_id=name, messages=messages, answer=f"{{name}} {{n}}") for n in range({BATCH})]
        await repository.put(batch)
        print(number, flush=True)
asyncio.run(main())
"""
PUT_THE_SAME = """
import asyncio, sys
from midwatch_core.testing.factories import conversation
from midwatch_sql import open_traces
async def main():
    repository = open_traces(sys.argv[1])
    await repository.start()
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in conversation(20, characters=30):
        await repository.put([turn])
    await repository.close()
asyncio.run(main())
"""


async def opened(path: Path, mode: str = "") -> TraceRepository:
    repository = open_traces(f"sqlite:///{path}{mode}")
    assert repository is not None
    await repository.start()
    return repository


async def test_readers_beside_a_writer_see_whole_batches(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.db"
    writer = await opened(path)
    readers = [await opened(path, mode) for mode in ("", "?mode=ro", "?mode=ro")]
    batches = [[make_exchange(trace_id=f"t{number}") for _ in range(10)] for number in range(40)]
    done = asyncio.Event()

    async def write() -> None:
        for batch in batches:
            await writer.put(batch)
        done.set()

    async def read(repository: TraceRepository) -> int:
        looks = 0
        while not done.is_set() or looks == 0:
            page = await repository.list(Scope(), ExchangeFilter(), limit=1000)
            assert len(page.rows) % 10 == 0
            if page.rows:
                assert await repository.get(Scope(), page.rows[0].id) is not None
            looks += 1
        return looks

    async with asyncio.timeout(60):
        writing = asyncio.create_task(write())
        looks = await asyncio.gather(*(read(one) for one in (*readers, writer)))
        await writing
    assert min(looks) > 0
    assert len((await readers[1].list(Scope(), ExchangeFilter(), limit=1000)).rows) == 400
    for repository in (writer, *readers):
        await repository.close()


async def test_retention_and_puts_take_turns(tmp_path: Path) -> None:
    repository = await opened(tmp_path / "midwatch.db")
    old = list(conversation(250, characters=20))
    await repository.put(old)
    new = list(conversation(30, characters=20, seed=0))
    gone, *_ = await asyncio.gather(
        repository.delete(Scope(), ExchangeFilter(until=old[-1].started_at)),
        *(repository.put([exchange]) for exchange in new),
    )
    assert gone == 249
    for exchange in (*new, old[-1]):
        assert await repository.get(Scope(), exchange.id) == exchange
    await repository.close()


async def test_processes_that_write_the_same_keep_it_once(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.db"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PUT_THE_SAME, f"sqlite:///{path}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.communicate("go\n", timeout=60)[1] == ""
    repository = await opened(path)
    page = await repository.list(Scope(), ExchangeFilter(), limit=100)
    assert len(page.rows) == 20
    for row in page.rows:
        assert await repository.get(Scope(), row.id) is not None
    assert await repository.delete(Scope(), ExchangeFilter()) == 20
    await repository.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM pieces").fetchone() == (0,)
    connection.close()


async def test_a_killed_writer_leaves_whole_batches(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.db"
    for kill_after in (1, 6):
        process = subprocess.Popen(
            [sys.executable, "-c", PUT_UNTIL_KILLED, f"sqlite:///{path}"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= kill_after:
                break
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        process.stdout.close()
        repository = await opened(path)
        connection = sqlite3.connect(path)
        counts = connection.execute("SELECT count(*) FROM exchanges GROUP BY trace_id").fetchall()
        connection.close()
        assert len(counts) > kill_after
        assert set(counts) == {(BATCH,)}
        for row in (await repository.list(Scope(), ExchangeFilter(), limit=2 * BATCH)).rows:
            assert await repository.get(Scope(), row.id) is not None
        await repository.delete(Scope(), ExchangeFilter())
        await repository.close()
