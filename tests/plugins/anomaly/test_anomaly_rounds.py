"""The watch at work: alerts at the desk, baselines over restarts, and nodes that share a cache."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from midwatch_anomaly import numbers
from midwatch_anomaly.rounds import FOLDER
from midwatch_anomaly.settings import Settings
from midwatch_anomaly.sharing import LEASE
from midwatch_core import CacheLayer, IncidentState, Severity
from midwatch_memory import open_cache
from midwatch_redis import open_cache as open_redis
from tests.plugins.anomaly.anomaly_nodes import QUICK, Node, minute


@pytest.fixture
async def node(tmp_path: Path) -> Node:
    """One that has seen two hours of steady traffic."""
    node = Node(tmp_path)
    for _ in range(120):
        await minute([node], 20)
    assert node.open() == []
    return node


async def test_a_spike_is_an_incident_that_explains_itself_and_is_over_when_it_ends(node: Node) -> None:
    await minute([node], 400)
    (incident,) = node.open()
    assert incident.severity is Severity.HIGH
    assert incident.tenant == "acme"
    assert incident.fingerprint == "anomaly:acme:tenant::calls:high"
    assert incident.title == "Calls of acme: 20.0 × the usual"
    assert set(incident.details) >= {"value", "usual", "sigma", "deviations", "since", "agents", "models"}
    assert incident.details["agents"] == "coder 100%"
    for _ in range(7):
        await minute([node], 20)
    assert node.open() == []


async def test_a_grave_spike_is_told_before_its_minute_is_over(node: Node) -> None:
    node.rounds.take(node.calls(400))
    for _ in range(3):
        node.time.passed_s += 5
        await node.rounds.once()
    assert [item.title for item in node.open()] == ["Calls of acme: 20.0 × the usual"]


async def test_what_goes_on_is_one_incident_told_once(node: Node) -> None:
    for _ in range(15):
        await minute([node], 400)
    (incident,) = node.open()
    assert incident.count == 1
    assert incident.state is IncidentState.OPEN


async def test_a_restart_keeps_what_is_usual_and_what_runs(node: Node) -> None:
    await minute([node], 400)
    await node.rounds.close()
    after = node.again()
    await after.rounds.start()
    assert after.rounds.facts["running"] == 1
    assert after.rounds.facts["series"] == node.rounds.facts["series"]
    for _ in range(7):
        await minute([after], 20)
    assert after.rounds.facts["running"] == 0
    await minute([after], 400)
    assert [item.fingerprint for item in after.open()] == ["anomaly:acme:tenant::calls:high"]
    await after.rounds.close()


async def test_what_is_known_is_kept_now_and_then_without_a_stop(node: Node) -> None:
    after = node.again()
    await after.rounds.start()
    assert after.rounds.facts["series"] == node.rounds.facts["series"]
    await after.rounds.close()


@pytest.mark.parametrize("damage", [b"", b"midwatch-anomaly 1\n\0\0", b"\0" * 5000], ids=["empty", "cut", "foreign"])
async def test_a_file_that_is_torn_or_foreign_is_set_aside_and_said(
    node: Node, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await node.rounds.close()
    file = node.home / FOLDER / "baselines"
    file.write_bytes(damage)
    (node.home / FOLDER / "names").write_bytes(b"{}")
    after = node.again()
    await after.rounds.start()
    await after.rounds.close()
    assert "can't be read" in caplog.text
    assert file.with_suffix(".bad").read_bytes() == damage
    assert (node.home / FOLDER / "names.bad").read_bytes() == b"{}"
    assert after.rounds.facts["series"] == 0


async def test_a_cut_file_keeps_the_tenants_before_the_cut(node: Node) -> None:
    await minute([node], 20, tenant="other")
    await node.rounds.close()
    file = node.home / FOLDER / "baselines"
    file.write_bytes(file.read_bytes()[:-10])
    after = node.again()
    await after.rounds.start()
    assert after.rounds.facts["series"] == 3
    await after.rounds.close()


async def test_baselines_of_buckets_of_another_length_are_learned_anew(node: Node) -> None:
    await node.rounds.close()
    after = Node(node.home, settings=QUICK.model_copy(update={"bucket_s": 30}), time=node.time)
    await after.rounds.start()
    assert after.rounds.facts["series"] == 0
    await after.rounds.close()


async def test_calls_stored_late_are_of_no_spike(node: Node) -> None:
    late = [replace(item, started_at=node.time.now() - timedelta(hours=1)) for item in node.calls(400)]
    node.rounds.take(late)
    await minute([node], 20)
    assert node.open() == []
    assert [sample.values for sample in node.house.metrics.samples([numbers.LATE])] == [(400.0,)]


async def test_a_call_that_took_long_is_not_late(node: Node) -> None:
    began = node.time.now() - timedelta(hours=1)
    long = [
        replace(item, started_at=began, timing=replace(item.timing, duration_ms=3_600_000.0))
        for item in node.calls(400)
    ]
    node.rounds.take(long)
    await minute([node], 20)
    assert any(item.title.startswith("Calls of acme") for item in node.open())


async def test_nobody_is_missed_while_the_store_is_away(tmp_path: Path) -> None:
    node = Node(tmp_path, settings=Settings(hour_of_day=False, bucket_s=600))
    for _ in range(6 * 144):
        node.rounds.take(node.calls(30))
        node.time.passed_s += 600
        await node.rounds.once()
    node.parts["store"] = "unavailable: the journal keeps"
    for _ in range(20):
        node.time.passed_s += 600
        await node.rounds.once()
    assert node.open() == []
    node.parts["store"] = "available"
    for _ in range(3):
        node.rounds.take(node.calls(30))
        node.time.passed_s += 600
        await node.rounds.once()
    for _ in range(8):
        node.time.passed_s += 600
        await node.rounds.once()
    assert [item.title for item in node.open()] == ["Calls of acme stopped"]


async def test_a_disk_that_takes_nothing_is_said_and_the_watch_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FOLDER).write_text("a file where the folder should be")
    node = Node(tmp_path)
    for _ in range(120):
        await minute([node], 20)
    assert "problem" in node.rounds.facts
    assert caplog.text.count("the watch waits") >= 1
    await minute([node], 400)
    assert len(node.open()) == 1


async def test_memory_is_no_shared_cache(tmp_path: Path) -> None:
    cache = open_cache("memory://")
    assert cache is not None
    await cache.start()
    node = Node(tmp_path, cache)
    await node.rounds.once()
    assert not await cache.sums("anomaly:60:0")
    await node.rounds.close()
    assert (tmp_path / FOLDER / "baselines").exists()


async def test_of_nodes_that_share_a_cache_one_judges_what_all_of_them_stored(
    tmp_path: Path, shared: CacheLayer
) -> None:
    first = Node(tmp_path / "a", shared)
    second = Node(tmp_path / "b", shared, time=first.time)
    for _ in range(60):
        await minute([first, second], 10)
    assert [first.rounds.facts["judges"], second.rounds.facts["judges"]] == [False, False]  # no task runs in this test
    await minute([first, second], 100)
    await minute([first, second], 10)
    assert [item.details["value"] for item in first.open()] == ["200 in 60 s"]
    assert second.open() == []


async def test_who_takes_over_knows_what_the_one_before_knew(tmp_path: Path, shared: CacheLayer) -> None:
    first = Node(tmp_path / "a", shared)
    second = Node(tmp_path / "b", shared, time=first.time)
    for _ in range(60):
        await minute([first, second], 10)
    known = first.rounds.facts["series"]
    await first.rounds.close()
    await minute([second], 20)
    assert second.rounds.facts["series"] == known
    await minute([second], 200)
    await minute([second], 20)
    assert [item.fingerprint for item in second.open()] == ["anomaly:acme:tenant::calls:high"]


async def test_a_leader_that_was_away_too_long_learns_what_the_other_knows(tmp_path: Path, shared: CacheLayer) -> None:
    first = Node(tmp_path / "a", shared)
    second = Node(tmp_path / "b", shared, time=first.time)
    for _ in range(30):
        await minute([first, second], 10)
    assert first.rounds.facts["series"]
    await shared.release(LEASE, first.rounds.holder)
    await minute([second, first], 10)
    assert second.rounds.facts["series"]
    assert first.rounds.facts["series"] == 0
    await minute([second, first], 100)
    await minute([second, first], 10)
    assert [item.details["value"] for item in second.open()] == ["200 in 60 s"]


async def test_all_nodes_restarted_go_on_with_what_the_cache_keeps(tmp_path: Path, shared: CacheLayer) -> None:
    node = Node(tmp_path / "a", shared)
    for _ in range(60):
        await minute([node], 20)
    await node.rounds.close()
    assert not (tmp_path / "a" / FOLDER / "baselines").exists()
    after = Node(tmp_path / "c", shared, time=node.time)
    await minute([after], 20)
    assert after.rounds.facts["series"] == node.rounds.facts["series"]


async def test_what_another_version_kept_in_the_cache_is_learned_anew(
    tmp_path: Path, shared: CacheLayer, caplog: pytest.LogCaptureFixture
) -> None:
    await shared.set("anomaly:tenants", b'["acme", 7]')
    await shared.set("anomaly:baseline:acme", b"of another version")
    node = Node(tmp_path, shared)
    await minute([node], 20)
    assert "tenant acme is learned anew" in caplog.text
    await shared.set("anomaly:tenants", b"{torn")
    other = Node(tmp_path / "b", shared, time=node.time)
    await node.rounds.close()
    await shared.set("anomaly:tenants", b"{torn")
    await minute([other], 20)
    assert "all are learned anew" in caplog.text


async def test_a_cache_that_is_away_is_said_and_what_came_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = open_redis("valkey://127.0.0.1:1?prefix=nobody:")
    assert cache is not None
    node = Node(tmp_path, cache)
    for _ in range(10):
        node.rounds.take(node.calls(5))
        node.time.passed_s += 60
        await node.rounds.once()
    assert caplog.text.count("the watch waits") == 1
    assert "problem" in node.rounds.facts
    await cache.close()


async def test_other_settings_hold_from_the_next_round_on_and_what_is_usual_stays(node: Node) -> None:
    node.rounds.follow(QUICK.model_copy(update={"least_factor": 50.0}))
    await minute([node], 400)
    assert node.open() == []
    node.rounds.follow(QUICK)
    await minute([node], 400)
    assert [item.title.partition(":")[0] for item in node.open()] == ["Calls of acme"]


async def test_buckets_of_another_length_are_learned_anew_while_it_runs(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    assert node.rounds.facts["series"]
    node.rounds.follow(QUICK.model_copy(update={"bucket_s": 30}))
    await node.rounds.once()
    assert node.rounds.facts["series"] == 0
    assert "buckets have 30 s now" in caplog.text
    await minute([node], 20)
    assert node.rounds.facts["series"]
    assert "problem" not in node.rounds.facts


async def test_nodes_that_share_go_on_with_buckets_of_another_length(tmp_path: Path, shared: CacheLayer) -> None:
    nodes = [Node(tmp_path / name, shared) for name in ("one", "two")]
    for _ in range(3):
        await minute(nodes, 20)
    for node in nodes:
        node.rounds.follow(QUICK.model_copy(update={"bucket_s": 30}))
    for _ in range(4):
        await minute(nodes, 20)
    assert sum(bool(node.rounds.facts["judges"] or node.rounds.facts["series"]) for node in nodes) == 1
    assert not any("problem" in node.rounds.facts for node in nodes)
