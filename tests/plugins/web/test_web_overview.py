"""The overview: totals against the time before, charts, top lists, troubles; and the same sums for programs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from midwatch_core.activity import ActivityRow
from midwatch_core.errors import StorageUnavailableError
from midwatch_core.finding_listing import FindingCount
from midwatch_core.host import Health
from midwatch_core.model.content import Json
from midwatch_core.model.cost import Cost, CostBasis
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Verdict
from midwatch_core.model.identity import Identity
from midwatch_core.ports import CostRow
from midwatch_web.charts.slots import slots_between
from midwatch_web.overview.folding import by_category, fold, fold_counts
from midwatch_web.overview.totals import change
from tests.plugins.web.conftest import NOW
from tests.plugins.web.policy_house import Keys

type Make = Callable[..., Exchange]
EVIL = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


def blocked(call: Exchange) -> Exchange:
    verdict = Verdict(action=Action.BLOCK, findings=(), policy_line="all", policy="strict")
    return replace(call, verdicts=(verdict,), status=403)


def strip(page: Any) -> dict[str, list[str]]:
    """The totals: each title with its value, and how that stands against the time before."""
    lines = page.find("dl", cls="strip")[0].find("div")
    return {line.find("dt")[0].text: [cell.text for cell in line.find("dd")] for line in lines}


async def test_totals_stand_against_the_time_before(
    house: Any, client: httpx.AsyncClient, call: Make, agent_call: Make, refused_call: Make, read_html: Any
) -> None:
    before = NOW - timedelta(days=8)
    now = [call(0), call(1), agent_call(2), refused_call(3), blocked(call(4))]
    await house.traces.put([*now, call(10, started_at=before), agent_call(11, started_at=before)])
    told = strip(read_html((await client.get("/")).text))
    assert told["Calls"] == ["5", "150 % more"]
    assert told["Cost"] == ["$0.000764", "100 % more"]
    assert told["Errors"] == ["20 %", "none before"]
    assert told["Refused"] == ["1", "none before"]
    assert told["Findings"] == ["3", "as before"]
    assert told["First token, median"][1] == "as before"
    assert "API-equivalent" not in told


async def test_what_a_subscription_paid_for_is_apart(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    paid = Cost(amount=Decimal("1.25"), source="x", basis=CostBasis.API_EQUIVALENT)
    await house.traces.put([call(0), call(1, cost=paid)])
    page = read_html((await client.get("/")).text)
    assert strip(page)["API-equivalent"] == ["≈ $1.25", "none before"]
    assert strip(page)["Cost"][0] == "$0.000191"
    assert "by subscription" in page.words


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (3, None, ""),
        (None, 3, ""),
        (0, 0, "as before"),
        (3, 0, "none before"),
        (100, 100.1, "as before"),
        (112, 100, "12 % more"),
        (50, 100, "50 % less"),
        (700, 100, "7 times as much"),
        (Decimal(10) ** 9, Decimal(1), "far more"),
    ],
    ids=str,
)
def test_changes_are_told_in_words(now: Any, before: Any, words: str) -> None:
    assert change(now, before) == words


def test_sums_fold_into_slots_and_what_is_outside_is_left_out() -> None:
    slots = slots_between(NOW - timedelta(days=7), NOW)

    def cost(label: str | None, calls: int) -> CostRow:
        return CostRow(
            group=(label,), calls=calls, input_tokens=10, output_tokens=1, cost_usd=Decimal("0.5"), unpriced=0
        )

    def went(label: str | None, calls: int) -> ActivityRow:
        ttft = (0, calls, *[0] * 11)
        return ActivityRow(group=(label,), calls=calls, errors=1, refused=1, flagged=0, ttft=ttft)

    labels = (
        ("2026-11-16T00:00", 4),
        ("2026-11-16T01:00", 2),
        ("2026-11-23T01:00", 3),
        ("2020-01-01T00:00", 9),
        (None, 1),
    )
    folded = fold(slots, [cost(*item) for item in labels], [went(*item) for item in labels])
    assert [(slot.calls, slot.good, slot.cost_usd) for slot in (folded[0], folded[84])] == [(6, 2, 1.0), (3, 1, 0.5)]
    assert sum(slot.calls for slot in folded) == 9
    assert (folded[0].ttft_ms(1.0), folded[1].ttft_ms(0.5), folded[1].error_share) == (100.0, None, None)
    assert folded[0].error_share == pytest.approx(1 / 3)


def test_findings_fold_by_category_the_most_frequent_first() -> None:
    slots = slots_between(NOW - timedelta(days=2), NOW, finest=timedelta(days=1))
    counts = [
        FindingCount(group=(day, name), findings=number)
        for day, name, number in (("2026-11-21", "pii", 1), ("2026-11-23", "pii", 2), ("2026-11-23", "secret", 5))
    ]
    assert by_category(counts) == [("secret", 5), ("pii", 3)]
    assert list(fold_counts(slots, counts).items()) == [("secret", [0, 0, 5]), ("pii", [1, 0, 2])]


@pytest.mark.parametrize(
    "query", ["", "?period=1h", "?period=24h", "?period=30d", "?period=all", "?since=2026-11-22T00:00"]
)
async def test_every_window_has_its_charts_and_a_table_of_them(
    house: Any, client: httpx.AsyncClient, agent_call: Make, read_html: Any, query: str
) -> None:
    await house.traces.put([agent_call(1)])
    page = read_html((await client.get(f"/{query}")).text)
    charts = page.find("svg", role="img")
    assert [chart.attributes["aria-label"].split(" by ")[0] for chart in charts] == [
        "Calls",
        "Cost",
        "Tokens",
        "Time to first token",
        "Share of errors",
        "Findings",
    ]
    (told,) = page.find("details", cls="told")[0].find("tbody")[0].find("tr")
    assert [cell.text for cell in told.find("td")][:3] == ["1", "0", "0"]
    assert not page.find(cls="empty")
    assert all("style" not in element.attributes for element in page.find())


@pytest.mark.parametrize(
    "query",
    [
        "period=nonsense&top=x&since=9999-99-99",
        "since=1971-01-01T00:00&until=9999-12-31T00:00",
        "since=9999-12-31T23:59",
        "since=2026-11-23T00:00&until=2026-11-01T00:00",
        "until=1971-01-02T00:00",
        "tenant=%00%F0%9F",
    ],
)
async def test_no_window_is_too_odd(house: Any, client: httpx.AsyncClient, call: Make, query: str) -> None:
    await house.traces.put([call(1)])
    assert (await client.get(f"/?{query}")).status_code == 200


async def test_top_lists_lead_to_the_calls_and_costs_behind_them(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    many = [call(number, identity=Identity(app="cheap", user="ada")) for number in range(3)]
    dear = call(9, identity=Identity(app="dear", user="bob", tenant="acme"), cost=Cost(amount=Decimal(2), source="x"))
    await house.traces.put([*many, dear])

    async def apps(query: str) -> list[str]:
        page = read_html((await client.get(f"/{query}")).text)
        (card,) = [
            card
            for card in page.find("section", cls="card")
            if card.find("h3") and card.find("h3")[0].text == "Applications"
        ]
        return [link.attributes["href"] for link in card.find("a")]

    assert await apps("?period=30d") == ["/calls?app=dear&period=30d", "/calls?app=cheap&period=30d"]
    assert await apps("?period=30d&top=calls") == ["/calls?app=cheap&period=30d", "/calls?app=dear&period=30d"]
    page = read_html((await client.get("/")).text)
    assert [title.text for title in page.find("h3")] == ["Models", "Tenants", "Applications", "Users"]
    assert page.find("a", href="/costs?user=ada")


async def test_a_tenant_sees_its_own_sums_and_nothing_of_the_installation(
    house: Any, call: Make, read_html: Any
) -> None:
    house.access = Keys()
    trouble: dict[str, Json] = {
        "category": "store",
        "severity": "high",
        "title": "The store is away",
        "since": NOW.isoformat(),
    }
    house.health = Health(started=True, ready=False, parts={"troubles": [trouble, "odd", None]})
    own, other = Identity(tenant="acme", app="ours"), Identity(tenant="lab", app="theirs")
    await house.traces.put([call(1, identity=own), call(2, identity=other), call(3, identity=other)])
    async with house.client(headers={"x-midwatch-key": "admin-of-acme"}) as client:
        page = read_html((await client.get("/")).text)
        assert strip(page)["Calls"][0] == "1"
        assert "theirs" not in page.text
        assert not page.find("p", cls="notice")
        assert strip(read_html((await client.get("/?tenant=lab&period=30d")).text))["Calls"][0] == "0"
    async with house.client(headers={"x-midwatch-key": "viewer"}) as client:
        page = read_html((await client.get("/?tenant=lab")).text)
        assert strip(page)["Calls"][0] == "2"
        assert [notice.words for notice in page.find("p", cls="notice")] == [
            f"The store is away since {NOW.isoformat()}"
        ]


async def test_a_house_that_is_not_ready_says_so(house: Any, client: httpx.AsyncClient, read_html: Any) -> None:
    house.health = Health(started=True, ready=False, parts={})
    assert "not ready" in read_html((await client.get("/")).text).find("p", cls="notice")[0].text


async def test_a_model_that_does_not_run_is_told_to_who_sees_all(
    house: Any, client: httpx.AsyncClient, read_html: Any
) -> None:
    models: Json = {"own": {"state": "failed", "problem": "no weights"}, "other": {"state": "ready"}, "odd": None}
    parts: Json = {"ml": {"models": models}, "odd": {"models": []}, "none": None}
    house.health = Health(started=True, ready=True, parts={"plugins": parts})
    (notice,) = read_html((await client.get("/")).text).find("p", cls="notice")
    assert notice.words == "The model own does not run: the page of models says why."


async def test_an_empty_house_tells_a_newcomer_what_to_do(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    page = read_html((await client.get("/")).text)
    assert page.find("code")[0].text == "uv run run.py demo --keep"
    await house.traces.put([call(1, started_at=NOW - timedelta(days=60))])
    page = read_html((await client.get("/")).text)
    assert page.find("section", cls="empty")[0].find("h2")[0].text == "No calls in this time"
    assert strip(read_html((await client.get("/?period=all")).text))["Calls"] == ["1"]


async def test_a_store_that_is_away_is_told(house: Any, client: httpx.AsyncClient) -> None:
    house.traces.failure = StorageUnavailableError("gone")
    assert (await client.get("/")).status_code == 503


async def test_hostile_names_stay_text(house: Any, client: httpx.AsyncClient, agent_call: Make, read_html: Any) -> None:
    one = agent_call(1, identity=Identity(app=EVIL, agent=EVIL, user=EVIL, key_id=EVIL, tenant=EVIL))
    found = tuple(replace(item, category=EVIL, message=EVIL) for item in one.findings)
    await house.traces.put([replace(one, findings=found, request=replace(one.request, model=EVIL)), agent_call(2)])
    page = read_html((await client.get("/")).text)
    assert not page.find("img", src="x")
    assert [script.attributes.get("src") for script in page.find("script")] == [
        "/static/htmx.min.js",
        "/static/midwatch.js",
    ]
    assert all(link.attributes["href"].startswith("/") for link in page.find("a") if link.attributes["href"][0] != "#")


async def test_activity_and_usage_are_there_for_programs(
    house: Any, client: httpx.AsyncClient, call: Make, agent_call: Make, refused_call: Make
) -> None:
    await house.traces.put([call(0), agent_call(1), refused_call(2), blocked(call(3))])
    told = (await client.get("/api/v1/activity?by=provider")).json()
    assert told["by"] == ["provider"]
    assert told["activity"][0] == {
        "provider": "openai",
        "calls": 3,
        "errors": 1,
        "refused": 1,
        "flagged": 0,
        "ttft_p50_ms": 250.0,
        "ttft_p95_ms": 295.0,
    }
    (usage,) = (await client.get("/api/v1/usage")).json()["usage"]
    assert usage["day"] == "2026-11-23"
    assert (usage["calls"], usage["errors"], usage["flagged"], usage["unpriced"]) == (4, 1, 1, 1)
    assert (usage["input_tokens"], usage["cost_usd"]) == (1234 * 2 + 2210, pytest.approx(0.0005727))
    window = {"since": datetime(2026, 11, 24, tzinfo=UTC).isoformat()}
    assert (await client.get("/api/v1/usage", params=window)).json() == {"by": ["day"], "usage": []}
    assert (await client.get("/api/v1/activity?by=colour")).status_code == 400
    assert (await client.get("/api/v1/usage?by=model,model&by=hour")).json()["by"] == ["model", "hour"]
