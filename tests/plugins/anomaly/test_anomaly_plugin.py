"""The plugin in its process: it watches in control alone, finds loops, and says how it stands."""

from dataclasses import replace
from pathlib import Path

from midwatch_anomaly import Anomaly
from midwatch_anomaly.rounds import FOLDER
from midwatch_anomaly.settings import Settings
from midwatch_core import Finding, Host, Metrics, Role
from midwatch_core.hosting import Plugins
from tests.plugins.anomaly.anomaly_nodes import Node


def opened(settings: dict[str, object] | None = None) -> Plugins:
    plugins = Plugins()
    plugins.add("anomaly", Anomaly)
    plugins.activate({"anomaly": settings} if settings else {})
    assert [item.name for item in plugins.list() if item.error] == []
    return plugins


async def test_it_measures_what_is_stored_and_keeps_it_at_the_end(tmp_path: Path) -> None:
    node, plugins = Node(tmp_path), opened()
    for outcome in await plugins.wait_all("startup", deadline_s=30, host=node.host):
        assert outcome.error is None
    plugins.call_all("stored", exchanges=node.calls(3))
    health = plugins.call_first("health")
    assert health is not None
    assert health.value.ready
    assert health.value.facts == {"judges": True, "series": 0, "running": 0}
    for outcome in await plugins.wait_all("shutdown", deadline_s=30, host=node.host):
        assert outcome.error is None
    assert {file.name for file in (tmp_path / FOLDER).iterdir()} == {"baselines", "names"}
    stopped = plugins.call_first("health")
    assert stopped is not None
    assert stopped.value.facts["judges"] is False


async def test_an_agent_in_a_circle_is_one_finding_and_an_incident(tmp_path: Path) -> None:
    node, plugins = Node(tmp_path), opened()
    await plugins.wait_all("startup", deadline_s=30, host=node.host)
    found: list[Finding] = []
    base = node.calls(1)[0]
    for number in range(12):
        node.time.passed_s += 2
        again = replace(base, id=f"again-{number:02}", trace_id=f"again-{number:02}", started_at=node.time.now())
        outcome = plugins.call_first("review", exchange=again)
        found += outcome.value if outcome else []
    await plugins.wait_all("shutdown", deadline_s=30, host=node.host)
    assert [finding.rule for finding in found] == ["anomaly/loop-prompt"]
    assert [item.fingerprint for item in node.open()] == ["anomaly:acme:agent:coder:loop-prompt"]


async def test_a_reload_brings_other_settings(tmp_path: Path) -> None:
    node, plugins = Node(tmp_path), opened()
    await plugins.wait_all("startup", deadline_s=30, host=node.host)
    quiet = Settings.model_validate({"loops": {"enabled": False}})
    for outcome in await plugins.wait_all(
        "reload", deadline_s=30, host=replace(node.host, settings={"anomaly": quiet})
    ):
        assert outcome.error is None
    base = node.calls(1)[0]
    for number in range(12):
        node.time.passed_s += 2
        again = replace(base, id=f"again-{number:02}", trace_id=f"again-{number:02}", started_at=node.time.now())
        assert plugins.call_first("review", exchange=again) is None
    await plugins.wait_all("shutdown", deadline_s=30, host=node.host)


async def test_a_reload_without_a_section_changes_nothing(tmp_path: Path) -> None:
    plugins = opened()
    host = Host(role=Role.WORKER, home=tmp_path, metrics=Metrics())
    for outcome in await plugins.wait_all("reload", deadline_s=30, host=host):
        assert outcome.error is None


async def test_it_does_nothing_in_other_processes(tmp_path: Path) -> None:
    plugins = opened()
    host = Host(role=Role.WORKER, home=tmp_path, metrics=Metrics())
    await plugins.wait_all("startup", deadline_s=30, host=host)
    plugins.call_all("stored", exchanges=[])
    assert plugins.call_first("health") is None
    assert list(tmp_path.iterdir()) == []
