"""Costs, budgets and limits: any window, one or two keys, files, meters; each key within its tenant."""

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from midwatch_core.governing.settings import LimitRule
from midwatch_core.model.apikey import AccessRole
from midwatch_core.model.cost import Cost, CostBasis
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.identity import Identity
from tests.plugins.web.access_house import AccessHouse, access_house
from tests.plugins.web.conftest import make_agent_call, make_call, make_refused_call

VIEWER = AccessRole.VIEWER
EVIL = "=1+1<script>alert(1)</script>\"'"


def spent(number: int, usd: str, tenant: str = "ours", **changes: Any) -> Exchange:
    """A call of a tenant, so many minutes ago, that cost so much; `changes` are of whose it is."""
    make = changes.pop("make", make_call)
    call: Exchange = make(number, identity=Identity(**({"tenant": tenant, "app": "notebook"} | changes)))
    return replace(call, cost=Cost(amount=Decimal(usd), source="test"))


@pytest.fixture
async def house() -> AccessHouse:
    house = await access_house()
    subscribed = replace(
        spent(5, "1.5", app="editor"), cost=Cost(amount=Decimal("1.5"), basis=CostBasis.API_EQUIVALENT)
    )
    await house.traces.put(
        [
            spent(1, "3", agent="planner"),
            spent(2, "0.5", app="batch", user="ann"),
            spent(3, "40", "theirs", agent="their-agent", app="their-app", make=make_agent_call),
            spent(60 * 30, "2", agent="planner"),
            subscribed,
            make_refused_call(7, identity=Identity(tenant="ours", app="batch")),
        ]
    )
    return house


@pytest.fixture
async def client(house: AccessHouse) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client(headers=house.shows(VIEWER)) as client:
        yield client


def table(page: Any, kind: str = "costs") -> list[str]:
    return [row.words for row in page.find("table", cls=kind)[0].find("tbody")[0].find("tr")]


async def test_costs_are_by_model_the_dearest_first(client: httpx.AsyncClient, read_html: Any) -> None:
    page = read_html((await client.get("/costs")).text)
    assert [row.split()[0] for row in table(page)] == ["claude-sonnet-4-5", "gpt-5-mini"]
    assert "$45.50" in page.find("dl", cls="strip")[0].words
    assert "≈ $1.50" in page.find("dl", cls="strip")[0].words
    assert page.find("tfoot")[0].words.startswith("All $45.50 ≈ $1.50 6 ")
    titles = [figure.find("h2")[0].text for figure in page.find("figure")]
    assert titles == [
        "Cost by 2 hours",
        "API-equivalent of subscriptions by 2 hours",
        "Tokens, in and out by 2 hours",
    ]


async def test_two_levels_stand_beneath_each_other(client: httpx.AsyncClient, read_html: Any) -> None:
    page = read_html((await client.get("/costs?by=tenant&then=app")).text)
    assert [row.split()[0] for row in table(page)] == ["theirs", "their-app", "ours", "notebook", "editor", "batch"]
    days = read_html((await client.get("/costs?by=day&then=hour&since=2026-11-21T12:00")).text)
    assert [row.split()[0] for row in table(days)][:2] == ["2026-11-23", "2026-11-23"]


@pytest.mark.parametrize("by", ["model", "provider", "app", "agent", "tenant", "key_id", "user", "day", "hour"])
async def test_every_group_leads_to_itself_alone(client: httpx.AsyncClient, read_html: Any, by: str) -> None:
    page = read_html((await client.get(f"/costs?by={by}&since=2026-11-20T12:00")).text)
    rows = page.find("table", cls="costs")[0].find("tbody")[0].find("tr")
    for row in rows:
        links = row.find("a")
        if not links:
            assert row.words.startswith("not said")
            continue
        alone = read_html((await client.get(links[0].attributes["href"])).text)
        cells = [cell.text for cell in row.find("td", cls="number")]
        assert [cell.text for cell in alone.find("tfoot")[0].find("td", cls="number")] == cells


async def test_hours_are_of_short_windows_alone(client: httpx.AsyncClient, read_html: Any) -> None:
    page = read_html((await client.get("/costs?by=hour&then=user&period=24h")).text)
    assert table(page)[0].startswith("2026-11-23 01:00 ")
    for query in ("by=hour&then=day", "by=user&then=hour", "by=hour&period=all"):
        page = read_html((await client.get(f"/costs?{query}")).text)
        assert "Hours are told of three days at most" in page.find(cls="notice")[0].text
        assert "01:00" not in page.find("table", cls="costs")[0].words


async def test_a_chart_has_the_dearest_apart_and_the_rest_as_others(
    client: httpx.AsyncClient, house: AccessHouse, read_html: Any
) -> None:
    await house.traces.put([spent(10 + number, f"{number}", app=f"app-{number}") for number in range(1, 9)])
    page = read_html((await client.get("/costs?by=app&period=24h")).text)
    (cost,) = [figure for figure in page.find("figure") if figure.find("h2")[0].text == "Cost by hour"]
    keys = [item.text for item in cost.find("ul", cls="keys")[0].find("li")]
    assert keys == ["their-app", "app-8", "app-7", "app-6", "app-5", "app-4", "others"]
    told = " ".join(title.text for title in cost.find("title"))
    assert "their-app: $40.00" in told
    assert "others: $9.50" in told  # 3 + 2 + 1, and 3 and 0.50 of the house


async def test_calls_without_a_price_are_counted_with_why(client: httpx.AsyncClient, read_html: Any) -> None:
    page = read_html((await client.get("/costs")).text)
    (card,) = page.find("section", id="unpriced")
    assert "gpt-5-mini openai 1 no usage was reported" in card.words


@pytest.mark.parametrize("role", AccessRole)
@pytest.mark.parametrize("tenant", [None, "ours"])
async def test_each_key_sees_its_tenant_s_costs(house: AccessHouse, role: AccessRole, tenant: str | None) -> None:
    paths = ("/costs", "/costs/budgets", "/api/v1/costs", "/api/v1/costs.csv", "/api/v1/costs.jsonl")
    async with house.client(headers=house.shows(role, tenant)) as client:
        for path in (*paths, "/api/v1/budgets", "/api/v1/limits"):
            for query in ("?by=agent,app,tenant", "?tenant=theirs", "?by=agent&then=app"):
                answer = await client.get(path + query)
                assert answer.status_code == (403 if role is AccessRole.CLIENT else 200), path
                if role is AccessRole.CLIENT or tenant is not None:
                    assert "their-" not in answer.text, path
                    assert "of-theirs" not in answer.text, path


async def test_files_have_the_sums_and_no_cell_is_a_formula(client: httpx.AsyncClient, house: AccessHouse) -> None:
    await house.traces.put([spent(9, "0.25", app=EVIL)])
    answer = await client.get("/api/v1/costs.csv?by=app,tenant,app")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert list(rows[0])[:3] == ["app", "tenant", "calls"]
    (evil,) = [row for row in rows if "script" in row["app"]]
    assert (evil["app"], evil["cost_usd"]) == (f"'{EVIL}", "0.25")
    lines = [json.loads(line) for line in (await client.get("/api/v1/costs.jsonl?by=app")).text.splitlines()]
    assert {line["app"]: line["cost_usd"] for line in lines}[EVIL] == 0.25
    assert (await client.get("/api/v1/costs.csv?by=nothing")).status_code == 400


async def test_the_links_to_files_ask_for_what_is_shown(client: httpx.AsyncClient, read_html: Any) -> None:
    page = read_html((await client.get("/costs?by=app&then=user&tenant=ours&period=24h")).text)
    (link,) = [item.attributes["href"] for item in page.find("a") if item.text == "CSV"]
    rows = list(csv.DictReader(io.StringIO((await client.get(link)).text)))
    assert sum(int(row["calls"]) for row in rows) == 4
    assert list(rows[0])[:2] == ["app", "user"]


async def test_hostile_names_are_only_text(client: httpx.AsyncClient, house: AccessHouse, read_html: Any) -> None:
    await house.traces.put([spent(9, "99", app=EVIL, user=EVIL, agent=f"{EVIL}\u202e", key_id=EVIL)])
    for by in ("app", "user", "agent", "key_id"):
        answer = await client.get("/costs", params={"by": by, "then": "model", "user": EVIL, "key_id": EVIL})
        assert "<script>alert" not in answer.text
        assert read_html(answer.text).find("input", name="user")[0].attributes["value"] == EVIL
    budgets = (await client.get("/costs/budgets")).text
    assert "<script>alert" not in budgets
    assert f"agent {EVIL}⟨U+202E⟩" in read_html(budgets).words


@pytest.mark.parametrize(
    "query",
    [
        "by=x&then=y",
        "by=day&then=day",
        "since=x",
        "since=1971-01-01T00:00",
        "until=9999-12-31T23:59",
        "since=2026-11-23T00:00&until=2020-01-01T00:00",
        "period=all",
        "key_id=none",
    ],
)
async def test_any_question_gets_a_page(client: httpx.AsyncClient, read_html: Any, query: str) -> None:
    answer = await client.get(f"/costs?{query}")
    assert answer.status_code == 200
    read_html(answer.text)


async def test_an_empty_house_tells_what_to_do(read_html: Any) -> None:
    house = await access_house()
    async with house.client(headers=house.shows(VIEWER)) as client:
        for period in ("7d", "all"):
            assert (
                "See how to send the first one" in read_html((await client.get(f"/costs?period={period}")).text).words
            )
        assert "No calls match" in read_html((await client.get("/costs?model=x")).text).words
        house.budgets = ()
    async with house.client(headers=house.shows(VIEWER)) as client:
        assert "No budget is set" in read_html((await client.get("/costs/budgets")).text).words


async def test_many_groups_are_cut_and_it_is_said(
    client: httpx.AsyncClient, house: AccessHouse, read_html: Any
) -> None:
    await house.traces.put([spent(100 + number, "0.01", app=f"app-{number}") for number in range(130)])
    page = read_html((await client.get("/costs?by=app&then=model")).text)
    assert "34 more are not shown" in page.words
    page = read_html((await client.get("/costs?by=model&then=app")).text)
    assert "and 121 more, in the files above" in page.words


async def test_budgets_have_a_meter_each(client: httpx.AsyncClient, house: AccessHouse, read_html: Any) -> None:
    house.metrics.add("midwatch_limited_total", 3, labels=("monthly",))
    house.metrics.add("midwatch_limited_total", 7, labels=("requests",))
    page = read_html((await client.get("/costs/budgets")).text)
    rows = page.find("table", cls="budgets")[0].find("tbody")[0].find("tr")
    said = {(row.find("code")[0].text, row.find("td")[0].words): row for row in rows}
    monthly = said["monthly", "theirs"]
    assert monthly.find("svg")[0].attributes["aria-label"] == "8 % of $500.00 spent"
    assert "$40.00 of $500.00 a month" in monthly.words
    assert monthly.words.endswith("2026-12-01 00:00 3")
    assert said["agents", "ours agent planner"].find("rect")[0].attributes["class"] == "over"
    assert "soft" in said["agents", "ours agent planner"].words
    assert "past the limit" in said["of-theirs", "theirs"].words
    (limit,) = table(page, "limits")
    assert limit == "requests 100 requests a second, 200 at once tenant all 7"


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"requests_per_s": 0.5}, "0.5 requests a second"),
        ({"requests_per_s": 2, "burst": 1000}, "2 requests a second, 1,000 at once"),
        ({"tokens": 200_000}, "200,000 tokens in 1 min 00 s"),
        ({"usd": "0.5", "window_s": 3600}, "$0.50 in 60 min 00 s"),
        ({"concurrent": 20}, "20 calls at once"),
    ],
    ids=["rate", "burst", "tokens", "dollars", "at-once"],
)
async def test_a_limit_is_told_in_words(house: AccessHouse, read_html: Any, limit: dict[str, Any], said: str) -> None:
    house.limits = (LimitRule.model_validate({"id": "only", **limit}),)
    async with house.client(headers=house.shows(VIEWER)) as client:
        (row,) = table(read_html((await client.get("/costs/budgets")).text), "limits")
    assert row == f"only {said} tenant all 0"


async def test_budgets_and_limits_for_programs(client: httpx.AsyncClient) -> None:
    limits = (await client.get("/api/v1/limits")).json()["limits"]
    assert [(row["id"], row["requests_per_s"], row["refused"]) for row in limits] == [("requests", 100.0, 0)]
    rows = (await client.get("/api/v1/budgets")).json()["budgets"]
    (agents,) = [row for row in rows if row["id"] == "agents" and row["values"] == {"agent": "planner"}]
    assert (agents["spent_usd"], agents["usd"], agents["share"], agents["hard"]) == (5.0, 2.0, 2.5, False)
