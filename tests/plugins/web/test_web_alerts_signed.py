"""Signed links: a scanner's look changes nothing, a button does; wrong and old ones open nothing, and not too often."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from midwatch.control.incidents.links import Links
from midwatch_core.model.incident import IncidentState
from midwatch_core.ports import Scope
from midwatch_web.alerts.pacing import PER_MINUTE, Pacing
from tests.plugins.web.alert_house import HASH_KEY, AlertHouse, alert, alert_house
from tests.plugins.web.conftest import NOW, FixedClock

SURE = {"sure": "yes"}


class OldClock(FixedClock):
    """Nine days ago."""

    def now(self) -> datetime:
        return NOW - timedelta(days=9)


@pytest.fixture
async def house(tmp_path: Path) -> AlertHouse:
    return await alert_house(tmp_path)


@pytest.fixture
async def nobody(house: AlertHouse) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without a key."""
    async with house.client(headers={"accept": "text/html"}) as client:
        yield client


async def test_a_look_changes_nothing_and_the_button_takes_it_on(house: AlertHouse, nobody: httpx.AsyncClient) -> None:
    made = await house.raise_alert(alert())
    place = f"/alerts/acknowledge/{house.desk.signed(made.id, 'on-call')}"
    for _ in range(3):
        looked = await nobody.get(place)
        assert (looked.status_code, "I take it on" in looked.text) == (200, True)
    assert (await nobody.head(place)).status_code == 405
    assert house.desk.open() == (made,)
    answer = await nobody.post(place, data=SURE)
    assert (answer.status_code, answer.headers["location"]) == (303, place)
    assert "It is taken on" in (await nobody.get(place)).text
    (now,) = house.desk.open()
    assert (now.state, now.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "link:on-call")
    (entry,) = await house.metadata.audit(Scope(), limit=10)
    assert (entry.record.actor, entry.record.action) == ("link:on-call", "alert.acknowledge")


async def test_the_page_tells_the_title_and_nothing_more_of_a_tenant(
    house: AlertHouse, nobody: httpx.AsyncClient
) -> None:
    made = await house.raise_alert(alert(tenant="acme", title="too much is spent", details={"user": "somebody"}))
    text = (await nobody.get(f"/alerts/acknowledge/{house.desk.signed(made.id, 'on-call')}")).text
    assert "too much is spent" in text
    for word in ("acme", "somebody", "on-call", 'class="sections"'):
        assert word not in text


async def test_one_that_is_over_says_so(house: AlertHouse, nobody: httpx.AsyncClient) -> None:
    made = await house.raise_alert(alert())
    await house.end(alert())
    place = f"/alerts/acknowledge/{house.desk.signed(made.id, 'on-call')}"
    assert "It is over" in (await nobody.get(place)).text
    assert (await nobody.post(place, data=SURE)).status_code == 303
    kept = await house.metadata.incident(Scope(), made.id)
    assert kept is not None
    assert kept.acknowledged_at is None


async def test_wrong_cut_foreign_and_old_links_open_nothing(house: AlertHouse, nobody: httpx.AsyncClient) -> None:
    made = await house.raise_alert(alert())
    good = house.desk.signed(made.id, "on-call")
    clock = FixedClock()
    wrong = [
        "x",
        "acknowledge",
        good[:-1],
        f"{good}x",
        f"x{good}",
        good.swapcase(),
        Links(b"another key".ljust(32), clock).signed(made.id, "on-call"),
        Links(HASH_KEY, OldClock()).signed(made.id, "on-call"),
        house.desk.signed("no-such", "on-call"),
        "%00",
        "%F0%9F%92%A9",
        "a" * 4000,
    ]
    for token in wrong:
        for answer in (
            await nobody.get(f"/alerts/acknowledge/{token}"),
            await nobody.post(f"/alerts/acknowledge/{token}", data=SURE),
        ):
            assert (answer.status_code, "This link does not work" in answer.text) == (404, True), token
    assert house.desk.open() == (made,)


async def test_a_link_that_does_not_work_says_what_may_be_the_cause(
    house: AlertHouse, nobody: httpx.AsyncClient
) -> None:
    made = await house.raise_alert(alert())
    causes = {
        Links(b"another key".ljust(32), FixedClock()).signed(made.id, "on-call"): "hash.key is the same in the homes",
        Links(HASH_KEY, OldClock()).signed(made.id, "on-call"): "older than a week",
        house.desk.signed(made.id, "on-call")[:-1]: "cut short",
        house.desk.signed("no-such", "on-call"): "not kept any more",
    }
    for token, cause in causes.items():
        for answer in (
            await nobody.get(f"/alerts/acknowledge/{token}"),
            await nobody.post(f"/alerts/acknowledge/{token}", data=SURE),
        ):
            assert cause in answer.text
            assert [other for other in causes.values() if other in answer.text] == [cause]


async def test_another_site_s_form_and_other_kinds_of_bodies_take_nothing_on(
    house: AlertHouse, nobody: httpx.AsyncClient
) -> None:
    made = await house.raise_alert(alert())
    place = f"/alerts/acknowledge/{house.desk.signed(made.id, 'on-call')}"
    foreign = {"origin": "https://evil.example"}
    assert (await nobody.post(place, data=SURE, headers=foreign)).status_code == 403
    assert (await nobody.post(place, json={})).status_code == 415
    assert (await nobody.post(place, data={"much": "x" * 5000})).status_code == 413
    assert (await nobody.post(place, data=SURE, headers={"origin": "null"})).status_code == 303


async def test_a_link_opens_no_other_page(house: AlertHouse, nobody: httpx.AsyncClient) -> None:
    made = await house.raise_alert(alert())
    token = house.desk.signed(made.id, "on-call")
    for path in (f"/alerts/{made.id}", "/alerts", "/alerts/channels", f"/alerts/acknowledge/{token}/../../x"):
        answer = await nobody.get(path, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/signin")
    assert (await nobody.post(f"/alerts/{made.id}/acknowledge", data=SURE)).status_code == 401


async def test_links_are_followed_so_often_and_not_more(house: AlertHouse, nobody: httpx.AsyncClient) -> None:
    made = await house.raise_alert(alert())
    place = f"/alerts/acknowledge/{house.desk.signed(made.id, 'on-call')}"
    for _ in range(PER_MINUTE):
        assert (await nobody.get("/alerts/acknowledge/wrong")).status_code == 404
    for answer in (await nobody.get(place), await nobody.post(place, data=SURE)):
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert house.desk.open() == (made,)


def test_an_address_waits_until_its_minute_is_over_and_others_do_not() -> None:
    now_s = [0.0]
    pacing = Pacing(now=lambda: now_s[0], per_minute=2)
    assert [pacing.wait_s("a"), pacing.wait_s("a"), pacing.wait_s("b")] == [0.0, 0.0, 0.0]
    now_s[0] = 20.0
    assert [pacing.wait_s("a"), pacing.wait_s("b")] == [40.0, 0.0]
    now_s[0] = 60.0
    assert [pacing.wait_s("a"), pacing.wait_s("a"), pacing.wait_s("a")] == [0.0, 0.0, 60.0]


def test_a_flood_of_addresses_is_bounded() -> None:
    pacing = Pacing(now=lambda: 0.0, per_minute=1)
    for number in range(20_000):
        assert pacing.wait_s(str(number)) == 0.0
    assert pacing.wait_s("19999") == 60.0
    assert pacing.wait_s("0") == 0.0


async def test_an_alert_that_got_worse_is_told_by_what_it_is_now(house: AlertHouse, nobody: httpx.AsyncClient) -> None:
    made = await house.raise_alert(alert(title="first"))
    await house.raise_alert(replace(alert(), title="worse"))
    assert "worse" in (await nobody.get(f"/alerts/acknowledge/{house.desk.signed(made.id, 'on-call')}")).text
