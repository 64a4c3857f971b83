"""The list: rows, sums, filters, pages, nothing there, the store away."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from midwatch_core.errors import StorageUnavailableError
from midwatch_core.model.cost import Cost, CostBasis
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.identity import Identity

type Make = Callable[..., Exchange]


async def test_a_row_tells_what_a_call_was(
    house: Any, client: httpx.AsyncClient, agent_call: Make, read_html: Any
) -> None:
    await house.traces.put([agent_call()])
    page = read_html((await client.get("/calls")).text)
    (row,) = page.find("tbody", id="rows")[0].find("tr")
    cells = {cell.attributes["class"].split()[-1]: cell.words for cell in row.find("td")}
    assert cells == {
        "when": "01:44:00",
        "model": "claude-sonnet-4-5 anthropic",
        "app": "travel-agent planner",
        "status": "200 stream",
        "tokens": "2,210 → 188 1,800 cached",
        "cost": "$0.000191",
        "ttft": "212 ms",
        "total": "1.24 s",
        "outcome": "tool calls add_reminder 3 findings",
    }
    assert row.find("a")[0].attributes["href"] == f"/exchanges/{agent_call().id}"
    assert row.find("time")[0].attributes["datetime"] == "2026-11-23T01:44:00+00:00"


async def test_a_refused_call_shows_its_error_and_why_it_has_no_price(
    house: Any, client: httpx.AsyncClient, refused_call: Make, read_html: Any
) -> None:
    await house.traces.put([refused_call()])
    row = read_html((await client.get("/calls")).text).find("tr", cls="failed")[0]
    assert row.find("span", cls="bad")[0].text == "429"
    assert row.find("span", cls="error")[0].text == "Rate limit reached for requests"
    assert row.find("span", cls="unknown")[0].attributes["title"] == "no usage was reported"


async def test_sums_are_over_the_filter_and_count_what_has_no_price(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    unpriced = Cost(reason="no price is known for this model")
    other = call(3, identity=Identity(app="other"))
    await house.traces.put([call(1), call(2, cost=unpriced), other])

    def strip(text: str) -> list[str]:
        return [cell.text for cell in read_html(text).find("dl", id="totals")[0].find("dd")]

    assert strip((await client.get("/calls")).text) == ["3", "3,702", "168", "$0.000382", "1"]
    assert strip((await client.get("/calls?app=other")).text) == ["1", "1,234", "56", "$0.000191", "0"]
    assert strip((await client.get("/totals?app=other")).text) == ["1", "1,234", "56", "$0.000191", "0"]


async def test_filters_narrow_the_list_and_offer_what_there_is(
    house: Any, client: httpx.AsyncClient, call: Make, agent_call: Make, read_html: Any
) -> None:
    await house.traces.put([call(0), agent_call(1)])
    page = read_html((await client.get("/calls?provider=anthropic&model=&app=")).text)
    assert [row.attributes["id"] for row in page.find("tbody")[0].find("tr")] == [f"x-{agent_call(1).id}"]
    options = page.find("select", id="f-provider")[0].find("option")
    assert [option.text for option in options] == ["All providers", "anthropic", "openai"]
    assert [option.text for option in options if "selected" in option.attributes] == ["anthropic"]
    assert page.find("div", id="board")[0].attributes["data-live"] == "/live?provider=anthropic"
    (wanted,) = house.traces.asked
    assert (wanted.provider, wanted.model, wanted.app) == ("anthropic", None, None)


@pytest.mark.parametrize(("period", "days"), [("", 7), ("24h", 1), ("nonsense", 7), ("all", None)])
async def test_the_period_bounds_what_is_asked(
    house: Any, client: httpx.AsyncClient, period: str, days: int | None
) -> None:
    await client.get("/calls", params={"period": period})
    expected = None if days is None else house.host().clock.now() - timedelta(days=days)
    assert house.traces.asked[0].since == expected


async def test_older_calls_are_behind_a_link_that_works_without_script(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    await house.traces.put([call(number) for number in range(120)])
    seen: list[str] = []
    address = "/calls?app=notebook"
    for _ in range(3):
        page = read_html((await client.get(address)).text)
        seen += [row.attributes["id"] for row in page.find("tbody")[0].find("tr")]
        links = {link.text: link.attributes["href"] for link in page.find("p", id="more")[0].find("a")}
        address = links.get("Older calls", "")
    assert seen == [f"x-{call(number).id}" for number in range(120)]
    assert links == {"Newest": "/calls?app=notebook"}
    assert "data-live" not in page.find("div", id="board")[0].attributes


async def test_a_newcomer_is_told_what_to_do_next(client: httpx.AsyncClient, read_html: Any) -> None:
    page = read_html((await client.get("/calls")).text)
    told = [code.text for code in page.find("code")]
    assert told[:2] == ["uv run run.py demo --keep", "uv run run.py exec -- python my_agent.py"]
    assert page.find("div", id="board")[0].attributes["data-live"] == "/live"
    assert not page.find("form")


async def test_a_filter_that_nothing_passes_is_told_from_an_empty_house(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    await house.traces.put([call()])
    page = read_html((await client.get("/calls?app=gone")).text)
    assert page.find("section", cls="empty")[0].find("h2")[0].text == "No calls match"
    chosen = [item.text for item in page.find("select", id="f-app")[0].find("option") if "selected" in item.attributes]
    assert chosen == ["gone"]


async def test_a_store_that_is_away_is_a_page_of_its_own(house: Any, client: httpx.AsyncClient, read_html: Any) -> None:
    house.traces.failure = StorageUnavailableError("database is locked")
    response = await client.get("/calls")
    assert response.status_code == 503
    assert "can't be reached" in read_html(response.text).find("section", cls="empty")[0].text
    house.traces.failure = None
    assert (await client.get("/calls?cursor=forged")).status_code == 400
    assert (await client.get("/exchanges/none")).status_code == 404


HOSTILE = "<script>alert(1)</script>\"' onmouseover=x \u202etxt.exe\u200b{{7*7}}"


async def test_hostile_names_stay_text_in_the_list(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    plain = call()
    await house.traces.put(
        [
            replace(
                plain,
                error=HOSTILE,
                identity=Identity(app=HOSTILE, agent=HOSTILE),
                endpoint=replace(plain.endpoint, provider=HOSTILE),
                request=replace(plain.request, model=HOSTILE),
            )
        ]
    )
    response = await client.get("/calls")
    page = read_html(response.text)
    assert [script.attributes.get("src") for script in page.find("script")] == [
        "/static/htmx.min.js",
        "/static/midwatch.js",
    ]
    assert not [item for item in page.find() if any(name.startswith(("on", "style")) for name in item.attributes)]
    model = page.find("td", cls="model")[0].find("b")[0].text
    assert model == "<script>alert(1)</script>\"' onmouseover=x ⟨U+202E⟩txt.exe⟨U+200B⟩{{7*7}}"
    assert "\u202e" not in "".join(cell.text for cell in page.find("td"))
    # The choice sends back the very name, hidden characters and all.
    value = page.find("select", id="f-model")[0].find("option")[1].attributes["value"]
    assert value == HOSTILE
    assert len(read_html((await client.get("/calls", params={"model": value})).text).find("td", cls="model")) == 1


async def test_what_a_subscription_pays_is_marked_and_apart_from_the_cost(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    flat = call(1, cost=Cost(amount=Decimal("0.5"), basis=CostBasis.API_EQUIVALENT))
    await house.traces.put([call(0), flat])
    page = read_html((await client.get("/calls")).text)
    cells = [cell.text for cell in page.find("td", cls="cost")]
    assert sorted(cells) == ["$0.000191", "≈ $0.50"]
    strip = [cell.text for cell in page.find("dl", id="totals")[0].find("dd")]
    assert strip[3:5] == ["$0.000191", "≈ $0.50 by subscription"]
    shown = (await client.get(f"/exchanges/{flat.id}")).text
    assert "≈ $0.50" in shown
    assert "A subscription pays for this call" in shown
