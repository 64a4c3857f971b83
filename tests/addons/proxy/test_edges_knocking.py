"""Who tries keys at the proxy is answered alike after some, while those who were let in before go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mitmproxy import http
from mitmproxy.test import taddons

from midwatch.proxy.edges.knocking import WAITING, Knocking
from midwatch.proxy.edges.refusing import REFUSED, Refusing
from midwatch.proxy.edges.telling import Telling
from midwatch_core.clock import SystemClock
from midwatch_core.connection_settings import ConnectionSettings
from tests.addons.proxy.conftest import Watch, make_flow
from tests.addons.proxy.test_identifying import DIRECTORY, KEY, basic, connect

WRONG = "mw_aaaaaaaa_" + "x" * 43
LIMIT = 3


class Door:
    """The addons that let in, and what they say to each who comes."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        refusing = Refusing(watch.metrics, Telling(SystemClock()))
        settings = ConnectionSettings(wrong_keys=LIMIT)
        self.knocking = Knocking(watch.admitting.identifying, settings, refusing, SystemClock())

    def call(self, key: str | None, address: str = "10.9.9.9") -> int | None:
        """The status that a request with a key is answered at its head; None where it goes on."""
        flow = make_flow(headers={"x-midwatch-key": key} if key else {})
        flow.client_conn.peername = (address, 5000)
        self.watch.admitting.requestheaders(flow)
        self.knocking.requestheaders(flow)
        return _status(flow)

    def tunnel(self, key: str | None, address: str = "10.9.9.9") -> int | None:
        """The same for a tunnel."""
        flow = connect(basic("app", key) if key else None, host="private.example")
        flow.client_conn.peername = (address, 5000)
        self.watch.admitting.http_connect(flow)
        self.knocking.http_connect(flow)
        self.watch.admitting.client_disconnected(flow.client_conn)
        return _status(flow)

    def counted(self, name: str) -> float:
        self.knocking.report()
        return sum(item.values[0] for item in self.watch.metrics.samples([name]))


def _status(flow: http.HTTPFlow) -> int | None:
    return flow.response.status_code if flow.response else None


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    watch = Watch(tmp_path / "journal", directory=DIRECTORY)
    with taddons.context(watch.admitting):
        yield Door(watch)
    watch.close()


async def test_too_many_wrong_keys_end_the_trying(door: Door) -> None:
    assert [door.call(WRONG) for _ in range(LIMIT - 1)] == [401] * (LIMIT - 1)
    assert [door.call(WRONG) for _ in range(3)] == [429] * 3
    assert door.tunnel(WRONG) == 429
    assert door.counted(REFUSED) == 4
    assert door.counted(WAITING) == 1


async def test_a_guess_that_is_right_looks_like_a_wrong_one(door: Door) -> None:
    for _ in range(LIMIT):
        door.tunnel(WRONG)
    assert (door.tunnel(KEY.text), door.call(KEY.text)) == (429, 429)
    assert door.call(KEY.text, "10.8.8.8") is None


async def test_who_was_let_in_before_goes_on(door: Door) -> None:
    assert (door.call(KEY.text), door.tunnel(KEY.text)) == (None, None)
    for _ in range(2 * LIMIT):
        door.call(WRONG)
    assert (door.call(KEY.text), door.tunnel(KEY.text)) == (None, None)
    assert door.call(WRONG) == 429


async def test_who_shows_no_key_is_no_guesser(door: Door) -> None:
    assert [door.call(None) for _ in range(3 * LIMIT)] == [None] * 3 * LIMIT
    for _ in range(LIMIT):
        door.call(WRONG)
    assert (door.call(None), door.tunnel(None)) == (None, None)


async def test_a_refusal_says_when_to_come_again(door: Door) -> None:
    for _ in range(LIMIT):
        door.call(WRONG)
    flow = make_flow(headers={"x-midwatch-key": WRONG})
    flow.client_conn.peername = ("10.9.9.9", 5000)
    door.watch.admitting.requestheaders(flow)
    door.knocking.requestheaders(flow)
    assert flow.response is not None
    assert 0 < int(flow.response.headers["retry-after"]) <= 61
    assert WRONG not in (flow.response.text or "")


async def test_a_flow_that_can_only_be_killed_is_a_try_too(door: Door) -> None:
    for _ in range(LIMIT):
        flow = make_flow(headers={"x-midwatch-key": WRONG})
        flow.client_conn.peername = ("10.9.9.9", 5000)
        flow.request.stream = True
        flow.live = True
        door.watch.admitting.requestheaders(flow)
        door.knocking.requestheaders(flow)
        assert flow.error is not None
    assert door.call(WRONG) == 429


async def test_a_limit_of_nothing_answers_for_ever(door: Door) -> None:
    door.knocking.follow(ConnectionSettings(wrong_keys=0))
    assert [door.call(WRONG) for _ in range(50)] == [401] * 50
