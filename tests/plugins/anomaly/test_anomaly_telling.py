"""What the watch tells: alerts at the desk, and numbers."""

from dataclasses import replace
from pathlib import Path

import pytest

from midwatch_anomaly import numbers
from midwatch_anomaly.change import Change, Explanation, Metric, Scope, Side, Stage
from midwatch_anomaly.measuring import Measurement
from midwatch_anomaly.settings import Settings
from midwatch_anomaly.telling import Telling
from midwatch_anomaly.watching import Watcher
from midwatch_core import Severity
from tests.plugins.anomaly.anomaly_nodes import Node

SPIKE = Explanation(
    tenant="acme",
    scope=Scope.AGENT,
    name="crawler",
    metric=Metric.COST,
    side=Side.HIGH,
    value=12.5,
    usual=0.5,
    sigma=0.1,
    deviations=9.4,
    since_s=1_782_691_200.0,
    bucket_s=60,
)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A house with a desk."""
    return Node(tmp_path)


def change(node: Node, stage: Stage) -> Change:
    """Of the spike, now."""
    return Change(stage=stage, at_s=node.time.now().timestamp(), severity=Severity.HIGH, explanation=SPIKE)


def counted(node: Node, name: str) -> list[tuple[tuple[str, ...], tuple[float, ...]]]:
    """Labels and values."""
    return [(sample.labels, sample.values) for sample in node.house.metrics.samples([name])]


def test_what_begins_is_raised_and_counted_and_what_is_over_is_closed(node: Node) -> None:
    telling = Telling(node.host)
    telling.tell([change(node, Stage.BEGAN)])
    telling.tell([change(node, Stage.GOES_ON)])
    assert [item.details["agent"] for item in node.open()] == ["crawler"]
    assert counted(node, numbers.BEGAN) == [(("cost_usd", "agent", "high"), (1.0,))]
    telling.tell([change(node, Stage.OVER)])
    assert node.open() == []


def test_a_house_without_a_desk_only_counts(node: Node) -> None:
    Telling(replace(node.host, alerts=None)).tell([change(node, Stage.BEGAN)])
    assert node.open() == []
    assert counted(node, numbers.BEGAN) == [(("cost_usd", "agent", "high"), (1.0,))]


def test_how_much_is_watched_is_counted(node: Node) -> None:
    watcher = Watcher(Settings(most_series=100))
    watcher.take(0, [Measurement(tenant=f"t{number}") for number in range(130)])
    watcher.close(60)
    Telling(node.host).count(watcher)
    told = [counted(node, name) for name in (numbers.SERIES, numbers.RUNNING, numbers.UNWATCHED)]
    assert told == [[((), (100.0,))], [((), (0.0,))], [((), (30.0,))]]


def test_calls_that_are_late_are_counted(node: Node) -> None:
    telling = Telling(node.host)
    telling.count_late(0)
    telling.count_late(3)
    assert counted(node, numbers.LATE) == [((), (3.0,))]
