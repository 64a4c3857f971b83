"""What a request changed against another: texts, settings, and what broke the prompt cache."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from midwatch_core.model.exchange import Exchange
from midwatch_core.model.segment import Part, Segment
from midwatch_core.model.thread import LinkedBy, Thread, Turn

type Make = Callable[..., Exchange]


@pytest.fixture
async def pair(house: Any, call: Make) -> tuple[Exchange, Exchange]:
    """A call, and one that goes on from it with another instruction."""
    before = call(9)
    segments = (
        Segment(part=Part.SYSTEM, path="/messages/0/content", text="You are brief.\n<b>And kind.</b>"),
        before.request.segments[1],
        Segment(part=Part.USER, path="/messages/3/content", text="And of Spain?"),
    )
    request = replace(before.request, segments=segments, parameters={"temperature": 0.9, "max_tokens": 200})
    after = call(8, request=request, thread=Thread(linked_by=LinkedBy.CHAIN, turn=Turn.NEXT, parent_id=before.id))
    await house.traces.put([before, after])
    return before, after


async def test_a_page_shows_what_changed_since_the_turn_before(
    client: httpx.AsyncClient, pair: tuple[Exchange, Exchange], read_html: Any
) -> None:
    before, after = pair
    page = read_html((await client.get(f"/exchanges/{after.id}/diff")).text)
    assert "Broken in system at /messages/0/content: 0 texts" in page.find("p", cls="broken")[0].text
    assert [pill.text for pill in page.find("p", cls="counts")[0].find("span")] == [
        "1 same",
        "1 changed",
        "1 added",
        "0 removed",
    ]
    assert [line.text for line in page.find("div", cls="added")] == ["+<b>And kind.</b>", "+And of Spain?"]
    values = [cell.text for cell in page.find("table")[1].find("td")]
    assert values == ["0.2", "0.9"]
    assert page.find("p", cls="lead")[0].find("a")[0].attributes["href"] == f"/exchanges/{before.id}"


async def test_programs_get_the_same_against_any_other(
    client: httpx.AsyncClient, pair: tuple[Exchange, Exchange]
) -> None:
    before, after = pair
    told = (await client.get(f"/api/v1/exchanges/{after.id}/diff")).json()
    assert (told["before"], told["after"], told["same"]) == (before.id, after.id, 1)
    assert told["cache"]["broken"]["group"] == "system"
    turned = (await client.get(f"/api/v1/exchanges/{before.id}/diff?against={after.id}")).json()
    assert [change["kind"] for change in turned["changes"]] == ["changed", "removed"]


async def test_without_an_earlier_call_there_is_nothing_to_compare_with(
    client: httpx.AsyncClient, pair: tuple[Exchange, Exchange]
) -> None:
    before, _ = pair
    assert "Nothing to compare with" in (await client.get(f"/exchanges/{before.id}/diff")).text
    assert (await client.get(f"/api/v1/exchanges/{before.id}/diff")).json()["before"] is None
    for path in (f"/exchanges/{before.id}/diff", f"/api/v1/exchanges/{before.id}/diff"):
        assert (await client.get(f"{path}?against=none")).status_code == 404


async def test_a_very_long_difference_is_cut_and_says_so(
    house: Any, client: httpx.AsyncClient, call: Make, read_html: Any
) -> None:
    def with_text(number: int, text: str) -> Exchange:
        exchange = call(number)
        segment = Segment(part=Part.USER, path="/messages/0/content", text=text)
        return replace(exchange, request=replace(exchange.request, segments=(segment,)))

    await house.traces.put(
        [with_text(1, "x" * 5000), with_text(2, "\n".join(map(str, range(1000)))), with_text(3, "\n" * 200_000)]
    )
    page = read_html((await client.get(f"/exchanges/{call(2).id}/diff?against={call(1).id}")).text)
    assert len(page.find("div", cls="difference")[0].find("div")) == 120
    assert len(page.find("div", cls="removed")[0].text) < 700
    assert "more lines." in page.words
    assert "too many to compare" in (await client.get(f"/exchanges/{call(3).id}/diff?against={call(1).id}")).text
