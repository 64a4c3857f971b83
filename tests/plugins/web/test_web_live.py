"""The live stream: rows as they come, for those who may see them, until the reader goes."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

import midwatch_web
from midwatch_core.errors import StorageUnavailableError
from midwatch_core.listing import ExchangeRow, row_of
from midwatch_core.model.exchange import Exchange
from midwatch_core.model.identity import Identity
from midwatch_core.ports import Scope
from midwatch_web.serving.eventstream import LiveStream, event

type Make = Callable[..., Exchange]


def everything(row: ExchangeRow) -> bool:
    return True


def test_data_is_sent_line_by_line_and_only_the_formats_lines_count() -> None:
    assert event("row", "a\nb\r\nc\rd", "7") == "event: row\nid: 7\ndata: a\ndata: b\ndata: c\ndata: d\n\n"
    assert event("row", "a\u2028b\x85c") == "event: row\ndata: a\u2028b\x85c\n\n"
    assert event("row", "") == "event: row\ndata: \n\n"


async def test_rows_follow_a_greeting_and_the_end_of_the_feed_ends_it(house: Any, call: Make) -> None:
    stream = LiveStream(live=house.feed, takes=lambda row: row.app == "notebook", data_of=lambda row: row.id).texts()
    assert "event: hello" in await anext(stream)
    for row in (row_of(call(1)), row_of(call(2, identity=Identity(app="other"))), row_of(call(3)), None):
        house.feed.send(row)
    assert [text async for text in stream] == [event("exchange", call(n).id, call(n).id) for n in (1, 3)]
    assert house.feed.queues == []


async def test_a_silent_feed_is_kept_alive_and_loses_nothing(house: Any, call: Make) -> None:
    stream = LiveStream(live=house.feed, takes=everything, data_of=lambda row: row.id, keep_alive_s=0.001).texts()
    await anext(stream)
    assert [await anext(stream) for _ in range(3)] == [": still here\n\n"] * 3
    house.feed.send(row_of(call(1)))
    async for text in stream:
        if not text.startswith(":"):
            break
    assert call(1).id in text
    await stream.aclose()
    assert house.feed.queues == []


@pytest.mark.parametrize("away", [False, True])
async def test_what_was_missed_comes_first_and_without_the_store_the_feed_goes_on(
    house: Any, call: Make, away: bool
) -> None:
    async def newest() -> list[ExchangeRow]:
        house.feed.send(row_of(call(9)))  # stored while the store is being asked
        if away:
            raise StorageUnavailableError("gone")
        return [row_of(call(1)), row_of(call(2))]

    stream = LiveStream(live=house.feed, takes=everything, data_of=lambda row: "", newest=newest).texts()
    await anext(stream)
    expected = [9] if away else [2, 1, 9]
    assert [await anext(stream) for _ in expected] == [event("exchange", "", call(n).id) for n in expected]
    await stream.aclose()


@pytest.mark.parametrize("path", ["/live?app=notebook", "/api/v1/live"])
async def test_a_reader_sees_rows_of_its_scope_and_may_leave(
    house: Any, call: Make, path: str, read_html: Any, serve: Any
) -> None:
    host = house.host()
    queries = host.queries.within(Scope(tenants=frozenset({"default"})))
    app: Any = midwatch_web.mounts(replace(host, queries=queries))[0].app
    async with serve(app) as address, httpx.AsyncClient(timeout=60) as client, asyncio.timeout(60):
        async with client.stream("GET", address + path) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            lines = response.aiter_lines()
            while await anext(lines) != "event: hello":
                pass
            house.feed.send(row_of(call(1, identity=Identity(tenant="another", app="notebook"))))
            house.feed.send(row_of(call(2)))
            while await anext(lines) != "event: exchange":
                pass
            assert await anext(lines) == f"id: {call(2).id}"
            data = []
            while line := await anext(lines):
                data.append(line.removeprefix("data: "))
        while house.feed.queues:
            await asyncio.sleep(0.01)
    text = "\n".join(data)
    if path.startswith("/api"):
        assert json.loads(text)["id"] == call(2).id
    else:
        assert read_html(text).find("tr")[0].attributes["id"] == f"x-{call(2).id}"
