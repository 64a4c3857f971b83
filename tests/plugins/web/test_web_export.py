"""Calls as files: all that the filter wants, no more than was asked, and nothing that a spreadsheet would run."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from midwatch_core.errors import StorageUnavailableError
from midwatch_core.listing import row_of
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.identity import Identity

type Make = Callable[..., Exchange]


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_both_files_have_all_rows_over_many_pages(house: Any, client: httpx.AsyncClient, call: Make) -> None:
    await house.traces.put([call(number) for number in range(1203)])
    ids = [call(number).id for number in range(1203)]
    told = await client.get("/api/v1/exchanges.jsonl")
    assert [row["id"] for row in lines(told.text)] == ids
    assert told.headers["content-disposition"] == 'attachment; filename="midwatch-exchanges.jsonl"'
    assert lines(told.text)[0] == {**row_of(call(0)).as_json(), "tools_called": [], "findings": []}
    assert [row["id"] for row in table((await client.get("/api/v1/exchanges.csv")).text)] == ids
    limited = await client.get("/api/v1/exchanges.jsonl?limit=501")
    assert [row["id"] for row in lines(limited.text)] == ids[:501]


async def test_a_filter_narrows_the_file(
    house: Any, client: httpx.AsyncClient, call: Make, agent_call: Make, refused_call: Make
) -> None:
    await house.traces.put([call(0), agent_call(1), refused_call(2)])
    for query, number in (
        ("model=claude-sonnet-4-5", 1),
        ("outcome=findings", 1),
        ("outcome=4xx", 2),
        ("text=lisbon", 1),
    ):
        told = lines((await client.get(f"/api/v1/exchanges.jsonl?{query}")).text)
        assert [row["id"] for row in told] == [call(number).id], query


async def test_a_spreadsheet_runs_nothing(house: Any, client: httpx.AsyncClient, agent_call: Make) -> None:
    attack = '=HYPERLINK("https://evil.example")\r\n@x,\''
    exchange = agent_call(identity=Identity(app=attack, agent="-1+2", user="+x"), error="\tx")
    await house.traces.put([replace(exchange, request=replace(exchange.request, model=attack))])
    (row,) = table((await client.get("/api/v1/exchanges.csv")).text)
    assert (row["app"], row["model"], row["agent"], row["user"]) == (f"'{attack}", f"'{attack}", "'-1+2", "'+x")
    assert row["error"] == "'\tx"
    assert row["findings"].split("; ") == [finding.rule for finding in exchange.findings]
    assert row["input_tokens"] == "2210"


@pytest.mark.parametrize(
    ("query", "status"), [("limit=0", 422), ("limit=100001", 422), ("outcome=x", 422), ("since=x", 422)]
)
async def test_what_is_asked_wrongly_is_refused(client: httpx.AsyncClient, query: str, status: int) -> None:
    for kind in ("csv", "jsonl"):
        assert (await client.get(f"/api/v1/exchanges.{kind}?{query}")).status_code == status


async def test_a_store_that_is_away_is_told_before_the_file_begins(house: Any, client: httpx.AsyncClient) -> None:
    house.traces.failure = StorageUnavailableError("gone")
    assert (await client.get("/api/v1/exchanges.csv")).status_code == 503


async def test_the_list_offers_what_it_shows(house: Any, client: httpx.AsyncClient, call: Make, read_html: Any) -> None:
    await house.traces.put([call(0), call(1, identity=Identity(app="other"))])
    page = read_html((await client.get("/calls?app=other&period=24h")).text)
    (taken,) = page.find("p", cls="takeaway")
    links = [link.attributes["href"] for link in taken.find("a")]
    assert [link.split("?")[0] for link in links] == ["/api/v1/exchanges.csv", "/api/v1/exchanges.jsonl"]
    assert [row["app"] for row in lines((await client.get(links[1])).text)] == ["other"]
