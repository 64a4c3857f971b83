"""The page of models and the answer for programs: every process is counted, and the worst is shown."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch_core.host import Health
from midwatch_core.inference.numbers import METRICS, ModelNumbers, TextOutcome
from midwatch_core.model.content import Json
from midwatch_web.charts.figure import HEIGHT
from midwatch_web.models.distribution import distribution
from midwatch_web.models.histogram import Histogram
from midwatch_web.models.model import Model
from midwatch_web.serving.openapi import examples
from tests.plugins.web.conftest import Element, House
from tests.plugins.web.installed import Keys, installed_house
from tests.plugins.web.model_house import CARD, EXPECTED, PROBLEM, fill

type Reader = Callable[[str], Element]


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    fill(house)
    async with house.client() as client:
        yield client


async def told(client: httpx.AsyncClient) -> dict[str, dict[str, Json]]:
    rows = (await client.get("/api/v1/models")).json()["models"]
    return {row["name"]: row for row in rows}


async def test_a_model_is_told_with_what_all_processes_counted(client: httpx.AsyncClient) -> None:
    row = (await told(client))["defender"]
    assert {key: row[key] for key in ("plugin", "backend", "revision", "checksum", "shadow", "threshold", "state")} == {
        "plugin": "ml",
        "backend": "onnx",
        "revision": CARD.revision,
        "checksum": CARD.checksum,
        "shadow": False,
        "threshold": 0.95,
        "state": "ready",
    }
    assert row["processes"] == {"ready": 2}
    assert row["texts"] == {"answered": 400, "capped": 1, "busy": 0, "late": 1, "failed": 0}
    assert (row["restarts"], row["waiting"], row["resident_bytes"]) == ({"hang": 1}, 3, 200_000_000)
    assert row["text_ms"] == {"count": 23, "mean": 31.0, "p50": 30.0, "p95": 39.0}
    assert row["batch_texts"] == {"count": 4, "mean": 5.75, "p50": 2.0, "p95": 14.4}


async def test_drift_is_that_of_the_process_where_it_is_highest(client: httpx.AsyncClient) -> None:
    rows = await told(client)
    assert rows["defender"]["drift"] == {"psi": 0.18, "verdict": "moved"}
    assert rows["candidate"]["drift"] == {"psi": None, "verdict": None}


async def test_a_model_that_failed_says_what_is_wrong(client: httpx.AsyncClient, read_html: Reader) -> None:
    row = (await told(client))["<b>own</b>"]
    assert (row["state"], row["problem"], row["processes"]) == ("failed", PROBLEM, {"failed": 1})
    text = " ".join(read_html((await client.get("/models")).text).text.split())
    assert f"<b>own</b> failed acting of the plugin ml {PROBLEM}" in text


async def test_a_shadow_is_compared_with_those_that_act(client: httpx.AsyncClient, read_html: Reader) -> None:
    row = (await told(client))["candidate"]
    agreement = row["agreement"]
    assert isinstance(agreement, dict)
    assert (row["shadow"], sum(map(int, map(str, agreement.values())))) == (True, 400)
    assert int(str(agreement["only_shadow"])) > 0 == agreement["only_acting"]
    text = " ".join(read_html((await client.get("/models")).text).text.split())
    assert "As a shadow" in text
    assert f"It alone{agreement['only_shadow']}" in text


async def test_the_page_says_what_to_install_where_no_model_is(house: House, read_html: Reader) -> None:
    house.metrics.declare(METRICS)
    async with house.client() as client:
        text = " ".join(read_html((await client.get("/models")).text).text.split())
        assert (await client.get("/api/v1/models")).json() == {"models": []}
    assert "No model is installed" in text
    assert 'pip install "midwatch[ml]"' in text


@pytest.mark.parametrize(
    "plugins",
    [
        None,
        [],
        {"ml": None},
        {"ml": {"models": []}},
        {"ml": {"models": {"a": None}}},
        {"ml": {"models": {"a": {"state": 7, "card": [], "shadow": "x", "expected": [1, "b"], "problem": None}}}},
        {"ml": {"models": {"a": {"state": "\u202egone", "expected": [0, 0, 0]}}}},
    ],
    ids=range(7),
)
async def test_whatever_a_plugin_says_the_page_is_there(house: House, plugins: Json) -> None:
    fill(house)
    house.health = Health(started=True, ready=True, parts={"plugins": plugins})
    async with house.client() as client:
        for path in ("/models", "/api/v1/models"):
            assert (await client.get(path)).status_code == 200


async def test_models_are_not_a_tenants_nor_a_clients(tmp_path: Path) -> None:
    house = await installed_house(tmp_path / "kept", Keys())
    for key, status in (("admin-of-acme", 403), ("client", 403), ("viewer", 200)):
        async with house.client(headers={"Authorization": f"Bearer {key}"}) as client:
            for path in ("/models", "/api/v1/models"):
                assert (await client.get(path)).status_code == status, (key, path)


async def test_the_example_has_the_keys_of_a_real_answer(client: httpx.AsyncClient) -> None:
    (shown,) = examples()["GET /api/v1/models"]["models"]
    row = (await told(client))["defender"]
    assert set(shown) == set(row)
    for key, value in row.items():
        if isinstance(value, dict) and key not in ("processes", "restarts"):
            assert set(shown[key]) == set(value), key


@pytest.mark.parametrize(
    ("drift", "verdict"),
    [(None, ""), (0.0, "stable"), (0.0999, "stable"), (0.1, "moved"), (0.25, "moved"), (0.2501, "drifted")],
)
def test_drift_has_a_plain_verdict(drift: float | None, verdict: str) -> None:
    assert Model(name="m", drift=drift).verdict == verdict


def test_quantiles_are_as_prometheus_has_them() -> None:
    times = Histogram(bounds=(0.1, 1.0, 10.0), counts=(5, 4, 0, 1), total=12.0)
    assert (times.count, times.mean) == (10, 1.2)
    assert [times.quantile(share) for share in (0.25, 0.5, 0.9, 0.95)] == pytest.approx([0.05, 0.1, 1.0, 10.0])
    nothing = Histogram(bounds=(1.0,), counts=(0, 0), total=0.0)
    assert (nothing.count, nothing.mean, nothing.quantile(0.5)) == (0, None, None)


@given(st.lists(st.integers(0, 10**9), min_size=4, max_size=4), st.floats(0.001, 1))
def test_a_quantile_is_never_outside_of_the_bounds(counts: list[int], share: float) -> None:
    value = Histogram(bounds=(1.0, 2.0, 5.0), counts=counts, total=1.0).quantile(share)
    assert value is None if not sum(counts) else value is not None and 0 <= value <= 5


@given(st.lists(st.integers(0, 10**6), min_size=21, max_size=21).filter(any))
def test_every_shape_of_the_scores_is_inside_of_the_chart(counts: list[int]) -> None:
    scores = Histogram(bounds=[step / 20 for step in range(1, 21)], counts=counts, total=1.0)
    chart = distribution("Scores", scores, EXPECTED)
    assert all(0 <= bar.y <= HEIGHT and bar.height <= HEIGHT + 1e-9 for bar in chart.bars)
    assert all(
        0 <= y <= HEIGHT and -1e-9 <= x <= 100 + 1e-9 for s in chart.strokes for x, y in ((s.x1, s.y1), (s.x2, s.y2))
    )
    assert len(chart.spots) == 20


def test_shares_that_do_not_fit_are_left_out() -> None:
    scores = Histogram(bounds=[step / 20 for step in range(1, 21)], counts=[1] * 21, total=1.0)
    assert distribution("Scores", scores, (0.5, 0.3, 0.2)).strokes == []
    assert distribution("Scores", scores, ()).key == ()


async def test_a_model_that_gives_no_scores_says_so(house: House, read_html: Reader) -> None:
    numbers = ModelNumbers(house.metrics)
    numbers.told("names", TextOutcome.ANSWERED)
    async with house.client() as client:
        text = " ".join(read_html((await client.get("/models")).text).text.split())
    assert "It gives none" in text
    assert "Drift" not in text
