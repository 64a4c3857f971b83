"""kill -9 of worker and control in turn, under load: nothing a client had in full is lost, nothing is kept twice."""

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

from midwatch_journal import JournalReader
from tests.e2e.killing import House, Killer, Load, duplicates, simulated_providers

# Kills of each kind. Twenty take about a minute and a half: a worker needs one to two seconds to start.
KILLS = int(os.environ.get("E2E_KILLS", "20"))
CLIENTS = 15


async def test_nothing_finished_is_lost_by_kill_9(tmp_path: Path) -> None:
    async with simulated_providers(tmp_path / "providers") as providers:
        # Fifteen clients as fast as they can are more than a tenant's default of 100 calls a second.
        house = House(tmp_path, providers, settings={"limits": []})
        house.start()
        try:
            load, killer = await _kill_in_turn(house)
        except BaseException:
            print(house.log)
            raise
        finally:
            code = await house.end()
    assert code == 0, house.log
    _nothing_failed(load, killer, house)
    _all_is_stored(load, house)


async def _kill_in_turn(house: House) -> tuple[Load, Killer]:
    load = Load(await house.ready(), house.trust())
    killer = Killer(house, load)
    running = asyncio.create_task(load.run(CLIENTS))
    chance = random.Random(0)
    try:
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.05, 0.4))
            await killer.kill_worker()
            await asyncio.sleep(chance.uniform(0.05, 0.4))
            await killer.kill_control()
    finally:
        load.ended.set()
        await running
    return load, killer


def _nothing_failed(load: Load, killer: Killer, house: House) -> None:
    failed = [attempt for attempt in load.attempts if not attempt.whole]
    excepted = [attempt for attempt in failed if killer.excepted(attempt) and "Refused" not in attempt.error]
    print(
        f"{len(load.attempts)} calls, {len(killer.worker_kills_s)} kills of the worker, "
        f"{len(killer.control_kills_s)} of control; {killer.in_flight} calls under way at kills, "
        f"{len(excepted)} failed that were in flight on a killed worker; slowest recovery {killer.slowest_s}; "
        f"whole: {dict(Counter(attempt.kind for attempt in load.attempts if attempt.whole))}"
    )
    assert failed == excepted, (Counter(a.error for a in failed if a not in excepted), house.log)
    assert excepted, "no kill met a call: there was no load"
    assert len(killer.worker_kills_s) == len(killer.control_kills_s) == KILLS


def _all_is_stored(load: Load, house: House) -> None:
    rows = house.stored()
    assert not duplicates(rows)
    whole = {attempt.trace_id for attempt in load.attempts if attempt.whole}
    by_trace = {row["trace_id"]: row for row in rows}
    assert not whole - by_trace.keys(), f"{len(whole - by_trace.keys())} of {len(whole)} are lost"
    wrong = [row for trace, row in by_trace.items() if trace in whole and (row["status"], row["error"]) != (200, None)]
    assert not wrong
    with JournalReader(house.home.journal) as journal:
        assert journal.poll() == []
