"""The Grafana dashboard and Prometheus' files: whole, and every expression asks for series that there are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from midwatch.control.numbers import declared
from midwatch_core.hosting import Plugins
from midwatch_core.inference.numbers import METRICS as MODEL_METRICS
from tests.docker.promql import grouped, selected, served

_DOCKER = Path(__file__).resolve().parents[2] / "docker"
_DASHBOARD: dict[str, Any] = json.loads((_DOCKER / "grafana" / "midwatch.json").read_text())
_ALERTS: dict[str, Any] = yaml.safe_load((_DOCKER / "prometheus" / "alerts.yml").read_text())
_SCRAPE: dict[str, Any] = yaml.safe_load((_DOCKER / "prometheus" / "prometheus.yml").read_text())

_PANELS = [panel for panel in _DASHBOARD["panels"] if panel["type"] != "row"]
_QUERIES = [
    pytest.param(target["expr"], id=f"{panel['title']}, {target['refId']}")
    for panel in _PANELS
    for target in panel["targets"]
]
_RULES = [rule for group in _ALERTS["groups"] for rule in group["rules"]]
_DURATION = re.compile(r"\d+[smhd]")


@pytest.fixture(scope="module")
def series() -> dict[str, set[str]]:
    """All series of an installation with the plugins that come along and with models, and their labels."""
    plugins = Plugins()
    plugins.discover()
    plugins.activate({name: section() for name, section in plugins.sections().items()})
    metrics = declared(plugins)
    metrics.declare(MODEL_METRICS)
    return served(metrics.specs)


def with_values(expression: str) -> str:
    """An expression of Grafana's with its variables filled in."""
    filled = expression.replace("$__rate_interval", "5m").replace("$__range", "6h")
    return re.sub(r'"\$(tenant|provider|model)"', '".*"', filled)


def check(expression: str, series: dict[str, set[str]]) -> None:
    found = selected(expression)
    assert found, "it selects nothing"
    for name, labels in found:
        assert name in series, f"no metric is called {name}"
        assert labels - {"job", "instance"} <= series[name], f"{name} has no such label"
    known = {"instance"}.union(*(series[name] for name, _ in found))
    assert grouped(expression) <= known


@pytest.mark.parametrize("expression", _QUERIES)
def test_a_panel_asks_for_what_there_is(expression: str, series: dict[str, set[str]]) -> None:
    filled = with_values(expression)
    assert "$" not in filled
    check(filled, series)


@pytest.mark.parametrize("expression", [pytest.param(rule["expr"], id=rule["alert"]) for rule in _RULES])
def test_an_alert_asks_for_what_there_is(expression: str, series: dict[str, set[str]]) -> None:
    check(expression, series)


@pytest.mark.parametrize(
    "wrong", ["midwatch_absent_total", 'midwatch_workers{tenant="a"}', "sum by (model) (midwatch_workers)", "1"]
)
def test_what_there_is_not_is_told(wrong: str, series: dict[str, set[str]]) -> None:
    with pytest.raises(AssertionError):
        check(wrong, series)


def test_what_is_no_promql_is_told(series: dict[str, set[str]]) -> None:
    with pytest.raises(ValueError, match=r"."):
        check("sum by (le (midwatch_workers)", series)


def test_the_dashboard_has_its_rows_and_no_two_panels_in_one_place() -> None:
    rows = [panel["title"] for panel in _DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Overview", "Latency", "Cost", "Security", "Health", "Models"]
    ids = [panel["id"] for panel in _DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    cells = [cell for panel in _DASHBOARD["panels"] for cell in _cells(panel["gridPos"])]
    assert len(set(cells)) == len(cells)
    assert all(x < 24 for x, _ in cells)


def _cells(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    for x in range(place["x"], place["x"] + place["w"]):
        for y in range(place["y"], place["y"] + place["h"]):
            yield x, y


def test_every_panel_reads_the_chosen_data_source() -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    sources = [panel["datasource"] for panel in _PANELS]
    sources += [target["datasource"] for panel in _PANELS for target in panel["targets"]]
    assert all(source == chosen for source in sources)
    variables = {item["name"]: item for item in _DASHBOARD["templating"]["list"]}
    assert list(variables) == ["datasource", "tenant", "provider", "model"]
    # A viewer's scrape has no label `tenant`: `.*` is also what is not there.
    assert {item["allValue"] for item in variables.values() if item["type"] == "query"} == {".*"}


def test_variables_are_labels_of_the_metric_they_are_read_from(series: dict[str, set[str]]) -> None:
    definitions = [item["definition"] for item in _DASHBOARD["templating"]["list"] if "definition" in item]
    read = [re.fullmatch(r"label_values\((\w+), (\w+)\)", definition) for definition in definitions]
    assert all(match is not None and match[2] in series[match[1]] for match in read)


@pytest.mark.parametrize("rule", _RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_whole(rule: dict[str, Any]) -> None:
    # https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert _DURATION.fullmatch(rule.get("for", "1m"))
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"]["summary"]
    named = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
    assert named <= grouped(rule["expr"])


def test_alerts_have_names_of_their_own_and_the_scrape_reads_them() -> None:
    names = [rule["alert"] for rule in _RULES]
    assert len(set(names)) == len(names)
    assert _SCRAPE["rule_files"] == ["alerts.yml"]
    (job,) = _SCRAPE["scrape_configs"]
    assert f'job="{job["job_name"]}"' in _RULES[0]["expr"]
