"""Metrics as Prometheus reads them, and the three probes."""

from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from midwatch_core.host import Health
from midwatch_core.metrics import MetricKind, MetricSpec
from midwatch_core.model.content import Json

CALLS = MetricSpec(name="midwatch_calls_total", kind=MetricKind.COUNTER, help="Calls.", labels=("provider", "model"))
OPEN = MetricSpec(name="midwatch_open_streams", kind=MetricKind.GAUGE, help="Streams under way.")
TTFT = MetricSpec(name="midwatch_ttft_seconds", kind=MetricKind.HISTOGRAM, help="First token.", buckets=(0.1, 0.5, 2.5))


def read(text: str) -> dict[str, float]:
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {f"{sample.name}{sorted(sample.labels.items())}": sample.value for sample in samples}


async def test_metrics_are_the_hosts_samples_in_prometheus_own_words(house: Any, client: httpx.AsyncClient) -> None:
    metrics = house.metrics
    metrics.declare([CALLS, OPEN, TTFT])
    metrics.add("midwatch_calls_total", 3, ("openai", 'a "quoted"\\\n model'))
    metrics.set("midwatch_open_streams", 7)
    for seconds in (0.05, 0.3, 0.4, 9):
        metrics.observe("midwatch_ttft_seconds", seconds)
    response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    told = read(response.text)
    assert told.pop("midwatch_calls_total" + str([("model", 'a "quoted"\\� model'), ("provider", "openai")])) == 3
    assert told.pop("midwatch_ttft_seconds_sum[]") == pytest.approx(9.75)
    assert told == {
        "midwatch_open_streams[]": 7,
        "midwatch_ttft_seconds_bucket[('le', '0.1')]": 1,
        "midwatch_ttft_seconds_bucket[('le', '0.5')]": 3,
        "midwatch_ttft_seconds_bucket[('le', '2.5')]": 3,
        "midwatch_ttft_seconds_bucket[('le', '+Inf')]": 4,
        "midwatch_ttft_seconds_count[]": 4,
    }
    assert "# HELP midwatch_open_streams Streams under way." in response.text


async def test_a_scraper_that_reads_openmetrics_gets_it(house: Any, client: httpx.AsyncClient) -> None:
    house.metrics.declare([CALLS])
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    response = await client.get("/metrics", headers={"Accept": accept})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/openmetrics-text;version=abc", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("text/plain;version=1.x, */*;q=x", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/vnd.google.protobuf, ;;,", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
async def test_whatever_a_scraper_says_it_reads_it_is_answered(
    client: httpx.AsyncClient, accept: str, kind: str
) -> None:
    response = await client.get("/metrics", headers={"Accept": accept})
    assert (response.status_code, response.headers["content-type"]) == (200, kind)


async def test_label_sets_stay_bounded(house: Any, client: httpx.AsyncClient) -> None:
    house.metrics.declare([CALLS])
    for number in range(2000):
        house.metrics.add("midwatch_calls_total", 1, ("openai", f"model-{number}"))
    told = read((await client.get("/metrics")).text)
    assert len(told) == 501
    assert told["midwatch_calls_total" + str([("model", "other"), ("provider", "other")])] == 1500


@pytest.mark.parametrize(("started", "ready"), [(False, False), (True, False), (True, True)])
async def test_probes_tell_the_state_and_its_parts(
    house: Any, client: httpx.AsyncClient, started: bool, ready: bool
) -> None:
    house.health = Health(started=started, ready=ready, parts={"store": {"breaker": "closed"}, "workers": 2})
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    readiness, start = await client.get("/readyz"), await client.get("/startupz")
    assert (readiness.status_code, start.status_code) == (200 if ready else 503, 200 if started else 503)
    assert readiness.json() == {"ready": ready, "parts": {"store": {"breaker": "closed"}, "workers": 2}}
    assert start.json()["started"] is started
    for path, answer in {"/healthz": 200, "/readyz": readiness.status_code, "/startupz": start.status_code}.items():
        head = await client.head(path)
        assert (head.status_code, head.content) == (answer, b"")
        assert head.headers["content-type"] == "application/json"


async def test_why_a_plugin_fails_is_not_for_everybody(house: Any, client: httpx.AsyncClient) -> None:
    models: Json = {"own": {"state": "failed", "problem": "/home/somebody/weights is not there", "folder": "/home"}}
    facts: Json = {"ready": True, "problem": "no", "models": models, "tried": [{"problem": "no", "times": 2}]}
    house.health = Health(started=True, ready=True, parts={"plugins": {"ml": facts}})
    kept = {"ready": True, "models": {"own": {"state": "failed"}}, "tried": [{"times": 2}]}
    for path in ("/readyz", "/startupz"):
        assert (await client.get(path)).json()["parts"] == {"plugins": {"ml": kept}}
