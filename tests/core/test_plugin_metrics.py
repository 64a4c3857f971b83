"""What the guard and the breakers know of plugins, as metrics."""

from midwatch_core import Metrics, hookimpl
from midwatch_core.breaker import BreakerState
from midwatch_core.hosting import Plugins
from midwatch_core.plugin_metrics import (
    CALLS,
    DISABLED,
    ERRORS,
    FAILING,
    METRICS,
    ON_TRIAL,
    failing,
    last_errors,
    report_plugins,
    security_state,
)
from midwatch_core.views import Text


class Good:
    @hookimpl
    def inspect_text(self) -> list[object]:
        return []


class Bad:
    @hookimpl
    def inspect_text(self) -> list[object]:
        raise ZeroDivisionError("no")


def test_calls_errors_and_standing_of_plugins_and_nobody_else() -> None:
    plugins = Plugins()
    plugins.add("good", lambda: Good)
    plugins.add("bad.name", lambda: Bad)
    plugins.activate({})
    plugins.guard.call("watching.open", len, "not a plugin's")
    metrics = Metrics()
    metrics.declare(METRICS)
    for _ in range(12):
        for name in ("good", "bad.name"):
            plugins.detect(name, "inspect_text", text=Text("x"), part=None)
    for _ in range(2):  # reported again and again: counts are set, not added
        report_plugins(plugins, metrics)
    values = {(item.name, *item.labels): item.values[0] for item in metrics.samples()}
    assert values[CALLS, "good", "inspect_text"] == 12
    assert values[CALLS, "bad.name", "inspect_text"] == values[ERRORS, "bad.name", "inspect_text"] == 10
    assert (values[FAILING, "good"], values[FAILING, "bad.name"]) == (0, 1)
    assert (values[DISABLED, "good"], values[DISABLED, "bad.name"]) == (0, 1)
    assert last_errors(plugins) == {"bad.name": "ZeroDivisionError: no"}
    assert {item.labels[0] for item in metrics.samples()} == {"good", "bad.name"}


def test_security_is_as_bad_as_its_worst_detector_in_any_process() -> None:
    metrics = Metrics()
    metrics.declare(METRICS)
    metrics.set(DISABLED, 0, ("good",))
    assert security_state(metrics.samples()) is BreakerState.CLOSED
    metrics.set(ON_TRIAL, 1, ("tried",))
    assert security_state(metrics.samples()) is BreakerState.HALF_OPEN
    metrics.set(DISABLED, 2, ("bad",))
    assert security_state(metrics.samples()) is BreakerState.OPEN


class Moody:
    def __init__(self) -> None:
        self.fails = True

    @hookimpl
    def metrics(self) -> list[object]:
        if self.fails:
            raise ZeroDivisionError("no")
        return []

    @hookimpl
    def resources(self) -> list[object]:
        return []


def test_a_hook_that_fails_again_and_again_is_told_until_it_works_though_others_of_its_plugin_do() -> None:
    plugins, moody = Plugins(), Moody()
    plugins.add("moody", lambda: moody)
    plugins.activate({})
    told = []
    for _ in range(3):
        plugins.call_all("metrics")
        plugins.call_all("resources")
        told.append(failing(plugins, 3))
    assert told == [{}, {}, {"moody": "metrics failed 3 times in a row: ZeroDivisionError: no"}]
    moody.fails = False
    plugins.call_all("metrics")
    assert failing(plugins, 3) == {}
