"""Standings: who is asked, who is left alone, who is disabled and for how long."""

import logging

import pytest

from midwatch.pool.errors import PoolError, ProcessLostError
from midwatch.pool.standing import STRIKES, Standing, Standings
from midwatch_core.breaker import BreakerOpenError
from midwatch_core.children.errors import Ending
from midwatch_core.metrics import Metrics
from midwatch_core.plugin_metrics import DISABLED, FAILING, METRICS, ON_TRIAL
from midwatch_core.storage_settings import BreakerSettings

HANG = ProcessLostError(Ending.HANG, "no answer within 1 s", plugin="a")


def test_hangs_in_a_row_disable_and_an_answer_breaks_the_row(caplog: pytest.LogCaptureFixture) -> None:
    standings = Standings(["a", "b"])
    for _ in range(STRIKES - 1):
        standings.lost("a", HANG)
    assert (standings.state("a").standing, standings.state("a").why) == (Standing.FAILING, "no answer within 1 s")
    standings.answered("a", None)
    assert standings.state("a").standing is Standing.OK
    for _ in range(STRIKES):
        assert standings.disabled("a") is None
        standings.lost("a", HANG)
    assert isinstance(standings.refusal("a"), PoolError)
    assert standings.asked() == ("b",)
    assert "plugin a is disabled: 3 times in a row: no answer within 1 s" in caplog.text
    standings.pardon()
    assert standings.asked() == ("a", "b")


def test_a_startup_that_costs_the_process_disables_at_once() -> None:
    standings = Standings(["a"])
    standings.lost("a", ProcessLostError(Ending.START, "at its start: it ended", plugin="a"))
    assert standings.state("a").why == "at its start: it ended"


def test_errors_in_a_row_are_left_alone_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    now = 0.0
    standings = Standings(["a"], now=lambda: now)
    metrics = Metrics()
    metrics.declare(METRICS)
    for _ in range(10):
        assert standings.refusal("a") is None
        standings.answered("a", "ValueError: no")
    assert isinstance(standings.refusal("a"), BreakerOpenError)
    standings.report(metrics)
    assert {item.name: item.values for item in metrics.samples()} == {FAILING: (1,), DISABLED: (1,), ON_TRIAL: (0,)}
    now = 30.0
    for _ in range(3):
        assert standings.refusal("a") is None
        standings.report(metrics)
        assert {item.name: item.values[0] for item in metrics.samples()}[ON_TRIAL] == 1
        standings.answered("a", None)
    assert standings.state("a").standing is Standing.OK
    assert caplog.text.count("left alone") == 1


def test_a_process_lost_in_a_trial_ends_the_trial() -> None:
    now = 0.0
    standings = Standings(["a"], breakers=BreakerSettings(failures=2, open_s=5, probes=3), now=lambda: now)
    for _ in range(2):
        standings.answered("a", "ValueError: no")
    now = 5.0
    assert standings.refusal("a") is None
    standings.lost("a", HANG)
    assert isinstance(standings.refusal("a"), BreakerOpenError)


def test_a_stranger_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Standings(["a"]).state("b")
