"""A Prometheus scrape of a running house with two workers: what it says is what was called, used and paid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.admitting import BODY, CHAT, Desk
from tests.e2e.talking import sim

TOKEN = "the-scraper-s-own-token"
SETTINGS = {"workers": 2, "access": {"console": "always"}, "web": {"scrape_token": "${E2E_SCRAPE_TOKEN}"}}
WHOLE, STREAMED, FAILED = 8, 2, 1
CALLS = WHOLE + STREAMED + FAILED


class Scrape:
    """What one scrape said."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = [sample for family in self.families.values() for sample in family.samples]

    def total(self, name: str, **labels: str) -> float:
        """The sum of all series that have these labels."""
        return sum(
            sample.value for sample in self.samples if sample.name == name and labels.items() <= sample.labels.items()
        )


@pytest.fixture(scope="module")
def desk(house_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("metrics")
    with house_in(folder, settings=SETTINGS, environ={"E2E_SCRAPE_TOKEN": TOKEN}) as house:
        yield Desk(house)
        assert "crashed" not in house.log


@pytest.fixture(scope="module")
def scrape(desk: Desk, waiting: Any) -> Scrape:
    """A scrape after calls, each on a connection of its own, so that either worker may have it."""
    scripts: list[tuple[dict[str, str], bool]] = [
        *[({"x-sim": "tokens=20,cached=4"}, False)] * WHOLE,
        *[({"x-sim": "tokens=12,gap_ms=5"}, True)] * STREAMED,
        *[({"x-sim": "status=503"}, False)] * FAILED,
    ]
    for headers, streamed in scripts:
        with desk.house.client() as web:
            more = {"stream": True, "stream_options": {"include_usage": True}} if streamed else {}
            web.post(CHAT, json={**BODY, **more}, headers={"authorization": "Bearer sk-e2e", **headers})
    assert len(desk.house.rows()) == CALLS

    def look() -> Scrape | None:
        told = Scrape(ask(desk, TOKEN).text)
        return told if told.total("midwatch_calls_total") == CALLS else None

    found: Scrape = waiting(look, "the workers' heartbeats")
    return found


def ask(desk: Desk, key: str, path: str = "/metrics") -> httpx.Response:
    return httpx.get(desk.house.console + path, headers={"authorization": f"Bearer {key}"}, trust_env=False, timeout=60)


def test_calls_tokens_and_cost_are_those_of_the_record(desk: Desk, scrape: Scrape) -> None:
    costs = ask(desk, desk.key("--role", "viewer"), "/api/v1/costs?by=tenant,provider,model").json()["costs"]
    assert sum(row["calls"] for row in costs) == CALLS
    (row,) = costs
    labels = {key: row[key] for key in ("tenant", "provider", "model")}
    assert scrape.total("midwatch_exchanges_total", **labels, status="2xx") == WHOLE + STREAMED
    assert scrape.total("midwatch_exchanges_total", **labels) == CALLS
    assert scrape.total("midwatch_exchanges_total", status="5xx") == FAILED
    assert scrape.total("midwatch_tokens_total", **labels, kind="input") == row["input_tokens"] > 0
    assert scrape.total("midwatch_tokens_total", **labels, kind="output") == row["output_tokens"] > 0
    assert scrape.total("midwatch_tokens_total", kind="cache_read") == 4 * WHOLE
    cost = scrape.total("midwatch_cost_usd_total", **labels, basis="metered")
    assert 0 < cost == pytest.approx(float(row["cost_usd"]))


def test_histograms_are_cumulative_and_have_every_call(scrape: Scrape) -> None:
    for name, calls in (("ttft", CALLS), ("duration", CALLS), ("inter_chunk", STREAMED)):
        assert scrape.total(f"midwatch_{name}_seconds_count") == calls, name
        assert scrape.total(f"midwatch_{name}_seconds_sum") > 0
    buckets = defaultdict(list)
    for sample in scrape.samples:
        if sample.name.endswith("_bucket"):
            series = sample.name, frozenset((key, value) for key, value in sample.labels.items() if key != "le")
            buckets[series].append((float(sample.labels["le"]), sample.value))
    assert len(buckets) > 5
    for (name, labels), counts in buckets.items():
        assert all(low[0] < high[0] and low[1] <= high[1] for low, high in pairwise(counts)), name
        assert counts[-1] == (float("inf"), scrape.total(name.removesuffix("_bucket") + "_count", **dict(labels)))


def test_both_workers_are_summed(scrape: Scrape) -> None:
    assert scrape.total("midwatch_workers") == 2
    assert scrape.total("midwatch_journal_frames_total") == scrape.total("midwatch_stored_total") == CALLS
    assert scrape.total("midwatch_settle_seconds_count") == CALLS
    assert scrape.total("midwatch_journal_dropped_total") == 0
    assert (scrape.total("midwatch_breaker"), scrape.total("midwatch_store_available")) == (0, 1)
    # Two processes that hold a worker's code each, and a control that does not.
    memory = {role: scrape.total("midwatch_process_resident_memory_bytes", role=role) for role in ("worker", "control")}
    assert memory["worker"] > memory["control"] > 10_000_000
    assert scrape.families["midwatch_build_info"].samples[0].value == 1


def test_a_viewer_s_scrape_names_no_tenant(desk: Desk, scrape: Scrape) -> None:
    told = Scrape(ask(desk, desk.key("--role", "viewer")).text)
    assert told.total("midwatch_exchanges_total") == scrape.total("midwatch_exchanges_total")
    assert all("tenant" not in sample.labels for sample in told.samples)
    assert ask(desk, TOKEN, "/api/v1/exchanges").status_code == 401


def test_a_model_that_nobody_answers_for_has_no_name(desk: Desk, trail: Any) -> None:
    way = trail()
    body = {**BODY, "model": "made-up-\u202e\n" + "x" * 500}
    with desk.house.client() as web:
        web.post(CHAT, json=body, headers={"authorization": "Bearer sk-e2e", **sim(way, status=404)})
    desk.house.row(way.id)
    told = Scrape(ask(desk, TOKEN).text)
    assert told.total("midwatch_exchanges_total", model="other", status="4xx") == 1
    values = [value for sample in told.samples for value in sample.labels.values()]
    assert all(value.isprintable() and len(value) <= 120 for value in values)
