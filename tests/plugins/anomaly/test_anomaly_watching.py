"""Begin, go on and end: what the watcher tells of traffic that is not as usual, and what it does not."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from midwatch_anomaly.change import Metric, Scope, Side, Stage
from midwatch_anomaly.measuring import Measurement
from midwatch_anomaly.settings import Settings
from midwatch_anomaly.watching import Watcher
from midwatch_core import Severity
from tests.plugins.anomaly.anomaly_traffic import DAY, HOUR, MINUTE_S, QUICK, Life, calls, told


@pytest.fixture
def steady() -> Life:
    """Half a day of steady traffic, of which nothing was told."""
    life = Life()
    assert life.live(12 * HOUR, agent="coder", model="big") == []
    return life


def test_a_grave_spike_is_told_in_its_first_minute_with_what_explains_it(steady: Life) -> None:
    since_s = steady.now_s
    (change,) = steady.pass_minute(calls(30, agent="coder", model="big") + calls(300, agent="crawler", model="small"))
    of = change.explanation
    assert (change.stage, change.severity) == (Stage.BEGAN, Severity.HIGH)
    assert (of.tenant, of.scope, of.metric, of.side) == ("acme", Scope.TENANT, Metric.CALLS, Side.HIGH)
    assert of.value == 330
    assert 27 < of.usual < 33
    assert 0 < of.sigma < 10
    assert of.deviations > 6
    assert of.since_s == since_s
    assert {Metric.COST, Metric.INPUT, Metric.OUTPUT} == set(of.also)
    assert [(item.scope, item.name, round(item.share, 2)) for item in of.contributors] == [
        (Scope.AGENT, "crawler", 0.91),
        (Scope.MODEL, "small", 0.91),
    ]


def test_what_is_not_grave_is_told_in_its_second_minute(steady: Life) -> None:
    assert steady.pass_minute(calls(75)) == []
    (change,) = steady.pass_minute(calls(75))
    assert change.severity is Severity.MEDIUM


def test_a_mean_is_told_in_its_third_minute(steady: Life) -> None:
    slow = calls(30, each_ms=2200)
    assert steady.pass_minute(slow) + steady.pass_minute(slow) == []
    (change,) = steady.pass_minute(slow)
    assert (change.explanation.metric, change.explanation.also) == (Metric.LATENCY, ())


def test_two_minutes_with_a_calm_one_between_are_no_anomaly(steady: Life) -> None:
    assert steady.pass_minute(calls(75)) + steady.live(1) + steady.pass_minute(calls(75)) == []


def test_it_is_over_after_some_minutes_as_usual_and_told_once(steady: Life) -> None:
    assert told(steady.live(30, 300)) == [("began", "calls", "high")]
    changes = steady.live(10)
    assert told(changes) == [("over", "calls", "high")]
    assert steady.watcher.running() == []


def test_one_calm_minute_does_not_end_it(steady: Life) -> None:
    assert len(steady.live(5, 300)) == 1
    assert steady.live(1) + steady.live(5, 300) == []


def test_an_anomaly_does_not_make_itself_usual_within_the_hour(steady: Life) -> None:
    steady.live(30, 300)
    (change,) = steady.watcher.running()
    assert change.explanation.usual < 60


def test_a_new_level_is_usual_after_some_hours(steady: Life) -> None:
    assert told(steady.live(8 * HOUR, 300)) == [("began", "calls", "high"), ("over", "calls", "high")]


@pytest.mark.parametrize(
    ("change", "metric"),
    [
        ({"each_usd": 0.5}, Metric.COST),
        ({"input_tokens": 60_000}, Metric.INPUT),
        ({"output_tokens": 20_000}, Metric.OUTPUT),
        ({"each_ms": 30_000}, Metric.LATENCY),
        ({"errors": 20}, Metric.ERRORS),
        ({"findings": 25}, Metric.FINDINGS),
    ],
    ids=["cost", "input", "output", "latency", "errors", "findings"],
)
def test_each_metric_has_its_own_anomaly(steady: Life, change: dict[str, Any], metric: Metric) -> None:
    began = [item.explanation for item in steady.live(4, **change)]
    assert metric in {named for item in began for named in (item.metric, *item.also)}
    assert {item.scope for item in began} == {Scope.TENANT}


def test_more_output_a_token_of_input_is_told(steady: Life) -> None:
    began = steady.live(4, input_tokens=300, output_tokens=1500)
    assert Metric.RATIO in {item.explanation.metric for item in began}


def test_an_agent_that_spikes_within_its_tenant_is_told_by_name() -> None:
    life = Life()
    for _ in range(6 * HOUR):
        assert life.pass_minute(calls(life.near(200), agent="crowd") + calls(life.near(4), agent="lone")) == []
    changes = [item for _ in range(3) for item in life.pass_minute(calls(200, agent="crowd") + calls(90, agent="lone"))]
    assert [(item.explanation.scope, item.explanation.name) for item in changes] == [(Scope.AGENT, "lone")]


def test_a_part_tells_nothing_that_its_tenant_tells(steady: Life) -> None:
    changes = steady.live(20, 300, agent="coder", model="big") + steady.live(30, agent="coder", model="big")
    assert {item.explanation.scope for item in changes} == {Scope.TENANT}


def test_a_series_that_never_varied_may_vary_a_little() -> None:
    life = Life()
    for _ in range(12 * HOUR):
        life.pass_minute(calls(30))
    for number in (33, 27, 36, 40, 30, 38):
        assert life.pass_minute(calls(number)) == []
    assert told(life.pass_minute(calls(300))) == [("began", "calls", "high")]


def test_small_numbers_are_no_anomaly_however_far_they_are_off() -> None:
    life = Life()
    for minute in range(12 * HOUR):
        life.pass_minute(calls(minute % 2, each_usd=0.0001, input_tokens=10, output_tokens=1))
    assert life.live(5, 8, each_usd=0.0001, input_tokens=10, output_tokens=1) == []


def test_one_dear_call_alone_is_not_told() -> None:
    life = Life()
    for minute in range(12 * HOUR):
        life.pass_minute(calls(minute % 2))
    assert life.pass_minute(calls(1, each_usd=50)) == []


def test_nothing_is_told_while_it_warms_up() -> None:
    life = Life(Settings(warm_up_h=5))
    assert life.live(4 * HOUR) + life.live(30, 300) == []


def test_nothing_is_told_of_fewer_buckets_than_samples_are_asked_for() -> None:
    life = Life(Settings(warm_up_h=0, min_samples=100))
    assert life.live(60) + life.live(30, 300) == []


def test_a_higher_sigma_lets_more_pass() -> None:
    life = Life(QUICK.model_copy(update={"sigma": 10.0}))
    life.live(12 * HOUR)
    assert life.live(3, 75) == []


def office(life: Life) -> list[Measurement]:
    """Busy from eight to six, quiet at night."""
    hour = life.minute % DAY // HOUR
    return calls(life.near(100 if 8 <= hour < 18 else 2))


def spent(life: Life, minutes: int, source: Callable[[Life], list[Measurement]]) -> list[tuple[str, str, str]]:
    return told([change for _ in range(minutes) for change in life.pass_minute(source(life))])


def test_mornings_are_usual_once_the_hours_of_the_day_are_known() -> None:
    life = Life(Settings())
    assert spent(life, 7 * DAY, office) == []


def test_mornings_are_anomalies_without_hours_of_the_day() -> None:
    life = Life(Settings(hour_of_day=False, silence=False, drift=False))
    assert ("began", "calls", "high") in spent(life, 4 * DAY, office)


def test_what_is_usual_at_noon_is_an_anomaly_at_night() -> None:
    life = Life(Settings())
    spent(life, 4 * DAY + 2 * HOUR, office)
    (change,) = life.pass_minute(calls(100))
    assert change.explanation.hour in (None, 1, 2, 3)


def test_calls_that_stop_are_missed_and_come_back() -> None:
    life = Life(Settings())
    assert life.live(6 * DAY) == []
    since_s = life.now_s
    stopped = [change for _ in range(30) for change in life.pass_minute()]
    assert told(stopped) == [("began", "calls", "low")]
    assert stopped[0].severity is Severity.HIGH
    assert stopped[0].explanation.since_s == since_s
    assert stopped[0].explanation.value == 0
    assert stopped[0].explanation.usual > 20
    assert told(life.live(3)) == [("over", "calls", "low")]


def test_a_health_check_now_and_then_is_as_good_as_nothing() -> None:
    life = Life(Settings())
    life.live(6 * DAY)
    stopped = [change for minute in range(20) for change in life.pass_minute(calls(int(minute % 3 == 0)))]
    assert told(stopped) == [("began", "calls", "low")]


def test_nights_are_no_stop() -> None:
    life = Life(Settings())

    def sharp(life: Life) -> list[Measurement]:
        return calls(life.near(60)) if 8 <= life.minute % DAY // HOUR < 18 else []

    assert spent(life, 9 * DAY, sharp) == []


def test_who_pauses_now_and_then_is_missed_only_when_it_takes_longer() -> None:
    life = Life(Settings())

    def pausing(life: Life) -> list[Measurement]:
        return [] if life.minute % 100 < 5 else calls(life.near(30))

    assert spent(life, 7 * DAY, pausing) == []
    assert told([change for _ in range(40) for change in life.pass_minute()]) == [("began", "calls", "low")]


def test_nobody_is_missed_where_that_is_off_or_while_what_comes_may_not_be_all() -> None:
    life = Life(Settings(silence=False))
    life.live(6 * DAY)
    assert [change for _ in range(30) for change in life.pass_minute()] == []
    blind = Life(Settings())
    blind.live(6 * DAY)
    for _ in range(30):
        blind.minute += 1
        assert blind.watcher.close(blind.now_s, blind=True) == []


def test_days_that_grow_slowly_are_a_drift() -> None:
    life = Life(Settings(), seed=3)
    assert life.live(12 * DAY) == []
    changes = [change for day in range(8) for change in life.live(DAY, round(30 * 1.25 ** (day + 1)))]
    assert {item.explanation.side for item in changes} == {Side.DRIFT}
    first = changes[0].explanation
    assert first.scope is Scope.TENANT
    assert first.value > 1.5 * first.usual
    assert (first.buckets, first.since_s) == (3 * DAY, changes[0].at_s - 3 * DAY * MINUTE_S)
    assert first.deviations >= 3


def weekly(life: Life, number: int) -> list[Measurement]:
    """Days of work with about so many calls a minute, and weekends with next to none."""
    return calls(life.near(number if life.minute // DAY % 7 < 5 else 1))


def test_growth_is_found_beside_weekends_and_is_one_anomaly_over_the_next_one() -> None:
    life = Life(Settings(silence=False))
    assert spent(life, 11 * DAY, lambda life: weekly(life, 30)) == []
    grown = [
        item for day in range(8) for item in spent(life, DAY, partial(weekly, number=round(30 * 1.2 ** (day + 1))))
    ]
    assert [stage for stage, _, side in grown if side == "drift"] == ["began"]


def test_weekends_off_and_a_level_that_stays_are_no_drift() -> None:
    life = Life(Settings(silence=False))
    assert spent(life, 24 * DAY, lambda life: weekly(life, 30)) == []


def test_a_spike_of_an_hour_is_no_drift() -> None:
    life = Life(Settings())
    life.live(12 * DAY)
    sides = {item.explanation.side for item in life.live(HOUR, 600) + life.live(DAY)}
    assert sides == {Side.HIGH}


def test_a_grave_sum_is_told_before_its_bucket_is_over_and_once(steady: Life) -> None:
    steady.watcher.take(steady.now_s, calls(400))
    (change,) = steady.watcher.early(steady.now_s + 20)
    assert (change.stage, change.explanation.metric) == (Stage.BEGAN, Metric.CALLS)
    assert steady.watcher.early(steady.now_s + 40) == []
    assert steady.pass_minute() == []


def test_what_goes_on_is_told_with_every_bucket(steady: Life) -> None:
    steady.live(3, 300)
    steady.watcher.take(steady.now_s, calls(300))
    steady.minute += 1
    assert [item.stage for item in steady.watcher.close(steady.now_s)] == [Stage.GOES_ON]


def test_severity_rises_and_never_falls_while_it_goes_on(steady: Life) -> None:
    for _ in range(2):
        steady.pass_minute(calls(75))
    (mild,) = steady.watcher.running()
    steady.live(2, 900)
    steady.pass_minute(calls(75))
    (grave,) = steady.watcher.running()
    assert (mild.severity, grave.severity) == (Severity.MEDIUM, Severity.HIGH)


def test_a_watcher_that_saw_nothing_tells_nothing() -> None:
    assert Watcher().close(0) == []
    assert Watcher().early(0) == []


def clumps(life: Life, number: int = 8, **more: Any) -> list[Measurement]:
    """Every fifth minute or so a session."""
    return calls(life.near(number) if life.chance.random() < 0.2 else 0, **more)


@pytest.fixture
def clumpy() -> Life:
    """Days of sessions that come in clumps."""
    life = Life(Settings(warm_up_h=1, hour_of_day=False))
    assert spent(life, 3 * DAY, clumps) == []
    return life


def test_clumps_that_come_far_more_often_are_told_by_the_window_and_once(clumpy: Life) -> None:
    """No minute of it stands out."""
    began = [change for _ in range(40) for change in clumpy.pass_minute(calls(clumpy.near(8)))]
    assert told(began) == [("began", "calls", "high")]
    of = began[0].explanation
    assert (of.buckets, of.since_s) == (15, began[0].at_s - 16 * MINUTE_S)
    assert of.value > 2.4 * of.usual > 24


def test_a_window_is_high_no_longer_than_its_newest_minutes(clumpy: Life) -> None:
    for _ in range(40):
        clumpy.pass_minute(calls(clumpy.near(8)))
    assert told([change for _ in range(11) for change in clumpy.pass_minute()]) == [("over", "calls", "high")]


def test_one_minute_alone_makes_no_window_high(clumpy: Life) -> None:
    (change,) = clumpy.pass_minute(calls(300))
    assert change.explanation.buckets == 1
    assert told([change for _ in range(12) for change in clumpy.pass_minute(clumps(clumpy))]) == [
        ("over", "calls", "high")
    ]


def test_what_the_minute_and_the_window_see_is_one_anomaly(steady: Life) -> None:
    changes = steady.live(30, 200) + steady.live(40)
    assert told(changes) == [("began", "calls", "high"), ("over", "calls", "high")]


@pytest.mark.parametrize(
    ("change", "metric"),
    [
        ({"each_usd": 0.08}, Metric.PRICE),
        ({"input_tokens": 8000, "each_usd": 0.08}, Metric.INPUT_SIZE),
        ({"output_tokens": 2000}, Metric.OUTPUT_SIZE),
    ],
    ids=["price", "input", "output"],
)
def test_calls_that_are_dearer_or_longer_are_told_where_no_sum_stands_out(
    clumpy: Life, change: dict[str, Any], metric: Metric
) -> None:
    began = [item for _ in range(90) for item in clumpy.pass_minute(clumps(clumpy, **change))]
    assert metric in {named for item in began for named in (item.explanation.metric, *item.explanation.also)}
    assert {item.explanation.side for item in began} == {Side.HIGH}


def test_longer_calls_and_the_sums_they_make_are_one_anomaly(steady: Life) -> None:
    changes = steady.live(30, input_tokens=60_000, output_tokens=12_000, each_usd=0.6)
    assert [stage for stage, _, _ in told(changes)] == ["began"]
    (running,) = steady.watcher.running()
    named = {running.explanation.metric, *running.explanation.also}
    assert {Metric.INPUT, Metric.OUTPUT_SIZE} <= named


def test_dearer_calls_of_a_cent_or_two_matter_little(clumpy: Life) -> None:
    cheap = Life(Settings(warm_up_h=1, hour_of_day=False))
    spent(cheap, 2 * DAY, lambda life: clumps(life, each_usd=1e-6))
    assert spent(cheap, 90, lambda life: clumps(life, each_usd=8e-6)) == []
