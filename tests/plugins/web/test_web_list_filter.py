"""Filters of the list beyond names: texts, outcomes, a window of one's own, whose calls."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from midwatch_core.listing import row_of
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.finding import Action, Verdict
from midwatch_core.model.identity import Identity
from midwatch_core.model.segment import Part, Segment
from midwatch_web.calls.listfilter import ListFilter
from midwatch_web.calls.outcome import Outcome

type Make = Callable[..., Exchange]


def ids(page: Any) -> list[str]:
    return [row.attributes["id"].removeprefix("x-") for row in page.find("tbody", id="rows")[0].find("tr")]


@pytest.mark.parametrize(
    ("outcome", "numbers"),
    [
        (Outcome.ERRORS, [2, 3, 4]),
        (Outcome.CLIENT_ERRORS, [2, 5]),
        (Outcome.SERVER_ERRORS, [3]),
        (Outcome.REFUSED, [5]),
        (Outcome.FINDINGS, [1]),
    ],
)
async def test_an_outcome_is_looked_for(
    house: Any,
    client: httpx.AsyncClient,
    call: Make,
    agent_call: Make,
    refused_call: Make,
    read_html: Any,
    outcome: Outcome,
    numbers: list[int],
) -> None:
    blocked = call(5, status=403, verdicts=(Verdict(action=Action.BLOCK),))
    broken = call(4, status=None, error="client disconnected", response=None)
    await house.traces.put([call(0), agent_call(1), refused_call(2), call(3, status=503), broken, blocked])
    page = read_html((await client.get(f"/calls?outcome={outcome}")).text)
    assert ids(page) == [call(number).id for number in numbers]
    assert not page.find("dl", id="totals")
    told = (await client.get(f"/api/v1/exchanges?outcome={outcome}")).json()
    assert [row["id"] for row in told["exchanges"]] == ids(page)


async def test_rare_outcomes_are_found_by_searching_on(
    house: Any, client: httpx.AsyncClient, call: Make, refused_call: Make, read_html: Any
) -> None:
    await house.traces.put([call(number) for number in range(1100)] + [refused_call(1100), refused_call(1101)])
    page = read_html((await client.get("/calls?outcome=errors")).text)
    (empty,) = page.find("section", cls="empty")
    assert empty.find("h2")[0].text == "None found yet"
    page = read_html((await client.get(empty.find("a")[0].attributes["href"])).text)
    assert ids(page) == [call(1100).id, call(1101).id]
    one = (await client.get("/api/v1/exchanges?outcome=errors&limit=1")).json()
    assert one["exchanges"] == []  # five pages of the store were looked through
    assert one["cursor"]


async def test_many_of_an_outcome_come_in_pages_that_miss_none(
    house: Any, client: httpx.AsyncClient, call: Make, refused_call: Make
) -> None:
    await house.traces.put([(refused_call if number % 3 else call)(number) for number in range(300)])
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"outcome": "4xx", "limit": "70", **({"cursor": cursor} if cursor else {})}
        told = (await client.get("/api/v1/exchanges", params=query)).json()
        assert len(told["exchanges"]) <= 70
        seen += [row["id"] for row in told["exchanges"]]
        cursor = told["cursor"]
    assert seen == [call(number).id for number in range(300) if number % 3]


async def test_texts_are_searched(house: Any, client: httpx.AsyncClient, call: Make, read_html: Any) -> None:
    said = Segment(part=Part.USER, path="/messages/0/content", text="The word is Rosebud.")
    exchange = call(1)
    await house.traces.put([call(0), replace(exchange, request=replace(exchange.request, segments=(said,)))])
    page = read_html((await client.get("/calls?text=ROSEBUD")).text)
    assert ids(page) == [call(1).id]
    assert page.find("input", id="f-text")[0].attributes["value"] == "ROSEBUD"
    # Nobody can tell of a call that has just come whether the word is in it.
    assert "data-live" not in page.find("div", id="board")[0].attributes


async def test_a_window_comes_before_the_period(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    await house.traces.put([call(number * 60) for number in range(4)])
    page = read_html((await client.get("/calls?since=2026-11-22T23:00&until=2026-11-23T01:00&period=1h")).text)
    assert ids(page) == [call(60).id, call(120).id]
    (asked,) = house.traces.asked
    assert asked.since == datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert asked.until == datetime(2026, 11, 23, 1, tzinfo=UTC)
    assert page.find("input", id="f-since")[0].attributes["value"] == "2026-11-22T23:00"
    assert "open" in page.find("details", cls="window")[0].attributes
    assert "data-live" not in page.find("div", id="board")[0].attributes


@pytest.mark.parametrize("wrong", ["yesterday", "0001-01-01T00:00", "2026-11-22T23:00+01:00", "9" * 400, "\x00"])
async def test_a_moment_that_is_none_is_not_chosen(client: httpx.AsyncClient, wrong: str) -> None:
    assert (await client.get("/calls", params={"since": wrong, "until": wrong})).status_code == 200
    assert ListFilter.from_query({"since": wrong, "until": wrong}) == ListFilter()


async def test_who_sees_several_tenants_chooses_between_them(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    await house.traces.put([call(0)])
    assert not read_html((await client.get("/calls")).text).find("select", id="f-tenant")
    await house.traces.put([call(1, identity=Identity(tenant="acme", agent="planner"))])
    page = read_html((await client.get("/calls")).text)
    options = page.find("select", id="f-tenant")[0].find("option")
    assert [option.text for option in options] == ["All tenants", "acme", "default"]
    assert ids(read_html((await client.get("/calls?tenant=acme")).text)) == [call(1).id]
    assert ids(read_html((await client.get("/calls?agent=planner")).text)) == [call(1).id]


def test_a_query_string_gives_the_same_filter_again() -> None:
    moment = datetime(2026, 11, 23, 1, 45, tzinfo=UTC)
    chosen = ListFilter(
        provider="a&b", agent="é", tenant="t", outcome=Outcome.REFUSED, text="x=y", since=moment, period="24h"
    )
    assert ListFilter.from_query(dict(httpx.URL(f"http://x/{chosen.query()}").params)) == chosen
    assert ListFilter().query() == ""


def test_a_row_that_comes_is_taken_as_the_list_would(call: Make, agent_call: Make) -> None:
    row = row_of(agent_call(1))
    assert ListFilter(outcome=Outcome.FINDINGS, agent="planner").takes(row)
    assert not ListFilter(outcome=Outcome.ERRORS).takes(row)
    assert not ListFilter(tenant="acme").takes(row)
    assert not ListFilter(since=row.started_at + timedelta(seconds=1)).takes(row)
