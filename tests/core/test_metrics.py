"""Metrics: counted, sent, summed; strangers' labels and other versions' numbers do no harm."""

import orjson
import pytest

from midwatch_core.metrics import MetricKind, Metrics, MetricSpec, Sample, from_json, summed, to_json

CALLS = MetricSpec(name="calls_total", kind=MetricKind.COUNTER, help="Calls", labels=("model",))
DEPTH = MetricSpec(name="depth_bytes", kind=MetricKind.GAUGE, help="Depth")
TIME = MetricSpec(name="time_seconds", kind=MetricKind.HISTOGRAM, help="Time", buckets=(0.1, 1.0))


@pytest.fixture
def metrics() -> Metrics:
    registry = Metrics()
    registry.declare([CALLS, DEPTH, TIME])
    return registry


def values(samples: list[Sample]) -> dict[tuple[str, tuple[str, ...]], tuple[float, ...]]:
    return {(item.name, item.labels): item.values for item in samples}


def test_counters_count_gauges_are_set_histograms_sort(metrics: Metrics) -> None:
    metrics.add("calls_total", labels=("a",))
    metrics.add("calls_total", 2, labels=("a",))
    metrics.set("depth_bytes", 7)
    metrics.set("depth_bytes", 5)
    for seconds in (0.05, 0.1, 0.5, 30):
        metrics.observe("time_seconds", seconds)
    found = values(metrics.samples())
    assert found["calls_total", ("a",)] == (3,)
    assert found["depth_bytes", ()] == (5,)
    assert found["time_seconds", ()] == pytest.approx((2, 1, 1, 30.65))


def test_a_metric_is_declared_once_or_the_same(metrics: Metrics) -> None:
    metrics.declare([CALLS])
    with pytest.raises(ValueError, match="calls_total is declared twice"):
        metrics.declare([MetricSpec(name="calls_total", kind=MetricKind.GAUGE, help="Calls", labels=("model",))])


def test_label_values_that_strangers_choose_are_bounded(metrics: Metrics) -> None:
    for number in range(2000):
        metrics.add("calls_total", labels=(f"model-{number}",))
    found = values(metrics.samples())
    assert len(found) == 501
    assert found["calls_total", ("other",)] == (1500,)


def test_label_values_are_short_and_can_be_seen(metrics: Metrics) -> None:
    for model in ("\ud800", "a\nb", "\u202egpt", "é 漢 😀", "m" * 1000, "m" * 1001):
        metrics.add("calls_total", labels=(model,))
    found = values(metrics.samples())
    assert {labels[0] for _, labels in found} == {"�", "a�b", "�gpt", "é 漢 😀", "m" * 120}
    assert found["calls_total", ("m" * 120,)] == (2,)


def test_only_the_metrics_asked_for_are_given(metrics: Metrics) -> None:
    metrics.set("depth_bytes", 1)
    metrics.add("calls_total", labels=("a",))
    assert [item.name for item in metrics.samples({"depth_bytes", "absent"})] == ["depth_bytes"]


def test_what_many_processes_bring_is_bounded_too() -> None:
    parts = [
        [Sample(name="calls_total", labels=(f"{part}-{number}",), values=(1.0,)) for number in range(500)]
        for part in range(3)
    ]
    found = values(summed([*parts, parts[0]], {}))
    assert len(found) == 501
    assert (found["calls_total", ("0-7",)], found["calls_total", ("other",)]) == ((2,), (1000,))


def test_samples_travel_as_json(metrics: Metrics) -> None:
    metrics.add("calls_total", labels=("a",))
    metrics.observe("time_seconds", 0.5)
    document = orjson.loads(orjson.dumps(to_json(metrics.samples())))
    assert from_json(document, metrics.specs) == metrics.samples()


@pytest.mark.parametrize(
    "foreign",
    [
        ["unknown_total", [], [1]],
        [7, [], [1]],
        ["calls_total", [], [1]],
        ["calls_total", ["a", "b"], [1]],
        ["time_seconds", [], [1, 2]],
        ["depth_bytes", "", [1]],
        ["depth_bytes", [], 1],
    ],
)
def test_samples_of_another_version_are_left_out(metrics: Metrics, foreign: list[object]) -> None:
    assert from_json([foreign], metrics.specs) == []


def test_processes_are_summed() -> None:
    one = [Sample(name="a", labels=(), values=(1, 2)), Sample(name="b", labels=("x",), values=(5,))]
    other = [Sample(name="a", labels=(), values=(10, 20)), Sample(name="b", labels=("y",), values=(7,))]
    found = values(summed([one, other, []], {}))
    assert found == {("a", ()): (11, 22), ("b", ("x",)): (5,), ("b", ("y",)): (7,)}


def test_of_a_measure_the_highest_process_counts() -> None:
    drift = MetricSpec(name="drift", kind=MetricKind.GAUGE, help="Drift", labels=("model",), highest=True)
    parts = [[Sample(name="drift", labels=("a",), values=(value,))] for value in (0.1, 0.3, 0.2)]
    assert values(summed(parts, {"drift": drift})) == {("drift", ("a",)): (0.3,)}
    assert values(summed(parts, {}))["drift", ("a",)] == pytest.approx((0.6,))
