"""Routing: the first route that fits, unless it says to go on; and settings that name what is wrong with them."""

import pytest
from pydantic import ValidationError

from midwatch_alerts.routing import Step, steps_of
from midwatch_alerts.settings import Settings
from midwatch_core import Severity
from tests.plugins.alerts.alerts_house import incident, settings, webhook

CHANNELS = [webhook("http://127.0.0.1:1", name) for name in ("ops", "pager", "acme")]


def names(told: Settings, **changes: object) -> list[str]:
    return [step.channel for step in steps_of(told, incident(**changes))]  # type: ignore[arg-type]


def test_without_routes_all_goes_to_all_channels() -> None:
    assert names(settings(CHANNELS), severity=Severity.INFO) == ["ops", "pager", "acme"]


def test_the_first_route_that_fits_is_the_last_looked_at() -> None:
    told = settings(CHANNELS, routes=[{"channels": ["pager"], "severity": "critical"}, {"channels": ["ops"]}])
    assert names(told, severity=Severity.CRITICAL) == ["pager"]
    assert names(told, severity=Severity.HIGH) == ["ops"]


def test_a_route_that_says_so_goes_on_and_names_no_channel_twice() -> None:
    routes = [
        {"channels": ["pager"], "severity": "critical", "go_on": True},
        {"channels": ["ops", "pager"], "escalate_to": ["acme"], "after_s": 60},
    ]
    assert steps_of(settings(CHANNELS, routes=routes), incident(severity=Severity.CRITICAL)) == [
        Step(channel="pager", after_s=900.0),
        Step(channel="ops", escalate_to=("acme",), after_s=60.0),
    ]


def test_routes_ask_for_category_and_tenant() -> None:
    told = settings(CHANNELS, routes=[{"channels": ["acme"], "tenant": "acme", "category": "budget"}])
    assert names(told, category="budget") == ["acme"]
    assert names(told, category="finding") == []
    assert names(told, category="budget", tenant="lab") == []
    assert names(told, category="budget", tenant=None) == []


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"routes": [{"channels": ["nobody"]}]}, "there is no channel 'nobody'; there are: acme, ops, pager"),
        ({"routes": [{"channels": ["ops"], "escalate_to": ["boss"]}]}, "there is no channel 'boss'"),
        ({"channels": [CHANNELS[0], CHANNELS[0]]}, "two channels are called 'ops'"),
        ({"console_url": "midwatch.example"}, "a URL is https://HOST"),
        ({"console_url": "https://me:pw@midwatch.example"}, "a URL is https://HOST"),
    ],
    ids=["channel", "escalation", "twice", "url", "password"],
)
def test_settings_that_can_not_work_are_refused(given: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Settings.model_validate({"channels": CHANNELS, **given})


def test_settings_come_back_from_the_snapshot_that_processes_read() -> None:
    told = settings(CHANNELS, console_url="https://m.example/", routes=[{"channels": ["ops"], "go_on": True}])
    assert Settings.model_validate(told.model_dump(mode="json")) == told
    assert told.console_url == "https://m.example"
