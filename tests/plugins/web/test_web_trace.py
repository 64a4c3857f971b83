"""One conversation on a page, and for programs: calls, branches, tools between them, and whose it is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from midwatch_core.model.exchange import Exchange
from midwatch_core.model.thread import LinkedBy, Thread, ToolSpan, Turn
from midwatch_core.ports import Scope
from midwatch_core.queries import Queries

type Make = Callable[..., Exchange]


@pytest.fixture
async def talk(house: Any, call: Make, agent_call: Make) -> list[Exchange]:
    """A call of tools, what branched off it, what went on with a tool's result, and a summary."""
    first = agent_call(9, trace_id="t-1")
    ended = first.started_at + timedelta(seconds=2)
    span = ToolSpan(
        call_id="toolu_02",
        name="add_reminder<b>",
        called_by=first.id,
        started_at=ended,
        ended_at=ended + timedelta(seconds=5),
        path="/messages/4/content/0/content",
        failed=True,
    )

    def later(number: int, turn: Turn, parent: Exchange, **changes: Any) -> Exchange:
        thread = Thread(linked_by=LinkedBy.CHAIN, turn=turn, parent_id=parent.id)
        return call(number, trace_id="t-1", thread=thread, **changes)

    first = replace(first, thread=Thread())
    branch = later(8, Turn.BRANCH, first)
    on = later(7, Turn.NEXT, first, tool_spans=(span,))
    short = later(6, Turn.COMPACTION, on, status=503)
    await house.traces.put([first, branch, on, short])
    return [first, branch, on, short]


async def test_calls_branches_and_tools_stand_in_their_order(
    client: httpx.AsyncClient, talk: list[Exchange], read_html: Any
) -> None:
    page = read_html((await client.get("/traces/t-1")).text)
    (listed,) = page.find("ol", cls="trace")
    classes = [item.attributes["class"] for item in listed.find("li")]
    assert classes == ["call in-0", "call in-1", "ran in-0 failed", "call in-0", "call in-0 failed"]
    links = [link.attributes["href"] for link in listed.find("a")]
    assert links == ["#turn-1", "#turn-2", "#turn-3", "#turn-4"]
    turns = [turn.attributes["id"] for turn in page.find("section", cls="exchange")]
    assert turns == [link.removeprefix("#") for link in links]
    opened = [heading.find("a")[0].attributes["href"] for heading in page.find("h2")]
    assert opened == [f"/exchanges/{exchange.id}" for exchange in talk]
    assert [pill.text for pill in listed.find("span", cls="quiet")] == ["branch"]
    assert [pill.text for pill in listed.find("span", cls="odd")] == ["compaction"]
    assert listed.find("span", cls="tool")[0].text == "add_reminder<b>"
    assert [value.text for value in page.find("dl", cls="strip")[0].find("dd")][:2] == ["4", "1"]


async def test_its_bars_are_inside_the_drawing(client: httpx.AsyncClient, talk: list[Exchange], read_html: Any) -> None:
    page = read_html((await client.get("/traces/t-1")).text)
    bars = [
        item.attributes for item in page.find("ol", cls="trace")[0].find("rect") if item.attributes["class"] != "track"
    ]
    assert len(bars) == 5
    assert all(0 <= int(bar["x"]) < 1000 and 0 < int(bar["width"]) <= 1000 for bar in bars)


async def test_a_call_links_to_its_conversation(client: httpx.AsyncClient, talk: list[Exchange]) -> None:
    for exchange in talk:
        assert "/traces/t-1" in (await client.get(f"/exchanges/{exchange.id}")).text


async def test_programs_get_the_same(client: httpx.AsyncClient, talk: list[Exchange]) -> None:
    document = (await client.get("/api/v1/traces/t-1")).json()
    assert document["cut"] is False
    lines = document["exchanges"]
    assert [(line["id"], line["depth"]) for line in lines] == [
        (exchange.id, depth) for exchange, depth in zip(talk, (0, 1, 0, 0), strict=True)
    ]
    (span,) = lines[2]["tool_spans"]
    assert (span["name"], span["duration_ms"], span["failed"]) == ("add_reminder<b>", 5000.0, True)


@pytest.mark.parametrize("path", ["/traces/t-2", "/api/v1/traces/t-2"])
async def test_a_trace_that_is_not_there_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_a_trace_of_another_tenant_is_not_there(house: Any, talk: list[Exchange]) -> None:
    mine = Queries(traces=house.traces, scope=Scope(tenants=frozenset({"other"})))
    assert (await mine.outline("t-1")).lines == ()
