"""A short chaos on each profile: nothing finished is lost, nothing is kept twice, no call fails for it."""

import os
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from midwatch_core.testing import make_exchange
from midwatch_sql import open_traces
from tests.e2e.chaos.profiles import Lite
from tests.e2e.chaos.running import run

# A run that failed is done again by its seed, which it prints.
SEED = int(os.environ.get("E2E_CHAOS_SEED", secrets.randbelow(2**31)))


@pytest.mark.parametrize("stores", ["lite", "production"])
async def test_chaos_loses_nothing_and_keeps_nothing_twice(tmp_path: Path, stores: str) -> None:
    verdict = await run(stores, tmp_path, seed=SEED, short=True)
    print(verdict.table())
    assert not verdict.faults


async def test_a_sum_that_is_not_its_rows_is_seen(tmp_path: Path) -> None:
    """What the verdict leans on can say no."""
    lite = Lite(tmp_path)
    traces = open_traces(f"sqlite:///{lite.traces.path}")
    assert traces is not None
    await traces.start()
    await traces.put([make_exchange(id="one"), make_exchange(id="two")])
    await traces.close()
    assert (lite.sums().rows, lite.sums().wrong_groups) == (2, 0)
    for change in ("cost_hours SET calls = calls + 1", "exchanges SET input_tokens = coalesce(input_tokens, 0) + 1"):
        before = lite.sums().wrong_groups
        with closing(sqlite3.connect(lite.traces.path)) as connection, connection:
            connection.execute(f"UPDATE {change}")
        assert lite.sums().wrong_groups > before
