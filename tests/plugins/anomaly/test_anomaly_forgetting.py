"""Forgetting a tenant: nothing of it is known, stands in a file or in the cache that nodes share; the others stay."""

import asyncio
from collections.abc import Awaitable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from midwatch_anomaly import Anomaly
from midwatch_anomaly.loops import Loops
from midwatch_anomaly.newness import Newness
from midwatch_anomaly.rounds import FOLDER
from midwatch_core import CacheLayer, Exchange, Forgotten, Host, LinkedBy, Metrics, Role, StorageError, Thread, Turn
from midwatch_core.testing import make_exchange
from midwatch_redis import open_cache
from tests.plugins.anomaly.anomaly_nodes import Node, minute
from tests.plugins.anomaly.anomaly_traffic import Life, calls

ACME = Forgotten(tenant="acme")


async def done(awaitable: Awaitable[None] | None) -> None:
    assert awaitable is not None
    await awaitable


async def watched(node: Node, minutes: int = 60, *, number: int = 20) -> None:
    """Minutes with calls of a tenant that is to be forgotten, and of another."""
    for _ in range(minutes):
        node.rounds.take(node.calls(number, tenant="lab"))
        await minute([node], number)


def holding(home: Path, text: str) -> set[str]:
    return {path.name for path in (home / FOLDER).iterdir() if text.encode() in path.read_bytes()}


def asked(node: Node, times: int) -> Iterator[Exchange]:
    """One request, again and again."""
    (base,) = node.calls(1)
    for _ in range(times):
        node.time.passed_s += 2
        unique = f"asked-{node.time.passed_s}"
        yield replace(base, id=unique, trace_id=unique, started_at=node.time.now())


async def standing(cache: CacheLayer, node: Node) -> dict[str, float]:
    """What the sums of the last buckets have of the tenant that is to be forgotten, by their names."""
    now = int(node.time.now().timestamp() // 60)
    found: dict[str, float] = {}
    for number in range(now - 20, now + 2):
        sums = await cache.sums(f"anomaly:60:{number}")
        found |= {f"{number} {name}": amount for name, amount in sums.items() if "acme" in name}
    return found


async def test_what_is_usual_and_what_runs_goes_and_the_files_are_written_anew(tmp_path: Path) -> None:
    node = Node(tmp_path)
    await watched(node)
    await minute([node], 400)
    assert [item.tenant for item in node.open()] == ["acme"]
    await node.rounds.close()
    assert holding(tmp_path, "acme") == {"baselines", "names"}
    node.rounds.take(node.calls(20))  # of a bucket that is not over yet
    await node.rounds.forget("acme")
    assert (holding(tmp_path, "acme"), holding(tmp_path, "lab")) == (set(), {"baselines", "names"})
    assert (node.rounds.facts["series"], node.rounds.facts["running"]) == (3, 0)
    told = len(node.house.desk.open())
    node.time.passed_s += 60
    await node.rounds.once()
    assert (node.rounds.facts["series"], len(node.house.desk.open())) == (3, told)
    after = node.again()
    await after.rounds.start()
    assert after.rounds.facts["series"] == 3
    await after.rounds.close()


async def test_a_round_under_way_ends_first_and_brings_nothing_back(tmp_path: Path) -> None:
    node = Node(tmp_path)
    for number in range(60):
        node.rounds.take(node.calls(1, tenant=f"tenant-{number}"))
    node.rounds.take(node.calls(1))  # judged last
    node.time.passed_s += 60
    under_way = asyncio.create_task(node.rounds.once())
    await asyncio.sleep(0)
    await node.rounds.forget("acme")
    assert under_way.done()
    assert node.rounds.facts["series"] == 3 * 60
    assert holding(tmp_path, "acme") == set()


async def test_what_was_set_aside_goes_too_and_so_does_what_was_half_written(tmp_path: Path) -> None:
    node = Node(tmp_path)
    await watched(node, 2)
    await node.rounds.close()
    for name in ("baselines.bad", "names.bad", ".baselines", ".names"):
        (tmp_path / FOLDER / name).write_bytes(b"acme")
    await node.rounds.forget("acme")
    assert {path.name for path in (tmp_path / FOLDER).iterdir()} == {"baselines", "names"}


def test_a_tenant_that_is_forgotten_is_learned_anew() -> None:
    life = Life()
    life.live(120)
    life.watcher.take(life.now_s, calls(30))
    life.watcher.forget("acme")
    assert life.pass_minute() == []
    assert (life.watcher.count, life.watcher.tenants()) == (0, [])
    life.pass_minute(calls(400))
    assert (life.watcher.count, life.told) == (1, [])


def test_newness_and_loops_know_nothing_of_it_and_all_of_the_others() -> None:
    newness, loops = Newness(), Loops()
    for tenant in ("acme", "lab"):
        for _ in range(4):
            exchange = make_exchange(tenant=tenant, thread=Thread(linked_by=LinkedBy.TRACEPARENT, turn=Turn.FIRST))
            newness.take(exchange, 0.0)
            loops.take(exchange)
    of_both = loops.remembered
    newness.forget("acme")
    newness.forget("nobody")
    loops.forget("acme")
    assert (newness.remembered, loops.remembered) == (1, of_both // 2)
    assert b"acme" not in newness.dump()
    loops.forget("lab")
    assert loops.remembered == 0


async def test_the_plugin_forgets_while_it_runs(tmp_path: Path) -> None:
    node, plugin = Node(tmp_path), Anomaly()
    await done(plugin.startup(node.host))
    for again in asked(node, 4):
        assert plugin.review(again) is None
    plugin.stored(node.calls(3))
    await done(plugin.forgotten(ACME, node.host))
    for again in asked(node, 4):
        assert plugin.review(again) is None
    assert [bool(plugin.review(again)) for again in asked(node, 1)] == [True]  # the fifth time since
    await plugin.shutdown(node.host)
    assert holding(tmp_path, "acme") == set()


async def test_where_nothing_runs_the_files_themselves_are_seen_to(tmp_path: Path) -> None:
    command = Host(role=Role.COMMAND, home=tmp_path, metrics=Metrics())
    await done(Anomaly().forgotten(ACME, command))
    assert list(tmp_path.iterdir()) == []
    node = Node(tmp_path)
    await watched(node, 2)
    await node.rounds.close()
    await done(Anomaly().forgotten(ACME, command))
    assert (holding(tmp_path, "acme"), holding(tmp_path, "lab")) == (set(), {"baselines", "names"})
    after = node.again()
    await after.rounds.start()
    assert after.rounds.facts["series"] == 3
    await after.rounds.close()


async def test_of_files_that_can_not_be_read_nobody_knows_whose_they_are(tmp_path: Path) -> None:
    node = Node(tmp_path)
    await watched(node, 2)
    await node.rounds.close()
    folder = tmp_path / FOLDER
    (folder / "names").write_bytes(b"{acme")
    (folder / ".names").write_bytes(b"acme")
    with (folder / "baselines").open("ab") as file:
        file.write(b"\0\0\0\4acme, torn")
    await done(Anomaly().forgotten(ACME, Host(role=Role.COMMAND, home=tmp_path, metrics=Metrics())))
    assert {path.name for path in folder.iterdir()} == {"baselines"}
    assert (holding(tmp_path, "acme"), holding(tmp_path, "lab")) == (set(), {"baselines"})


@pytest.mark.parametrize(
    "who",
    [
        Forgotten(tenant="acme", user="ada"),
        Forgotten(user="ada"),
        Forgotten(tenant="acme", until=datetime(2026, 11, 26, tzinfo=UTC)),
        Forgotten(tenant="acme", narrowed=True),
    ],
    ids=["a user of it", "a user", "what is old", "some of it"],
)
async def test_of_less_than_a_tenant_nothing_goes(tmp_path: Path, who: Forgotten) -> None:
    node, plugin = Node(tmp_path), Anomaly()
    await done(plugin.startup(node.host))
    assert plugin.forgotten(who, node.host) is None
    await plugin.shutdown(node.host)


async def test_a_disk_that_takes_nothing_is_told_and_it_is_forgotten_all_the_same(tmp_path: Path) -> None:
    node = Node(tmp_path)
    (tmp_path / FOLDER).write_text("a file where the folder should be")
    await watched(node, 2)
    with pytest.raises(OSError, match=FOLDER):
        await node.rounds.forget("acme")
    assert node.rounds.facts["series"] == 3
    (tmp_path / FOLDER).unlink()
    await node.rounds.forget("acme")
    assert holding(tmp_path, "acme") == set()


async def test_of_a_shared_cache_all_nodes_forget(tmp_path: Path, shared: CacheLayer) -> None:
    judges = Node(tmp_path / "a", shared)
    other = Node(tmp_path / "b", shared, time=judges.time)
    for _ in range(12):
        for node in (judges, other):
            node.rounds.take(node.calls(5, tenant="lab"))
        await minute([judges, other], 10)
    assert (judges.rounds.facts["series"], other.rounds.facts["series"]) == (6, 0)
    await judges.rounds.close()
    for node in (judges, other):
        node.rounds.take([*node.calls(10), *node.calls(7, tenant="lab")])
        await node.rounds.once()
        node.rounds.take(node.calls(10))
    assert any(amount for amount in (await standing(shared, judges)).values())
    await other.rounds.forget("acme")
    number = int(judges.time.now().timestamp() // 60)
    left = await standing(shared, judges)
    assert set(left.values()) == {0.0}
    assert min(int(name.split(" ")[0]) for name in left) >= number - 5  # older ones nobody reads
    assert (await shared.sums(f"anomaly:60:{number}"))["lab\x1ftenant\x1f\x1f0"] == 14
    await judges.rounds.once()
    assert judges.rounds.facts["series"] == 3
    assert await shared.get("anomaly:baseline:acme") is None
    assert await shared.get("anomaly:tenants") == b'["lab"]'
    for _ in range(2):
        await minute([judges, other], 0)
    assert judges.rounds.facts["series"] == 3
    assert set((await standing(shared, judges)).values()) <= {0.0}
    for node in (judges, other):
        await node.rounds.close()
        assert holding(node.home, "acme") == set()


async def test_what_runs_is_told_no_more_by_who_judges(tmp_path: Path, shared: CacheLayer) -> None:
    judges = Node(tmp_path / "a", shared)
    other = Node(tmp_path / "b", shared, time=judges.time)
    for number in (*[20] * 60, 400, 400):
        await minute([judges, other], number)
    (before,) = judges.open()
    await other.rounds.forget("acme")
    await minute([judges], 0)
    assert [item.last_at for item in judges.open()] == [before.last_at]


async def test_a_tenant_that_comes_back_is_forgotten_but_once(tmp_path: Path, shared: CacheLayer) -> None:
    judges = Node(tmp_path / "a", shared)
    other = Node(tmp_path / "b", shared, time=judges.time)
    await minute([judges, other], 10)
    await other.rounds.forget("acme")
    for _ in range(3):
        await minute([judges, other], 10)
    assert judges.rounds.facts["series"] == 3


async def test_a_node_that_can_not_write_tries_again_and_has_let_go_meanwhile(
    tmp_path: Path, shared: CacheLayer
) -> None:
    judges = Node(tmp_path / "a", shared)
    other = Node(tmp_path / "b", shared, time=judges.time)
    await minute([judges, other], 10)
    for number in (10, 0):
        await minute([judges, other], number, tenant="lab")
    assert judges.rounds.facts["series"] == 6
    judges.home.mkdir(exist_ok=True)
    (judges.home / FOLDER).write_text("a file where the folder should be")
    await other.rounds.forget("acme")
    await judges.rounds.once()
    assert (judges.rounds.facts["series"], "problem" in judges.rounds.facts) == (3, True)
    (judges.home / FOLDER).unlink()
    for _ in range(2):
        await judges.rounds.once()
    assert "problem" not in judges.rounds.facts
    assert holding(judges.home, "acme") == set()


async def test_a_cache_that_is_away_is_told(tmp_path: Path) -> None:
    cache = open_cache("valkey://127.0.0.1:1?prefix=nobody:")
    assert cache is not None
    node = Node(tmp_path, cache)
    node.rounds.take(node.calls(5))
    with pytest.raises(StorageError):
        await node.rounds.forget("acme")
    await cache.close()
